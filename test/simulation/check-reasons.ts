import type { DecisionOutcome } from '../../src/core/decisions/types.js';
import { HOUR_MS, MINUTE_MS } from '../../src/core/kernel/instant.js';
import type { ReasonCode } from '../../src/core/kernel/reasons.js';
import type { DecisionRow } from './model.js';
import { fullCaps } from './oracle/caps.js';
import {
  capAsked,
  objectionsTo,
  quietAsked,
  rulesFor,
  scoreOf,
  worthOf,
  type Rule,
  type Thought,
} from './oracle/objections.js';
import { quietRulesAt } from './oracle/quiet.js';
import type { Scene } from './scene.js';

/** Which rule each reason claims to be broken. */
const RULE_OF: { readonly [reason in ReasonCode]?: Rule } = {
  KILL_SWITCH: 'stopped',
  USER_ERASED: 'stopped',
  RUN_EXITED: 'stopped',
  RUN_PAUSED: 'stopped',
  ADDRESS_MISSING: 'content',
  ACTION_INACTIVE: 'content',
  TEMPLATE_MISSING: 'content',
  RENDER_FAILED: 'content',
  SUPPRESSED_HARD_BOUNCE: 'suppression',
  SUPPRESSED_COMPLAINT: 'suppression',
  SUPPRESSED_STOP: 'suppression',
  SUPPRESSED_MANUAL: 'suppression',
  SUPPRESSED_ERASURE: 'suppression',
  SUPPRESSED_UNSUBSCRIBE: 'suppression',
  SUPPRESSED_SOFT_BOUNCE: 'suppression',
  CONSENT_MISSING: 'consent',
  CONSENT_PENDING: 'consent',
  CONSENT_DENIED: 'consent',
  CONSENT_WITHDRAWN: 'consent',
  CONSENT_EXPIRED: 'consent',
  OBJECTION: 'consent',
  JOURNEY_CONFLICT: 'conflict',
  NOT_ELIGIBLE: 'conditions',
  NOT_APPLICABLE: 'conditions',
  NOT_SUITABLE: 'conditions',
  PAUSED_BY_RULE: 'pause',
  QUIET_HOURS: 'quiet_hours',
  NO_ALLOWED_TIME: 'quiet_hours',
  CAP_REACHED: 'caps',
  HOLDOUT: 'holdout',
};

const JITTER_MAX_MS = 10 * MINUTE_MS;
const SCORE_TOLERANCE = 0.01;
/** No window of a rule reaches further back than this before it opens. */
const EDGE_MS = 1;

/** Whether what a silence says for itself is so, of the candidate that waits or of any that was weighed. */
export function isReasonTrue(scene: Scene, row: DecisionRow, reason: ReasonCode): boolean {
  const { input, decision } = row;
  const { outcome } = decision;
  const thoughts = input.candidates
    .filter(({ key }) => outcome.kind !== 'defer' || outcome.action === key)
    .map((candidate): Thought => thoughtOf(scene, row, candidate));
  const rule = RULE_OF[reason];
  if (rule !== undefined) return thoughts.some((thought) => objectionsTo(thought).has(rule));
  return OTHER_REASONS[reason]?.(row, thoughts) ?? false;
}

/** What is asked of a reason that names no rule of one contact; a code that stands nowhere is no reason for silence. */
const OTHER_REASONS: {
  readonly [reason in ReasonCode]?: (row: DecisionRow, thoughts: readonly Thought[]) => boolean;
} = {
  FATIGUED: ({ input }, thoughts) => {
    const threshold = input.fatigueModel?.threshold ?? 1;
    return thoughts.some((thought) => scoreOf(thought) >= threshold - SCORE_TOLERANCE);
  },
  BELOW_THRESHOLD: ({ input }, thoughts) =>
    thoughts.some((thought) => worthOf(thought) <= input.doNothingValue + SCORE_TOLERANCE),
  NOTHING_ELIGIBLE: (_, thoughts) => thoughts.every((thought) => objectionsTo(thought).has('conditions')),
  EXPIRED: (_, thoughts) => thoughts.some(isTooLate),
  LOWER_PRIORITY: ({ input, decision }) =>
    decision.outcome.kind === 'defer' ? input.rivals.length > 0 : input.beatenBy !== null,
};

function thoughtOf(scene: Scene, { question, input }: DecisionRow, candidate: Thought['candidate']): Thought {
  const { store } = scene;
  const run = store.run(question.runKey);
  return { store, run, candidate, readyAt: input.readyAt, now: input.now, without: null };
}

/** Its time is over, or something holds it that can only let go later. */
function isTooLate(thought: Thought): boolean {
  const objections = objectionsTo(thought);
  if (objections.has('expiry')) return true;
  const isLimited = thought.candidate.ttlMs !== null || rulesFor(thought).some(({ ttlMs }) => ttlMs !== null);
  return isLimited && (objections.has('quiet_hours') || objections.has('caps'));
}

/**
 * Whether a wait ends when it should: not before the message could go, and for quiet hours at most the jitter after
 * the opening; for a cap exactly when there is room.
 *
 * @returns what is wrong with it, else null
 */
export function isWaitRight(
  scene: Scene,
  row: DecisionRow,
  outcome: Extract<DecisionOutcome, { kind: 'defer' }>,
): string | null {
  const { input } = row;
  const { until, reason, action } = outcome;
  const candidate = input.candidates.find(({ key }) => key === action);
  if (candidate === undefined) return `waits for ${action}, which nobody asked for`;
  if (!Number.isInteger(until) || until <= input.now) return `waits until ${until}, which is not after ${input.now}`;
  const thought = thoughtOf(scene, row, candidate);
  if (reason === 'QUIET_HOURS') {
    if (isQuietAt(thought, until)) return `waits until ${until}, which is quiet too`;
    const openings = [until, until - JITTER_MAX_MS / 2, until - JITTER_MAX_MS].filter((at) => at > input.now);
    const isJittered = openings.length === 0 || isQuietWithin(thought, until - JITTER_MAX_MS - EDGE_MS, until);
    return isJittered ? null : `waits until ${until}, more than the jitter after the opening`;
  }
  if (reason === 'CAP_REACHED') {
    if (isFullAt(thought, until)) return `waits until ${until}, when there is no room`;
    return isFullAt(thought, until - 1) ? null : `waits until ${until}, and there is room before`;
  }
  return null;
}

function isQuietAt(thought: Thought, at: number): boolean {
  return quietRulesAt(quietAsked(thought, at)).length > 0;
}

/** Minute by minute, newest first: is any of it quiet? */
function isQuietWithin(thought: Thought, from: number, until: number): boolean {
  if (until - from > HOUR_MS) throw new Error('too long to look at every minute');
  for (let at = until; at > from; at -= MINUTE_MS) if (isQuietAt(thought, at)) return true;
  return isQuietAt(thought, from);
}

function isFullAt(thought: Thought, now: number): boolean {
  return fullCaps(capAsked(thought, now)).length > 0;
}
