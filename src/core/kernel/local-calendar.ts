import { assert, AssertionError, unreachable } from './assert.js';
import { DAY_MS, type InstantMs } from './instant.js';
import { localDay, zoneSpan } from './zone.js';

// Local days, weeks and months as ranges of instants: for activities and the API, never for workflow code.

const DAYS_A_WEEK = 7;
/** 1970-01-01, day 0, was a Thursday: three days after a Monday. */
const DAY_0_AFTER_MONDAY = 3;
/** Beyond this many different zones the memory starts anew: the names come from users. */
const PERIODS_MAX = 2_048;
/** The clocks of a zone never change so often around one midnight. */
const SPANS_MAX = 16;

/** The units of the calendar in which contacts are counted; a week begins on Monday. */
export type CalendarUnit = 'day' | 'week' | 'month';

/** One local day, week or month: every instant is in exactly one of each kind. */
export interface LocalPeriod {
  /** The first instant of it. */
  readonly startAt: InstantMs;
  /** The first instant after it. */
  readonly endAt: InstantMs;
}

/** The period of each zone and unit that was asked for last: time moves on slowly, so it is mostly asked for again. */
const known: Readonly<Record<CalendarUnit, Map<string, LocalPeriod>>> = {
  day: new Map(),
  week: new Map(),
  month: new Map(),
};

/**
 * The local day, week (from Monday) or month in which `at` lies. A day is 23 to 25 h long when clocks change, and a
 * period begins when its date first shows, also where midnight does not exist or comes twice: in an hour that is
 * repeated over midnight, the new date goes on.
 *
 * @throws AssertionError if the zone does not exist or the instant lies outside 1970-9999
 * @example New York, day, at 2027-03-14T12:00Z -> [2027-03-14T05:00Z, 2027-03-15T04:00Z), which is 23 h
 */
export function localPeriod(input: {
  readonly zone: string;
  readonly unit: CalendarUnit;
  readonly at: InstantMs;
}): LocalPeriod {
  const { zone, unit, at } = input;
  const periods = known[unit];
  const last = periods.get(zone);
  if (last !== undefined && last.startAt <= at && at < last.endAt) return last;
  const found = findPeriod(zone, unit, at);
  if (periods.size >= PERIODS_MAX) periods.clear();
  periods.set(zone, found);
  return found;
}

function findPeriod(zone: string, unit: CalendarUnit, at: InstantMs): LocalPeriod {
  let firstDay = firstDayOf(unit, localDay(zone, at));
  let nextDay = dayAfter(unit, firstDay);
  let endAt = firstInstantOf(zone, nextDay);
  if (endAt <= at) {
    // Clocks went back over midnight: the date that shows again is over.
    firstDay = nextDay;
    nextDay = dayAfter(unit, firstDay);
    endAt = firstInstantOf(zone, nextDay);
  }
  const startAt = firstInstantOf(zone, firstDay);
  assert(startAt <= at && at < endAt, `${at} is not in its ${unit} in ${zone}`);
  return { startAt, endAt };
}

function firstDayOf(unit: CalendarUnit, day: number): number {
  switch (unit) {
    case 'day':
      return day;
    case 'week':
      return day - ((day + DAY_0_AFTER_MONDAY) % DAYS_A_WEEK);
    case 'month': {
      const date = new Date(day * DAY_MS);
      return Date.UTC(date.getUTCFullYear(), date.getUTCMonth()) / DAY_MS;
    }
    default:
      return unreachable(unit);
  }
}

/** The first day of the period after the one that begins with `firstDay`. */
function dayAfter(unit: CalendarUnit, firstDay: number): number {
  switch (unit) {
    case 'day':
      return firstDay + 1;
    case 'week':
      return firstDay + DAYS_A_WEEK;
    case 'month': {
      const date = new Date(firstDay * DAY_MS);
      return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1) / DAY_MS;
    }
    default:
      return unreachable(unit);
  }
}

/** First instant at which the clock of `zone` shows this day (counted from 1970-01-01 = 0) or, if it is left out, a later one. */
function firstInstantOf(zone: string, day: number): InstantMs {
  const midnight = day * DAY_MS;
  // No clock is a whole day away from UTC: here it shows an earlier day.
  let at = Math.max(midnight - DAY_MS, 0);
  for (let span = 0; span < SPANS_MAX; span += 1) {
    const { offsetMs, until } = zoneSpan(zone, at);
    const shown = midnight - offsetMs;
    if (shown < until) return Math.max(shown, at);
    at = until;
  }
  throw new AssertionError(`no day ${day} in ${zone}`);
}
