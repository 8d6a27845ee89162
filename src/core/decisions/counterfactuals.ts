import type { InstantMs } from '../kernel/instant.js';
import { blockersOf, gateCandidate, newMemos, type Assessment, type CandidateGates, type Memos } from './assess.js';
import { changeText, openingText } from './change-text.js';
import { instantText, valueText } from './text.js';
import type {
  Candidate,
  CandidateScore,
  Counterfactual,
  DecisionInput,
  DecisionOutcome,
  GateVerdict,
} from './types.js';

/** How many candidates, best first, are looked at: a reader wants the nearest other answer, not all of them. */
const CANDIDATES_CONSIDERED_MAX = 5;
const COUNTERFACTUALS_MAX = 5;
/** How many openings are tried until nothing blocks any more; each may lie in another gate's closed time. */
const OPENINGS_TRIED_MAX = 16;

interface Question {
  readonly input: DecisionInput;
  readonly assessment: Assessment;
  /** As they stand after the answer: null in `lostBecause` marks the chosen one. */
  readonly scores: readonly CandidateScore[];
  readonly outcome: DecisionOutcome;
  /** What was said about messages of other runs that wait beside. */
  readonly pending: readonly GateVerdict[];
}

/** A counterfactual with the number of things that would have to change. */
interface Change {
  readonly counterfactual: Counterfactual;
  readonly parts: number;
}

/**
 * The smallest changes after which the answer would have been another one: fewest changes first, then those that only
 * take time, then by rank of the candidate. A change to a candidate that ranks below the chosen one is one of value.
 */
export function counterfactualsOf(question: Question): readonly Counterfactual[] {
  const chosen = question.scores.find(({ lostBecause }) => lostBecause === null) ?? null;
  const later: Later = new Map();
  const changes = question.scores
    .slice(0, CANDIDATES_CONSIDERED_MAX)
    .flatMap((score) => changeFor(question, score, chosen, later) ?? []);
  const sorted = [...changes, ...changesOfSilence(question, chosen)].sort(compareChanges);
  const texts = sorted.map(({ counterfactual }) => counterfactual.change);
  return sorted
    .map(({ counterfactual }) => counterfactual)
    .filter(({ change }, index) => texts.indexOf(change) === index)
    .slice(0, COUNTERFACTUALS_MAX);
}

/** Answers of the gates at later instants, shared by the candidates that are looked at. */
type Later = Map<InstantMs, Memos>;

function changeFor(
  question: Question,
  score: CandidateScore,
  chosen: CandidateScore | null,
  later: Later,
): Change | null {
  const gates = question.assessment.candidates.find(({ candidate }) => candidate.key === score.key);
  if (gates === undefined) return null;
  const blockers = blockersIn(question, gates);
  const isWorseThanChosen = chosen !== null && score.lostBecause !== null && ranksBelow(question, score, chosen);
  if (isWorseThanChosen) return blockers.length === 0 ? valueChange(score, chosen.net) : null;
  const { doNothingValue } = question.input;
  if (score.net <= doNothingValue) return withValue(blockers, gates.candidate, score, doNothingValue);
  if (blockers.length === 0) return null;
  return waitFor(question.input, gates.candidate, blockers, later) ?? lift(blockers, gates.candidate);
}

function blockersIn({ input, pending }: Question, gates: CandidateGates): readonly GateVerdict[] {
  const rivals = pending.filter(
    ({ kind, candidates }) => kind !== 'pass' && (candidates ?? []).includes(gates.candidate.key),
  );
  return [...blockersOf(input, gates), ...rivals];
}

function ranksBelow({ scores }: Question, score: CandidateScore, chosen: CandidateScore): boolean {
  return scores.indexOf(score) > scores.indexOf(chosen);
}

/** What would have made silence the answer, or, with nothing to weigh, what kept silence the answer. */
function changesOfSilence({ outcome, scores }: Question, chosen: CandidateScore | null): readonly Change[] {
  if (chosen !== null && outcome.kind !== 'do_nothing') {
    return [arbitrationChange(null, `if doing nothing were worth ${valueText(chosen.net)} or more`)];
  }
  return scores.length === 0 ? [arbitrationChange(null, 'if there were an action to choose')] : [];
}

function valueChange({ key, net }: CandidateScore, bar: number): Change {
  const missing = `worth more than ${valueText(bar)} instead of ${valueText(net)}`;
  return arbitrationChange(key, `if ${key} were ${missing}`);
}

function arbitrationChange(candidate: string | null, change: string): Change {
  return { counterfactual: { gate: 'next_best_action', candidate, change, after: null }, parts: 1 };
}

/** Both the value and whatever blocks the candidate would have to change. */
function withValue(
  blockers: readonly GateVerdict[],
  candidate: Candidate,
  score: CandidateScore,
  bar: number,
): Change | null {
  const value = valueChange(score, bar);
  if (blockers.length === 0) return value;
  const lifted = lift(blockers, candidate);
  if (lifted === null) return null;
  const change = `${lifted.counterfactual.change} and ${value.counterfactual.change}`;
  return { counterfactual: { ...lifted.counterfactual, change }, parts: lifted.parts + 1 };
}

/** All blockers changed together; null when one of them may not change. */
function lift(blockers: readonly GateVerdict[], candidate: Candidate): Change | null {
  const [first] = blockers;
  const texts = blockers.map((blocker) => changeText(blocker, candidate));
  if (first === undefined || texts.includes(null)) return null;
  const change = texts.join(' and ');
  return { counterfactual: { gate: first.gate, candidate: candidate.key, change, after: null }, parts: texts.length };
}

/** The first instant at which nothing blocks the candidate, if time alone brings it and nothing else happens. */
function waitFor(
  input: DecisionInput,
  candidate: Candidate,
  blockers: readonly GateVerdict[],
  later: Later,
): Change | null {
  let standing = blockers;
  let last: GateVerdict | undefined;
  let now: InstantMs = input.now;
  for (let opening = 0; opening < OPENINGS_TRIED_MAX && standing.length > 0; opening += 1) {
    if (standing.some(({ until }) => until === null)) return null;
    last = standing.reduce((left, right) => ((right.until ?? 0) > (left.until ?? 0) ? right : left));
    now = last.until ?? now;
    const then = { ...input, now };
    const memos = later.get(now) ?? newMemos();
    later.set(now, memos);
    standing = blockersOf(then, gateCandidate(then, candidate, memos));
  }
  if (standing.length > 0 || last === undefined) return null;
  const change = `after ${instantText(now)} when ${openingText(last)}`;
  return { counterfactual: { gate: last.gate, candidate: candidate.key, change, after: now }, parts: 1 };
}

function compareChanges(left: Change, right: Change): number {
  if (left.parts !== right.parts) return left.parts - right.parts;
  return Number(left.counterfactual.after === null) - Number(right.counterfactual.after === null);
}
