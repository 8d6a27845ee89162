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
 * Where a user may be in several zones the latest of their instants is the answer: never too early anywhere.
 *
 * @param input.value what the profile holds at the moment's attribute; not looked at for a local time
 * @param input.zones IANA zones in one of which the user is, at least one
 * @param input.from when the run came to the step: a local time is the first one that is not before it
 * @returns an instant, possibly before `from`, or null where the profile holds no such date (or one from 2200 on). What
 *   lies before 1970 is 1970.
 * @throws AssertionError if a zone does not exist, or none is given
 */
export function findMoment(input: {
  readonly moment: Moment;
  readonly value: unknown;
  readonly zones: readonly string[];
  readonly from: InstantMs;
}): InstantMs | null {
  const { moment, value, zones, from } = input;
  assert(zones.length > 0, 'a user without a zone');
  const found = zones.map((zone) => findIn(zone, moment, value, from));
  return found.reduce((latest, at) => (latest === null || at === null ? null : Math.max(latest, at)));
}

function findIn(zone: string, moment: Moment, value: unknown, from: InstantMs): InstantMs | null {
  switch (moment.kind) {
    case 'attribute':
      return momentOfAttribute(zone, moment, value);
    case 'local_time':
      return nextLocalTime(zone, moment, from);
    default:
      return unreachable(moment);
  }
}

function momentOfAttribute(
  zone: string,
  moment: Extract<Moment, { kind: 'attribute' }>,
  value: unknown,
): InstantMs | null {
  if (typeof value !== 'string') return null;
  const { days, offsetMs, localMinute } = moment;
  const at = instantOf(value);
  // Nothing moves on the wall: the instant itself, which may be the second coming of its local time.
  if (at !== null && days === 0 && localMinute === null) return checked(at + offsetMs);
  const wall = at === null ? wallOfDate(value) : wallAt(zone, at);
  if (wall === null) return null;
  const day = wall.day + days;
  if (day >= DAY_MAX) return null;
  if (day < DAY_MIN) return 0;
  const { minute, restMs } = localMinute === null ? wall : { minute: localMinute, restMs: 0 };
  return checked(instantOfLocal({ zone, date: dateOfDay(day), minute }).instant + restMs + offsetMs);
}

const checked = (at: InstantMs): InstantMs | null => (at >= DAY_MAX * DAY_MS ? null : Math.max(0, at));

function instantOf(text: string): InstantMs | null {
  const date = INSTANT.exec(text)?.[1];
  if (date === undefined || dayOfDate(date) === null) return null;
  const at = Date.parse(text);
  return Number.isNaN(at) || at >= DAY_MAX * DAY_MS ? null : Math.max(0, at);
}

function wallOfDate(text: string): Wall | null {
  const day = DATE.test(text) ? dayOfDate(text) : null;
  return day === null ? null : { day, minute: 0, restMs: 0 };
}

function wallAt(zone: string, at: InstantMs): Wall {
  const timeOfDayMs = localTimeOfDayMs(zone, at);
  const minute = Math.floor(timeOfDayMs / MINUTE_MS);
  return { day: localDay(zone, at), minute, restMs: timeOfDayMs - minute * MINUTE_MS };
}

function nextLocalTime(
  zone: string,
  { localMinute: minute, weekdays }: Extract<Moment, { kind: 'local_time' }>,
  from: InstantMs,
): InstantMs {
  const today = localDay(zone, from);
  // From yesterday on: a time that a gap over midnight moved forward may still come. Today in a week is the last chance.
  for (let day = today - 1; day <= today + DAYS_A_WEEK; day += 1) {
    if (weekdays.length > 0 && !weekdays.includes(isoWeekdayOf(day))) continue;
    const { instant } = instantOfLocal({ zone, date: dateOfDay(day), minute });
    if (instant >= from) return instant;
  }
  throw new AssertionError(`no local time within a week in ${zone}`);
}
