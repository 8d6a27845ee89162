import type { InstantMs } from '../kernel/instant.js';
import { isScored } from './arbitrate.js';
import {
  assess,
  blockersOf,
  gateCandidate,
  newMemos,
  type Assessment,
  type CandidateGates,
  type Memos,
} from './assess.js';
import { changeText, openingText, overtakeText, worthChangeText } from './change-text.js';
import { gatePendingCandidates } from './gate-pending.js';
import { settle } from './settle.js';
import { suppose, supposeWorth, type Supposition } from './suppose.js';
import { instantText, valueText } from './text.js';
import type {
  Candidate,
  CandidateScore,
  Counterfactual,
  DecisionInput,
  DecisionOutcome,
  GateVerdict,
  ScoredCandidate,
} from './types.js';

/** How many candidates, best first, are looked at: a reader wants the nearest other answer, not all of them. */
const CANDIDATES_CONSIDERED_MAX = 5;
const COUNTERFACTUALS_MAX = 5;
/** How many openings are tried until nothing blocks any more; each may lie in another gate's closed time. */
const OPENINGS_TRIED_MAX = 16;
/** How often the gates are asked what else is in the way; each tells of one thing at a time. */
const OBSTACLES_ASKED_MAX = 16;

interface Question {
  readonly input: DecisionInput;
  readonly assessment: Assessment;
  /** As they stand after the answer: null in `lostBecause` marks the chosen one. */
  readonly scores: readonly CandidateScore[];
  readonly outcome: DecisionOutcome;
  /** What was said about messages of other runs that wait beside. */
  readonly pending: readonly GateVerdict[];
  /** The candidate behind which nothing that rests on consent was asked; see `Settlement`. */
  readonly endedBy: string | null;
}

/** A candidate with what stands between it and the person. */
interface Blocked {
  readonly candidate: Candidate;
  readonly blockers: readonly GateVerdict[];
}

/** A counterfactual with the number of things that would have to change. */
interface Change {
  readonly counterfactual: Counterfactual;
  readonly parts: number;
}

/**
 * The smallest changes after which the answer would have been another one: fewest changes first, then those that only
 * take time, then by rank of the candidate. A change to a candidate that ranks below the chosen one is one of value. One
 * that rests on consent, behind a candidate that is held out or has the step passed over, is offered nothing: whatever
 * it were, the answer would be the same.
 */
export function counterfactualsOf(question: Question): readonly Counterfactual[] {
  const { scores } = question;
  const chosen = scores.filter(isScored).find(({ lostBecause }) => lostBecause === null) ?? null;
  const later: Later = new Map();
  const changes = scores
    .slice(0, CANDIDATES_CONSIDERED_MAX)
    .flatMap((score) => changeFor(question, score, chosen, later) ?? []);
  const sorted = [...changes, ...changesOfSilence(question, chosen)].sort(compareChanges);
  const texts = sorted.map(({ counterfactual }) => counterfactual.change);
  return sorted
    .map(({ counterfactual }) => counterfactual)
    .filter(({ change }, index) => texts.indexOf(change) === index)
    .slice(0, COUNTERFACTUALS_MAX);
}

/** What is known of a later instant, shared by the candidates that are looked at. */
interface Moment {
  readonly input: DecisionInput;
  readonly memos: Memos;
  /** Whether the answer is another one then; null while nobody has asked. */
  isAnother: boolean | null;
}

type Later = Map<InstantMs, Moment>;

function changeFor(
  question: Question,
  score: CandidateScore,
  chosen: ScoredCandidate | null,
  later: Later,
): Change | null {
  const gates = question.assessment.candidates.find(({ candidate }) => candidate.key === score.key);
  if (gates === undefined) return null;
  const blocked = { candidate: gates.candidate, blockers: blockersIn(question, gates) };
  const { blockers } = blocked;
  // Whether it would have been chosen cannot be said without a score; that nothing was, can.
  if (!isScored(score)) return chosen === null ? unblock(question, score, blocked, later) : null;
  const { input, outcome } = question;
  const bar = barBefore(question, gates.candidate, score, chosen);
  if (bar !== null) {
    const isEnough =
      blockers.length === 0 && outcome.kind !== 'do_nothing' && wouldGo(input, gates, bar.net - score.net);
    if (!isEnough) return null;
    const rival = input.candidates.find(({ key }) => key === bar.key);
    return arbitrationChange(score.key, overtakeText(score, bar.net, { candidate: gates.candidate, rival }));
  }
  if (score.net <= input.doNothingValue) {
    const bar = input.doNothingValue;
    if (blockers.length > 0) return lift(question, score, blocked, bar);
    return arbitrationChange(score.key, worthChangeText(score, bar));
  }
  return blockers.length === 0 ? null : unblock(question, score, blocked, later);
}

/** Waiting, if that is enough; else whatever else it takes. */
function unblock(
  question: Question,
  score: CandidateScore,
  { candidate, blockers }: Blocked,
  later: Later,
): Change | null {
  return waitFor(question, candidate, blockers, later) ?? lift(question, score, { candidate, blockers });
}

/** Whether no message of another run would go before it, if it were worth so much more. */
function wouldGo(input: DecisionInput, { candidate }: CandidateGates, missing: number): boolean {
  const channelCost = candidate.channelCost - missing;
  return input.rivals.length === 0 || gatePendingCandidates(input, { ...candidate, channelCost }).kind === 'pass';
}

/** What it would have to be worth more than to be asked at all; null when it was asked, or would have been. */
function barBefore(
  { scores, outcome, endedBy }: Question,
  { legalBasis }: Candidate,
  score: ScoredCandidate,
  chosen: ScoredCandidate | null,
): ScoredCandidate | null {
  const isBehind = (other: CandidateScore | null): boolean =>
    other !== null && scores.indexOf(score) > scores.indexOf(other);
  const end = scores.filter(isScored).find(({ key }) => key === endedBy) ?? null;
  if (legalBasis === 'consent' && isBehind(end)) return end;
  return outcome.kind === 'act' && isBehind(chosen) ? chosen : null;
}

function blockersIn({ input, pending }: Question, gates: CandidateGates): readonly GateVerdict[] {
  const rivals = pending.filter(
    ({ kind, candidates }) => kind !== 'pass' && (candidates ?? []).includes(gates.candidate.key),
  );
  return [...blockersOf(input, gates), ...rivals];
}

/** What would have made silence the answer, or, with nothing to weigh, what kept silence the answer. */
function changesOfSilence({ outcome, scores }: Question, chosen: ScoredCandidate | null): readonly Change[] {
  if (chosen !== null && outcome.kind !== 'do_nothing') {
    return [arbitrationChange(null, `if doing nothing were worth ${valueText(chosen.net)} or more`)];
  }
  return scores.length === 0 ? [arbitrationChange(null, 'if there were an action to choose')] : [];
}

function arbitrationChange(candidate: string | null, change: string): Change {
  return { counterfactual: { gate: 'next_best_action', candidate, change, after: null }, parts: 1 };
}

/**
 * All that would have to change at once, so that nothing stands in the candidate's way, its worth too if that is not
 * enough. A gate names the first thing that it finds: what it finds next is asked for as long as there is something.
 * A message that comes too late need not go out now: it is enough that it may wait.
 *
 * @returns null when one of them may not change, and when the answer would be the same all the same, because of others
 */
function lift(
  question: Question,
  score: CandidateScore,
  { candidate, blockers }: Blocked,
  bar = -Infinity,
): Change | null {
  const mayWait = blockers.some(({ reason }) => reason === 'EXPIRED');
  const inTheWay = (standing: readonly GateVerdict[]): readonly GateVerdict[] =>
    mayWait ? standing.filter(({ kind }) => kind === 'refuse') : standing;
  const texts = new Set<string>();
  let supposed: Supposition = { input: question.input, candidate };
  let standing = inTheWay(blockers);
  for (let asked = 0; asked < OBSTACLES_ASKED_MAX && standing.length > 0; asked += 1) {
    for (const blocker of standing) {
      const text = changeText({ ...blocker, until: null }, candidate);
      if (text === null) return null;
      texts.add(text);
      supposed = suppose(supposed, blocker);
    }
    // Of a person who objects nothing is worked out, not even in supposition.
    standing = isScored(score) ? inTheWay(standingIn(supposed)) : [];
  }
  const [first] = blockers;
  if (first === undefined || standing.length > 0) return null;
  if (isScored(score) && score.net <= bar) {
    texts.add(worthChangeText(score, bar));
    supposed = supposeWorth(supposed, bar - score.net);
  }
  const isFirst = isScored(score) && question.scores.indexOf(score) === 0 && !mayWait;
  if (isScored(score) && !isFirst && !isAnotherIn(question, supposed.input)) return null;
  const change = [...texts].join(' and ');
  return { counterfactual: { gate: first.gate, candidate: candidate.key, change, after: null }, parts: texts.size };
}

/** What stands between the candidate and the person now; rivals matter to what would otherwise go out. */
function standingIn({ input, candidate }: Supposition): readonly GateVerdict[] {
  const blockers = blockersOf(input, gateCandidate(input, candidate, newMemos()));
  if (blockers.length > 0 || input.rivals.length === 0) return blockers;
  const answer = gatePendingCandidates(input, candidate);
  return answer.kind === 'pass' ? [] : [{ gate: 'pending_candidates', candidates: [candidate.key], ...answer }];
}

/**
 * The first instant at which nothing blocks the candidate, if time alone brings it and nothing else happens; null too
 * when the answer is the same then, because of another candidate.
 */
function waitFor(
  question: Question,
  candidate: Candidate,
  blockers: readonly GateVerdict[],
  later: Later,
): Change | null {
  let standing = blockers;
  let last: GateVerdict | undefined;
  let now: InstantMs = question.input.now;
  for (let opening = 0; opening < OPENINGS_TRIED_MAX && standing.length > 0; opening += 1) {
    if (standing.some(({ until }) => until === null)) return null;
    last = standing.reduce((left, right) => ((right.until ?? 0) > (left.until ?? 0) ? right : left));
    now = last.until ?? now;
    const { input, memos } = momentAt(question, later, now);
    standing = blockersOf(input, gateCandidate(input, candidate, memos));
  }
  if (standing.length > 0 || last === undefined || !isAnother(question, later, now)) return null;
  const change = `after ${instantText(now)} when ${openingText(last)}`;
  return { counterfactual: { gate: last.gate, candidate: candidate.key, change, after: now }, parts: 1 };
}

function momentAt({ input }: Question, later: Later, now: InstantMs): Moment {
  const known = later.get(now);
  if (known !== undefined) return known;
  const moment: Moment = { input: { ...input, now }, memos: newMemos(), isAnother: null };
  later.set(now, moment);
  return moment;
}

function isAnother(question: Question, later: Later, now: InstantMs): boolean {
  const moment = momentAt(question, later, now);
  moment.isAnother ??= isAnotherIn(question, moment.input, moment.memos);
  return moment.isAnother;
}

function isAnotherIn({ outcome }: Question, input: DecisionInput, memos?: Memos): boolean {
  return JSON.stringify(settle(input, assess(input, memos)).outcome) !== JSON.stringify(outcome);
}

function compareChanges(left: Change, right: Change): number {
  if (left.parts !== right.parts) return left.parts - right.parts;
  return Number(left.counterfactual.after === null) - Number(right.counterfactual.after === null);
}
