import { assert } from '../kernel/assert.js';
import type { ReasonCode } from '../kernel/reasons.js';
import { assess, FINAL_GATES, NARROWING_GATES, type Assessment } from './assess.js';
import { counterfactualsOf } from './counterfactuals.js';
import { toVerdicts } from './gate-answer.js';
import { settle } from './settle.js';
import type { CandidateScore, Decision, DecisionInput, GateName, GateVerdict } from './types.js';

/**
 * Which rules and words make decisions. Whoever changes what `decide` answers to an input, its texts too, raises it:
 * records of an earlier engine are then known not to be made again by this one.
 */
export const DECISION_ENGINE = 2;

/**
 * The one answer to: may we contact this person, should we, with what, on which channel, and when?
 *
 * Gates in order: kill switch, hold on the user, pause of the journey, identity, suppression, consent, exit, journey conflict, conditions, pauses, fatigue, next
 * best action, expiry, quiet hours, caps, pause of the sending domain, pending candidates, holdout. The first that refuses decides; the others are
 * asked all the same, for the record.
 * - Those up to fatigue narrow the field. Arbitration ranks what is left; only what is strictly better than doing
 *   nothing goes on.
 * - The best one is asked the rest. If a gate *refuses* it, the next best is asked, and so on, each by its own gates; if
 *   a rule says *another channel first*, it waits only when none of the others goes out.
 * - If a gate *defers* it, passes the step over, or holds the person out, that is the answer: a lesser action does not
 *   step in. All this is about what rests on consent; what rests on a contract and stands behind it goes out all the
 *   same.
 * - The kill switch refuses nothing: what would be asked the rest waits, whatever it rests on, and is asked again in 15
 *   minutes, until it goes out or is too late. So do a hold on the user and a pause of the journey, with longer waits.
 * - What rests on consent is not even scored while the person objects to direct marketing (GDPR art. 21 (3)).
 *
 * Why nothing was done: the gate that concerns everybody, if one refused before the field was empty; else, of the field,
 * the reason of the candidate that ranks highest (not counting those whose conditions are not met); NOTHING_ELIGIBLE
 * when there is no candidate or none meets its conditions; BELOW_THRESHOLD when none is worth more than silence.
 *
 * @param input all facts, read at `input.now`; it is not changed
 * @returns the same value, bit for bit, for the same input
 * @throws AssertionError on input that no honest caller makes: no zone, unknown zone, a key twice, a number out of range
 */
export function decide(input: DecisionInput): Decision {
  assert(input.user.zones.length > 0, 'a person is in at least one zone');
  const assessment = assess(input);
  const { outcome, scores, pending, endedBy } = settle(input, assessment);
  return {
    outcome,
    gates: inGateOrder(input, assessment, { arbitration: nextBestAction(assessment, input.doNothingValue), pending }),
    candidates: scores,
    doNothingValue: input.doNothingValue,
    counterfactuals: counterfactualsOf({ input, scores, outcome, assessment, pending, endedBy }),
  };
}

/** What the arbitration as a whole says, beside its word on each candidate. */
function nextBestAction({ scores }: Assessment, doNothingValue: number): GateVerdict {
  const best = scores.find(isContender);
  const isAnyOpen = scores.some((score) => isContender(score) || score.lostBecause === 'BELOW_THRESHOLD');
  const reason: ReasonCode = isAnyOpen ? 'BELOW_THRESHOLD' : 'NOTHING_ELIGIBLE';
  return {
    gate: 'next_best_action',
    candidates: null,
    kind: best === undefined ? 'refuse' : 'pass',
    reason: best === undefined ? reason : null,
    rule: null,
    until: null,
    facts: { candidates: scores.length, best: best?.key ?? null, net: best?.net ?? null, doNothingValue },
  };
}

function isContender({ lostBecause }: CandidateScore): boolean {
  return lostBecause === null || lostBecause === 'LOWER_PRIORITY';
}

function inGateOrder(
  { sendingPause }: DecisionInput,
  { killSwitch, holds, identity, exit, candidates }: Assessment,
  { arbitration, pending }: { readonly arbitration: GateVerdict; readonly pending: readonly GateVerdict[] },
): readonly GateVerdict[] {
  const keys = candidates.map(({ candidate }) => candidate.key);
  const narrowing = new Map(
    NARROWING_GATES.map(({ gate, answer }) => [
      gate,
      toVerdicts(gate, keys, (index) => candidates[index]?.narrowing[answer]),
    ]),
  );
  const said = (gate: GateName): readonly GateVerdict[] => narrowing.get(gate) ?? [];
  const [expiry = [], quietHours = [], caps = [], sending = [], holdout = []] = FINAL_GATES.map(({ gate, answer }) =>
    toVerdicts(gate, keys, (index) => candidates[index]?.final[answer]),
  );
  return [
    killSwitch,
    ...holds,
    identity,
    ...said('identity'),
    ...said('suppression'),
    ...said('consent'),
    exit,
    ...said('journey_conflict'),
    ...said('next_best_action'),
    ...said('pause'),
    ...said('fatigue'),
    arbitration,
    ...expiry,
    ...quietHours,
    ...caps,
    // A gate that nobody closed says nothing.
    ...(sendingPause === undefined ? [] : sending),
    ...pending,
    ...holdout,
  ];
}
