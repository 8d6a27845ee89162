import type { ReasonCode } from '../kernel/reasons.js';
import { arbitrate } from './arbitrate.js';
import { gateCandidate, type CandidateGates, type FinalMemo } from './candidate-gates.js';
import { gateExit, gateIdentity, gateKillSwitch } from './global-gates.js';
import type { CandidateScore, DecisionInput, GateVerdict } from './types.js';

/** Everything the gates and the arbitration say at one instant, before an answer is drawn from it. */
export interface Assessment {
  readonly killSwitch: GateVerdict;
  readonly identity: GateVerdict;
  readonly exit: GateVerdict;
  /** In the order of the input's candidates. */
  readonly candidates: readonly CandidateGates[];
  /** Best first; refused ones carry the first gate's reason. */
  readonly scores: readonly CandidateScore[];
}

/** Asks all gates about all candidates and ranks those candidates. */
export function assess(input: DecisionInput): Assessment {
  const memo: FinalMemo = new Map();
  const candidates = input.candidates.map((candidate) => gateCandidate(input, candidate, memo));
  const refusals = new Map<string, ReasonCode>();
  for (const gates of candidates) {
    const refusal = narrowingGates(gates).find(({ kind }) => kind !== 'pass')?.reason ?? null;
    if (refusal !== null) refusals.set(gates.candidate.key, refusal);
  }
  const { doNothingValue } = input;
  return {
    killSwitch: gateKillSwitch(input),
    identity: gateIdentity(input),
    exit: gateExit(input),
    candidates,
    scores: arbitrate({ candidates: input.candidates, doNothingValue, refusals }),
  };
}

/** The gates that a candidate must pass to be weighed at all, in their order. */
function narrowingGates(gates: CandidateGates): readonly GateVerdict[] {
  return [gates.identity, gates.suppression, gates.consent, gates.eligibility];
}

/** The gates that are asked about the winner, in their order. */
export function finalGates(gates: CandidateGates): readonly GateVerdict[] {
  return [gates.quietHours, gates.caps];
}

/** Everything that stands between one candidate and the person, in gate order; value is not looked at. */
export function blockersOf(assessment: Assessment, gates: CandidateGates): readonly GateVerdict[] {
  const { killSwitch, identity, exit } = assessment;
  const inOrder = [
    killSwitch,
    identity,
    gates.identity,
    gates.suppression,
    gates.consent,
    exit,
    gates.eligibility,
    gates.quietHours,
    gates.caps,
  ];
  return inOrder.filter(({ kind }) => kind !== 'pass');
}
