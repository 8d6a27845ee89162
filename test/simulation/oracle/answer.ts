import type { ReasonCode } from '../../../src/core/kernel/reasons.js';
import { visitKey, type DecisionRow, type Store } from '../model.js';
import { countedUnder, freesAt, fullCaps, strictestOf } from './caps.js';
import { capAsked, objectionsTo, objectionsToPerson, quietAsked, scoreOf, type Thought } from './objections.js';
import { quietRulesAt, quietStretch } from './quiet.js';
import { yieldsTo } from './rivals.js';
import { netValue, priorityOf } from './worth.js';

// What a decision should have answered: rules.md 1, 4 and 5 once more, read off the stored rows, without the gates.

/** An answer that the rules call for. */
export type OwnAnswer =
  | { readonly kind: 'act'; readonly action: string }
  | { readonly kind: 'defer'; readonly action: string; readonly reason: ReasonCode }
  /** Null: whatever stands against the candidates, and none of them was weighed. */
  | { readonly kind: 'do_nothing'; readonly reason: ReasonCode | null; readonly isPassedOver: boolean };

/** What stops one that is open and worth its while, and what is to be done then. */
interface Stop {
  readonly reason: ReasonCode;
  readonly then: 'wait' | 'drop' | 'switch' | 'pass_over' | 'leave_alone';
  /** Whether it may wait itself, when no other channel is found. */
  readonly canWait: boolean;
}

/** One that is open and worth more than silence. */
export interface Weighed {
  readonly thought: Thought;
  readonly net: number;
  readonly priority: number;
  readonly stop: Stop | null;
}

/** The answer, and those that it was drawn from, best first. */
export interface OwnOpinion {
  readonly answer: OwnAnswer;
  readonly field: readonly Weighed[];
}

/** Two sums in another order may differ by so much. */
const SUM_TOLERANCE = 1e-9;

/** Two sides of an edge that nobody can tell apart: such a decision is not looked at. */
class DoubtError extends Error {}

/** What should have been answered; null where rounding alone decides, or what a rival of another run may still do. */
export function ownOpinion(store: Store, row: DecisionRow): OwnOpinion | null {
  try {
    return opinionOn(store, row);
  } catch (error) {
    if (error instanceof DoubtError) return null;
    throw error;
  }
}

function opinionOn(store: Store, row: DecisionRow): OwnOpinion {
  const silent = (reason: ReasonCode | null): OwnOpinion => ({
    answer: { kind: 'do_nothing', reason, isPassedOver: false },
    field: [],
  });
  const thoughts = thoughtsOf(store, row);
  const [first] = thoughts;
  if (first === undefined) return silent('NOTHING_ELIGIBLE');
  const { run } = first;
  if (store.user(run.userId).isErased || run.isExitRequested || run.isEnded || run.isPaused) return silent(null);
  if (thoughts.some(isNearThreshold)) throw new DoubtError();
  const open = thoughts.filter((thought) => objectionsToPerson(thought).size === 0);
  if (open.length === 0) return silent(null);
  const { doNothingValue } = store.definitions;
  const field = open
    .map((thought) => ({ thought, ...worthOf(thought) }))
    .filter(({ net, cost }) => isMore(net, doNothingValue, cost))
    .sort(byWorth)
    .map(({ thought, net, priority }) => ({ thought, net, priority, stop: stopOf(thought, row) }));
  return field.length === 0 ? silent('BELOW_THRESHOLD') : { answer: drawFrom(field), field };
}

/** The candidates as they stood before the answer was stored: a run that ends upon it had not ended. */
export function thoughtsOf(store: Store, { question, input }: DecisionRow): readonly Thought[] {
  const { now, readyAt, candidates } = input;
  const row = store.run(question.runKey);
  const run = { ...row, isEnded: row.isEnded && input.run?.state === 'exited' };
  const without = visitKey(question);
  const score = scoreOf({ store, run, now, without });
  return candidates.map((candidate) => ({ store, run, candidate, readyAt, now, without, score }));
}

function isNearThreshold({ store, score = 0 }: Thought): boolean {
  const threshold = store.definitions.fatigueModel?.threshold ?? null;
  return threshold !== null && Math.abs(score - threshold) < 0.01;
}

function worthOf({ store, candidate, score = 0 }: Thought) {
  const { factors, fatigueModel } = store.definitions;
  const cost = candidate.legalBasis === 'contract' ? 0 : (fatigueModel?.costPerScore ?? 0) * score;
  return { net: netValue(candidate, factors, cost), priority: priorityOf(candidate, factors), cost };
}

/** @throws DoubtError where rounding decides */
function isMore(net: number, bar: number, cost: number): boolean {
  if (cost > 0 && Math.abs(net - bar) < SUM_TOLERANCE) throw new DoubtError();
  return net > bar;
}

type Ranked = Pick<Weighed, 'thought' | 'net' | 'priority'> & { readonly cost: number };

/** The greater worth, then the greater priority, then the smaller key. @throws DoubtError where rounding decides */
function byWorth(left: Ranked, right: Ranked): number {
  const isExact = left.cost === 0 && right.cost === 0;
  if (!isExact && Math.abs(left.net - right.net) < SUM_TOLERANCE) throw new DoubtError();
  if (left.net !== right.net) return right.net - left.net;
  if (left.priority !== right.priority) return right.priority - left.priority;
  return left.thought.candidate.key < right.thought.candidate.key ? -1 : 1;
}

/** In the order of the gates: too late, switched off, quiet, limits, others that wait beside it, held out. */
function stopOf(thought: Thought, row: DecisionRow): Stop | null {
  const { store, candidate, readyAt } = thought;
  const objections = objectionsTo(thought);
  const diesAt = candidate.ttlMs === null ? Infinity : readyAt + candidate.ttlMs;
  if (objections.has('expiry')) return drop('EXPIRED');
  const full = objections.has('caps') ? capStop(thought, row) : null;
  const isTooLate = full?.then === 'wait' && diesAt < Infinity && fullCaps(capAsked(thought, diesAt - 1)).length > 0;
  if (isTooLate) return drop('EXPIRED');
  if (store.isKillSwitchOn) return { reason: 'KILL_SWITCH', then: 'wait', canWait: true };
  if (objections.has('quiet_hours')) return quietStop(thought, diesAt);
  if (full !== null) return full;
  if (yields(thought)) return { reason: 'LOWER_PRIORITY', then: 'wait', canWait: true };
  return objections.has('holdout') ? { reason: 'HOLDOUT', then: 'leave_alone', canWait: false } : null;
}

const drop = (reason: ReasonCode): Stop => ({ reason, then: 'drop', canWait: false });

function quietStop(thought: Thought, diesAt: number): Stop {
  const asked = quietAsked(thought, thought.now);
  const wanted = quietRulesAt(asked).map(({ onHit }) => onHit);
  if (wanted.includes('drop')) return drop('QUIET_HOURS');
  const { opening, holding } = quietStretch(asked);
  if (opening === null) return drop('NO_ALLOWED_TIME');
  const ends = [...holding].flatMap(({ ttlMs }) => (ttlMs === null ? [] : thought.readyAt + ttlMs));
  if (opening >= Math.min(diesAt, ...ends)) return drop('EXPIRED');
  return { reason: 'QUIET_HOURS', then: wanted.includes('switch_channel') ? 'switch' : 'wait', canWait: true };
}

function capStop(thought: Thought, { input: { beatenBy } }: DecisionRow): Stop {
  const asked = capAsked(thought);
  const full = fullCaps(asked);
  const strictest = strictestOf(full, asked);
  if (strictest === undefined) throw new Error('no rule is full');
  const [latest] = [...countedUnder(strictest, asked)].sort(latestFirst);
  if (beatenBy !== null && latest?.decisionId === beatenBy) return drop('LOWER_PRIORITY');
  const reason = 'CAP_REACHED';
  switch (strictest.onHit) {
    case 'drop':
      return drop(reason);
    case 'skip':
      return { reason, then: 'pass_over', canWait: false };
    case 'degrade_channel':
      return { reason, then: 'switch', canWait: false };
    case 'defer': {
      const canWait = full.every((rule) => freesAt(rule, asked) < Infinity);
      return { reason, then: canWait ? 'wait' : 'drop', canWait };
    }
  }
}

/** Of two contacts in one millisecond the one with the larger id is the later one. */
export function latestFirst(
  left: { readonly claimedAt: number; readonly decisionId: string },
  right: { readonly claimedAt: number; readonly decisionId: string },
): number {
  return right.claimedAt - left.claimedAt || (left.decisionId < right.decisionId ? 1 : -1);
}

/** @throws DoubtError where a rival might come or not */
function yields(thought: Thought): boolean {
  const answer = yieldsTo(thought);
  if (answer === 'maybe') throw new DoubtError();
  return answer === 'yes';
}

/** The best is asked first. Who is sent away makes room for the next; who waits, is passed over or left alone does not. */
function drawFrom(field: readonly Weighed[]): OwnAnswer {
  let end: OwnAnswer | null = null;
  let waiting: OwnAnswer | null = null;
  let refusal: ReasonCode | null = null;
  for (const { thought, stop } of field) {
    const { key: action, legalBasis } = thought.candidate;
    // What rests on a contract stands outside of all this, and goes out all the same.
    if (end !== null && legalBasis !== 'contract') continue;
    if (stop === null) return { kind: 'act', action };
    const { reason, then, canWait } = stop;
    if (then === 'drop' || then === 'switch') refusal ??= reason;
    if (then === 'switch' && canWait) waiting ??= { kind: 'defer', action, reason };
    if (then === 'wait') end ??= { kind: 'defer', action, reason };
    if (then === 'pass_over' || then === 'leave_alone') {
      end ??= { kind: 'do_nothing', reason, isPassedOver: then === 'pass_over' };
    }
  }
  return end ?? waiting ?? { kind: 'do_nothing', reason: refusal, isPassedOver: false };
}
