import { REASONS } from '../kernel/reasons.js';
import type { InstantMs } from '../kernel/instant.js';
import { endOf } from './deferral.js';
import type { InterpreterState, Wait } from './interpreter-state.js';
import { eventWaitOf, namesOf } from './listening.js';
import type { Act, Plan, Step } from './plan.js';

const ANSWERS_SHOWN_MAX = 20;
const ACTS: Readonly<Record<Act['kind'], string>> = {
  update_user: 'Changes the profile',
  webhook: 'Calls an endpoint',
  start_journey: 'Starts another journey',
  reach_goal: 'Records a goal',
};

/**
 * Where a run is and why, in Markdown for a person who opens it in the Temporal UI: the step, since when, what it waits
 * for until when, and the last answers with their reasons. Holds no personal data.
 */
export function describeState(plan: Plan, state: InterpreterState): string {
  const step = plan.steps[state.cursor];
  const lines = [
    `**${headline(state)}**`,
    `- Journey \`${plan.journeyKey}\`, version ${plan.version}`,
    `- Step \`${state.cursor}\`${step === undefined ? '' : ` (${kindOf(step)})`}, visit ${state.visits[state.cursor] ?? 0}, since ${at(state.stepStartedAt)}`,
    ...whatNext(step, state),
    ...answersOf(state),
  ];
  return lines.join('\n');
}

/**
 * What would end the wait that the run is in, beside time: names of events, or the reason code that it was put off or
 * refused because of. Empty where only time counts, and where the run does not wait.
 */
export function waitsOn(plan: Plan, { phase, cursor }: InterpreterState): readonly string[] {
  if (phase.kind !== 'waiting') return [];
  const { wait } = phase;
  if ('reason' in wait) return [wait.reason];
  if (wait.because !== 'wait_for') return [];
  const step = plan.steps[cursor];
  const arms = (step === undefined ? null : eventWaitOf(step))?.arms ?? [];
  return [...new Set(arms.map(({ event }) => event))];
}

function headline(state: InterpreterState): string {
  const { phase } = state;
  if (phase.kind === 'ended') return phase.outcome === 'completed' ? 'Completed' : 'Exited';
  if (state.exitReason !== null) return 'Ending';
  if (state.isPaused) return 'Paused';
  return phase.kind === 'waiting' ? 'Waiting' : 'Running';
}

function whatNext(step: Step | undefined, state: InterpreterState): readonly string[] {
  const { phase } = state;
  switch (phase.kind) {
    case 'ended':
      return [`- Reason: ${code(phase.reason)}`];
    case 'waiting':
    case 'looking':
      return [`- ${waitText(step, phase.wait)}`];
    case 'asking':
      return [`- Asks the gates, question ${phase.ask} of this visit`];
    case 'branching':
      return [step?.kind === 'choose' ? '- Tests its conditions' : '- Tests its condition'];
    case 'working':
      return [step?.kind === 'act' ? `- ${ACTS[step.act.kind]}` : '- Works out until when to wait'];
    case 'ready':
      return ['- Goes on as soon as it may'];
  }
}

function waitText(step: Step | undefined, wait: Wait): string {
  switch (wait.because) {
    case 'wait':
      return `Waits until ${at(wait.until)}`;
    case 'wait_for':
      return `Waits for ${code(eventsOf(step))}, at most until ${at(wait.until)}`;
    case 'act':
      return `Was not possible yet; tries again at ${at(wait.until)}`;
    case 'deferred':
      if (endOf(wait) < wait.until) return `Asks again at ${at(endOf(wait))}: something about the user changed`;
      return `Put off until ${at(wait.until)} after question ${wait.ask}, ${wait.reason} (${REASONS[wait.reason]})`;
    case 'refused':
      if (endOf(wait) < wait.until) return `Asks again at ${at(endOf(wait))}: something about the user changed`;
      return `Refused after question ${wait.ask}, ${wait.reason} (${REASONS[wait.reason]}); asks again when something about the user changes, at most until ${at(wait.until)}`;
    case 'unknown':
      return `Nobody can say whether the message went out; goes on at ${at(wait.until)}`;
  }
}

function eventsOf(step: Step | undefined): string {
  return (step === undefined ? '' : namesOf(eventWaitOf(step))) || 'an event';
}

function answersOf(state: InterpreterState): readonly string[] {
  const entries = Object.entries(state.answers);
  if (entries.length === 0) return [];
  const shown = entries.slice(-ANSWERS_SHOWN_MAX).map(([id, { kind, reason }]) => {
    return `  - \`${id}\`: ${kind}${reason === null ? '' : `, ${reason} (${REASONS[reason]})`}`;
  });
  return ['- Last answers:', ...shown];
}

function kindOf(step: Step): string {
  return step.kind.replaceAll('_', ' ');
}

function code(text: string): string {
  // An author's text must not end the code span.
  return `\`${text.replaceAll('`', "'")}\``;
}

function at(instant: InstantMs): string {
  return new Date(instant).toISOString();
}
