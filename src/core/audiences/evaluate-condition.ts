import { assert, unreachable } from '../kernel/assert.js';
import { isForbiddenName, PATH_PARTS_MAX } from '../kernel/attribute-path.js';
import type { Condition, Scalar } from './condition.js';
import type { RunCondition, RunQuestion } from './run-condition.js';

const CONDITION_DEPTH_MAX = 20;
const CONDITION_NODES_MAX = 1_000;
/** A question beyond the profile is a look into the database, so it weighs more: at most 50 in a condition. */
const NODES_PER_QUESTION = 20;

type Attributes = Readonly<Record<string, unknown>>;

/**
 * Whether one user meets a condition. Runs inside workflow code too: no clock, no locale, no library.
 *
 * A missing attribute equals null. Sizes are compared only between two numbers or two strings (by UTF-16 code unit, so
 * ISO 8601 instants in UTC compare as instants); any other pair is neither greater nor less. `contains` asks an array
 * for an equal element, a string for a part. `exists` is true for everything but null.
 *
 * @throws AssertionError if the tree is deeper than 20 or larger than 1,000 nodes: whoever stores it must refuse it
 * @example evaluateCondition({ condition: { kind: 'equals', attribute: 'attributes.plan', value: 'pro' }, attributes })
 */
export function evaluateCondition(input: { readonly condition: Condition; readonly attributes: Attributes }): boolean {
  return testCondition(input.condition, input.attributes, unreachable);
}

/**
 * Whether a condition is small enough to be tested: at most 20 levels deep and 1,000 nodes, listed values included. A
 * question about the run counts as 20 nodes, and the condition on an event's properties besides.
 */
export function isWithinLimits(condition: RunCondition): boolean {
  return countNodes(condition, 1) <= CONDITION_NODES_MAX;
}

/**
 * What `evaluateCondition` and `evaluateRunCondition` share.
 *
 * @param answer what is so beyond the attributes
 * @throws AssertionError if the tree is too deep or too large
 */
export function testCondition<Asked extends RunCondition>(
  condition: Asked,
  attributes: Attributes,
  answer: (question: Extract<Asked, RunQuestion>) => boolean,
): boolean {
  assert(isWithinLimits(condition), 'a condition that is too deep or too large');
  return holds(condition, attributes, answer as (question: RunQuestion) => boolean);
}

/** Infinite for a tree that is too deep, whose rest is not looked at. */
function countNodes(condition: RunCondition, depth: number): number {
  if (depth > CONDITION_DEPTH_MAX) return Number.POSITIVE_INFINITY;
  switch (condition.kind) {
    case 'all':
    case 'any':
      return condition.of.reduce((sum, part) => sum + countNodes(part, depth + 1), 1);
    case 'not':
      return 1 + countNodes(condition.of, depth + 1);
    case 'in':
      return 1 + condition.values.length;
    case 'equals':
    case 'greater_than':
    case 'less_than':
    case 'contains':
    case 'exists':
      return 1;
    case 'event':
      return NODES_PER_QUESTION + (condition.where === undefined ? 0 : countNodes(condition.where, depth + 1));
    case 'consent':
    case 'outcome':
      return NODES_PER_QUESTION;
    default:
      return unreachable(condition);
  }
}

function holds(condition: RunCondition, attributes: Attributes, answer: (question: RunQuestion) => boolean): boolean {
  switch (condition.kind) {
    case 'all':
      return condition.of.every((part) => holds(part, attributes, answer));
    case 'any':
      return condition.of.some((part) => holds(part, attributes, answer));
    case 'not':
      return !holds(condition.of, attributes, answer);
    case 'event':
    case 'consent':
    case 'outcome':
      return answer(condition);
    case 'equals':
      return attributeAt(attributes, condition.attribute) === condition.value;
    case 'in': {
      const found = attributeAt(attributes, condition.attribute);
      return condition.values.some((value) => value === found);
    }
    case 'greater_than':
      return isLess(condition.value, attributeAt(attributes, condition.attribute));
    case 'less_than':
      return isLess(attributeAt(attributes, condition.attribute), condition.value);
    case 'contains':
      return contains(attributeAt(attributes, condition.attribute), condition.value);
    case 'exists':
      return attributeAt(attributes, condition.attribute) !== null;
    default:
      return unreachable(condition);
  }
}

function isLess(left: unknown, right: unknown): boolean {
  if (typeof left === 'number' && typeof right === 'number') return left < right;
  if (typeof left === 'string' && typeof right === 'string') return left < right;
  return false;
}

function contains(found: unknown, value: Scalar): boolean {
  if (Array.isArray(found)) return found.some((element) => element === value);
  return typeof found === 'string' && typeof value === 'string' && found.includes(value);
}

/** The value at a dotted path through plain objects, own properties only; null when there is none. */
export function attributeAt(attributes: Attributes, path: string): unknown {
  const parts = path.split('.');
  if (parts.length > PATH_PARTS_MAX || parts.some(isForbiddenName)) return null;
  let value: unknown = attributes;
  for (const part of parts) {
    if (!isRecord(value) || !Object.hasOwn(value, part)) return null;
    value = value[part];
  }
  return value ?? null;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
