import { DAY_MS, type DurationMs } from '../kernel/instant.js';
import type { CapRule } from './cap-rule.js';
import type { FatigueModel } from './fatigue-model.js';
import type { PauseRule } from './pause-rule.js';

// How far back the past can matter to a rule: no more than that has to be read.

/** After so many half-lives a contact weighs less than half a percent of what it did. */
const HALF_LIVES_READ = 8;
/** The longest local day, week and month there are, with room for a change of clocks and for zones apart. */
const CALENDAR_MS = { day: 2 * DAY_MS, week: 9 * DAY_MS, month: 33 * DAY_MS } as const;

/** Of a cap. */
export function capReachMs({ window }: Pick<CapRule, 'window'>): DurationMs {
  return window.kind === 'calendar' ? CALENDAR_MS[window.unit] : window.durationMs;
}

/** Of a pause, which counts outcomes within its period and goes on from the last of them. */
export const pauseReachMs = ({ withinMs, pauseMs }: PauseRule): DurationMs => withinMs + pauseMs;

/** Of tiredness. */
export const fatigueReachMs = ({ halfLifeMs }: Pick<FatigueModel, 'halfLifeMs'>): DurationMs =>
  halfLifeMs * HALF_LIVES_READ;
