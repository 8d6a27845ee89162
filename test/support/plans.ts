import type { Act, EventArm, Plan, Step } from '../../src/core/journeys/plan.js';

/**
 * A plan of these steps as runs carry it, without the compiler: what is under test is how a plan is carried out. It
 * starts with the first step.
 */
export function planOfSteps(steps: readonly Step[], more: Partial<Omit<Plan, 'steps'>> = {}): Plan {
  const [first] = steps;
  if (first === undefined) throw new Error('a plan has a step');
  return {
    journeyKey: 'trial',
    version: 1,
    contentHash: '0'.repeat(64),
    start: first.id,
    steps: Object.fromEntries(steps.map((step) => [step.id, step])),
    exitEvents: [],
    ...more,
  };
}

/** An end whose reason is its id. */
export const endStep = (id: string): Step => ({ kind: 'end', id, reason: id });

/** Sends `id`, then goes on with `next`. */
export const messageStep = (
  id: string,
  next: string,
  more: Partial<Pick<Extract<Step, { kind: 'message' }>, 'onRefusal' | 'limit'>> = {},
): Step => ({ kind: 'message', id, channel: 'email', template: id, onRefusal: 'continue', next, ...more });

export const waitStep = (id: string, durationMs: number, next: string): Step => ({
  kind: 'wait',
  id,
  durationMs,
  next,
});

/** An arm that any event of the name fits, or only one that fits the listener. */
export const arm = (event: string, next: string, listener: number | null = null): EventArm => ({
  event,
  listener,
  next,
});

/** Does something that is no contact; a failure leads to `failed`. */
export const actStep = (id: string, act: Act, next: string): Step => ({
  kind: 'act',
  id,
  act,
  next,
  onFailure: 'failed',
});
