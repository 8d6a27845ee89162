import { unreachable } from '../kernel/assert.js';
import type { Condition } from './condition.js';
import type { RunCondition, RunQuestion } from './run-condition.js';

type Compound = { readonly kind: 'all' | 'any' | 'not' };

/** A test of one attribute. */
export type AttributeTest = Exclude<Condition, Compound>;

/** Every test and question in a condition, in the order in which they stand. */
export function leavesOf<Tree extends Condition | RunCondition>(condition: Tree): readonly Exclude<Tree, Compound>[] {
  if (condition.kind === 'not') return leavesOf(condition.of as Tree);
  if (condition.kind === 'all' || condition.kind === 'any') {
    return condition.of.flatMap((part) => leavesOf(part as Tree));
  }
  return [condition as Exclude<Tree, Compound>];
}

/** Whether a leaf asks about more than one attribute of the profile. */
export function isRunQuestion(leaf: AttributeTest | RunQuestion): leaf is RunQuestion {
  switch (leaf.kind) {
    case 'event':
    case 'consent':
    case 'outcome':
      return true;
    case 'equals':
    case 'in':
    case 'greater_than':
    case 'less_than':
    case 'contains':
    case 'exists':
      return false;
    default:
      return unreachable(leaf);
  }
}
