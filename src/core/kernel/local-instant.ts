import { assert } from './assert.js';
import { DAY_MS, HOUR_MS, MINUTE_MS, type InstantMs } from './instant.js';
import { dayOfDate } from './local-date.js';
import { zoneSpan, type ZoneSpan } from './zone.js';

// Scheduled local times: what a calendar says, turned into an instant. Like zone.ts: never for workflow code.

const MINUTES_PER_DAY = 1_440;
const DAYS_MAX = 3_660;
/** No clock on earth is or was further from UTC (Manila before 1845: almost 16 h). */
const OFFSET_MAX_MS = 16 * HOUR_MS;

/** The instant that a local time names. */
export interface LocalInstant {
  readonly instant: InstantMs;
  /** `gap`: clocks went forward over that time, it never came; the instant lies later by as much as they went. */
  readonly shifted: 'gap' | null;
}

/**
 * The instant at which a clock in `zone` shows a date and minute. A time that does not exist moves forward by the gap,
 * one that comes twice means its first coming (RFC 5545, section 3.3.5).
 *
 * @param input.date `2027-03-14`
 * @param input.minute of the day, 0-1439
 * @throws AssertionError if zone, date or minute do not exist, or the time lies outside 1970-9999
 * @example New York, 2027-03-14 02:30 does not exist -> 2027-03-14T07:30Z, which is 03:30 there
 */
export function instantOfLocal(input: {
  readonly zone: string;
  readonly date: string;
  readonly minute: number;
}): LocalInstant {
  const { zone, date, minute } = input;
  const day = dayOfDate(date);
  assert(day !== null, `no date: ${date}`);
  return instantOfWall(zone, day * DAY_MS + checkedMinute(minute) * MINUTE_MS);
}

/**
 * The same local time, or `atMinute`, so many calendar days later. Calendar days are local: across a change of clocks
 * one of them has 23 or 25 hours. Elapsed time (`24 h`) is plain addition and no business of this function.
 *
 * @param input.days 0-3660; with 0 and `atMinute` the instant may lie before `at`
 * @param input.atMinute of the day, 0-1439
 * @throws AssertionError as `instantOfLocal` does
 * @example New York, one day after 2027-03-13T17:00Z (12:00) at 12:00 -> 2027-03-14T16:00Z, 23 hours later
 */
export function addCalendarDays(input: {
  readonly zone: string;
  readonly at: InstantMs;
  readonly days: number;
  readonly atMinute?: number;
}): LocalInstant {
  const { zone, at, days, atMinute } = input;
  assert(Number.isInteger(days) && days >= 0 && days <= DAYS_MAX, `number of days out of range: ${days}`);
  const wallMs = at + zoneSpan(zone, at).offsetMs + days * DAY_MS;
  if (atMinute === undefined) return instantOfWall(zone, wallMs);
  return instantOfWall(zone, Math.floor(wallMs / DAY_MS) * DAY_MS + checkedMinute(atMinute) * MINUTE_MS);
}

function checkedMinute(minute: number): number {
  assert(Number.isInteger(minute) && minute >= 0 && minute < MINUTES_PER_DAY, `no minute of a day: ${minute}`);
  return minute;
}

/** Of all instants at which the clock could show the time, the first at which it does, or else behind the gap. */
function instantOfWall(zone: string, wallMs: number): LocalInstant {
  let before: ZoneSpan | null = null;
  for (let from = Math.max(0, wallMs - OFFSET_MAX_MS); ;) {
    const span = zoneSpan(zone, from);
    const instant = wallMs - span.offsetMs;
    if (instant < span.until) {
      // Clocks went forward from `before` to `span` over this time: its offset is the one that was in force (RFC 5545).
      if (before !== null && instant < span.from) return { instant: wallMs - before.offsetMs, shifted: 'gap' };
      return { instant, shifted: null };
    }
    before = span;
    from = span.until;
  }
}
