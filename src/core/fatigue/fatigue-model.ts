import type { DurationMs } from '../kernel/instant.js';
import type { OutcomeKind } from './outcome.js';

/**
 * How tired of us a person is taken to be. Each contact and each outcome adds its weight to a load that halves every
 * `halfLifeMs`; the score is `1 - exp(-max(load, 0))`, in [0, 1).
 */
export interface FatigueModel {
  readonly id: string;
  readonly version: number;
  readonly halfLifeMs: DurationMs;
  /** Added by each contact that counts, >= 0. */
  readonly contactWeight: number;
  /** Added by each outcome of a kind: above 0 for what tires (a complaint), below for what shows interest (a click). */
  readonly outcomeWeights: { readonly [kind in OutcomeKind]?: number | undefined };
  /** Subtracted from the priority of every candidate that rests on consent, times the score. >= 0 */
  readonly costPerScore: number;
  /** From this score on nothing that rests on consent goes out; null: the score is a cost only. In (0, 1). */
  readonly threshold: number | null;
}
