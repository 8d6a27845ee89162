import type { InterpreterState } from './interpreter-state.js';
import { contentsAhead, contentsOf, contentsSent, firstRepeat, stepsAfter } from './migrating-repeats.js';
import { countFrom, goTo } from './moves.js';
import type { InstantMs } from '../kernel/instant.js';
import type { Plan } from './plan.js';

/** Where an operator takes a run. */
export interface Jump {
  readonly step: string;
  /** Whether a message may go out once more that the run may have sent. */
  readonly isRepeatAllowed: boolean;
}

/** Why the run cannot go there now; null if it can. A sentence for the operator. */
export function reasonNotToJump(
  plan: Plan,
  state: InterpreterState,
  { step: id, isRepeatAllowed }: Jump,
): string | null {
  const step = Object.hasOwn(plan.steps, id) ? plan.steps[id] : undefined;
  if (step === undefined) return `version ${plan.version} has no step "${id}"`;
  if (isBusy(state)) return 'the run is busy at its step, e.g. with a message on its way: try again';
  if (isRepeatAllowed) return null;
  const sent = contentsSent(plan, state, {});
  if (contentsOf(step).some((content) => sent.has(content))) {
    return `the run has passed "${id}" or one like it: allow_repeat lets it be sent again`;
  }
  const again = contentsAhead(plan, state, {});
  const repeat = firstRepeat(plan, stepsAfter(plan, id), { sent, again, offers: {} });
  if (repeat === null) return null;
  return `from there the run would come to "${repeat}", and may have sent the same before: allow_repeat lets it`;
}

/**
 * The run leaves what it waits for and stands before the step, which it enters in the next turn like any other: limits,
 * gates and caps apply. Events count from here.
 */
export function jump(plan: Plan, state: InterpreterState, to: { step: string; at: InstantMs }): InterpreterState {
  if (isBusy(state) || plan.steps[to.step] === undefined) return state;
  return goTo(countFrom(state, to.at), to.step);
}

const isBusy = ({ phase }: InterpreterState): boolean => 'isUnderWay' in phase && phase.isUnderWay;
