import type { QuietRule } from '../../../src/core/quiet-hours/quiet-rule.js';
import { shiftDate, wallClock, weekdayOf } from './wall-clock.js';

const DAY_MINUTES = 1_440;

/** One message to one person at one instant. */
export interface QuietAsked {
  readonly rules: readonly QuietRule[];
  readonly zones: readonly string[];
  readonly jurisdictions: readonly string[];
  /** Places whose law may protect the person, and on whose clocks the person is not. */
  readonly elsewhere: readonly { readonly place: string; readonly clocks: readonly string[] }[];
  readonly channel: string;
  readonly purpose: string;
  readonly at: number;
}

/** Every rule that makes the instant quiet on some clock that matters for the person. */
export function quietRulesAt(asked: QuietAsked): readonly QuietRule[] {
  const { zones, elsewhere, at } = asked;
  return rulesAbout(asked).filter(
    (rule) =>
      zones.some((zone) => isQuiet(rule, zone, at)) ||
      elsewhere.some(({ place, clocks }) => namesPlace(rule, place) && clocks.some((zone) => isQuiet(rule, zone, at))),
  );
}

/** The rules that speak of such a message to such a person, whatever the hour. */
function rulesAbout({ rules, jurisdictions, channel, purpose }: QuietAsked): readonly QuietRule[] {
  return rules.filter(
    (rule) =>
      (rule.channels === null || rule.channels.includes(channel)) &&
      (rule.purposes === null || rule.purposes.includes(purpose)) &&
      (rule.jurisdictions === null || jurisdictions.some((code) => namesPlace(rule, code))),
  );
}

const namesPlace = ({ jurisdictions }: QuietRule, code: string): boolean =>
  jurisdictions?.some((place) => `${code}-`.startsWith(`${place}-`)) ?? false;

/** Looks at the windows that began today and yesterday; each lasts at most a day. */
function isQuiet(rule: QuietRule, zone: string, at: number): boolean {
  const { date, minute } = wallClock(zone, at);
  const end = rule.endMinute > rule.startMinute ? rule.endMinute : rule.endMinute + DAY_MINUTES;
  const isIn = (since: number): boolean => since >= rule.startMinute && since < end;
  if (isEveryDay(rule)) return isIn(minute) || isIn(minute + DAY_MINUTES);
  return (isIn(minute) && beginsOn(rule, date)) || (isIn(minute + DAY_MINUTES) && beginsOn(rule, shiftDate(date, -1)));
}

const isEveryDay = ({ weekdays, dates, effectiveFrom, effectiveUntil }: QuietRule): boolean =>
  weekdays === null && dates === null && effectiveFrom === null && effectiveUntil === null;

function beginsOn({ weekdays, dates, effectiveFrom, effectiveUntil }: QuietRule, date: string): boolean {
  if (effectiveFrom !== null && date < effectiveFrom) return false;
  if (effectiveUntil !== null && date >= effectiveUntil) return false;
  if (weekdays === null && dates === null) return true;
  return (
    (weekdays?.includes(weekdayOf(date)) ?? false) ||
    (dates?.some((each) => each === date || each === date.slice(5)) ?? false)
  );
}

/** Windows begin and end on the quarter, and no clock of these worlds is apart from the others by anything else. */
const QUARTER_MS = 15 * 60_000;
const HORIZON_MS = 8 * 24 * 60 * 60_000;

/** What stands between a quiet instant and the first allowed one. */
export interface QuietStretch {
  /** The first instant at which nothing is quiet; null when there is none within eight days. */
  readonly opening: number | null;
  /** Every rule that holds the message on its way there. */
  readonly holding: ReadonlySet<QuietRule>;
}

/** Walks from quarter to quarter. */
export function quietStretch(asked: QuietAsked): QuietStretch {
  const { at: from } = asked;
  const holding = new Set(quietRulesAt(asked));
  const rules = rulesAbout(asked);
  let at = (Math.floor(from / QUARTER_MS) + 1) * QUARTER_MS;
  for (; at <= from + HORIZON_MS; at += QUARTER_MS) {
    const quiet = quietRulesAt({ ...asked, rules, at });
    if (quiet.length === 0) return { opening: at, holding };
    for (const rule of quiet) holding.add(rule);
  }
  return { opening: null, holding };
}
