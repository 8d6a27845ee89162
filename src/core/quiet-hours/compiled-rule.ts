import { assert } from '../kernel/assert.js';
import { DAY_MS, MINUTE_MS, type DurationMs } from '../kernel/instant.js';
import { dateOfDay, dayOfDate, isoWeekdayOf } from '../kernel/local-date.js';
import type { QuietRule } from './quiet-rule.js';

const MINUTES_PER_DAY = 1_440;
const YEARLY_DATE_LENGTH = '12-25'.length;
/** Leap years have every date that any year has. */
const LEAP_YEAR = '2028';

/** A rule with its texts read: what is asked many times a second is plain arithmetic. */
interface CompiledRule {
  readonly startMs: DurationMs;
  /** How long a window lasts on the clock, at most 24 h. */
  readonly lengthMs: DurationMs;
  readonly isEveryDay: boolean;
  readonly weekdays: ReadonlySet<number>;
  /** Days counted from 1970-01-01, of dates of one year (`2027-12-25`). */
  readonly days: ReadonlySet<number>;
  /** Dates of every year, as they were written (`12-25`). */
  readonly yearlyDates: ReadonlySet<string>;
  readonly fromDay: number;
  readonly untilDay: number;
}

// Rules are values that nobody changes: their texts are read once for as long as somebody holds them.
const compiledRules = new WeakMap<QuietRule, CompiledRule>();

/**
 * Whether a wall-clock time lies in a window of the rule, and how far its end is away.
 *
 * @param wallMs what the clock shows, in milliseconds since that clock showed 1970-01-01T00:00
 * @returns milliseconds on the clock until the window ends, > 0; 0 when the time lies in no window
 * @throws AssertionError if a minute, a weekday or a date of the rule is none: a rule that cannot be read is no licence
 */
export function quietForMs(rule: QuietRule, wallMs: number): DurationMs {
  const window = compiledOf(rule);
  const today = Math.floor(wallMs / DAY_MS);
  const sinceStartMs = wallMs - today * DAY_MS - window.startMs;
  // A window lasts at most 24 h: whatever reaches into today started today or yesterday, never before.
  const isOfToday = sinceStartMs >= 0;
  const passedMs = isOfToday ? sinceStartMs : sinceStartMs + DAY_MS;
  if (passedMs >= window.lengthMs || !startsOn(window, isOfToday ? today : today - 1)) return 0;
  return window.lengthMs - passedMs;
}

/** Milliseconds on the clock until it next shows the rule's start, on whatever day; > 0 and at most 24 h. */
export function untilStartMs(rule: QuietRule, wallMs: number): DurationMs {
  const aheadMs = (compiledOf(rule).startMs - (wallMs % DAY_MS) + DAY_MS) % DAY_MS;
  return aheadMs === 0 ? DAY_MS : aheadMs;
}

function startsOn({ isEveryDay, weekdays, days, yearlyDates, fromDay, untilDay }: CompiledRule, day: number): boolean {
  if (day < fromDay || day >= untilDay) return false;
  if (isEveryDay || weekdays.has(isoWeekdayOf(day)) || days.has(day)) return true;
  return yearlyDates.size > 0 && yearlyDates.has(dateOfDay(day).slice(-YEARLY_DATE_LENGTH));
}

function compiledOf(rule: QuietRule): CompiledRule {
  const known = compiledRules.get(rule);
  if (known !== undefined) return known;
  const compiled = compile(rule);
  compiledRules.set(rule, compiled);
  return compiled;
}

function compile(rule: QuietRule): CompiledRule {
  const { startMinute, endMinute, weekdays, dates, effectiveFrom, effectiveUntil } = rule;
  assert(isMinuteOfDay(startMinute) && isMinuteOfDay(endMinute), `no minute of a day: ${startMinute}-${endMinute}`);
  for (const weekday of weekdays ?? []) assert(isWeekday(weekday), `no ISO weekday: ${weekday}`);
  const yearlyDates = (dates ?? []).filter((date) => date.length === YEARLY_DATE_LENGTH);
  for (const date of yearlyDates) checkedDay(`${LEAP_YEAR}-${date}`);
  const datesOfOneYear = (dates ?? []).filter((date) => date.length !== YEARLY_DATE_LENGTH);
  const lengthMinutes = (endMinute - startMinute + MINUTES_PER_DAY) % MINUTES_PER_DAY;
  return {
    startMs: startMinute * MINUTE_MS,
    lengthMs: (lengthMinutes === 0 ? MINUTES_PER_DAY : lengthMinutes) * MINUTE_MS,
    isEveryDay: weekdays === null && dates === null,
    weekdays: new Set(weekdays),
    days: new Set(datesOfOneYear.map(checkedDay)),
    yearlyDates: new Set(yearlyDates),
    fromDay: effectiveFrom === null ? Number.NEGATIVE_INFINITY : checkedDay(effectiveFrom),
    untilDay: effectiveUntil === null ? Number.POSITIVE_INFINITY : checkedDay(effectiveUntil),
  };
}

function checkedDay(date: string): number {
  const day = dayOfDate(date);
  assert(day !== null, `no date: ${date}`);
  return day;
}

function isMinuteOfDay(minute: number): boolean {
  return Number.isInteger(minute) && minute >= 0 && minute < MINUTES_PER_DAY;
}

function isWeekday(weekday: number): boolean {
  return Number.isInteger(weekday) && weekday >= 1 && weekday <= 7;
}
