import type { Factors, Holdout } from '../../core/decisions/types.js';
import type { CapRule } from '../../core/fatigue/cap-rule.js';
import type { FatigueModel } from '../../core/fatigue/fatigue-model.js';
import type { PauseRule } from '../../core/fatigue/pause-rule.js';
import type { QuietRule } from '../../core/quiet-hours/quiet-rule.js';

/** Weights by the name of what they raise or lower: L = 1 + (issue + group + action weights) / 100. Each > -100. */
export interface Levers {
  readonly issues: Readonly<Record<string, number>>;
  readonly groups: Readonly<Record<string, number>>;
}

/** All policies in force, as the gates and the arbitration take them. */
export interface Rules {
  readonly capRules: readonly CapRule[];
  /** Of the company and of the law. */
  readonly quietRules: readonly QuietRule[];
  readonly pauseRules: readonly PauseRule[];
  /** Null: nobody is ever tired. */
  readonly fatigueModel: FatigueModel | null;
  readonly levers: Levers;
  readonly factors: Factors;
  /** What silence is worth; an action must be strictly better. */
  readonly doNothingValue: number;
  readonly holdouts: readonly Holdout[];
}
