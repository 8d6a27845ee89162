import type { InterpreterState } from './interpreter-state.js';
import type { Migration } from './migrating-types.js';
import { exitsOf } from './plan-graph.js';
import { messagesOf, type Plan, type Step } from './plan.js';

type Offers = Migration['offers'];

/**
 * Names of what a step may send: the step itself, its template or its actions, and the templates behind them. Two
 * steps with a name in common may send a person the same thing. Empty for steps that send nothing.
 */
export function contentsOf(step: Step, offers: Offers = {}): readonly string[] {
  switch (step.kind) {
    case 'message':
      return [
        `step:${step.id}`,
        ...messagesOf(step).map(({ channel, template }) => templateName(`${channel}:${template}`)),
      ];
    case 'decide':
      return [`step:${step.id}`, ...step.actions.flatMap((action) => actionNames(action, offers))];
    case 'wait':
    case 'wait_until':
    case 'wait_random':
    case 'wait_for':
    case 'wait_for_any':
    case 'branch':
    case 'choose':
    case 'split':
    case 'act':
    case 'end':
      return [];
  }
}

/** The actions that these plans offer anywhere, each once. */
export function actionsOf(plans: readonly Plan[]): readonly string[] {
  const steps = plans.flatMap((plan) => Object.values(plan.steps));
  return [...new Set(steps.flatMap((step) => (step.kind === 'decide' ? step.actions : [])))];
}

function actionNames(action: string, offers: Offers): readonly string[] {
  const template = Object.hasOwn(offers, action) ? offers[action] : undefined;
  return [`action:${action}`, ...(template === undefined ? [] : [templateName(template)])];
}

const templateName = (template: string): string => `template:${template}`;

/** Steps that a run can come to once it has left `from`; `from` is one of them only where it lies on a cycle. */
export function stepsAfter(plan: Plan, from: string): ReadonlySet<string> {
  const reached = new Set<string>();
  const open = targetsOf(plan, from);
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (reached.has(id)) continue;
    reached.add(id);
    open.push(...targetsOf(plan, id));
  }
  return reached;
}

function targetsOf(plan: Plan, id: string): string[] {
  const step = plan.steps[id];
  return step === undefined ? [] : Object.values(exitsOf(step));
}

/** All that these steps may send. */
export function contentsOfSteps(plan: Plan, ids: Iterable<string>, offers: Offers): ReadonlySet<string> {
  const steps = [...ids].flatMap((id) => plan.steps[id] ?? []);
  return new Set(steps.flatMap((step) => contentsOf(step, offers)));
}

/** What a run may have sent when it stands at the step, whichever way it came. */
export function contentsBefore(plan: Plan, at: string, offers: Offers): ReadonlySet<string> {
  const before = Object.keys(plan.steps).filter((id) => stepsAfter(plan, id).has(at));
  return contentsOfSteps(plan, before, offers);
}

/** Whether the question of a message or decide step is still open: nothing has gone out in this visit. */
export function hasOpenQuestion({ phase }: InterpreterState): boolean {
  if (phase.kind === 'asking') return true;
  if (phase.kind !== 'waiting' && phase.kind !== 'looking') return false;
  return phase.wait.because === 'deferred' || phase.wait.because === 'refused';
}

/** What this run may have sent, in this version and in those before it. */
export function contentsSent(plan: Plan, state: InterpreterState, offers: Offers): ReadonlySet<string> {
  const unsent = hasOpenQuestion(state) ? 1 : 0;
  const passed = Object.entries(state.visits).flatMap(([id, visits]) =>
    visits > (id === state.cursor ? unsent : 0) ? [id] : [],
  );
  return new Set([...(state.contacts ?? []), ...contentsOfSteps(plan, passed, offers)]);
}

/** What this run can come to send if nobody interferes. */
export function contentsAhead(plan: Plan, state: InterpreterState, offers: Offers): ReadonlySet<string> {
  const here = hasOpenQuestion(state) || state.phase.kind === 'ready' ? [state.cursor] : [];
  return contentsOfSteps(plan, [...here, ...stepsAfter(plan, state.cursor)], offers);
}

/**
 * The first step among `ids` that may send what was sent before and would not have been sent again anyway, or null.
 *
 * @param sent what may have gone out
 * @param again what could go out once more without the change, as in a loop
 */
export function firstRepeat(
  plan: Plan,
  ids: Iterable<string>,
  { sent, again, offers }: { sent: ReadonlySet<string>; again: ReadonlySet<string>; offers: Offers },
): string | null {
  for (const id of ids) {
    const step = plan.steps[id];
    if (step === undefined) continue;
    if (contentsOf(step, offers).some((content) => sent.has(content) && !again.has(content))) return id;
  }
  return null;
}
