import { assert } from '../kernel/assert.js';
import type { InstantMs } from '../kernel/instant.js';
import type { Contact } from './cap-rule.js';
import type { FatigueModel } from './fatigue-model.js';
import { distinctOutcomes, type Outcome } from './outcome.js';

/** What the score rests on. What is not among the contacts and outcomes weighs nothing, however the model is set. */
export interface FatigueFacts {
  readonly model: FatigueModel;
  readonly contacts: readonly Contact[];
  readonly outcomes: readonly Outcome[];
  readonly now: InstantMs;
}

/** The largest number below 1: `exp` of a large load leaves nothing to subtract. */
const SCORE_MAX = 1 - 2 ** -53;

/**
 * How tired of us the person is at `now`: `1 - exp(-max(load, 0))`, in [0, 1). A load of 0.7 is a score of 0.5.
 *
 * @throws AssertionError if the model's half-life is not above 0, or a contact's weight is below 0
 */
export function fatigueScore(facts: FatigueFacts): number {
  return scoreOfLoad(fatigueLoad(facts));
}

/** `1 - exp(-max(load, 0))`, in [0, 1). */
export function scoreOfLoad(load: number): number {
  return Math.min(-Math.expm1(-Math.max(load, 0)), SCORE_MAX);
}

/**
 * Sum of all weights, each halved every half-life since it arose; below 0 when interest outweighs contacts. A contact
 * weighs unless it is known not to have reached the person; an outcome weighs once of each kind and contact; what lies
 * after `now` does not weigh.
 *
 * @throws AssertionError if the model's half-life is not above 0, or a contact's weight is below 0
 */
export function fatigueLoad({ model, contacts, outcomes, now }: FatigueFacts): number {
  const { halfLifeMs, contactWeight, outcomeWeights } = model;
  assert(halfLifeMs > 0, `half-life of ${model.id} out of range: ${halfLifeMs}`);
  assert(contactWeight >= 0, `weight of a contact in ${model.id} out of range: ${contactWeight}`);
  const remaining = (at: InstantMs): number => Math.exp((-Math.LN2 * (now - at)) / halfLifeMs);
  let load = 0;
  for (const { at, state } of contacts) if (at <= now && mayHaveReached(state)) load += contactWeight * remaining(at);
  const weighed = outcomes.filter(({ at, kind }) => at <= now && outcomeWeights[kind] !== undefined);
  for (const { at, kind } of distinctOutcomes(weighed)) load += (outcomeWeights[kind] ?? 0) * remaining(at);
  return load;
}

/** Whether a contact tires: it does unless it is known not to have reached the person. */
export function mayHaveReached(state: Contact['state']): boolean {
  return state !== 'failed' && state !== 'released' && state !== 'bounced';
}
