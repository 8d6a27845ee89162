import { assert } from './assert.js';
import { DAY_MS, MINUTE_MS, SECOND_MS, type DurationMs, type InstantMs } from './instant.js';

// Time zones by Intl, whose data belong to the Node version: for activities and the API, never for workflow code.

/** Beyond this many different names the cache starts anew: the names come from users. */
const FORMATS_MAX = 1_024;
const ZONE_LENGTH_MAX = 64;
/** 9999-12-31T00:00:00Z; before 1970 and after this the four-digit year would not hold. */
const INSTANT_MAX: InstantMs = 253_402_214_400_000;

const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known !== undefined) return known;
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    calendar: 'gregory',
    numberingSystem: 'latn',
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  if (formats.size >= FORMATS_MAX) formats.clear();
  formats.set(zone, format);
  return format;
}

/**
 * Whether `zone` names a time zone of the IANA data, e.g. `Europe/Berlin`. Fixed offsets such as `+02:00` do not: they
 * know nothing of daylight saving.
 */
export function isValidZone(zone: string): boolean {
  if (zone.length > ZONE_LENGTH_MAX || !/^[A-Za-z]/.test(zone)) return false;
  try {
    formatOf(zone);
    return true;
  } catch {
    return false;
  }
}

/**
 * What a clock in `zone` shows at `at`, minus UTC.
 *
 * @returns milliseconds, e.g. -14_400_000 for New York in summer
 * @throws AssertionError if the zone does not exist or the instant lies outside 1970-9999
 */
export function zoneOffsetMs(zone: string, at: InstantMs): DurationMs {
  assert(Number.isInteger(at) && at >= 0 && at <= INSTANT_MAX, `instant out of range: ${at}`);
  assert(isValidZone(zone), `no such time zone: ${zone}`);
  const [month, day, year, hour, minute, second] = (formatOf(zone).format(at).match(/\d+/g) ?? []).map(Number);
  assert(
    month !== undefined && day !== undefined && year !== undefined && second !== undefined,
    `the clock of ${zone} is not readable`,
  );
  const wall = Date.UTC(year, month - 1, day, hour, minute, second);
  return wall - Math.floor(at / SECOND_MS) * SECOND_MS;
}

/** Minute of the local day, 0-1439, that a clock in `zone` shows at `at`. */
export function localMinute(zone: string, at: InstantMs): number {
  return Math.floor(localTimeOfDayMs(zone, at) / MINUTE_MS);
}

/** Milliseconds that a clock in `zone` shows since its midnight; on a day of 23 or 25 h not the time elapsed. */
export function localTimeOfDayMs(zone: string, at: InstantMs): DurationMs {
  const wall = at + zoneOffsetMs(zone, at);
  return ((wall % DAY_MS) + DAY_MS) % DAY_MS;
}

/** Number of the local calendar day at `at`: equal for two instants exactly when their local dates are equal. */
export function localDay(zone: string, at: InstantMs): number {
  return Math.floor((at + zoneOffsetMs(zone, at)) / DAY_MS);
}

/**
 * Moves on until the clock in `zone` shows `byMs` more, or until its offset changes, whichever comes first. Whoever
 * looks for a local time goes on from there, since after the change that time lies elsewhere.
 *
 * @param input.byMs > 0 and at most a day: two changes within one day are not told apart
 * @returns an instant in (at, at + byMs]
 */
export function advanceWallClock(input: {
  readonly zone: string;
  readonly at: InstantMs;
  readonly byMs: DurationMs;
}): InstantMs {
  const { zone, at, byMs } = input;
  assert(byMs > 0 && byMs <= DAY_MS, `step of the wall clock out of range: ${byMs}`);
  const offset = zoneOffsetMs(zone, at);
  if (zoneOffsetMs(zone, at + byMs) === offset) return at + byMs;
  let before = at;
  let after = at + byMs;
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (zoneOffsetMs(zone, middle) === offset) before = middle;
    else after = middle;
  }
  return after;
}

/** First instant after `at` with another local date. Exact where midnight does not exist or comes twice. */
export function nextLocalDay(zone: string, at: InstantMs): InstantMs {
  const today = localDay(zone, at);
  let instant = at;
  while (localDay(zone, instant) === today) {
    instant = advanceWallClock({ zone, at: instant, byMs: DAY_MS - localTimeOfDayMs(zone, instant) });
  }
  return instant;
}
