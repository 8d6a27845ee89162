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

/** One message to one person: every rule that concerns it must allow an instant, in every zone of the person. */
export interface QuietQuestion {
  readonly rules: readonly QuietRule[];
  /** At least one IANA zone. */
  readonly zones: readonly string[];
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
  const { zones, at } = question;
  const rules = concerning(question);
  let strictest: QuietHit | null = null;
  for (const zone of rules.length === 0 ? [] : zones) {
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
  const { zones, at: from, horizonMs = HORIZON_DEFAULT_MS } = question;
  const rules = concerning(question);
  let at = from;
  for (let step = 0; step < STEPS_MAX; step += 1) {
    const quietUntil = endOfQuiet(rules, zones, at);
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
  const { zones, at: from, withinMs } = question;
  const rules = concerning(question);
  const last = from + withinMs;
  let at = from;
  for (let step = 0; step < STEPS_MAX; step += 1) {
    if (at >= last) return last;
    if (endOfQuiet(rules, zones, at) !== null) return at;
    at = Math.min(last, nextStart(rules, zones, at));
  }
  throw new AssertionError(`more than ${STEPS_MAX} edges of quiet windows`);
}

/** The rules that speak of this channel, purpose and place. */
function concerning({ rules, zones, channel, purpose, jurisdictions }: QuietQuestion): readonly QuietRule[] {
  assert(zones.length > 0, 'a person is in at least one zone');
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
function endOfQuiet(rules: readonly QuietRule[], zones: readonly string[], at: InstantMs): InstantMs | null {
  for (const zone of rules.length === 0 ? [] : zones) {
    const { offsetMs, until } = zoneSpan(zone, at);
    for (const rule of rules) {
      const aheadMs = quietForMs(rule, at + offsetMs);
      if (aheadMs > 0) return Math.min(at + aheadMs, until);
    }
  }
  return null;
}

/** The next instant at which a window may begin: a clock shows its start, or clocks change and show another time. */
function nextStart(rules: readonly QuietRule[], zones: readonly string[], at: InstantMs): InstantMs {
  let next = Number.POSITIVE_INFINITY;
  for (const zone of rules.length === 0 ? [] : zones) {
    const { offsetMs, until } = zoneSpan(zone, at);
    for (const rule of rules) next = Math.min(next, until, at + untilStartMs(rule, at + offsetMs));
  }
  return next;
}
