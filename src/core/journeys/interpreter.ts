import { assert } from '../kernel/assert.js';
import type { InstantMs } from '../kernel/instant.js';
import { noteAnswer } from './answers.js';
import { wake } from './deferral.js';
import { drawsLots } from './draw.js';
import { enter } from './entering.js';
import { takeEvent } from './inbox.js';
import { ENGINE } from './interpreter-state.js';
import type { Command, Input, InterpreterState, Message, Phase, Unit } from './interpreter-state.js';
import { jump } from './jumping.js';
import { migrate, noteRecorded, takeMigration } from './migrating.js';
import { ended, stepOf, visitOf } from './moves.js';
import type { Plan } from './plan.js';
import { findEventCommand, sleepCommand, stopWaiting } from './waiting.js';

/** The types that a host needs. */
export type { Command, Input, InterpreterState, Message } from './interpreter-state.js';

/** What a turn answers: the state to keep and the one thing to do. */
export interface Turn {
  /** The plan to go on with: another one only once the run was moved to another version. */
  readonly plan: Plan;
  readonly state: InterpreterState;
  readonly command: Command;
}

/** How a run begins. */
export interface Entry {
  /** When the user entered; events count from here (exclusive), also those from before the first turn. */
  readonly entryAt: InstantMs;
  /** Whether time is skipped, so that events must be looked up ahead of each wait. */
  readonly isVirtual?: boolean;
  /** Whether an operator paused the run before it began. */
  readonly isPaused?: boolean;
  /** Whom the run is about; a plan that draws lots needs it, and no other run carries it. */
  readonly unit?: Unit;
}

/** The state of a run that has not begun: its first turn (`next` without input) gives its first command. */
export function start(plan: Plan, { entryAt, isVirtual = false, isPaused = false, unit }: Entry): InterpreterState {
  const isDrawn = drawsLots(plan);
  assert(!isDrawn || unit !== undefined, `${plan.journeyKey} draws lots: its runs must know whom they are about`);
  return {
    engine: ENGINE,
    isVirtual,
    seq: 0,
    cursor: plan.start,
    phase: { kind: 'ready' },
    entryAt,
    stepStartedAt: entryAt,
    countsFrom: entryAt,
    visits: {},
    visitsTotal: 0,
    inbox: [],
    seen: [],
    isPaused,
    exitReason: null,
    ...(isDrawn && unit !== undefined ? { unit } : {}),
    answers: {},
  };
}

/**
 * Takes back the command of the last turn, which the host did not begin to carry out: the next turn gives it again,
 * unless what has arrived meanwhile calls for another one.
 */
export function putDown(state: InterpreterState): InterpreterState {
  const { phase } = state;
  return 'isUnderWay' in phase ? { ...state, phase: { ...phase, isUnderWay: false } } : state;
}

/**
 * Takes note of a message without acting on it: for messages that arrive while the host is busy. What follows from
 * them is said by the next turn.
 */
export function receive(plan: Plan, state: InterpreterState, message: Message): InterpreterState {
  if (state.phase.kind === 'ended') return state;
  switch (message.kind) {
    case 'event':
      return takeEvent(plan, state, message.event);
    case 'wake':
      return { ...state, phase: wake(state.phase, message) };
    case 'pause':
      return { ...state, isPaused: true };
    case 'resume':
      return { ...state, isPaused: false };
    case 'exit':
      return { ...state, exitReason: state.exitReason ?? message.reason };
    case 'migrate':
      return takeMigration(state, message.migration);
    case 'recorded':
      return noteRecorded(plan, state, message.event);
    case 'jump':
      return jump(plan, state, message);
  }
}

/**
 * One turn: what to do now. While an activity is under way, and whenever nothing changed, the command is the same as
 * before, so a host may ask as often as it likes. An answer that nobody waits for changes nothing.
 *
 * @param input null to ask again, e.g. after `receive`
 * @param now the host's clock; it must not run backwards
 * @param see hears of every state that the turn comes through, for whoever keeps the run's path
 * @returns exactly one command; the same values always give the same turn
 */
export function next(
  plan: Plan,
  state: InterpreterState,
  input: Input | null,
  now: InstantMs,
  see?: (state: InterpreterState) => void,
): Turn {
  assert(state.engine === ENGINE, `engine ${String(state.engine)} is not in this code`);
  const noted = input === null ? state : note(plan, state, input, now);
  return advance(plan, { ...noted, seq: state.seq + 1 }, now, see);
}

function note(plan: Plan, state: InterpreterState, input: Input, now: InstantMs): InterpreterState {
  switch (input.kind) {
    case 'event':
    case 'wake':
    case 'pause':
    case 'resume':
    case 'exit':
    case 'migrate':
    case 'recorded':
    case 'jump':
      return receive(plan, state, input);
    case 'timer':
    case 'step_answer':
    case 'branch_answer':
    case 'choice_answer':
    case 'moment_answer':
    case 'act_answer':
    case 'event_answer':
      return noteAnswer(plan, state, input, now);
  }
}

/** Finds the one command that follows from the state, entering steps as long as they end at once. */
function advance(
  given: Plan,
  from: InterpreterState,
  now: InstantMs,
  see: ((state: InterpreterState) => void) | undefined,
): Turn {
  let plan = given;
  let state = from;
  // Every round moves the run on or returns; how many steps it may come to is bounded where it enters them.
  for (;;) {
    see?.(state);
    const { phase } = state;
    if (phase.kind === 'ended') return { plan, state, command: { ...phase, kind: 'end' } };
    if ('isUnderWay' in phase && phase.isUnderWay) {
      return { plan, state, command: activityCommand(plan, state, phase) };
    }
    if (state.settling !== undefined) {
      return { plan, state, command: { kind: 'wait_message', stepId: state.cursor, because: 'moved' } };
    }
    if (state.exitReason !== null) {
      state = ended(state, state.isGoalReached === true ? 'completed' : 'exited', state.exitReason);
    } else if (state.migration !== undefined) {
      ({ plan, state } = migrate(plan, state.migration, state));
    } else if (state.isPaused) {
      return { plan, state, command: { kind: 'wait_message', stepId: state.cursor, because: 'paused' } };
    } else if ('isUnderWay' in phase) {
      state = { ...state, phase: begin(phase, now) };
    } else if (phase.kind === 'ready') {
      state = enter(plan, state, now);
    } else {
      const after = stopWaiting(plan, state, phase, now);
      if (after === null) return { plan, state, command: sleepCommand(plan, state.cursor, phase) };
      state = after;
    }
  }
}

function begin(phase: Extract<Phase, { readonly isUnderWay: boolean }>, now: InstantMs): Phase {
  // What woke the run until now is older than the facts of this question.
  if (phase.kind === 'asking') {
    const { isUrgent: _, ...question } = phase;
    return { ...question, isUnderWay: true, askedAt: now, isWoken: false };
  }
  return { ...phase, isUnderWay: true };
}

function activityCommand(
  plan: Plan,
  state: InterpreterState,
  phase: Extract<Phase, { readonly isUnderWay: boolean }>,
): Command {
  if (phase.kind === 'looking') return findEventCommand(plan, state, phase.wait);
  const step = stepOf(plan, state.cursor);
  const stepId = step.id;
  const visit = visitOf(state, stepId);
  switch (step.kind) {
    case 'message':
    case 'decide':
      assert(phase.kind === 'asking', `${stepId} only asks`);
      return { kind: 'run_step', step, visit, ask: phase.ask };
    case 'branch':
      return { kind: 'evaluate_branch', stepId, condition: step.condition };
    case 'choose':
      return { kind: 'choose', stepId, conditions: step.arms.map(({ condition }) => condition) };
    case 'wait_until':
      // Whoever has waited until Monday at nine and comes again means the next Monday, even in the same millisecond.
      return { kind: 'find_moment', stepId, moment: step.moment, from: state.stepStartedAt + (visit > 1 ? 1 : 0) };
    case 'act':
      return { kind: 'act', stepId, visit, act: step.act };
    case 'wait':
    case 'wait_random':
    case 'wait_for':
    case 'wait_for_any':
    case 'split':
    case 'end':
      throw new Error(`${stepId} needs no activity`);
  }
}
