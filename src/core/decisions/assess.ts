import { fatigueScore } from '../fatigue/fatigue-score.js';
import type { ReasonCode } from '../kernel/reasons.js';
import { arbitrate } from './arbitrate.js';
import { askFinalGates, type FinalGates } from './final-gates.js';
import type { GateAnswer } from './gate-answer.js';
import { gateExit, gateHolds, gateIdentity, gateKillSwitch } from './global-gates.js';
import type { Memo } from './memo.js';
import { askNarrowingGates, type NarrowingAnswer, type NarrowingGates, type SharedAnswers } from './narrowing-gates.js';
import type { Candidate, CandidateScore, DecisionInput, GateName, GateVerdict } from './types.js';

/** All that the pure gates say about one candidate. Every gate is asked, also after one that refused. */
export interface CandidateGates {
  readonly candidate: Candidate;
  readonly narrowing: NarrowingGates;
  readonly final: FinalGates;
}

/** Everything the gates and the arbitration say at one instant, before an answer is drawn from it. */
export interface Assessment {
  readonly killSwitch: GateVerdict;
  /** What else operators hold up; see `gateHolds`. */
  readonly holds: readonly GateVerdict[];
  readonly identity: GateVerdict;
  readonly exit: GateVerdict;
  /** In the order of the input's candidates. */
  readonly candidates: readonly CandidateGates[];
  /** Best first, those without a score last; refused ones carry the first gate's reason. */
  readonly scores: readonly CandidateScore[];
}

/** Answers shared by the candidates of one input at one instant. */
export interface Memos {
  readonly narrowing: Memo<SharedAnswers>;
  readonly final: Memo<FinalGates>;
}

/** Nothing is remembered yet. */
export const newMemos = (): Memos => ({ narrowing: new Map(), final: new Map() });

/** Asks all gates about all candidates and ranks those candidates. @param memos as for `gateCandidate` */
export function assess(input: DecisionInput, memos: Memos = newMemos()): Assessment {
  const candidates = input.candidates.map((candidate) => gateCandidate(input, candidate, memos));
  const refusals = new Map<string, ReasonCode>();
  const unscored = new Set<string>();
  for (const { candidate, narrowing } of candidates) {
    const refusal = narrowingRefusal(narrowing)?.reason ?? null;
    if (refusal !== null) refusals.set(candidate.key, refusal);
    if (narrowing.isUnscored) unscored.add(candidate.key);
  }
  const { doNothingValue, factors } = input;
  const weighed = { candidates: input.candidates, doNothingValue, factors, refusals, unscored };
  return {
    killSwitch: gateKillSwitch(input),
    holds: gateHolds(input),
    identity: gateIdentity(input),
    exit: gateExit(input),
    candidates,
    scores: arbitrate({ ...weighed, fatigueCost: fatigueCost(input) }),
  };
}

/** @param memos for candidates of the same input at the same instant only */
export function gateCandidate(input: DecisionInput, candidate: Candidate, memos: Memos): CandidateGates {
  return {
    candidate,
    narrowing: askNarrowingGates(input, candidate, memos.narrowing),
    final: askFinalGates(input, candidate, memos.final),
  };
}

/** What contacting a person who is tired of us costs, for whatever rests on consent. */
export function fatigueCost({ fatigueModel: model, contacts, outcomes, now }: DecisionInput): number {
  if (model === null || model.costPerScore === 0) return 0;
  return model.costPerScore * fatigueScore({ model, contacts, outcomes, now });
}

/** The gates that a candidate must pass to be weighed at all, in their order. */
export const NARROWING_GATES: readonly { readonly gate: GateName; readonly answer: NarrowingAnswer }[] = [
  { gate: 'identity', answer: 'identity' },
  { gate: 'suppression', answer: 'suppression' },
  { gate: 'consent', answer: 'consent' },
  { gate: 'journey_conflict', answer: 'conflict' },
  { gate: 'next_best_action', answer: 'conditions' },
  { gate: 'pause', answer: 'pause' },
  { gate: 'fatigue', answer: 'fatigue' },
];

/** The gates that are asked about the winner, in their order. */
export const FINAL_GATES: readonly {
  readonly gate: GateName;
  readonly answer: 'expiry' | 'quietHours' | 'caps' | 'sending' | 'holdout';
}[] = [
  { gate: 'expiry', answer: 'expiry' },
  { gate: 'quiet_hours', answer: 'quietHours' },
  { gate: 'caps', answer: 'caps' },
  { gate: 'sending_pause', answer: 'sending' },
  { gate: 'holdout', answer: 'holdout' },
];

/** The first gate that keeps a candidate from being weighed; null when none does. */
function narrowingRefusal(narrowing: NarrowingGates): GateAnswer | null {
  const refusing = NARROWING_GATES.find(({ answer }) => narrowing[answer].kind !== 'pass');
  return refusing === undefined ? null : narrowing[refusing.answer];
}

/** Whether every gate lets the candidate pass. */
export function isOpen({ narrowing, final }: CandidateGates): boolean {
  return narrowingRefusal(narrowing) === null && FINAL_GATES.every(({ answer }) => final[answer].kind === 'pass');
}

/** Everything that stands between one candidate and the person, in gate order; value is not looked at. */
export function blockersOf(
  input: DecisionInput,
  { candidate, narrowing, final }: CandidateGates,
): readonly GateVerdict[] {
  const about = [candidate.key];
  const blockers: GateVerdict[] = [gateKillSwitch(input), ...gateHolds(input), gateIdentity(input)];
  for (const { gate, answer } of NARROWING_GATES) {
    if (gate === 'journey_conflict') blockers.push(gateExit(input));
    if (narrowing[answer].kind !== 'pass') blockers.push({ gate, candidates: about, ...narrowing[answer] });
  }
  for (const { gate, answer } of FINAL_GATES) {
    if (final[answer].kind !== 'pass') blockers.push({ gate, candidates: about, ...final[answer] });
  }
  return blockers.filter(({ kind }) => kind !== 'pass');
}
