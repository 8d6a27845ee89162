import type { InstantMs } from '../kernel/instant.js';
import { firstMatch } from './inbox.js';
import type { Input, InterpreterState } from './interpreter-state.js';
import { eventWaitOf, fits } from './listening.js';
import type { Plan } from './plan.js';
import type { StepAnswer } from './step-answer.js';

/**
 * What came of a step.
 * - `sent` to `unknown`: the answer of a message or decide step, the last one of the visit.
 * - `time`: the wait is over; `missing`: the user has no such date; `past`: it lies behind.
 * - `event`, `timeout`: how a wait for events ended.
 * - `then`, `otherwise`, `arm`: which way a branch or a split led.
 * - `done`, `failed`, `later`: what became of an act.
 * - `limit`: the run had been there as often as it may, and was sent on.
 * - `moved`: an operator took the run elsewhere, by a jump or to another version.
 * - `completed`, `exited`: the run ended here.
 */
type MoveOutcome =
  | StepAnswer['kind']
  | 'time'
  | 'missing'
  | 'past'
  | 'event'
  | 'timeout'
  | 'then'
  | 'otherwise'
  | 'arm'
  | 'done'
  | 'failed'
  | 'later'
  | 'limit'
  | 'moved'
  | 'completed'
  | 'exited';

/** One visit of one step. Holds no personal data: ids of steps, names of events and arms, reason codes. */
export interface Move {
  /** Place among all steps that the run came to, from 1; at most 1,000 (see `enter`). */
  readonly seq: number;
  readonly stepId: string;
  /** 1 for the first visit. A run that a limit sent on did not enter the step: its visits so far. */
  readonly visit: number;
  readonly enteredAt: InstantMs;
  /** Null while the run is there. */
  readonly leftAt: InstantMs | null;
  /** Null while nothing has come of it. */
  readonly outcome: MoveOutcome | null;
  /** Code of a refusal or a deferral, name of an event or an arm, `branches[1]`, or the reason of an end that the plan names. */
  readonly reason: string | null;
  readonly decisionId: string | null;
  /** Where the run went; null while it is there, and where it ended. */
  readonly nextStepId: string | null;
  /** The turn of the run (`InterpreterState.seq`) in which this last changed: a newer one replaces an older one. */
  readonly turn: number;
}

/** What a host saw of one turn. */
export interface Passage {
  readonly plan: Plan;
  /** What the turn began with. */
  readonly answer: Input | null;
  /** The state before the turn, then every state that the turn came through. */
  readonly states: readonly InterpreterState[];
  readonly now: InstantMs;
}

/** The move that a run is in, as its state alone tells it; null between two steps. */
export function moveOf(state: InterpreterState): Move | null {
  const { cursor, phase } = state;
  if (phase.kind === 'ready' || phase.kind === 'ended') return null;
  return {
    seq: state.visitsTotal,
    stepId: cursor,
    visit: state.visits[cursor] ?? 0,
    enteredAt: state.stepStartedAt,
    leftAt: null,
    outcome: null,
    reason: null,
    decisionId: null,
    nextStepId: null,
    turn: state.seq,
  };
}

/**
 * The moves that one turn made or changed, in order; only the last may be open.
 *
 * @param open the move that the run was in before the turn
 */
export function movesOf({ plan, answer, states, now }: Passage, open: Move | null): readonly Move[] {
  const [before] = states;
  const taken = before === undefined ? null : takenElsewhere(before, open, now);
  const moves = new Map(taken === null ? [] : [[taken.seq, taken]]);
  let current = taken === null ? open : null;
  for (let index = 1; index < states.length; index += 1) {
    const from = states[index - 1];
    const to = states[index];
    if (from === undefined || to === undefined) continue;
    // Only the first change of a turn is what the answer made.
    const changed = changeOf({ plan, from, to, now, answer: index === 1 ? answer : null }, current);
    if (changed !== null) moves.set(changed.seq, changed);
    current = changed ?? current;
    if (current?.leftAt !== null) current = null;
  }
  return [...moves.values()];
}

/** Between two turns only an operator takes a run from its step: it jumps. */
function takenElsewhere(state: InterpreterState, open: Move | null, now: InstantMs): Move | null {
  if (open === null || !isBetween(state)) return null;
  return { ...open, ...MOVED, leftAt: now, nextStepId: nextOf(state), turn: state.seq + 1 };
}

interface Change {
  readonly plan: Plan;
  readonly from: InterpreterState;
  readonly to: InterpreterState;
  readonly answer: Input | null;
  readonly now: InstantMs;
}

type Result = Pick<Move, 'outcome' | 'reason'>;

const MOVED: Result = { outcome: 'moved', reason: null };

function changeOf(change: Change, open: Move | null): Move | null {
  const { from, to, answer, now } = change;
  if (from.phase.kind === 'ready') return cameTo(change);
  if (open === null) return null;
  const turn = to.seq;
  const decisionId = answer?.kind === 'step_answer' ? answer.answer.decisionId : open.decisionId;
  if (isBetween(to)) {
    const result = resultOf(change) ?? { outcome: open.outcome, reason: open.reason };
    return { ...open, ...result, decisionId, leftAt: now, nextStepId: nextOf(to), turn };
  }
  // A wait that is kept in another version goes on under the name of its step there.
  if (to.cursor !== open.stepId) return { ...open, stepId: to.cursor, visit: to.visits[to.cursor] ?? 0, turn };
  const result = stayedBecause(change);
  return result === null ? null : { ...open, ...result, decisionId, turn };
}

const isBetween = ({ phase }: InterpreterState): boolean => phase.kind === 'ready' || phase.kind === 'ended';

const nextOf = ({ phase, cursor }: InterpreterState): string | null => (phase.kind === 'ended' ? null : cursor);

/** The run entered the step that it stood before, was sent on by its limit, or ended there. */
function cameTo({ plan, from, to, now }: Change): Move | null {
  if (to.visitsTotal === from.visitsTotal) return null;
  const { cursor: stepId } = from;
  const visit = to.visits[stepId] ?? 0;
  const entered: Move = {
    seq: to.visitsTotal,
    stepId,
    visit,
    enteredAt: now,
    leftAt: null,
    outcome: null,
    reason: null,
    decisionId: null,
    nextStepId: null,
    turn: to.seq,
  };
  if (!isBetween(to)) return entered;
  const left = { ...entered, leftAt: now, nextStepId: nextOf(to) };
  if (visit === (from.visits[stepId] ?? 0)) return { ...left, outcome: 'limit' };
  if (to.phase.kind === 'ended') return { ...left, ...endOf(plan, to.phase) };
  return { ...left, outcome: 'arm', reason: to.arms?.[stepId] ?? null };
}

/** What came of the step that the run has left; null: what was noted of it before. */
function resultOf(change: Change): Result | null {
  const { plan, from, to, answer } = change;
  if (to.settling !== undefined && from.settling === undefined) return MOVED;
  const answered = answer === null ? null : resultOfAnswer(change, answer);
  if (answered !== null) return answered;
  if (to.phase.kind === 'ended') return endOf(plan, to.phase);
  if (from.phase.kind !== 'waiting') return null;
  const { wait } = from.phase;
  if (wait.because === 'wait') return { outcome: 'time', reason: null };
  if (wait.because !== 'wait_for') return null;
  const name = eventThatEnds(plan, from, wait.until);
  return name === null ? { outcome: 'timeout', reason: null } : { outcome: 'event', reason: name };
}

function resultOfAnswer({ from, to }: Change, answer: Input): Result | null {
  switch (answer.kind) {
    case 'step_answer':
      return answerOf(to, from.cursor);
    case 'branch_answer':
      return { outcome: answer.holds ? 'then' : 'otherwise', reason: null };
    case 'choice_answer':
      return answer.index === null
        ? { outcome: 'otherwise', reason: null }
        : { outcome: 'arm', reason: `branches[${answer.index}]` };
    case 'moment_answer':
      return { outcome: answer.until === null ? 'missing' : 'past', reason: null };
    case 'act_answer':
      return { outcome: answer.answer.kind, reason: null };
    // Messages, timers and look-ups move no run by themselves: what follows from them comes in a later change.
    case 'timer':
    case 'event_answer':
    case 'event':
    case 'wake':
    case 'pause':
    case 'resume':
    case 'exit':
    case 'migrate':
    case 'recorded':
    case 'jump':
      return null;
  }
}

/** What is known so far of a step that goes on. */
function stayedBecause({ from, to, answer }: Change): Result | null {
  if (answer?.kind === 'step_answer') return answerOf(to, from.cursor);
  if (answer?.kind === 'act_answer') return { outcome: answer.answer.kind, reason: null };
  return null;
}

function answerOf({ answers }: InterpreterState, stepId: string): Result | null {
  const told = answers[stepId];
  return told === undefined ? null : { outcome: told.kind, reason: told.reason };
}

function eventThatEnds(plan: Plan, state: InterpreterState, deadline: InstantMs): string | null {
  const step = plan.steps[state.cursor];
  const wait = step === undefined ? null : eventWaitOf(step);
  const match = wait === null ? null : firstMatch(state, wait, deadline);
  if (wait === null || match === null) return null;
  const event = state.inbox.find(
    (each) =>
      each.occurredAt === match.occurredAt && wait.arms.some((arm) => arm.next === match.next && fits(arm, each)),
  );
  return event?.name ?? null;
}

function endOf(plan: Plan, end: { readonly outcome: 'completed' | 'exited'; readonly reason: string }): Result {
  return { outcome: end.outcome, reason: isOfPlan(plan, end.reason) ? end.reason : null };
}

/** An operator's own words stay with the run: they may name a person. */
function isOfPlan({ exitEvents, watches = [], steps }: Plan, reason: string): boolean {
  return (
    exitEvents.some((event) => reason === `exit_event:${event}`) ||
    watches.some((watch) => watch.reason === reason) ||
    Object.values(steps).some((step) => step.kind === 'end' && step.reason === reason)
  );
}
