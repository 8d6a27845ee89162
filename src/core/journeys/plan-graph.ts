import type { Step } from './plan.js';

/** Where a run can go from a step, by the field of the definition that says so. */
export function exitsOf(step: Step): Readonly<Record<string, string>> {
  return { ...ownExitsOf(step), ...given('on_max_visits', step.limit?.next) };
}

function ownExitsOf(step: Step): Readonly<Record<string, string>> {
  switch (step.kind) {
    case 'message':
    case 'decide': {
      const { onRefusal } = step;
      const elsewhere = typeof onRefusal === 'object' && onRefusal.kind === 'go_to' ? onRefusal.step : undefined;
      return { next: step.next, ...given('on_refusal.step', elsewhere) };
    }
    case 'wait':
    case 'wait_random':
      return { next: step.next };
    case 'wait_until':
      return { next: step.next, ...given('on_missing', step.onMissing) };
    case 'wait_for':
      return { on_event: step.onEvent, on_timeout: step.onTimeout };
    case 'wait_for_any':
      return { ...numbered('events', step.arms), on_timeout: step.onTimeout };
    case 'branch':
      return { then: step.then, else: step.otherwise };
    case 'choose':
      return { ...numbered('branches', step.arms), else: step.otherwise };
    case 'split':
      return numbered('arms', step.arms);
    case 'act':
      return { next: step.next, ...given('on_failure', step.onFailure) };
    case 'end':
      return {};
  }
}

function given(field: string, target: string | undefined): Readonly<Record<string, string>> {
  return target === undefined ? {} : { [field]: target };
}

function numbered(list: string, arms: readonly { readonly next: string }[]): Readonly<Record<string, string>> {
  return Object.fromEntries(arms.map(({ next }, index) => [`${list}[${index}].next`, next]));
}

function targetsOf(step: Step): readonly string[] {
  return Object.values(exitsOf(step));
}

/** Whether time must pass, or something new must happen, before a run can leave the step. */
function holdsTheRun(step: Step): boolean {
  switch (step.kind) {
    case 'wait':
      return true;
    case 'wait_random':
      return step.minMs > 0;
    case 'wait_for':
    case 'wait_for_any':
      // What happened since entry stays true: such a wait can let the same run through again and again.
      return step.since === 'step';
    case 'wait_until':
      // From the second visit on a local time is a later one each time; a date of the profile may stay past for ever.
      return step.moment.kind === 'local_time';
    case 'message':
    case 'decide':
    case 'branch':
    case 'choose':
    case 'split':
    case 'act':
    case 'end':
      return false;
  }
}

/** Where a run can go, without waiting and for ever: a limit lets it through its step a few times, and past it always. */
function freeTargetsOf(step: Step): readonly string[] {
  if (step.limit !== undefined) return [step.limit.next];
  return holdsTheRun(step) ? [] : targetsOf(step);
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
 * A cycle through a step with a limit ends, unless it passes the step by.
 * Kahn's algorithm (Topological sorting of large networks, CACM 5(11), 1962) from both ends: whatever can be peeled
 * off lies on no cycle.
 */
export function spinningSteps(steps: ReadonlyMap<string, Step>): readonly string[] {
  const edges = new Map([...steps.values()].map((step) => [step.id, freeTargetsOf(step)]));
  for (let size = -1; size !== edges.size;) {
    size = edges.size;
    const targets = new Set([...edges.values()].flat());
    for (const [id, next] of [...edges]) {
      if (!targets.has(id) || next.every((target) => !edges.has(target))) edges.delete(id);
    }
  }
  return [...edges.keys()];
}
