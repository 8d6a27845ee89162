import { assert } from './assert.js';
import { DAY_MS } from './instant.js';

const DATE = /^(\d{4})-(\d{2})-(\d{2})$/;
/** 1970-01-01, day 0, was a Thursday. */
const WEEKDAY_OF_DAY_0 = 4;

/**
 * Number of a calendar date, counted from 1970-01-01 = 0: dates as numbers, so that the next one is one more.
 *
 * @param date `2027-03-14`
 * @returns null for a text that names no date of the calendar, e.g. `2027-02-29`
 */
export function dayOfDate(date: string): number | null {
  const parts = DATE.exec(date);
  if (parts === null) return null;
  const ms = Date.parse(`${date}T00:00:00Z`);
  // Some readers of dates take 30 February for 2 March: the date must come back as it was written.
  return !Number.isNaN(ms) && dateOfDay(ms / DAY_MS) === date ? ms / DAY_MS : null;
}

/** The date of a day counted from 1970-01-01 = 0, as `2027-03-14`. */
export function dateOfDay(day: number): string {
  assert(Number.isInteger(day), `no day: ${day}`);
  return new Date(day * DAY_MS).toISOString().slice(0, 10);
}

/** ISO weekday of a day counted from 1970-01-01 = 0: 1 Monday to 7 Sunday. */
export function isoWeekdayOf(day: number): number {
  return ((((day + WEEKDAY_OF_DAY_0 - 1) % 7) + 7) % 7) + 1;
}
