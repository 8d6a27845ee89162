import { assert } from '../kernel/assert.js';
import type { InstantMs } from '../kernel/instant.js';
import type { FatigueModel } from './fatigue-model.js';
import { mayHaveReached, scoreOfLoad } from './fatigue-score.js';
import type { Outcome } from './outcome.js';
import { replayContacts, type ReplayedContact } from './replay-contacts.js';

/**
 * Which of one person's past contacts the threshold of a model would have stopped: the contacts are made again in their
 * order, and one that is stopped tires nobody, nor does anything become of it. The answer is that of `gateFatigue`,
 * asked contact by contact, but for rounding: one load is carried on instead of being added up anew each time.
 *
 * @param input.contacts in any order
 * @param input.outcomes what was reported, also of contacts that are not among these; in any order
 * @returns the stopped ones, oldest first; none under a model without a threshold
 * @throws AssertionError if the threshold is not within (0, 1), the half-life not above 0, or a contact's weight below 0
 */
export function previewFatigue<Past extends ReplayedContact>(input: {
  readonly model: FatigueModel;
  readonly contacts: readonly Past[];
  readonly outcomes: readonly Outcome[];
}): readonly Past[] {
  const { model, contacts, outcomes } = input;
  const { id, threshold, halfLifeMs, contactWeight, outcomeWeights } = model;
  if (threshold === null) return [];
  assert(threshold > 0 && threshold < 1, `threshold of ${id} out of range: ${threshold}`);
  assert(halfLifeMs > 0, `half-life of ${id} out of range: ${halfLifeMs}`);
  assert(contactWeight >= 0, `weight of a contact in ${id} out of range: ${contactWeight}`);
  let load = 0;
  let loadAt: InstantMs = Number.NEGATIVE_INFINITY;
  const loadOn = (at: InstantMs): number => (load === 0 ? 0 : load * 2 ** (-(at - loadAt) / halfLifeMs));
  const add = (at: InstantMs, weight: number): void => {
    [load, loadAt] = [loadOn(at) + weight, at];
  };
  return replayContacts({
    contacts,
    outcomes,
    rule: {
      isStopped: ({ at }) => scoreOfLoad(loadOn(at)) >= threshold,
      onMade: ({ at, state }) => {
        if (mayHaveReached(state)) add(at, contactWeight);
      },
      onOutcome: ({ at, kind }) => {
        const weight = outcomeWeights[kind];
        if (weight !== undefined) add(at, weight);
      },
    },
  });
}
