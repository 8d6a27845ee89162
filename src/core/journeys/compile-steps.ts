import { compileAct } from './compile-acts.js';
import { compileBranch, compileSplit } from './compile-choices.js';
import { checkText } from './compile-checks.js';
import { placeOf, type CompileContext, type StepPlace } from './compile-context.js';
import { compileSending } from './compile-sending.js';
import { compileWait, compileWaitFor } from './compile-waits.js';
import type { StepDefinition } from './definition.js';
import type { Step } from './plan.js';

const STEPS_MAX = 200;
const VISITS_MAX = 100;
const STEP_ID_PATTERN = /^[a-z][a-z0-9_]{0,63}$/;

/** The steps by id, in the order of the list. */
export function compileSteps(
  definitions: readonly StepDefinition[],
  context: CompileContext,
): ReadonlyMap<string, Step> {
  const { report } = context;
  const steps = new Map<string, Step>();
  if (definitions.length === 0) report('steps', 'no_steps', 'a journey needs at least one step');
  if (definitions.length > STEPS_MAX) {
    report('steps', 'too_many_steps', `at most ${STEPS_MAX} steps`);
    return steps;
  }
  definitions.forEach((definition, index) => {
    const path = `steps[${index}]`;
    if (!STEP_ID_PATTERN.test(definition.id)) report(`${path}.id`, 'bad_id', `must match ${STEP_ID_PATTERN.source}`);
    if (steps.has(definition.id)) report(`${path}.id`, 'duplicate_id', `another step is called ${definition.id}`);
    const place = placeOf(path, definitions[index + 1]?.id, context);
    steps.set(definition.id, { ...compileStep(definition, place), ...limitOf(definition, place) });
  });
  return steps;
}

function compileStep(step: StepDefinition, place: StepPlace): Step {
  const { path } = place;
  const { report } = place.context;
  const { id } = step;
  switch (step.kind) {
    case 'message':
    case 'decide':
      return compileSending(step, place);
    case 'wait':
      return compileWait(step, place);
    case 'wait_for':
      return compileWaitFor(step, place);
    case 'branch':
      return compileBranch(step, place);
    case 'split':
      return compileSplit(step, place);
    case 'update_user':
    case 'webhook':
    case 'start_journey':
    case 'goal':
      return compileAct(step, place);
    case 'end':
      checkText(step.reason, `${path}.reason`, report);
      return { kind: step.kind, id, reason: step.reason };
  }
}

function limitOf(step: StepDefinition, { path, context, target }: StepPlace): Pick<Step, 'limit'> {
  const { id, max_visits: visits, on_max_visits: next } = step;
  if (visits === undefined && next === undefined) return {};
  const { report } = context;
  if (visits === undefined) report(`${path}.on_max_visits`, 'bad_max_visits', 'means nothing without max_visits');
  else if (!Number.isInteger(visits) || visits < 1 || visits > VISITS_MAX) {
    report(`${path}.max_visits`, 'bad_max_visits', `must be a whole number from 1 to ${VISITS_MAX}`);
  }
  if (next === undefined)
    report(`${path}.on_max_visits`, 'bad_max_visits', 'says where a run goes instead: name a step');
  else if (next === id) report(`${path}.on_max_visits`, 'bad_max_visits', 'must be another step');
  if (visits === undefined || next === undefined) return {};
  return { limit: { visits, next: target('on_max_visits', next) } };
}
