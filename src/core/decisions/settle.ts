import { assert } from '../kernel/assert.js';
import type { ReasonCode } from '../kernel/reasons.js';
import type { Assessment, CandidateGates } from './assess.js';
import type { OnHit } from './final-gates.js';
import type { GateAnswer } from './gate-answer.js';
import { gatePendingCandidates } from './gate-pending.js';
import type { CandidateScore, DecisionInput, DecisionOutcome, GateVerdict } from './types.js';

/** The answer, with the scores as they stand after it, and what was said about rivals on the way. */
export interface Settlement {
  readonly outcome: DecisionOutcome;
  readonly scores: readonly CandidateScore[];
  readonly pending: readonly GateVerdict[];
}

/** Reasons that only say that a candidate is for others: they never explain a silence while there is another reason. */
const FOR_OTHERS: ReadonlySet<ReasonCode | null> = new Set(['NOT_ELIGIBLE', 'NOT_APPLICABLE', 'NOT_SUITABLE']);

/** Draws the one answer from what gates and arbitration said. */
export function settle(input: DecisionInput, assessment: Assessment): Settlement {
  const reason = refusalOfAll(assessment);
  if (reason === null) return settleContenders(input, assessment);
  const scores = assessment.scores.map((score) => (isContender(score) ? { ...score, lostBecause: reason } : score));
  return { outcome: { kind: 'do_nothing', reason }, scores, pending: [] };
}

/** Why nobody can win, when that is so before anything is weighed. */
function refusalOfAll({ killSwitch, identity, exit, candidates, scores }: Assessment): ReasonCode | null {
  const first = [killSwitch, identity].find(({ kind }) => kind === 'refuse');
  if (first !== undefined) return first.reason;
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
function isContender({ lostBecause }: CandidateScore): boolean {
  return lostBecause === null || lostBecause === 'LOWER_PRIORITY';
}

/** The first final gate that does not let a candidate pass. */
interface Hit {
  readonly answer: GateAnswer;
  readonly onHit: OnHit;
}

/** What is known so far while contenders are asked, best first. */
interface Race {
  readonly outcome: DecisionOutcome | null;
  readonly firstRefusal: ReasonCode | null;
  /** The first one that asked for another channel: what it falls back on, and which channels are out. */
  readonly fallback: DecisionOutcome | null;
  readonly closedChannels: ReadonlySet<string>;
  readonly pending: readonly GateVerdict[];
}

const RACE: Race = { outcome: null, firstRefusal: null, fallback: null, closedChannels: new Set(), pending: [] };

function settleContenders(input: DecisionInput, assessment: Assessment): Settlement {
  const gatesByKey = new Map(assessment.candidates.map((gates) => [gates.candidate.key, gates]));
  let race = RACE;
  let waiting: string | null = null;
  const scores = assessment.scores.map((score): CandidateScore => {
    if (!isContender(score)) return score;
    const gates = gatesByKey.get(score.key);
    assert(gates !== undefined && score.net > input.doNothingValue, `no contender: ${score.key}`);
    if (race.outcome !== null || race.closedChannels.has(score.channel)) {
      return { ...score, lostBecause: 'LOWER_PRIORITY' };
    }
    const pending = gatePendingOnce(input, gates);
    const hit = hitOf(gates, pending);
    if (hit === null) {
      race = { ...race, outcome: actOn(gates), pending: saying(race, score.key, pending) };
      return { ...score, lostBecause: null };
    }
    race = afterHit({ ...race, pending: saying(race, score.key, pending) }, gates, hit);
    if (race.fallback !== null && race.outcome === null) waiting ??= score.key;
    const isAnswer = race.outcome !== null && race.outcome.kind === 'defer';
    return { ...score, lostBecause: isAnswer ? null : hit.answer.reason };
  });
  if (race.outcome !== null) return { outcome: race.outcome, scores, pending: race.pending };
  const { fallback, firstRefusal, pending } = race;
  if (fallback?.kind === 'defer') {
    const settled = scores.map((score) => (score.key === waiting ? { ...score, lostBecause: null } : score));
    return { outcome: fallback, scores: settled, pending };
  }
  const outcome: DecisionOutcome = { kind: 'do_nothing', reason: firstRefusal ?? 'BELOW_THRESHOLD' };
  return { outcome, scores, pending };
}

/** Rivals matter to a candidate that would otherwise go out now. */
function gatePendingOnce(input: DecisionInput, { candidate, final }: CandidateGates): GateAnswer | null {
  const { expiry, quietHours, caps } = final;
  const isOut = [expiry, quietHours, caps].some(({ kind }) => kind !== 'pass');
  return isOut || input.rivals.length === 0 ? null : gatePendingCandidates(input, candidate);
}

function saying({ pending }: Race, key: string, answer: GateAnswer | null): readonly GateVerdict[] {
  return answer === null ? pending : [...pending, { gate: 'pending_candidates', candidates: [key], ...answer }];
}

function hitOf({ final }: CandidateGates, pending: GateAnswer | null): Hit | null {
  const hits: readonly Hit[] = [
    { answer: final.expiry, onHit: 'drop' },
    { answer: final.quietHours, onHit: final.quietOnHit },
    { answer: final.caps, onHit: final.capsOnHit },
    ...(pending === null ? [] : [{ answer: pending, onHit: 'wait' as const }]),
    { answer: final.holdout, onHit: 'drop' },
  ];
  return hits.find(({ answer }) => answer.kind !== 'pass') ?? null;
}

function afterHit(race: Race, gates: CandidateGates, { answer, onHit }: Hit): Race {
  const reason = answer.reason;
  assert(reason !== null, `a gate stopped ${gates.candidate.key} without a reason`);
  const firstRefusal = race.firstRefusal ?? reason;
  // Who is held out is left alone: nobody steps in, or the group would not be left alone.
  if (reason === 'HOLDOUT') return { ...race, outcome: { kind: 'do_nothing', reason } };
  switch (onHit) {
    case 'wait':
      return { ...race, outcome: waitFor(gates, answer) };
    case 'skip':
      return { ...race, outcome: { kind: 'do_nothing', reason, isPassedOver: true } };
    case 'drop':
      return { ...race, firstRefusal };
    case 'switch': {
      const closedChannels = new Set([...race.closedChannels, gates.candidate.channel]);
      const fallback = race.fallback ?? (answer.kind === 'defer' ? waitFor(gates, answer) : null);
      return { ...race, firstRefusal, fallback, closedChannels };
    }
  }
}

function actOn({ candidate: { key, channel, template } }: CandidateGates): DecisionOutcome {
  return { kind: 'act', action: key, channel, template };
}

function waitFor({ candidate, final }: CandidateGates, { reason, until }: GateAnswer): DecisionOutcome {
  const wakeAt = reason === 'QUIET_HOURS' ? final.quietWakeAt : until;
  assert(reason !== null && wakeAt !== null, `a deferral of ${candidate.key} without reason or end`);
  return { kind: 'defer', action: candidate.key, reason, until: wakeAt };
}
