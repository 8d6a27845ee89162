import { assert } from '../kernel/assert.js';
import type { InstantMs } from '../kernel/instant.js';
import type { InterpreterState } from './interpreter-state.js';
import type { Plan, Step } from './plan.js';

/** The run goes to the only step that follows its own. */
export function goOn(plan: Plan, state: InterpreterState): InterpreterState {
  const step = stepOf(plan, state.cursor);
  assert('next' in step, `${step.id} has no single next step`);
  return goTo(state, step.next);
}

/** The run stands before the step, which it has not entered yet. */
export function goTo(state: InterpreterState, target: string): InterpreterState {
  return { ...state, cursor: target, phase: { kind: 'ready' } };
}

/** The run is over. */
export function ended(state: InterpreterState, outcome: 'completed' | 'exited', reason: string): InterpreterState {
  return { ...state, phase: { kind: 'ended', outcome, reason } };
}

/** The run stopped waiting at this instant: from here on (exclusive) events count for the wait that follows. */
export function countFrom(state: InterpreterState, instant: InstantMs): InterpreterState {
  return { ...state, countsFrom: Math.max(state.countsFrom, instant) };
}

/** How often the run has entered the step. */
export function visitOf(state: InterpreterState, stepId: string): number {
  return state.visits[stepId] ?? 0;
}

/** @throws AssertionError when the plan has no such step: compile lets no such plan through */
export function stepOf(plan: Plan, id: string): Step {
  const step = plan.steps[id];
  assert(step !== undefined, `${plan.journeyKey} version ${plan.version} has no step ${id}`);
  return step;
}
