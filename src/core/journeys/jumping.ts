import type { InterpreterState } from './interpreter-state.js';
import { contentsAhead, contentsOf, contentsSent, firstRepeat, stepsAfter } from './migrating-repeats.js';
import type { Migration } from './migrating-types.js';
import { countFrom, goTo, visitOf } from './moves.js';
import type { InstantMs } from '../kernel/instant.js';
import type { Plan, Step } from './plan.js';

/** Where an operator takes a run. */
export interface Jump {
  readonly step: string;
  /** Whether a message or a webhook may go out once more that the run may have sent. */
  readonly isRepeatAllowed: boolean;
  /**
   * The template behind each action of the plan, as `<channel>:<template>`. Left out, as in older requests: a template
   * that one step sends and another one offers is not seen.
   */
  readonly offers?: Migration['offers'];
}

/** Why the run cannot go there now; null if it can. A sentence for the operator. */
export function reasonNotToJump(plan: Plan, state: InterpreterState, jump: Jump): string | null {
  const { step: id, isRepeatAllowed } = jump;
  const step = Object.hasOwn(plan.steps, id) ? plan.steps[id] : undefined;
  if (step === undefined) return `version ${plan.version} has no step "${id}"`;
  if (isBusy(state)) return 'the run is busy at its step, e.g. with a message on its way: try again';
  if (isRepeatAllowed) return null;
  return reasonNotToSend(plan, state, { id, step, offers: jump.offers ?? {} }) ?? reasonNotToPost(plan, state, id);
}

function reasonNotToSend(
  plan: Plan,
  state: InterpreterState,
  { id, step, offers }: { readonly id: string; readonly step: Step; readonly offers: Migration['offers'] },
): string | null {
  const sent = contentsSent(plan, state, offers);
  if (contentsOf(step, offers).some((content) => sent.has(content))) {
    return `the run has passed "${id}" or one like it: allow_repeat lets it be sent again`;
  }
  const again = contentsAhead(plan, state, offers);
  const repeat = firstRepeat(plan, stepsAfter(plan, id), { sent, again, offers });
  if (repeat === null) return null;
  return `from there the run would come to "${repeat}", and may have sent the same before: allow_repeat lets it`;
}

/**
 * Another visit posts under another message id, so the endpoint cannot know it again. Not part of what migrations ask
 * about: runs have decided those, and must decide the same when they are replayed.
 */
function reasonNotToPost(plan: Plan, state: InterpreterState, to: string): string | null {
  const isPosted = (id: string): boolean => isWebhook(plan.steps[id]) && visitOf(state, id) > 0;
  if (isPosted(to)) return `the run has posted "${to}": allow_repeat lets it be posted again`;
  const again = stepsAfter(plan, state.cursor);
  for (const id of stepsAfter(plan, to)) {
    const isNext = id === state.cursor && state.phase.kind === 'ready';
    if (!isPosted(id) || again.has(id) || isNext) continue;
    return `from there the run would come to "${id}", and has posted it before: allow_repeat lets it`;
  }
  return null;
}

const isWebhook = (step: Step | undefined): boolean => step?.kind === 'act' && step.act.kind === 'webhook';

/**
 * The run leaves what it waits for and stands before the step, which it enters in the next turn like any other: limits,
 * gates and caps apply. Events count from here.
 */
export function jump(plan: Plan, state: InterpreterState, to: { step: string; at: InstantMs }): InterpreterState {
  if (isBusy(state) || plan.steps[to.step] === undefined) return state;
  return goTo(countFrom(state, to.at), to.step);
}

const isBusy = ({ phase }: InterpreterState): boolean => 'isUnderWay' in phase && phase.isUnderWay;
