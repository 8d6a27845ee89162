import { assert, AssertionError } from '../kernel/assert.js';
import { DAY_MS, type DurationMs, type InstantMs } from '../kernel/instant.js';
import { zoneSpan } from '../kernel/zone.js';
import { quietForMs, untilStartMs } from './compiled-rule.js';
import type { OnQuiet, QuietRule } from './quiet-rule.js';

/** Beyond this no time counts as allowed: the message would have lost its sense. */
const HORIZON_DEFAULT_MS: DurationMs = 8 * DAY_MS;
/** Far above rules x zones x days of any honest search; reached only by a bug. */
const STEPS_MAX = 50_000;

const STRICTNESS: Readonly<Record<OnQuiet, number>> = { defer: 0, switch_channel: 1, drop: 2 };

/** A place with its IANA zones. */
export interface PlaceZones {
  /** ISO 3166 code. */
  readonly place: string;
  readonly zones: readonly string[];
}

/**
 * One message to one person: every rule that concerns it must allow an instant, in every zone of the person. A rule that
 * names places must allow it on the clocks of those places too, where the person's own clocks are not theirs.
 */
export interface QuietQuestion {
  readonly rules: readonly QuietRule[];
  /** At least one IANA zone. */
  readonly zones: readonly string[];
  /** Those of `jurisdictions` that have none of `zones`, with their own; left out: there are none. */
  readonly placesElsewhere?: readonly PlaceZones[];
  readonly channel: string;
  readonly purpose: string;
  /** ISO 3166 codes of the places whose law may protect the person. */
  readonly jurisdictions: readonly string[];
  readonly at: InstantMs;
}

/** The rule that makes an instant quiet, and the zone whose clock it was read on. */
export interface QuietHit {
  readonly rule: QuietRule;
  readonly zone: string;
}

/**
 * Which rule makes this instant quiet, if any; of several the strictest: one that drops, then one that tries another
 * channel, then one that defers. Quiet is a property of what the wall clock shows: where clocks go back a minute can be
 * quiet twice, where they go forward it may never come.
 *
 * @throws AssertionError if there is no zone, a zone does not exist, or a rule cannot be read
 */
export function findQuiet(question: QuietQuestion): QuietHit | null {
  const { at } = question;
  let strictest: QuietHit | null = null;
  for (const { zone, rules } of clocksOf(question)) {
    const wallMs = at + zoneSpan(zone, at).offsetMs;
    for (const rule of rules) {
      const isStricter = strictest === null || STRICTNESS[rule.onHit] > STRICTNESS[strictest.rule.onHit];
      if (isStricter && quietForMs(rule, wallMs) > 0) strictest = { rule, zone };
    }
  }
  return strictest;
}

/**
 * The first instant at or after `at` that is quiet under no rule in no zone. It jumps from the end of one window to
 * the next and stops at every change of clocks between, so it is exact across daylight saving.
 *
 * @param question.horizonMs how far to look, by default 8 days
 * @returns `at` itself when nothing is quiet now; null when nothing is allowed within the horizon
 * @throws AssertionError as `findQuiet` does
 * @example New York, quiet 21:00-08:00, at 2027-03-14T04:30Z -> 2027-03-14T12:00Z (the night has 23 h)
 */
export function nextAllowedInstant(question: QuietQuestion & { readonly horizonMs?: DurationMs }): InstantMs | null {
  const { at: from, horizonMs = HORIZON_DEFAULT_MS } = question;
  const clocks = clocksOf(question);
  let at = from;
  for (let step = 0; step < STEPS_MAX; step += 1) {
    const quietUntil = endOfQuiet(clocks, at);
    if (quietUntil === null) return at;
    at = quietUntil;
    if (at > from + horizonMs) return null;
  }
  throw new AssertionError(`more than ${STEPS_MAX} edges of quiet windows`);
}

/**
 * The first quiet instant at or after `at`: the end of an opening.
 *
 * @returns at most `at + withinMs`, also when nothing is quiet until then
 * @throws AssertionError as `findQuiet` does
 */
export function nextQuietInstant(question: QuietQuestion & { readonly withinMs: DurationMs }): InstantMs {
  const { at: from, withinMs } = question;
  const clocks = clocksOf(question);
  const last = from + withinMs;
  let at = from;
  for (let step = 0; step < STEPS_MAX; step += 1) {
    if (at >= last) return last;
    if (endOfQuiet(clocks, at) !== null) return at;
    at = Math.min(last, nextStart(clocks, at));
  }
  throw new AssertionError(`more than ${STEPS_MAX} edges of quiet windows`);
}

/** A clock, and the rules that are read on it. */
interface Clock {
  readonly zone: string;
  readonly rules: readonly QuietRule[];
}

/** Every clock that matters: the person's with all rules that concern the message, those of places with their laws. */
function clocksOf(question: QuietQuestion): readonly Clock[] {
  const { zones, placesElsewhere = [] } = question;
  assert(zones.length > 0, 'a person is in at least one zone');
  const rules = concerning(question);
  if (rules.length === 0) return [];
  const ofPlaces = placesElsewhere.flatMap(({ place, zones: itsZones }): readonly Clock[] => {
    const laws = rules.filter(({ jurisdictions }) => jurisdictions?.some((code) => isWithin(place, code)) ?? false);
    return laws.length === 0 ? [] : itsZones.map((zone) => ({ zone, rules: laws }));
  });
  return [...zones.map((zone) => ({ zone, rules })), ...ofPlaces];
}

/** The rules that speak of this channel, purpose and place. */
function concerning({ rules, channel, purpose, jurisdictions }: QuietQuestion): readonly QuietRule[] {
  return rules.filter(
    (rule) =>
      (rule.channels?.includes(channel) ?? true) &&
      (rule.purposes?.includes(purpose) ?? true) &&
      (rule.jurisdictions?.some((place) => jurisdictions.some((code) => isWithin(code, place))) ?? true),
  );
}

/** `US-FL` lies within `US` and within `US-FL`; `US` does not lie within `US-FL`. */
function isWithin(code: string, place: string): boolean {
  return code === place || (code.startsWith(place) && code[place.length] === '-');
}

/** When the window of a rule that makes `at` quiet ends, or clocks change before; null when nothing is quiet. */
function endOfQuiet(clocks: readonly Clock[], at: InstantMs): InstantMs | null {
  for (const { zone, rules } of clocks) {
    const { offsetMs, until } = zoneSpan(zone, at);
    for (const rule of rules) {
      const aheadMs = quietForMs(rule, at + offsetMs);
      if (aheadMs > 0) return Math.min(at + aheadMs, until);
    }
  }
  return null;
}

/** The next instant at which a window may begin: a clock shows its start, or clocks change and show another time. */
function nextStart(clocks: readonly Clock[], at: InstantMs): InstantMs {
  let next = Number.POSITIVE_INFINITY;
  for (const { zone, rules } of clocks) {
    const { offsetMs, until } = zoneSpan(zone, at);
    for (const rule of rules) next = Math.min(next, until, at + untilStartMs(rule, at + offsetMs));
  }
  return next;
}
