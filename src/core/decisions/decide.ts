import { assert } from '../kernel/assert.js';
import type { ReasonCode } from '../kernel/reasons.js';
import { assess, finalGates, type Assessment } from './assess.js';
import type { CandidateGates } from './candidate-gates.js';
import { counterfactualsOf } from './counterfactuals.js';
import type { CandidateScore, Decision, DecisionInput, DecisionOutcome, GateVerdict } from './types.js';

/** The answer, with the scores as they stand after it. */
interface Settlement {
  readonly outcome: DecisionOutcome;
  readonly scores: readonly CandidateScore[];
}

/**
 * The one answer to: may we contact this person, should we, with what, on which channel, and when?
 *
 * Gates in order: kill switch, identity, suppression, consent, exit, next best action, quiet hours, caps. The first that
 * refuses decides; the others are asked all the same, for the record.
 * - Identity (inactive action, missing template or address), suppression, consent and eligibility narrow the field.
 * - Arbitration ranks what is left; only what is strictly better than doing nothing goes on.
 * - The best one is asked for quiet hours and caps. If they *refuse* it, the next best is asked, and so on. If they
 *   *defer* it, the answer is to wait: a lesser action does not step in for one that only has to wait.
 *
 * Why nothing was done: the gate that concerns everybody, if one refused before the field was empty; else, of the field,
 * the reason of the candidate that ranks highest (not counting those that are merely not eligible); NOTHING_ELIGIBLE
 * when there is no candidate or none is eligible; BELOW_THRESHOLD when none is worth more than silence.
 *
 * @param input all facts, read at `input.now`; it is not changed
 * @returns the same value, bit for bit, for the same input
 * @throws AssertionError on input that no honest caller makes: no zone, unknown zone, a key twice, a number out of range
 */
export function decide(input: DecisionInput): Decision {
  assert(input.user.zones.length > 0, 'a person is in at least one zone');
  const assessment = assess(input);
  const { outcome, scores } = settle(assessment, input.doNothingValue);
  return {
    outcome,
    gates: inGateOrder(assessment, nextBestAction(assessment, input.doNothingValue)),
    candidates: scores,
    doNothingValue: input.doNothingValue,
    counterfactuals: counterfactualsOf({ input, assessment, scores, outcome }),
  };
}

function settle(assessment: Assessment, doNothingValue: number): Settlement {
  const reason = refusalOfAll(assessment);
  if (reason !== null) {
    const scores = assessment.scores.map((score) => (isContender(score) ? { ...score, lostBecause: reason } : score));
    return { outcome: { kind: 'do_nothing', reason }, scores };
  }
  return settleContenders(assessment, doNothingValue);
}

/** Why nobody can win, when that is so before anything is weighed. */
function refusalOfAll({ killSwitch, identity, exit, candidates, scores }: Assessment): ReasonCode | null {
  const first = [killSwitch, identity].find(({ kind }) => kind === 'refuse');
  if (first !== undefined) return first.reason;
  const isFieldEmptyBeforeExit = candidates.length > 0 && candidates.every(isRefusedBeforeExit);
  if (exit.kind === 'refuse' && !isFieldEmptyBeforeExit) return exit.reason;
  if (scores.some((score) => isContender(score) || score.lostBecause === 'BELOW_THRESHOLD')) return null;
  return scores.find(({ lostBecause }) => lostBecause !== 'NOT_ELIGIBLE')?.lostBecause ?? 'NOTHING_ELIGIBLE';
}

function isRefusedBeforeExit({ identity, suppression, consent }: CandidateGates): boolean {
  return [identity, suppression, consent].some(({ kind }) => kind !== 'pass');
}

/** Whether arbitration left it in the race: open, and worth more than doing nothing. */
function isContender({ lostBecause }: CandidateScore): boolean {
  return lostBecause === null || lostBecause === 'LOWER_PRIORITY';
}

function settleContenders(assessment: Assessment, doNothingValue: number): Settlement {
  const gatesByKey = new Map(assessment.candidates.map((gates) => [gates.candidate.key, gates]));
  let answer: DecisionOutcome | null = null;
  let firstRefusal: ReasonCode | null = null;
  const scores = assessment.scores.map((score): CandidateScore => {
    if (!isContender(score)) return score;
    if (answer !== null) return { ...score, lostBecause: 'LOWER_PRIORITY' };
    const gates = gatesByKey.get(score.key);
    assert(gates !== undefined && score.net > doNothingValue, `no contender: ${score.key}`);
    const hit = finalGates(gates).find(({ kind }) => kind !== 'pass');
    if (hit?.kind === 'refuse') {
      firstRefusal ??= hit.reason;
      return { ...score, lostBecause: hit.reason };
    }
    answer = answerWith(gates, hit ?? null);
    return { ...score, lostBecause: null };
  });
  return { outcome: answer ?? { kind: 'do_nothing', reason: firstRefusal ?? 'BELOW_THRESHOLD' }, scores };
}

function answerWith({ candidate, wakeAt }: CandidateGates, deferral: GateVerdict | null): DecisionOutcome {
  const { key, channel, template } = candidate;
  if (deferral === null) return { kind: 'act', action: key, channel, template };
  assert(deferral.reason !== null && wakeAt !== null, `a deferral of ${key} without reason or end`);
  return { kind: 'defer', action: key, reason: deferral.reason, until: wakeAt };
}

/** What the arbitration as a whole says, beside its word on each candidate. */
function nextBestAction({ scores }: Assessment, doNothingValue: number): GateVerdict {
  const best = scores.find(isContender);
  const isAnyOpen = scores.some((score) => isContender(score) || score.lostBecause === 'BELOW_THRESHOLD');
  const reason = isAnyOpen ? 'BELOW_THRESHOLD' : 'NOTHING_ELIGIBLE';
  return {
    gate: 'next_best_action',
    candidate: null,
    kind: best === undefined ? 'refuse' : 'pass',
    reason: best === undefined ? reason : null,
    rule: null,
    until: null,
    facts: { candidates: scores.length, best: best?.key ?? null, net: best?.net ?? null, doNothingValue },
  };
}

function inGateOrder(assessment: Assessment, arbitration: GateVerdict): readonly GateVerdict[] {
  const { killSwitch, identity, exit, candidates } = assessment;
  return [
    killSwitch,
    identity,
    ...candidates.map((gates) => gates.identity),
    ...candidates.map((gates) => gates.suppression),
    ...candidates.map((gates) => gates.consent),
    exit,
    ...candidates.map((gates) => gates.eligibility),
    arbitration,
    ...candidates.map((gates) => gates.quietHours),
    ...candidates.map((gates) => gates.caps),
  ];
}
