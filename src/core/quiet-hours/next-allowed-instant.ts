import { assert, AssertionError } from '../kernel/assert.js';
import { DAY_MS, MINUTE_MS, type DurationMs, type InstantMs } from '../kernel/instant.js';
import { advanceWallClock, localTimeOfDayMs } from '../kernel/zone.js';
import type { QuietRule } from './quiet-rule.js';

/** Beyond this no time counts as allowed: the message would have lost its sense. */
const HORIZON_DEFAULT_MS: DurationMs = 8 * DAY_MS;
/** Far above rules x zones x days of any honest search; reached only by a bug. */
const STEPS_MAX = 50_000;
const MINUTES_PER_DAY = 1_440;

/** Rules that all must allow an instant, in every zone in which the person may be. */
export interface QuietQuestion {
  readonly rules: readonly QuietRule[];
  /** At least one IANA zone. */
  readonly zones: readonly string[];
  readonly at: InstantMs;
}

/** The rule that makes an instant quiet, and the zone whose clock it was read on. */
export interface QuietHit {
  readonly rule: QuietRule;
  readonly zone: string;
}

/**
 * Which rule makes this instant quiet, if any. Quiet is a property of the minute that the wall clock shows: where
 * clocks go back a minute can be quiet twice, where they go forward it may never come.
 *
 * @throws AssertionError if there is no zone, a zone does not exist, or a minute is out of range
 */
export function findQuiet({ rules, zones, at }: QuietQuestion): QuietHit | null {
  assert(zones.length > 0, 'a person is in at least one zone');
  for (const zone of zones) {
    const timeOfDayMs = localTimeOfDayMs(zone, at);
    const rule = rules.find((candidate) => isQuiet(candidate, Math.floor(timeOfDayMs / MINUTE_MS)));
    if (rule !== undefined) return { rule, zone };
  }
  return null;
}

/**
 * The first instant at or after `at` that is quiet under no rule in no zone. It jumps from the end of one window to
 * the next and stops at every change of clocks between, so it is exact across daylight saving.
 *
 * @param question.horizonMs how far to look, by default 8 days
 * @returns `at` itself when nothing is quiet now; null when nothing is allowed within the horizon
 * @example New York, quiet 21:00-08:00, at 2027-03-14T04:30Z -> 2027-03-14T12:00Z (the night has 23 h)
 */
export function nextAllowedInstant(question: QuietQuestion & { readonly horizonMs?: DurationMs }): InstantMs | null {
  const last = question.at + (question.horizonMs ?? HORIZON_DEFAULT_MS);
  let at = question.at;
  for (let step = 0; step < STEPS_MAX; step += 1) {
    const hit = findQuiet({ ...question, at });
    if (hit === null) return at;
    at = nextBoundary(hit, at);
    if (at > last) return null;
  }
  throw new AssertionError(`more than ${STEPS_MAX} edges of quiet windows`);
}

/**
 * The first quiet instant after `at`, which itself must be allowed: the end of an opening.
 *
 * @returns at most `at + withinMs`, also when nothing is quiet until then
 */
export function nextQuietInstant(question: QuietQuestion & { readonly withinMs: DurationMs }): InstantMs {
  const last = question.at + question.withinMs;
  let at = question.at;
  for (let step = 0; step < STEPS_MAX; step += 1) {
    if (at >= last) return last;
    if (findQuiet({ ...question, at }) !== null) return at;
    at = Math.min(last, ...boundariesOf(question, at));
  }
  throw new AssertionError(`more than ${STEPS_MAX} edges of quiet windows`);
}

function boundariesOf({ rules, zones }: QuietQuestion, at: InstantMs): readonly InstantMs[] {
  return zones.flatMap((zone) => rules.map((rule) => nextBoundary({ rule, zone }, at)));
}

/** The next instant at which this rule may turn from quiet to allowed or back: a window's edge or a change of clocks. */
function nextBoundary({ rule, zone }: QuietHit, at: InstantMs): InstantMs {
  const timeOfDayMs = localTimeOfDayMs(zone, at);
  const edgeMinute = isQuiet(rule, Math.floor(timeOfDayMs / MINUTE_MS)) ? rule.endMinute : rule.startMinute;
  const aheadMs = (edgeMinute * MINUTE_MS - timeOfDayMs + DAY_MS) % DAY_MS;
  return advanceWallClock({ zone, at, byMs: aheadMs === 0 ? DAY_MS : aheadMs });
}

function isQuiet({ startMinute, endMinute }: QuietRule, minute: number): boolean {
  assert(isMinuteOfDay(startMinute) && isMinuteOfDay(endMinute), `no minute of a day: ${startMinute}-${endMinute}`);
  if (startMinute === endMinute) return true;
  if (startMinute < endMinute) return startMinute <= minute && minute < endMinute;
  return minute >= startMinute || minute < endMinute;
}

function isMinuteOfDay(minute: number): boolean {
  return Number.isInteger(minute) && minute >= 0 && minute < MINUTES_PER_DAY;
}
