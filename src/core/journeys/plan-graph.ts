import type { Step } from './plan.js';

/** Where a run can go from a step, by the field of the definition that says so. */
export function exitsOf(step: Step): Readonly<Record<string, string>> {
  switch (step.kind) {
    case 'message':
    case 'decide':
    case 'wait':
      return { next: step.next };
    case 'wait_for':
      return { on_event: step.onEvent, on_timeout: step.onTimeout };
    case 'branch':
      return { then: step.then, else: step.otherwise };
    case 'end':
      return {};
  }
}

function targetsOf(step: Step): readonly string[] {
  return Object.values(exitsOf(step));
}

/** Whether time must pass, or something new must happen, before a run can leave the step. */
function holdsTheRun(step: Step): boolean {
  // What happened since entry stays true: such a wait can let the same run through again and again.
  return step.kind === 'wait' || (step.kind === 'wait_for' && step.since === 'step');
}

/** Ids of the steps that some run can come to. Targets that do not exist are passed over. */
export function reachableSteps(steps: ReadonlyMap<string, Step>, start: string): ReadonlySet<string> {
  const reached = new Set<string>();
  const open = [start];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    const step = steps.get(id);
    if (step === undefined || reached.has(id)) continue;
    reached.add(id);
    open.push(...targetsOf(step));
  }
  return reached;
}

/** Ids of the steps from which an `end` step can be reached. */
export function endingSteps(steps: ReadonlyMap<string, Step>): ReadonlySet<string> {
  const sources = new Map<string, string[]>();
  const open: string[] = [];
  for (const step of steps.values()) {
    if (step.kind === 'end') open.push(step.id);
    for (const target of targetsOf(step)) sources.set(target, [...(sources.get(target) ?? []), step.id]);
  }
  const ending = new Set<string>();
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (ending.has(id)) continue;
    ending.add(id);
    open.push(...(sources.get(id) ?? []));
  }
  return ending;
}

/**
 * Ids of the steps that lie on, or between, cycles in which nothing makes a run wait: it could spin there for ever.
 * Kahn's algorithm (Topological sorting of large networks, CACM 5(11), 1962) from both ends: whatever can be peeled
 * off lies on no cycle.
 */
export function spinningSteps(steps: ReadonlyMap<string, Step>): readonly string[] {
  const edges = new Map<string, readonly string[]>();
  for (const step of steps.values()) {
    const free = targetsOf(step).filter((target) => {
      const next = steps.get(target);
      return next !== undefined && !holdsTheRun(next);
    });
    if (!holdsTheRun(step)) edges.set(step.id, free);
  }
  for (let size = -1; size !== edges.size;) {
    size = edges.size;
    const targets = new Set([...edges.values()].flat());
    for (const [id, next] of [...edges]) {
      if (!targets.has(id) || next.every((target) => !edges.has(target))) edges.delete(id);
    }
  }
  return [...edges.keys()];
}
