import type { ContextValues } from '../audiences/context-values.js';
import { checkPath, checkText, durationOf } from './compile-checks.js';
import { isOfRun } from './compile-conditions.js';
import type { StepOf, StepPlace } from './compile-context.js';
import type { DecideStep, MessageChoice, OnRefusal, Step } from './plan.js';

const ACTIONS_PER_STEP_MAX = 50;
const CHOICES_MIN = 2;
const CONTEXT_MAX = 50;

/** A step that contacts its person, once every gate agrees. */
export function compileSending(step: StepOf<'message' | 'decide'>, place: StepPlace): Step {
  const { id } = step;
  if (step.kind === 'message') return { kind: 'message', id, ...contentOf(step, place), ...headOf(step, place) };
  const { actions, context } = step;
  checkActions(actions, place);
  if (context !== undefined) checkContext(context, place);
  return { kind: 'decide', id, actions, ...(context === undefined ? {} : { context }), ...headOf(step, place) };
}

function headOf(
  step: StepOf<'message' | 'decide'>,
  place: StepPlace,
): Pick<DecideStep, 'ttlMs' | 'onRefusal' | 'next'> {
  const { ttl, next } = step;
  const ttlMs = ttl === undefined ? {} : { ttlMs: durationOf(ttl, `${place.path}.ttl`, place.context.report) };
  return { ...ttlMs, onRefusal: onRefusalOf(step, place), next: place.target('next', next) };
}

/** A channel goes with its template, `best` with messages to choose from. */
function contentOf(
  { channel, template, choices }: StepOf<'message'>,
  { path, context: { report } }: StepPlace,
): MessageChoice | { readonly channel: 'best'; readonly choices: readonly MessageChoice[] } {
  if (channel === 'best') {
    if (template !== undefined) report(`${path}.template`, 'bad_message', 'each of the choices names its own template');
    const messages = choices ?? [];
    checkChoices(messages, `${path}.choices`, report);
    return { channel, choices: messages };
  }
  if (choices !== undefined) report(`${path}.choices`, 'bad_message', 'go with the channel "best"');
  if (template === undefined) report(`${path}.template`, 'bad_message', 'name the message template');
  else checkText(template, `${path}.template`, report);
  return { channel, template: template ?? '' };
}

function checkChoices(choices: readonly MessageChoice[], path: string, report: StepPlace['context']['report']): void {
  if (choices.length < CHOICES_MIN) {
    report(path, 'bad_message', `the best channel is one of at least ${CHOICES_MIN}`);
  }
  const seen = new Set<string>();
  for (const [index, { channel, template }] of choices.entries()) {
    checkText(template, `${path}[${index}].template`, report);
    if (seen.has(channel))
      report(`${path}[${index}].channel`, 'bad_message', `${channel} is among the choices already`);
    seen.add(channel);
  }
}

function onRefusalOf(step: StepOf<'message' | 'decide'>, { path, context, target }: StepPlace): OnRefusal {
  const { on_refusal: onRefusal = 'continue' } = step;
  if (typeof onRefusal === 'string') return onRefusal;
  if ('step' in onRefusal) return { kind: 'go_to', step: target('on_refusal.step', onRefusal.step) };
  return { kind: 'wait', forMs: durationOf(onRefusal.wait, `${path}.on_refusal.wait`, context.report) };
}

function checkContext(values: ContextValues, { path, context: { report } }: StepPlace): void {
  const entries = Object.entries(values);
  if (entries.length > CONTEXT_MAX) report(`${path}.context`, 'bad_context', `has more than ${CONTEXT_MAX} names`);
  for (const [name, value] of entries) {
    if (typeof value !== 'object' || value === null) continue;
    const where = `${path}.context.${name}.attribute`;
    checkPath(value.attribute, where, report);
    if (isOfRun(value.attribute)) report(where, 'bad_attribute', 'only the profile can be read here');
  }
}

function checkActions(actions: readonly string[], { path, context: { report } }: StepPlace): void {
  if (actions.length === 0 || actions.length > ACTIONS_PER_STEP_MAX) {
    report(`${path}.actions`, 'bad_actions', `needs 1 to ${ACTIONS_PER_STEP_MAX} actions`);
  }
  if (new Set(actions).size !== actions.length) report(`${path}.actions`, 'bad_actions', 'names an action twice');
}
