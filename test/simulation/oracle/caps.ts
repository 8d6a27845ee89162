import type { Candidate } from '../../../src/core/decisions/types.js';
import type { CapRule } from '../../../src/core/fatigue/cap-rule.js';
import type { DeliveryRow } from '../model.js';
import { shiftDate, wallClock, weekdayOf } from './wall-clock.js';

/** What a limit looks at in a contact. */
type Counted = Pick<DeliveryRow, 'candidate' | 'journeyKey' | 'claimedAt' | 'state'>;

/** One more contact, and those that were claimed before it: read off the deliveries, not off the ledger. */
export interface CapAsked {
  readonly rules: readonly CapRule[];
  readonly made: readonly Counted[];
  readonly zones: readonly string[];
  readonly candidate: Candidate;
  readonly journeyKey: string;
  readonly now: number;
}

/** The rules that leave no room for one more contact, as their ids. */
export function fullCaps(asked: CapAsked): readonly string[] {
  const { rules, candidate, journeyKey } = asked;
  if (candidate.legalBasis === 'contract') return [];
  return rules
    .filter((rule) => isAbout(rule, candidate, journeyKey) && countUnder(rule, asked) + 1 > rule.limit)
    .map(({ id }) => id);
}

/**
 * Contacts of the rule within its window; where the person may be in several zones, the most of any of them. What was
 * claimed by a clock that was set back since then counts too: it was made, whatever the clock says now.
 */
function countUnder(rule: CapRule, { made, zones, now }: CapAsked): number {
  const standing = made.filter(
    ({ candidate, journeyKey, state }) =>
      candidate.legalBasis === 'consent' &&
      state !== 'released' &&
      (state === 'sending' || state === 'unknown' || !rule.givesBackOn.includes(state)) &&
      isAbout(rule, candidate, journeyKey),
  );
  const { window } = rule;
  if (window.kind !== 'calendar') return standing.filter(({ claimedAt }) => now - claimedAt < window.durationMs).length;
  const counts = zones.map((zone) => {
    const today = periodOf(window.unit, wallClock(zone, now).date);
    return standing.filter(({ claimedAt }) => periodOf(window.unit, wallClock(zone, claimedAt).date) === today).length;
  });
  return Math.max(...counts);
}

function periodOf(unit: 'day' | 'week' | 'month', date: string): string {
  if (unit === 'day') return date;
  return unit === 'month' ? date.slice(0, 7) : `week of ${shiftDate(date, 1 - weekdayOf(date))}`;
}

function isAbout({ scope, purposes }: CapRule, candidate: Candidate, journeyKey: string): boolean {
  if (!purposes.includes(candidate.purpose)) return false;
  if (scope.kind === 'channel') return candidate.channel === scope.channel;
  if (scope.kind === 'journey') return journeyKey === scope.journeyKey;
  if (scope.kind === 'tag') return candidate.tags.includes(scope.tag);
  return scope.kind === 'global' || candidate.group === scope.group;
}
