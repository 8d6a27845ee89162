import { assert, AssertionError } from './assert.js';
import { DAY_MS, MINUTE_MS, SECOND_MS, type DurationMs, type InstantMs } from './instant.js';

// Time zones by Intl, whose data belong to the Node version: for activities and the API, never for workflow code.

/** Beyond this many different names the cache starts anew: the names come from users. */
const FORMATS_MAX = 1_024;
const ZONE_LENGTH_MAX = 64;
/** 9999-12-31T00:00:00Z; before 1970 and after this the four-digit year would not hold. */
const INSTANT_MAX: InstantMs = 253_402_214_400_000;

/** How much of a zone is read at a time; whole days. */
const STRETCH_MS: DurationMs = 32 * DAY_MS;
/** Beyond this many stretches of all zones together the cache starts anew. */
const STRETCHES_MAX = 8_192;

const formats = new Map<string, Intl.DateTimeFormat>();
const knownSpans = new Map<string, Map<number, readonly ZoneSpan[]>>();
let stretchesKnown = 0;

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

/** A stretch of time in which the clock of a zone keeps its distance from UTC. */
export interface ZoneSpan {
  /** What the clock shows, minus UTC, e.g. -14_400_000 for New York in summer. */
  readonly offsetMs: DurationMs;
  readonly from: InstantMs;
  /** First instant after the span: clocks change, or nobody has looked further yet. */
  readonly until: InstantMs;
}

/**
 * The stretch around `at` for which the offset of `zone` is known. Asking for a time costs Intl about a microsecond,
 * so offsets are read once for a month or so and kept.
 *
 * @throws AssertionError if the zone does not exist or the instant lies outside 1970-9999
 */
export function zoneSpan(zone: string, at: InstantMs): ZoneSpan {
  assert(Number.isInteger(at) && at >= 0 && at <= INSTANT_MAX, `instant out of range: ${at}`);
  const stretch = Math.floor(at / STRETCH_MS);
  const spans = knownSpans.get(zone)?.get(stretch) ?? readSpans(zone, stretch);
  for (const span of spans) if (at < span.until) return span;
  throw new AssertionError(`no offset of ${zone} at ${at}`);
}

function readSpans(zone: string, stretch: number): readonly ZoneSpan[] {
  assert(isValidZone(zone), `no such time zone: ${zone}`);
  const end = (stretch + 1) * STRETCH_MS;
  const spans: ZoneSpan[] = [];
  let from = stretch * STRETCH_MS;
  let offsetMs = readOffsetMs(zone, from);
  // Changes of clocks lie months, at the least days, apart: day by day none is missed.
  for (let day = from; day < end; day += DAY_MS) {
    if (readOffsetMs(zone, day + DAY_MS) === offsetMs) continue;
    const until = changeWithin(zone, day, offsetMs);
    spans.push({ offsetMs, from, until });
    from = until;
    offsetMs = readOffsetMs(zone, day + DAY_MS);
  }
  if (from < end) spans.push({ offsetMs, from, until: end });
  remember(zone, stretch, spans);
  return spans;
}

/** The second of the day from `dayStart` on at which the offset becomes another one. */
function changeWithin(zone: string, dayStart: InstantMs, offsetMs: DurationMs): InstantMs {
  let before = dayStart;
  let after = dayStart + DAY_MS;
  while (after - before > SECOND_MS) {
    const middle = before + Math.floor((after - before) / 2 / SECOND_MS) * SECOND_MS;
    if (readOffsetMs(zone, middle) === offsetMs) before = middle;
    else after = middle;
  }
  return after;
}

function remember(zone: string, stretch: number, spans: readonly ZoneSpan[]): void {
  if (stretchesKnown >= STRETCHES_MAX) {
    knownSpans.clear();
    stretchesKnown = 0;
  }
  stretchesKnown += 1;
  const ofZone = knownSpans.get(zone) ?? new Map<number, readonly ZoneSpan[]>();
  knownSpans.set(zone, ofZone.set(stretch, spans));
}

function readOffsetMs(zone: string, instant: InstantMs): DurationMs {
  const at = Math.min(instant, INSTANT_MAX);
  const [month, day, year, hour, minute, second] = (formatOf(zone).format(at).match(/\d+/g) ?? []).map(Number);
  assert(
    month !== undefined && day !== undefined && year !== undefined && second !== undefined,
    `the clock of ${zone} is not readable`,
  );
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(at / SECOND_MS) * SECOND_MS;
}

/**
 * What a clock in `zone` shows at `at`, minus UTC.
 *
 * @returns milliseconds, e.g. -14_400_000 for New York in summer
 * @throws AssertionError if the zone does not exist or the instant lies outside 1970-9999
 */
export function zoneOffsetMs(zone: string, at: InstantMs): DurationMs {
  return zoneSpan(zone, at).offsetMs;
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
  let span = zoneSpan(zone, at);
  const { offsetMs } = span;
  while (span.until < at + byMs) {
    const next = zoneSpan(zone, span.until);
    if (next.offsetMs !== offsetMs) return span.until;
    span = next;
  }
  return at + byMs;
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
