import type { CapRule } from '../../core/fatigue/cap-rule.js';
import type { FatigueModel } from '../../core/fatigue/fatigue-model.js';
import type { PauseRule } from '../../core/fatigue/pause-rule.js';
import { DAY_MS, type DurationMs } from '../../core/kernel/instant.js';

/** How far a decision must look. */
export interface Horizons {
  /** How far back. */
  readonly contactsMs: DurationMs;
  readonly outcomesMs: DurationMs;
  /** Whether at devices too; left out: no message goes to one. */
  readonly hasDevices?: true;
}

/** After so many half-lives a contact weighs less than half a percent of what it did. */
const HALF_LIVES_READ = 8;
/** The longest local day, week and month there are, with room for a change of clocks and for zones apart. */
const CALENDAR_MS = { day: 2 * DAY_MS, week: 9 * DAY_MS, month: 33 * DAY_MS } as const;

/**
 * How far back contacts and outcomes can matter under these rules. A pause counts outcomes within its period and goes
 * on from the last of them, so both lengths are read; what becomes of a sending is read off the contact itself.
 */
export function horizonsOf(rules: {
  readonly capRules: readonly CapRule[];
  readonly pauseRules: readonly PauseRule[];
  readonly fatigueModel: FatigueModel | null;
}): Horizons {
  const fatigueMs = rules.fatigueModel === null ? 0 : rules.fatigueModel.halfLifeMs * HALF_LIVES_READ;
  const pauses = rules.pauseRules.map(({ withinMs, pauseMs }) => withinMs + pauseMs);
  const outcomesMs = Math.max(fatigueMs, ...pauses);
  return { contactsMs: Math.max(outcomesMs, ...rules.capRules.map(capMs)), outcomesMs };
}

/** How far back one cap looks at most. */
export function capMs({ window }: CapRule): DurationMs {
  return window.kind === 'calendar' ? CALENDAR_MS[window.unit] : window.durationMs;
}

/** Whether facts that were read as far as `read` are just those that `needed` asks for. */
export const areAlike = (read: Horizons, needed: Horizons): boolean =>
  read.contactsMs === needed.contactsMs &&
  read.outcomesMs === needed.outcomesMs &&
  read.hasDevices === needed.hasDevices;
