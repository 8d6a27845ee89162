import { evaluateCondition } from '../audiences/evaluate-condition.js';
import type { Listener } from './interpreter-state.js';

/** Which conditions of a plan an event meets, by their indices. */
export function matchesOf(
  listeners: readonly Listener[],
  event: { readonly name: string; readonly properties: Readonly<Record<string, unknown>> },
): readonly number[] {
  return listeners.flatMap(({ index, event: name, where }) =>
    name === event.name && evaluateCondition({ condition: where, attributes: event.properties }) ? [index] : [],
  );
}
