import { assert } from '../kernel/assert.js';
import { SECOND_MS, type InstantMs } from '../kernel/instant.js';
import type { LegalBasis } from '../kernel/legal-basis.js';
import { fatigueLoad, fatigueScore, type FatigueFacts } from './fatigue-score.js';

/** Whether the person is too tired of us to be contacted. */
export type FatigueVerdict =
  | { readonly kind: 'pass'; readonly score: number }
  | {
      readonly kind: 'refuse';
      readonly reason: 'FATIGUED';
      readonly score: number;
      /** Within a second after the instant at which the score falls below the threshold, if nothing else happens. */
      readonly until: InstantMs;
    };

/**
 * Is the score below the model's threshold? What rests on a contract passes, and a model without a threshold lets
 * everything pass. The score is told in any case: it is a cost in the arbitration.
 *
 * @throws AssertionError if the threshold is not within (0, 1), or the model is broken otherwise
 */
export function gateFatigue(facts: FatigueFacts & { readonly legalBasis: LegalBasis }): FatigueVerdict {
  const { model, now } = facts;
  const { threshold } = model;
  const score = fatigueScore(facts);
  if (threshold === null) return { kind: 'pass', score };
  assert(threshold > 0 && threshold < 1, `threshold of ${model.id} out of range: ${threshold}`);
  if (facts.legalBasis === 'contract' || score < threshold) return { kind: 'pass', score };
  // Every term halves alike, so the load falls to that of the threshold after log2 of their ratio half-lives.
  const ratio = fatigueLoad(facts) / -Math.log1p(-threshold);
  const waitMs = Math.max(model.halfLifeMs * Math.log2(ratio), 0);
  const until = now + (Math.floor(waitMs / SECOND_MS) + 1) * SECOND_MS;
  return { kind: 'refuse', reason: 'FATIGUED', score, until };
}
