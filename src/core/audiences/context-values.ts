import type { Scalar } from './condition.js';
import { attributeAt } from './evaluate-condition.js';

/** One fact of the situation in which is asked: said by whoever asks, or looked up in the profile by its path. */
type ContextValue = Scalar | { readonly attribute: string };

/** What a situation is made of, by name, e.g. `{ moment: 'after_trial', plan: { attribute: 'attributes.plan' } }`. */
export type ContextValues = Readonly<Record<string, ContextValue>>;

/** The situation of one person. A missing attribute is null, as in conditions; lists and objects stand for nothing. */
export function situationOf(
  values: ContextValues,
  attributes: Readonly<Record<string, unknown>>,
): Readonly<Record<string, Scalar>> {
  const found = Object.entries(values).map(
    ([name, value]) => [name, isLookedUp(value) ? attributeAt(attributes, value.attribute) : value] as const,
  );
  return Object.fromEntries(found.filter((each): each is readonly [string, Scalar] => isScalar(each[1])));
}

const isLookedUp = (value: ContextValue): value is { readonly attribute: string } =>
  typeof value === 'object' && value !== null;

const isScalar = (value: unknown): value is Scalar =>
  value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
