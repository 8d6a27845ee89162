import { assert } from '../kernel/assert.js';
import { MINUTE_MS, SECOND_MS, type InstantMs } from '../kernel/instant.js';
import type { ReasonCode } from '../kernel/reasons.js';
import { isSpent } from './deferral.js';
import type { Input, InterpreterState, Message, Phase } from './interpreter-state.js';
import { ended, goOn, goTo, stepOf } from './moves.js';
import type { ActStep, Plan } from './plan.js';
import type { ActAnswer, StepAnswer } from './step-answer.js';
import { beginWait } from './waiting.js';

/** An answer that names a past instant must not make a run ask, or act, in a tight loop. */
const DEFER_MS_MIN = SECOND_MS;
const UNKNOWN_WAIT_MS = 15 * MINUTE_MS;
/**
 * An operator's command is written down before the run hears of it, so that it holds at once. A step that finds its
 * run paused or ended gives the message this long to arrive.
 */
const COMMAND_WAIT_MS = MINUTE_MS;
/** Refusals that nothing about the user can change: the message itself is to blame, or the time that has passed. */
const FINAL_REASONS: ReadonlySet<ReasonCode> = new Set(['PROVIDER_REJECTED', 'EXPIRED']);

type Asking = Extract<Phase, { kind: 'asking' }>;
type Answer = Exclude<Input, Message>;

/** What follows from the answer to the command under way; one that nobody waits for changes nothing. */
export function noteAnswer(plan: Plan, state: InterpreterState, input: Answer, now: InstantMs): InterpreterState {
  const { phase } = state;
  if (input.kind === 'timer') {
    if (phase.kind !== 'waiting') return state;
    // After an outage timers are quicker than what was said in time: the time-out asks before it takes its way.
    const isAsked = input.isLate === true && phase.wait.because === 'wait_for';
    if (isAsked) return { ...state, phase: { kind: 'looking', isUnderWay: false, wait: phase.wait } };
    // A timer is believed even if the clock of the machine that reports it is some milliseconds behind.
    return { ...state, phase: { ...phase, isDue: true } };
  }
  if (!('isUnderWay' in phase) || !phase.isUnderWay) return state;
  switch (input.kind) {
    case 'step_answer':
      return phase.kind === 'asking' ? noteStep(plan, state, phase, input.answer, now) : state;
    case 'event_answer':
      return phase.kind === 'looking'
        ? { ...state, phase: { kind: 'waiting', wait: phase.wait, found: input.event, isDue: false } }
        : state;
    case 'branch_answer':
    case 'choice_answer':
    case 'moment_answer':
    case 'act_answer':
      return phase.kind === 'branching' || phase.kind === 'working' ? noteWork(plan, state, input, now) : state;
  }
}

function noteWork(
  plan: Plan,
  state: InterpreterState,
  input: Exclude<Answer, { kind: 'timer' | 'step_answer' | 'event_answer' }>,
  now: InstantMs,
): InterpreterState {
  const step = stepOf(plan, state.cursor);
  if (input.kind === 'branch_answer' && step.kind === 'branch') {
    return goTo(state, input.holds ? step.then : step.otherwise);
  }
  if (input.kind === 'choice_answer' && step.kind === 'choose') {
    if (input.index === null) return goTo(state, step.otherwise);
    const arm = step.arms[input.index];
    assert(arm !== undefined, `${step.id} has no arm ${input.index}`);
    return goTo(state, arm.next);
  }
  if (input.kind === 'moment_answer' && step.kind === 'wait_until') {
    if (input.until === null) return goTo(state, step.onMissing ?? step.next);
    return input.until <= now ? goOn(plan, state) : beginWait(plan, state, { because: 'wait', until: input.until });
  }
  if (input.kind === 'act_answer' && step.kind === 'act') return noteAct(plan, state, step, input.answer, now);
  return state;
}

function noteAct(
  plan: Plan,
  state: InterpreterState,
  step: ActStep,
  answer: ActAnswer,
  now: InstantMs,
): InterpreterState {
  switch (answer.kind) {
    case 'done':
      return goTo(state, step.next);
    case 'failed':
      return goTo(state, step.onFailure ?? step.next);
    case 'later':
      return beginWait(plan, state, { because: 'act', until: Math.max(answer.until, now + DEFER_MS_MIN) });
  }
}

function noteStep(
  plan: Plan,
  state: InterpreterState,
  { isUnderWay: _, kind: __, ...question }: Asking,
  answer: StepAnswer,
  now: InstantMs,
): InterpreterState {
  const reason = answer.kind === 'sent' ? null : answer.reason;
  const told = tell(state, answer.kind, reason);
  const putOff = (why: ReasonCode, until: InstantMs): InterpreterState =>
    beginWait(plan, told, { because: 'deferred', until, reason: why, ...question });
  if (reason === 'RUN_PAUSED' || reason === 'RUN_EXITED') return putOff(reason, now + COMMAND_WAIT_MS);
  switch (answer.kind) {
    case 'sent':
      return goOn(plan, told);
    case 'defer':
      return isSpent(question)
        ? noteRefusal(plan, state, question, { kind: 'skip', reason: 'TOO_MANY_ASKS' }, now)
        : putOff(answer.reason, Math.max(answer.until, now + DEFER_MS_MIN));
    case 'skip':
      if (answer.isPassedOver === true) return goOn(plan, told);
      return noteRefusal(plan, state, question, answer, now);
    case 'do_nothing':
      return noteRefusal(plan, state, question, answer, now);
    case 'unknown':
      return beginWait(plan, told, { because: 'unknown', until: now + UNKNOWN_WAIT_MS, reason: answer.reason });
  }
}

function noteRefusal(
  plan: Plan,
  state: InterpreterState,
  question: Omit<Asking, 'kind' | 'isUnderWay'>,
  { kind, reason }: { readonly kind: 'skip' | 'do_nothing'; readonly reason: ReasonCode },
  now: InstantMs,
): InterpreterState {
  const step = stepOf(plan, state.cursor);
  assert(step.kind === 'message' || step.kind === 'decide', `${step.id} asks nothing`);
  const { onRefusal } = step;
  const told = tell(state, kind, reason);
  // Silence is an answer of a decide step like any other; of a message step it is a refusal.
  if (onRefusal === 'continue' || (step.kind === 'decide' && kind === 'do_nothing')) return goOn(plan, told);
  if (onRefusal === 'exit') return ended(told, 'exited', `refused:${reason}`);
  if (onRefusal.kind === 'go_to') return goTo(told, onRefusal.step);
  const until = question.refusedUntil ?? now + onRefusal.forMs;
  if (FINAL_REASONS.has(reason) || until <= now) return goOn(plan, told);
  return beginWait(plan, told, { because: 'refused', until, reason, ...question, refusedUntil: until });
}

function tell(state: InterpreterState, kind: StepAnswer['kind'], reason: ReasonCode | null): InterpreterState {
  return { ...state, answers: { ...state.answers, [state.cursor]: { kind, reason } } };
}
