import type { CapRule } from '../../core/fatigue/cap-rule.js';
import type { FatigueModel } from '../../core/fatigue/fatigue-model.js';
import type { PauseRule } from '../../core/fatigue/pause-rule.js';
import { capReachMs, fatigueReachMs, pauseReachMs } from '../../core/fatigue/reach.js';
import type { DurationMs } from '../../core/kernel/instant.js';

/** How far a decision must look. */
export interface Horizons {
  /** How far back. */
  readonly contactsMs: DurationMs;
  readonly outcomesMs: DurationMs;
  /** Whether at devices too; left out: no message goes to one. */
  readonly hasDevices?: true;
}

/**
 * How far back contacts and outcomes can matter under these rules. A pause counts outcomes within its period and goes
 * on from the last of them, so both lengths are read; what becomes of a sending is read off the contact itself.
 */
export function horizonsOf(rules: {
  readonly capRules: readonly CapRule[];
  readonly pauseRules: readonly PauseRule[];
  readonly fatigueModel: FatigueModel | null;
}): Horizons {
  const fatigueMs = rules.fatigueModel === null ? 0 : fatigueReachMs(rules.fatigueModel);
  const pauses = rules.pauseRules.map(pauseReachMs);
  const outcomesMs = Math.max(fatigueMs, ...pauses);
  return { contactsMs: Math.max(outcomesMs, ...rules.capRules.map(capReachMs)), outcomesMs };
}

/** Whether facts that were read as far as `read` are just those that `needed` asks for. */
export const areAlike = (read: Horizons, needed: Horizons): boolean =>
  read.contactsMs === needed.contactsMs &&
  read.outcomesMs === needed.outcomesMs &&
  read.hasDevices === needed.hasDevices;
