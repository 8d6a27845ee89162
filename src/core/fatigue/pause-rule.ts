import type { DurationMs } from '../kernel/instant.js';
import type { OutcomeKind } from './outcome.js';

/**
 * After `count` outcomes of these kinds within `withinMs`, what they were about rests for this person: the action, its
 * group or the channel, for `pauseMs` from the outcome that completed the count.
 */
export interface PauseRule {
  readonly id: string;
  readonly version: number;
  readonly outcomes: readonly OutcomeKind[];
  /** >= 1 */
  readonly count: number;
  readonly withinMs: DurationMs;
  readonly scope: 'action' | 'group' | 'channel';
  readonly pauseMs: DurationMs;
  readonly purposes: readonly string[];
}
