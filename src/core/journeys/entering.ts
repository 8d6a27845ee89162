import type { InstantMs } from '../kernel/instant.js';
import { armOf, randomWaitMs } from './draw.js';
import { keepUseful } from './inbox.js';
import type { InterpreterState } from './interpreter-state.js';
import { ended, goTo, stepOf, visitOf } from './moves.js';
import type { Plan, Step } from './plan.js';
import { beginWait } from './waiting.js';

/** Steps that a run may come to in its whole life, each time it comes. */
const STEPS_MAX = 1_000;

/**
 * The run enters the step at its cursor, or is sent on by the step's limit. Being sent on is no visit of the step, but
 * counts among the steps that a run may come to: two limits that send a run to each other end it.
 */
export function enter(plan: Plan, state: InterpreterState, now: InstantMs): InterpreterState {
  const step = stepOf(plan, state.cursor);
  if (state.visitsTotal >= STEPS_MAX) return ended(state, 'exited', 'too_many_steps');
  const counted: InterpreterState = { ...state, visitsTotal: state.visitsTotal + 1 };
  const visits = visitOf(state, step.id);
  if (step.limit !== undefined && visits >= step.limit.visits) return goTo(counted, step.limit.next);
  const entered: InterpreterState = {
    ...counted,
    visits: { ...state.visits, [step.id]: visits + 1 },
    stepStartedAt: now,
    inbox: keepUseful(plan, state.inbox, state.countsFrom),
  };
  return begin(plan, entered, step, now);
}

function begin(plan: Plan, state: InterpreterState, step: Step, now: InstantMs): InterpreterState {
  switch (step.kind) {
    case 'message':
    case 'decide':
      return {
        ...state,
        phase: { kind: 'asking', isUnderWay: false, ask: 1, timerAsks: 0, askedAt: now, isWoken: false },
      };
    case 'wait':
      return beginWait(plan, state, { because: 'wait', until: now + step.durationMs });
    case 'wait_random': {
      const lengthMs = randomWaitMs(state, step, visitOf(state, step.id));
      return beginWait(plan, state, { because: 'wait', until: now + lengthMs });
    }
    case 'wait_for':
    case 'wait_for_any':
      return beginWait(plan, state, { because: 'wait_for', until: now + step.timeoutMs });
    case 'branch':
    case 'choose':
      return { ...state, phase: { kind: 'branching', isUnderWay: false } };
    case 'wait_until':
    case 'act':
      return { ...state, phase: { kind: 'working', isUnderWay: false } };
    case 'split': {
      const arm = armOf(state, step);
      return goTo({ ...state, arms: { ...state.arms, [step.id]: arm.name } }, arm.next);
    }
    case 'end':
      return ended(state, 'completed', step.reason);
  }
}
