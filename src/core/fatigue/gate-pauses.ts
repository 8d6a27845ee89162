import { assert, unreachable } from '../kernel/assert.js';
import type { InstantMs } from '../kernel/instant.js';
import type { LegalBasis } from '../kernel/legal-basis.js';
import { distinctOutcomes, type Outcome } from './outcome.js';
import type { PauseRule } from './pause-rule.js';

/** Whether what the candidate is about rests for this person. */
export type PauseVerdict =
  | { readonly kind: 'pass' }
  | {
      readonly kind: 'refuse';
      readonly reason: 'PAUSED_BY_RULE';
      readonly rule: PauseRule;
      /** Outcomes within the rule's time when the last one came; at least the rule's count. */
      readonly count: number;
      /** Whose outcome began the pause. */
      readonly decisionId: string;
      /** First instant after the pause. */
      readonly until: InstantMs;
    };

/** One candidate, and what became of earlier contacts with the person. */
export interface PauseQuestion {
  readonly rules: readonly PauseRule[];
  readonly outcomes: readonly Outcome[];
  readonly action: string;
  /** The action's group; null when it is in none. */
  readonly group: string | null;
  readonly channel: string;
  readonly purpose: string;
  readonly legalBasis: LegalBasis;
  readonly now: InstantMs;
}

type Pause = Pick<Extract<PauseVerdict, { kind: 'refuse' }>, 'rule' | 'count' | 'decisionId' | 'until'>;

/**
 * Is the action, its group or its channel at rest for this person? What rests on a contract never is.
 *
 * A pause begins with the outcome that makes it `count` within `(t - withinMs, t]` and lasts `pauseMs` from there; every
 * further outcome that does so begins it anew. Each kind of outcome of one contact counts once, at its first instant.
 * A rule counts outcomes of its own purposes.
 *
 * @returns of several pauses the one that ends last, then the one of the smaller rule id
 * @throws AssertionError if a rule's count is no whole number >= 1
 */
export function gatePauses(question: PauseQuestion): PauseVerdict {
  const { rules, legalBasis, purpose } = question;
  if (rules.length === 0 || legalBasis === 'contract') return { kind: 'pass' };
  const concerned = rules.filter(({ purposes }) => purposes.includes(purpose));
  const [last] = concerned.flatMap((rule) => pauseOf(rule, question) ?? []).sort(longestFirst);
  return last === undefined ? { kind: 'pass' } : { kind: 'refuse', reason: 'PAUSED_BY_RULE', ...last };
}

function pauseOf(rule: PauseRule, question: PauseQuestion): Pause | null {
  assert(Number.isInteger(rule.count) && rule.count >= 1, `count of ${rule.id} is none: ${rule.count}`);
  const { now, outcomes } = question;
  const counted = distinctOutcomes(
    outcomes.filter(
      (outcome) =>
        outcome.at <= now &&
        rule.outcomes.includes(outcome.kind) &&
        rule.purposes.includes(outcome.purpose) &&
        isAlike(rule, outcome, question),
    ),
  );
  for (let last = counted.length - 1; last >= 0; last -= 1) {
    const completing = counted[last];
    assert(completing !== undefined, 'an index within a list');
    const until = completing.at + rule.pauseMs;
    if (until <= now) return null;
    const within = counted.filter(({ at }, index) => index <= last && at > completing.at - rule.withinMs);
    if (within.length >= rule.count) return { rule, count: within.length, decisionId: completing.decisionId, until };
  }
  return null;
}

function isAlike({ scope }: PauseRule, outcome: Outcome, { action, group, channel }: PauseQuestion): boolean {
  switch (scope) {
    case 'action':
      return outcome.action === action;
    case 'group':
      return group !== null && outcome.group === group;
    case 'channel':
      return outcome.channel === channel;
    default:
      return unreachable(scope);
  }
}

function longestFirst(left: Pause, right: Pause): number {
  return right.until - left.until || (left.rule.id < right.rule.id ? -1 : 1);
}
