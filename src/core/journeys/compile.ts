import { newContext, type CompileContext } from './compile-context.js';
import type { CompileFault } from './compile-faults.js';
import { checkHead, compileEndings } from './compile-head.js';
import { compileSteps } from './compile-steps.js';
import { checkTriggers } from './compile-triggers.js';
import type { JourneyDefinition } from './definition.js';
import { endingSteps, reachableSteps, spinningSteps } from './plan-graph.js';
import type { Plan, Step } from './plan.js';

/** The plan, or everything that is wrong with the definition. */
export type CompileResult =
  | { readonly kind: 'plan'; readonly plan: Plan }
  | { readonly kind: 'faults'; readonly faults: readonly CompileFault[] };

/**
 * Turns a definition of the right shape into the plan that runs carry, or says everything that is wrong with it.
 * What a plan promises: every target exists, every step can be reached, from every step an end can be reached, and no
 * cycle lets a run spin without waiting.
 *
 * The kinds of step that plans had first are kept wherever they suffice, so that the plan of a definition from then is
 * the same plan today.
 *
 * @param identity the version's number (from 1) and the SHA-256 of the canonical definition, hex
 */
export function compile(
  definition: JourneyDefinition,
  identity: { readonly version: number; readonly contentHash: string },
): CompileResult {
  const context = newContext(definition);
  checkHead(definition, context);
  checkTriggers(definition.triggers ?? [], context);
  const { exitEvents, ...watches } = compileEndings(definition, context);
  const steps = compileSteps(definition.steps, context);
  const start = definition.start ?? definition.steps[0]?.id ?? '';
  // A graph of broken steps would only repeat their faults in other words.
  if (context.faults.length === 0) checkGraph(steps, start, context);
  const { faults, listeners } = context;
  if (faults.length > 0) return { kind: 'faults', faults };
  const head = { journeyKey: definition.key, ...identity, start };
  const conditions = listeners.length === 0 ? {} : { listeners };
  return { kind: 'plan', plan: { ...head, steps: Object.fromEntries(steps), exitEvents, ...watches, ...conditions } };
}

function checkGraph(steps: ReadonlyMap<string, Step>, start: string, context: CompileContext): void {
  const { report } = context;
  if (!steps.has(start)) report('start', 'unknown_step', `there is no step ${start}`);
  for (const { path, stepId } of context.targets) {
    if (!steps.has(stepId)) report(path, 'unknown_step', `there is no step ${stepId}`);
  }
  for (const { path, stepId, fits, message } of context.references) {
    const step = steps.get(stepId);
    if (step === undefined) report(path, 'unknown_step', `there is no step ${stepId}`);
    else if (!fits(step)) report(path, 'bad_condition', message);
  }
  if (context.faults.length > 0) return;
  const at = new Map([...steps.keys()].map((id, index) => [id, `steps[${index}]`]));
  const pathOf = (id: string): string => at.get(id) ?? 'steps';
  const reachable = reachableSteps(steps, start);
  const ending = endingSteps(steps);
  for (const id of steps.keys()) {
    if (!reachable.has(id)) report(pathOf(id), 'unreachable', `no run can come to ${id}`);
    else if (!ending.has(id)) report(pathOf(id), 'no_end', `from ${id} no end can be reached`);
  }
  for (const id of spinningSteps(steps)) {
    report(pathOf(id), 'spins', `${id} is on a cycle in which nothing makes a run wait`);
  }
  for (const id of limitCycles(steps)) {
    report(`${pathOf(id)}.on_max_visits`, 'spins', 'leads from limit to limit and back: a run could get stuck');
  }
}

/** Ids of the steps from which one gets back to them by `limit` alone. */
function limitCycles(steps: ReadonlyMap<string, Step>): readonly string[] {
  return [...steps.keys()].filter((id) => {
    const passed = new Set<string>();
    let next = steps.get(id)?.limit?.next;
    while (next !== undefined && next !== id && !passed.has(next)) {
      passed.add(next);
      next = steps.get(next)?.limit?.next;
    }
    return next === id;
  });
}
