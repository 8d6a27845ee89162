import { REASONS } from '../kernel/reasons.js';
import type { InstantMs } from '../kernel/instant.js';
import { endOf } from './deferral.js';
import type { InterpreterState, Wait } from './interpreter-state.js';
import type { Plan, Step } from './plan.js';

const ANSWERS_SHOWN_MAX = 20;

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
      return ['- Tests its condition'];
    case 'ready':
      return ['- Goes on as soon as it may'];
  }
}

function waitText(step: Step | undefined, wait: Wait): string {
  switch (wait.because) {
    case 'wait':
      return `Waits until ${at(wait.until)}`;
    case 'wait_for':
      return `Waits for ${code(step?.kind === 'wait_for' ? step.event : 'an event')}, at most until ${at(wait.until)}`;
    case 'deferred':
      if (endOf(wait) < wait.until) return `Asks again at ${at(endOf(wait))}: something about the user changed`;
      return `Put off until ${at(wait.until)} after question ${wait.ask}, ${wait.reason} (${REASONS[wait.reason]})`;
    case 'unknown':
      return `Nobody can say whether the message went out; goes on at ${at(wait.until)}`;
  }
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
  return step.kind.replace('_', ' ');
}

function code(text: string): string {
  // An author's text must not end the code span.
  return `\`${text.replaceAll('`', "'")}\``;
}

function at(instant: InstantMs): string {
  return new Date(instant).toISOString();
}
