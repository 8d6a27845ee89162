import { assert } from '../kernel/assert.js';
import { MINUTE_MS, SECOND_MS, type InstantMs } from '../kernel/instant.js';
import type { ReasonCode } from '../kernel/reasons.js';
import { askAgain, endOf, isSpent } from './deferral.js';
import { firstMatch, keepUseful, takeEvent } from './inbox.js';
import { ENGINE } from './interpreter-state.js';
import type { Command, Deferral, Input, InterpreterState, Message, Phase, Wait } from './interpreter-state.js';
import type { Plan, Step, WaitForStep } from './plan.js';
import type { StepAnswer } from './step-answer.js';

/** The types that a host needs. */
export type { Command, Input, InterpreterState, Message } from './interpreter-state.js';

const VISITS_MAX = 1_000;
/** An answer that names a past instant must not make a run ask in a tight loop. */
const DEFER_MS_MIN = SECOND_MS;
const UNKNOWN_WAIT_MS = 15 * MINUTE_MS;
/**
 * An operator's command is written down before the run hears of it, so that it holds at once. A step that finds its
 * run paused or ended gives the message this long to arrive.
 */
const COMMAND_WAIT_MS = MINUTE_MS;

/** What a turn answers: the state to keep and the one thing to do. */
export interface Turn {
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
}

/** The state of a run that has not begun: its first turn (`next` without input) gives its first command. */
export function start(plan: Plan, { entryAt, isVirtual = false, isPaused = false }: Entry): InterpreterState {
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
      return { ...state, phase: wake(state.phase) };
    case 'pause':
      return { ...state, isPaused: true };
    case 'resume':
      return { ...state, isPaused: false };
    case 'exit':
      return { ...state, exitReason: state.exitReason ?? message.reason };
  }
}

/**
 * One turn: what to do now. While an activity is under way, and whenever nothing changed, the command is the same as
 * before, so a host may ask as often as it likes. An answer that nobody waits for changes nothing.
 *
 * @param input null to ask again, e.g. after `receive`
 * @param now the host's clock; it must not run backwards
 * @returns exactly one command; the same values always give the same turn
 */
export function next(plan: Plan, state: InterpreterState, input: Input | null, now: InstantMs): Turn {
  assert(state.engine === ENGINE, `engine ${String(state.engine)} is not in this code`);
  const noted = input === null ? state : note(plan, state, input, now);
  return advance(plan, { ...noted, seq: state.seq + 1 }, now);
}

/** What woke the run may be newer than the facts of its last question: it is remembered until the next one. */
function wake(phase: Phase): Phase {
  if (phase.kind === 'asking') return { ...phase, isWoken: true };
  if (phase.kind !== 'waiting' && phase.kind !== 'looking') return phase;
  return phase.wait.because === 'deferred' ? { ...phase, wait: { ...phase.wait, isWoken: true } } : phase;
}

function note(plan: Plan, state: InterpreterState, input: Input, now: InstantMs): InterpreterState {
  const { phase } = state;
  switch (input.kind) {
    case 'timer':
      // A timer is believed even if the clock of the machine that reports it is some milliseconds behind.
      return phase.kind === 'waiting' ? { ...state, phase: { ...phase, isDue: true } } : state;
    case 'step_answer':
      return phase.kind === 'asking' && phase.isUnderWay ? noteAnswer(plan, state, phase, input.answer, now) : state;
    case 'branch_answer':
      return phase.kind === 'branching' && phase.isUnderWay ? noteBranch(plan, state, input.holds) : state;
    case 'event_answer':
      return phase.kind === 'looking' && phase.isUnderWay
        ? { ...state, phase: { kind: 'waiting', wait: phase.wait, found: input.event, isDue: false } }
        : state;
    case 'event':
    case 'wake':
    case 'pause':
    case 'resume':
    case 'exit':
      return receive(plan, state, input);
  }
}

function noteBranch(plan: Plan, state: InterpreterState, holds: boolean): InterpreterState {
  const step = stepOf(plan, state.cursor);
  assert(step.kind === 'branch', `${step.id} is no branch`);
  return goTo(state, holds ? step.then : step.otherwise);
}

function noteAnswer(
  plan: Plan,
  state: InterpreterState,
  { ask, timerAsks, askedAt, isWoken }: Extract<Phase, { kind: 'asking' }>,
  answer: StepAnswer,
  now: InstantMs,
): InterpreterState {
  const reason = answer.kind === 'sent' ? null : answer.reason;
  const answers = { ...state.answers, [state.cursor]: { kind: answer.kind, reason } };
  const told = { ...state, answers };
  const putOff = (why: ReasonCode, until: InstantMs): InterpreterState => {
    const wait: Deferral = { because: 'deferred', until, reason: why, ask, timerAsks, askedAt, isWoken };
    return { ...told, phase: beginWait(plan, told, wait) };
  };
  if (reason === 'RUN_PAUSED' || reason === 'RUN_EXITED') return putOff(reason, now + COMMAND_WAIT_MS);
  switch (answer.kind) {
    case 'sent':
      return goOn(plan, told);
    case 'defer':
      return isSpent({ timerAsks })
        ? noteRefusal(plan, told, { kind: 'skip', reason: 'TOO_MANY_ASKS' })
        : putOff(answer.reason, Math.max(answer.until, now + DEFER_MS_MIN));
    case 'skip':
      if (answer.isPassedOver === true) return goOn(plan, told);
      return noteRefusal(plan, told, answer);
    case 'do_nothing':
      return noteRefusal(plan, told, answer);
    case 'unknown': {
      const wait: Wait = { because: 'unknown', until: now + UNKNOWN_WAIT_MS, reason: answer.reason };
      return { ...told, phase: beginWait(plan, told, wait) };
    }
  }
}

function noteRefusal(
  plan: Plan,
  told: InterpreterState,
  { kind, reason }: { readonly kind: 'skip' | 'do_nothing'; readonly reason: ReasonCode },
): InterpreterState {
  const step = stepOf(plan, told.cursor);
  assert(step.kind === 'message' || step.kind === 'decide', `${step.id} asks nothing`);
  const state = { ...told, answers: { ...told.answers, [step.id]: { kind, reason } } };
  // Silence is an answer of a decide step like any other; of a message step it is a refusal.
  const isRefusal = step.kind === 'message' || kind === 'skip';
  if (isRefusal && step.onRefusal === 'exit') return ended(state, 'exited', `refused:${reason}`);
  return goTo(state, step.next);
}

/** Finds the one command that follows from the state, entering steps as long as they end at once. */
function advance(plan: Plan, from: InterpreterState, now: InstantMs): Turn {
  let state = from;
  // Every round moves the run on or returns; how many steps it may enter is counted against VISITS_MAX.
  for (;;) {
    const { phase } = state;
    if (phase.kind === 'ended') return { state, command: { ...phase, kind: 'end' } };
    if ('isUnderWay' in phase && phase.isUnderWay) return { state, command: activityCommand(plan, state, phase) };
    if (state.exitReason !== null) {
      state = ended(state, 'exited', state.exitReason);
    } else if (state.isPaused) {
      return { state, command: { kind: 'wait_message', stepId: state.cursor, because: 'paused' } };
    } else if ('isUnderWay' in phase) {
      state = { ...state, phase: begin(phase, now) };
    } else if (phase.kind === 'ready') {
      state = enter(plan, state, now);
    } else {
      const after = stopWaiting(plan, state, phase, now);
      if (after === null) return { state, command: sleepCommand(plan, state.cursor, phase) };
      state = after;
    }
  }
}

function begin(phase: Extract<Phase, { readonly isUnderWay: boolean }>, now: InstantMs): Phase {
  // What woke the run until now is older than the facts of this question.
  if (phase.kind === 'asking') return { ...phase, isUnderWay: true, askedAt: now, isWoken: false };
  return { ...phase, isUnderWay: true };
}

function enter(plan: Plan, state: InterpreterState, now: InstantMs): InterpreterState {
  const step = stepOf(plan, state.cursor);
  if (state.visitsTotal >= VISITS_MAX) return ended(state, 'exited', 'too_many_steps');
  const visits = { ...state.visits, [step.id]: visitOf(state, step.id) + 1 };
  const entered: InterpreterState = {
    ...state,
    visits,
    visitsTotal: state.visitsTotal + 1,
    stepStartedAt: now,
    inbox: keepUseful(plan, state.inbox, state.countsFrom),
  };
  switch (step.kind) {
    case 'message':
    case 'decide':
      return {
        ...entered,
        phase: { kind: 'asking', isUnderWay: false, ask: 1, timerAsks: 0, askedAt: now, isWoken: false },
      };
    case 'wait':
      return { ...entered, phase: beginWait(plan, entered, { because: 'wait', until: now + step.durationMs }) };
    case 'wait_for':
      return { ...entered, phase: beginWait(plan, entered, { because: 'wait_for', until: now + step.timeoutMs }) };
    case 'branch':
      return { ...entered, phase: { kind: 'branching', isUnderWay: false } };
    case 'end':
      return ended(entered, 'completed', step.reason);
  }
}

/** Null while the wait goes on. */
function stopWaiting(
  plan: Plan,
  state: InterpreterState,
  phase: Extract<Phase, { kind: 'waiting' }>,
  now: InstantMs,
): InterpreterState | null {
  const { wait, found, isDue } = phase;
  const step = stepOf(plan, state.cursor);
  if (step.kind === 'wait_for') {
    const match = firstMatch(state, step, wait.until);
    if (match !== null) return goTo(countFrom(state, match.occurredAt), step.onEvent);
  }
  const end = endOf(wait);
  if (!isDue && now < Math.min(end, found?.occurredAt ?? end)) return null;
  if (found !== null && found.occurredAt <= Math.max(end, now)) {
    // The foretold event happens now: from here it is like any other.
    return { ...takeEvent(plan, state, found), phase: { ...phase, found: null, isDue: false } };
  }
  const stopped = countFrom(state, Math.min(now, wait.until));
  switch (wait.because) {
    case 'wait':
    case 'unknown':
      return goOn(plan, stopped);
    case 'wait_for':
      return goTo(stopped, (step as WaitForStep).onTimeout);
    case 'deferred':
      if (wait.reason === 'RUN_EXITED') return ended(stopped, 'exited', 'run_exited');
      return { ...stopped, phase: askAgain(wait, now) };
  }
}

function beginWait(plan: Plan, state: InterpreterState, wait: Wait): Phase {
  if (state.isVirtual && eventsToLookFor(plan, state.cursor, wait).length > 0) {
    return { kind: 'looking', isUnderWay: false, wait };
  }
  return { kind: 'waiting', wait, found: null, isDue: false };
}

function eventsToLookFor(plan: Plan, stepId: string, wait: Wait): readonly string[] {
  const step = stepOf(plan, stepId);
  const isWaitedFor = wait.because === 'wait_for' && step.kind === 'wait_for';
  return isWaitedFor ? [...new Set([step.event, ...plan.exitEvents])] : plan.exitEvents;
}

function activityCommand(
  plan: Plan,
  state: InterpreterState,
  phase: Extract<Phase, { kind: 'asking' | 'branching' | 'looking' }>,
): Command {
  const step = stepOf(plan, state.cursor);
  switch (phase.kind) {
    case 'asking':
      assert(step.kind === 'message' || step.kind === 'decide', `${step.id} asks nothing`);
      return { kind: 'run_step', step, visit: visitOf(state, step.id), ask: phase.ask };
    case 'branching':
      assert(step.kind === 'branch', `${step.id} is no branch`);
      return { kind: 'evaluate_branch', stepId: step.id, condition: step.condition };
    case 'looking': {
      const isSinceEntry = step.kind === 'wait_for' && step.since === 'entry';
      const after = isSinceEntry ? state.entryAt : state.countsFrom;
      const events = eventsToLookFor(plan, step.id, phase.wait);
      return { kind: 'find_event', stepId: step.id, events, after, until: phase.wait.until };
    }
  }
}

function sleepCommand(plan: Plan, stepId: string, { wait, found }: Extract<Phase, { kind: 'waiting' }>): Command {
  const end = endOf(wait);
  const until = Math.min(end, found?.occurredAt ?? end);
  return { kind: 'sleep', stepId, until, because: wait.because, label: labelOf(stepOf(plan, stepId), wait) };
}

function labelOf(step: Step, wait: Wait): string {
  switch (wait.because) {
    case 'wait':
      return `${step.id}: wait`;
    case 'wait_for':
      return `${step.id}: wait for ${(step as WaitForStep).event}`;
    case 'deferred':
      return `${step.id}: put off, ${wait.reason}${endOf(wait) < wait.until ? ', asks again soon' : ''}`;
    case 'unknown':
      return `${step.id}: outcome unknown`;
  }
}

function goOn(plan: Plan, state: InterpreterState): InterpreterState {
  const step = stepOf(plan, state.cursor);
  assert('next' in step, `${step.id} has no single next step`);
  return goTo(state, step.next);
}

function goTo(state: InterpreterState, target: string): InterpreterState {
  return { ...state, cursor: target, phase: { kind: 'ready' } };
}

function ended(state: InterpreterState, outcome: 'completed' | 'exited', reason: string): InterpreterState {
  return { ...state, phase: { kind: 'ended', outcome, reason } };
}

function countFrom(state: InterpreterState, instant: InstantMs): InterpreterState {
  return { ...state, countsFrom: Math.max(state.countsFrom, instant) };
}

function visitOf(state: InterpreterState, stepId: string): number {
  return state.visits[stepId] ?? 0;
}

function stepOf(plan: Plan, id: string): Step {
  const step = plan.steps[id];
  assert(step !== undefined, `${plan.journeyKey} version ${plan.version} has no step ${id}`);
  return step;
}
