import { assert } from '../kernel/assert.js';
import { HOUR_MS, MINUTE_MS, type DurationMs, type InstantMs } from '../kernel/instant.js';
import type { ReasonCode } from '../kernel/reasons.js';
import { isScored } from './arbitrate.js';
import type { Assessment, CandidateGates } from './assess.js';
import type { OnHit } from './final-gates.js';
import type { GateAnswer } from './gate-answer.js';
import { gatePendingCandidates } from './gate-pending.js';
import type { CandidateScore, DecisionInput, DecisionOutcome, GateVerdict, ScoredCandidate } from './types.js';

/** Nobody knows when sending is switched on again: until then a message asks so often. */
const KILL_SWITCH_ASK_MS = 15 * MINUTE_MS;
/**
 * A pause or a hold may last for weeks, with many messages behind it. Whoever ends it wakes them: asking by oneself is
 * for those that were missed.
 */
export const HELD_ASK_MS = 6 * HOUR_MS;
/** How often asks what waits for an end that nobody knows. */
const ASKS_EVERY_MS: Partial<Record<ReasonCode, DurationMs>> = {
  USER_ON_HOLD: HELD_ASK_MS,
  JOURNEY_PAUSED: HELD_ASK_MS,
  SENDING_PAUSED: HELD_ASK_MS,
};

/** The answer, with the scores as they stand after it, and what was said about rivals on the way. */
export interface Settlement {
  readonly outcome: DecisionOutcome;
  readonly scores: readonly CandidateScore[];
  readonly pending: readonly GateVerdict[];
  /** The candidate behind which nothing that rests on consent was asked any more; null when no gate ended the race. */
  readonly endedBy: string | null;
}

/** Reasons that only say that a candidate is for others: they never explain a silence while there is another reason. */
const FOR_OTHERS: ReadonlySet<ReasonCode | null> = new Set(['NOT_ELIGIBLE', 'NOT_APPLICABLE', 'NOT_SUITABLE']);

/** Draws the one answer from what gates and arbitration said. */
export function settle(input: DecisionInput, assessment: Assessment): Settlement {
  const reason = refusalOfAll(assessment);
  if (reason === null) return settleContenders(input, assessment);
  const scores = assessment.scores.map((score) => (isContender(score) ? { ...score, lostBecause: reason } : score));
  return { outcome: { kind: 'do_nothing', reason }, scores, pending: [], endedBy: null };
}

/** Why nobody can win, when that is so before anything is weighed. */
function refusalOfAll({ identity, exit, candidates, scores }: Assessment): ReasonCode | null {
  if (identity.kind === 'refuse') return identity.reason;
  const isFieldEmptyBeforeExit = candidates.length > 0 && candidates.every(isRefusedBeforeExit);
  if (exit.kind === 'refuse' && !isFieldEmptyBeforeExit) return exit.reason;
  if (scores.some((score) => isContender(score) || score.lostBecause === 'BELOW_THRESHOLD')) return null;
  return scores.find(({ lostBecause }) => !FOR_OTHERS.has(lostBecause))?.lostBecause ?? 'NOTHING_ELIGIBLE';
}

function isRefusedBeforeExit({ narrowing }: CandidateGates): boolean {
  const { identity, suppression, consent } = narrowing;
  return [identity, suppression, consent].some(({ kind }) => kind !== 'pass');
}

/** Whether arbitration left it in the race: open, and worth more than doing nothing. */
function isContender(score: CandidateScore): score is ScoredCandidate {
  return isScored(score) && (score.lostBecause === null || score.lostBecause === 'LOWER_PRIORITY');
}

/** The first final gate that does not let a candidate pass. */
interface Hit {
  readonly answer: GateAnswer;
  readonly reason: ReasonCode;
  readonly onHit: OnHit;
}

/** What a gate made of one candidate, unless something else comes before it. */
interface Standing {
  readonly key: string;
  readonly reason: ReasonCode;
  readonly outcome: DecisionOutcome;
}

/** What is known so far while contenders are asked, best first. */
interface Race {
  /** The first one that passes every gate. */
  readonly chosen: { readonly key: string; readonly outcome: DecisionOutcome } | null;
  /** Who has to wait, is passed over or is held out: nothing that rests on consent steps in. */
  readonly end: Standing | null;
  /** The first one that asked for another channel: it waits if there is none. */
  readonly fallback: Standing | null;
  readonly firstRefusal: ReasonCode | null;
  readonly pending: readonly GateVerdict[];
}

const RACE: Race = { chosen: null, end: null, fallback: null, firstRefusal: null, pending: [] };

/** A contender with what stopped it; null when it was not asked, or passed. */
interface Contender {
  readonly gates: CandidateGates;
  readonly hit: Hit | null;
}

function settleContenders(input: DecisionInput, assessment: Assessment): Settlement {
  const gatesByKey = new Map(assessment.candidates.map((gates) => [gates.candidate.key, gates]));
  const contenders = new Map<string, Contender>();
  let race = RACE;
  for (const score of assessment.scores) {
    if (!isContender(score)) continue;
    const gates = gatesByKey.get(score.key);
    assert(gates !== undefined && score.net > input.doNothingValue, `no contender: ${score.key}`);
    const isAsked = isStillOpen(race, gates);
    const pending = isAsked ? gatePendingOnce(input, assessment, gates) : null;
    const hit = isAsked ? hitOf(assessment, gates, pending) : null;
    contenders.set(score.key, { gates, hit });
    if (!isAsked) continue;
    race = { ...race, pending: saying(race, score.key, pending) };
    race = hit === null ? { ...race, chosen: actOn(gates) } : afterHit(race, { input, gates, hit });
  }
  const { chosen, end, fallback, firstRefusal, pending } = race;
  const silence: DecisionOutcome = { kind: 'do_nothing', reason: firstRefusal ?? 'BELOW_THRESHOLD' };
  const outcome = chosen?.outcome ?? end?.outcome ?? fallback?.outcome ?? silence;
  return { outcome, scores: scoresAfter(assessment, race, contenders, outcome), pending, endedBy: end?.key ?? null };
}

/** What rests on a contract is asked also behind one that has to wait: quiet hours, caps and holdouts leave it alone. */
function isStillOpen({ chosen, end }: Race, { candidate }: CandidateGates): boolean {
  return chosen === null && (end === null || candidate.legalBasis === 'contract');
}

function scoresAfter(
  assessment: Assessment,
  { chosen, end }: Race,
  contenders: ReadonlyMap<string, Contender>,
  outcome: DecisionOutcome,
): readonly CandidateScore[] {
  const winner = outcome.kind === 'do_nothing' ? null : outcome.action;
  let isBeforeChosen = chosen !== null;
  return assessment.scores.map((score): CandidateScore => {
    const contender = contenders.get(score.key);
    if (contender === undefined || !isScored(score)) return score;
    if (score.key === winner) {
      isBeforeChosen = false;
      return { ...score, lostBecause: null };
    }
    // Worth more than the chosen one and not asked: what stopped the one before it stopped it too.
    const behind = isBeforeChosen ? (hitOf(assessment, contender.gates, null)?.reason ?? end?.reason) : undefined;
    return { ...score, lostBecause: contender.hit?.reason ?? behind ?? 'LOWER_PRIORITY' };
  });
}

/** Rivals matter to a candidate that would otherwise go out now. */
function gatePendingOnce(
  input: DecisionInput,
  { killSwitch, holds }: Assessment,
  { candidate, final }: CandidateGates,
): GateAnswer | null {
  const { expiry, quietHours, caps, sending } = final;
  const isOut = [killSwitch, ...holds, expiry, quietHours, caps, sending].some(({ kind }) => kind !== 'pass');
  return isOut || input.rivals.length === 0 ? null : gatePendingCandidates(input, candidate);
}

function saying({ pending }: Race, key: string, answer: GateAnswer | null): readonly GateVerdict[] {
  return answer === null ? pending : [...pending, { gate: 'pending_candidates', candidates: [key], ...answer }];
}

/** What operators hold up stands behind expiry alone: what is too late by now is not put off once more. */
function hitOf(
  { killSwitch, holds }: Assessment,
  { candidate, final }: CandidateGates,
  pending: GateAnswer | null,
): Hit | null {
  const gates: readonly Omit<Hit, 'reason'>[] = [
    { answer: final.expiry, onHit: 'drop' },
    ...[killSwitch, ...holds].map((answer) => ({ answer, onHit: 'wait' as const })),
    { answer: final.quietHours, onHit: final.quietOnHit },
    { answer: final.caps, onHit: final.capsOnHit },
    { answer: final.sending, onHit: 'wait' },
    ...(pending === null ? [] : [{ answer: pending, onHit: 'wait' as const }]),
    { answer: final.holdout, onHit: 'drop' },
  ];
  const hit = gates.find(({ answer }) => answer.kind !== 'pass');
  if (hit === undefined) return null;
  const { reason } = hit.answer;
  assert(reason !== null, `a gate stopped ${candidate.key} without a reason`);
  return { ...hit, reason };
}

function afterHit(
  race: Race,
  { input, gates, hit }: { readonly input: DecisionInput; readonly gates: CandidateGates; readonly hit: Hit },
): Race {
  const { reason, answer, onHit } = hit;
  const { key } = gates.candidate;
  const endWith = (outcome: DecisionOutcome): Race => ({ ...race, end: race.end ?? { key, reason, outcome } });
  // Who is held out is left alone: nobody steps in, or the group would not be left alone.
  if (reason === 'HOLDOUT') return endWith({ kind: 'do_nothing', reason });
  const firstRefusal = race.firstRefusal ?? reason;
  switch (onHit) {
    case 'wait':
      return endWith(waitFor(input, gates, hit));
    case 'skip':
      return endWith({ kind: 'do_nothing', reason, isPassedOver: true });
    case 'drop':
      return { ...race, firstRefusal };
    case 'switch': {
      const isFirst = race.fallback === null && answer.kind === 'defer';
      const fallback = isFirst ? { key, reason, outcome: waitFor(input, gates, hit) } : race.fallback;
      return { ...race, firstRefusal, fallback };
    }
  }
}

function actOn({ candidate: { key, channel, template } }: CandidateGates): NonNullable<Race['chosen']> {
  return { key, outcome: { kind: 'act', action: key, channel, template } };
}

function waitFor(
  input: DecisionInput,
  { candidate, final }: CandidateGates,
  { reason, answer: { until } }: Hit,
): DecisionOutcome {
  const wakeAt = wakeOf(input, { reason, until, ttlMs: candidate.ttlMs, quietWakeAt: final.quietWakeAt });
  assert(wakeAt !== null, `a deferral of ${candidate.key} without an end`);
  return { kind: 'defer', action: candidate.key, reason, until: wakeAt };
}

function wakeOf(
  { now, readyAt }: DecisionInput,
  by: { readonly reason: ReasonCode; readonly ttlMs: number | null } & Readonly<
    Record<'until' | 'quietWakeAt', InstantMs | null>
  >,
): InstantMs | null {
  const { reason, until, ttlMs, quietWakeAt } = by;
  if (reason === 'KILL_SWITCH') return now + KILL_SWITCH_ASK_MS;
  if (reason === 'QUIET_HOURS') return quietWakeAt;
  const everyMs = ASKS_EVERY_MS[reason];
  if (everyMs === undefined) return until;
  // What is too late before that is told so when it is.
  return Math.min(until ?? now + everyMs, ttlMs === null ? Infinity : readyAt + ttlMs);
}
