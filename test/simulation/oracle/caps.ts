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

/** The rules that leave no room for one more contact. */
export function fullCaps(asked: CapAsked): readonly CapRule[] {
  const { rules, candidate, journeyKey } = asked;
  if (candidate.legalBasis === 'contract') return [];
  return rules.filter((rule) => isAbout(rule, candidate, journeyKey) && isFull(rule, asked));
}

const isFull = (rule: CapRule, asked: CapAsked): boolean => countedUnder(rule, asked).length + 1 > rule.limit;

/** No window is longer than a month. */
const FREES_WITHIN_MS = 32 * 86_400_000;

/** When a rule that is full has room again, if nobody takes it; infinite where nothing is allowed at all. */
export function freesAt(rule: CapRule, asked: CapAsked): number {
  let [full, free] = [asked.now, asked.now + FREES_WITHIN_MS];
  if (isFull(rule, { ...asked, now: free })) return Infinity;
  // Contacts only leave a window: halving finds the instant at which enough of them have.
  while (free - full > 1) {
    const middle = Math.floor((full + free) / 2);
    if (isFull(rule, { ...asked, now: middle })) full = middle;
    else free = middle;
  }
  return free;
}

const GRAVITY = { drop: 0, skip: 0, degrade_channel: 1, defer: 2 } as const;

/** Of full rules the one that is named: what sends away before what switches before what waits, then the last to free. */
export function strictestOf(full: readonly CapRule[], asked: CapAsked): CapRule | undefined {
  if (full.length < 2) return full[0];
  const ranked = full.map((rule) => ({ rule, frees: freesAt(rule, asked) }));
  ranked.sort(
    (left, right) =>
      GRAVITY[left.rule.onHit] - GRAVITY[right.rule.onHit] ||
      (left.frees === right.frees ? 0 : right.frees > left.frees ? 1 : -1) ||
      left.rule.limit - right.rule.limit ||
      (left.rule.id < right.rule.id ? -1 : 1),
  );
  return ranked[0]?.rule;
}

/**
 * Contacts of the rule within its window; where the person may be in several zones, those of the zone that has most. What
 * was claimed by a clock that was set back since then counts too: it was made, whatever the clock says now.
 */
export function countedUnder<Made extends Counted>(
  rule: CapRule,
  { made, zones, now }: Pick<CapAsked, 'zones' | 'now'> & { readonly made: readonly Made[] },
): readonly Made[] {
  const standing = made.filter(
    ({ candidate, journeyKey, state }) =>
      candidate.legalBasis === 'consent' &&
      state !== 'released' &&
      (state === 'sending' || state === 'unknown' || !rule.givesBackOn.includes(state)) &&
      isAbout(rule, candidate, journeyKey),
  );
  const { window } = rule;
  if (window.kind !== 'calendar') return standing.filter(({ claimedAt }) => now - claimedAt < window.durationMs);
  const counted = zones.map((zone) => {
    const today = periodOf(window.unit, wallClock(zone, now).date);
    return standing.filter(({ claimedAt }) => periodOf(window.unit, wallClock(zone, claimedAt).date) === today);
  });
  return counted.reduce((most, others) => (others.length > most.length ? others : most));
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
