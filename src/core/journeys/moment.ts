import { assert, AssertionError, unreachable } from '../kernel/assert.js';
import { DAY_MS, MINUTE_MS, type DurationMs, type InstantMs } from '../kernel/instant.js';
import { dateOfDay, dayOfDate, isoWeekdayOf } from '../kernel/local-date.js';
import { instantOfLocal } from '../kernel/local-instant.js';
import { localDay, localTimeOfDayMs } from '../kernel/zone.js';
import type { Moment } from './plan.js';

// Asks Intl for local times: for activities, never for workflow code.

/** Local days that are no days of the product: before 1970, which is past in any case, and from 2200 on. */
const DAY_MIN = 1;
const DAY_MAX = Date.UTC(2200, 0, 1) / DAY_MS;
const DAYS_A_WEEK = 7;

const DATE = /^\d{4}-\d{2}-\d{2}$/;
const INSTANT = /^(\d{4}-\d{2}-\d{2})T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/;

/** What the clock on the wall is to show: a day, counted from 1970-01-01 = 0, and a time of it. */
interface Wall {
  readonly day: number;
  readonly minute: number;
  /** Beyond the whole minute. */
  readonly restMs: DurationMs;
}

/**
 * When a moment in the life of one user comes.
 *
 * A date in the profile is a local one and means its midnight, or the moment's local time. An instant with an offset
 * means itself, or the moment's local time on the local day in which it lies. Days are calendar days and keep the time on
 * the wall across a change of clocks; `offsetMs` is elapsed time on top. A local time that does not exist moves forward
 * by the gap, one that comes twice means its first coming, as everywhere (`instantOfLocal`).
 *
 * Where a user may be in several zones, a local time means that of one date in all of them, and comes in the last of them:
 * never too early on that date anywhere. An instant that lies on two dates means the later one.
 *
 * @param input.value what the profile holds at the moment's attribute; not looked at for a local time
 * @param input.zones IANA zones in one of which the user is, at least one
 * @param input.from when the run came to the step: a local time is the one of the first allowed date on which it is not
 *   past in all zones
 * @returns an instant, possibly before `from`, or null where the profile holds no such date (or one from 2200 on). What
 *   lies before 1970 is 1970.
 * @throws AssertionError if a zone does not exist, or none is given
 * @example 09:00, New York or Los Angeles, from Monday 14:00Z (10:00 and 07:00) -> Monday 16:00Z, which is 12:00 and 09:00
 */
export function findMoment(input: {
  readonly moment: Moment;
  readonly value: unknown;
  readonly zones: readonly string[];
  readonly from: InstantMs;
}): InstantMs | null {
  const { moment, value, zones, from } = input;
  assert(zones.length > 0, 'a user without a zone');
  switch (moment.kind) {
    case 'attribute':
      return momentOfAttribute(zones, moment, value);
    case 'local_time':
      return nextLocalTime(zones, moment, from);
    default:
      return unreachable(moment);
  }
}

/**
 * The instant at which the clocks of all these zones have come to a time of one date: that of the last of them. Over a
 * date line the first of them may show the next date by then.
 *
 * @param input.zones at least one
 * @param input.date `2027-03-14`
 * @param input.minute of the day, 0-1439
 * @throws AssertionError as `instantOfLocal` does
 */
export function lastInstantOfLocal(input: {
  readonly zones: readonly string[];
  readonly date: string;
  readonly minute: number;
}): InstantMs {
  const { zones, date, minute } = input;
  return Math.max(...zones.map((zone) => instantOfLocal({ zone, date, minute }).instant));
}

function momentOfAttribute(
  zones: readonly string[],
  moment: Extract<Moment, { kind: 'attribute' }>,
  value: unknown,
): InstantMs | null {
  if (typeof value !== 'string') return null;
  const { days, offsetMs, localMinute } = moment;
  const at = instantOf(value);
  // Nothing moves on the wall: the instant itself, which may be the second coming of its local time.
  if (at !== null && days === 0 && localMinute === null) return checked(at + offsetMs);
  const date = at === null ? dayOfText(value) : Math.max(...zones.map((zone) => localDay(zone, at)));
  if (date === null) return null;
  const found = zones.map((zone) => {
    const ofDate = { day: date, minute: localMinute ?? 0, restMs: 0 };
    const { day, ...time } = at !== null && localMinute === null ? wallAt(zone, at) : ofDate;
    return instantOfWall(zone, { ...time, day: day + days }, offsetMs);
  });
  return found.reduce((latest, each) => (latest === null || each === null ? null : Math.max(latest, each)));
}

function instantOfWall(zone: string, { day, minute, restMs }: Wall, offsetMs: DurationMs): InstantMs | null {
  if (day >= DAY_MAX) return null;
  if (day < DAY_MIN) return 0;
  return checked(instantOfLocal({ zone, date: dateOfDay(day), minute }).instant + restMs + offsetMs);
}

const checked = (at: InstantMs): InstantMs | null => (at >= DAY_MAX * DAY_MS ? null : Math.max(0, at));

function instantOf(text: string): InstantMs | null {
  const date = INSTANT.exec(text)?.[1];
  if (date === undefined || dayOfDate(date) === null) return null;
  const at = Date.parse(text);
  return Number.isNaN(at) || at >= DAY_MAX * DAY_MS ? null : Math.max(0, at);
}

const dayOfText = (text: string): number | null => (DATE.test(text) ? dayOfDate(text) : null);

function wallAt(zone: string, at: InstantMs): Wall {
  const timeOfDayMs = localTimeOfDayMs(zone, at);
  const minute = Math.floor(timeOfDayMs / MINUTE_MS);
  return { day: localDay(zone, at), minute, restMs: timeOfDayMs - minute * MINUTE_MS };
}

function nextLocalTime(
  zones: readonly string[],
  { localMinute: minute, weekdays }: Extract<Moment, { kind: 'local_time' }>,
  from: InstantMs,
): InstantMs {
  const today = Math.min(...zones.map((zone) => localDay(zone, from)));
  // From yesterday on: a time that a gap over midnight moved forward may still come. Where it is today, today in a week
  // is the last chance; nowhere does a later date begin sooner.
  for (let day = today - 1; day <= today + DAYS_A_WEEK; day += 1) {
    if (weekdays.length > 0 && !weekdays.includes(isoWeekdayOf(day))) continue;
    const instant = lastInstantOfLocal({ zones, date: dateOfDay(day), minute });
    if (instant >= from) return instant;
  }
  throw new AssertionError(`no local time within a week in ${zones.join()}`);
}
