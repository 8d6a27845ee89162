import type { QuietRule } from '../../../src/core/quiet-hours/quiet-rule.js';
import { shiftDate, wallClock, weekdayOf } from './wall-clock.js';

const DAY_MINUTES = 1_440;

/** One message to one person at one instant. */
export interface QuietAsked {
  readonly rules: readonly QuietRule[];
  readonly zones: readonly string[];
  readonly jurisdictions: readonly string[];
  readonly channel: string;
  readonly purpose: string;
  readonly at: number;
}

/** Every rule that makes the instant quiet in some zone of the person, as its id. */
export function quietRulesAt({ rules, zones, jurisdictions, channel, purpose, at }: QuietAsked): readonly string[] {
  return rules
    .filter(
      (rule) =>
        (rule.channels === null || rule.channels.includes(channel)) &&
        (rule.purposes === null || rule.purposes.includes(purpose)) &&
        (rule.jurisdictions === null ||
          jurisdictions.some((code) => rule.jurisdictions?.some((place) => `${code}-`.startsWith(`${place}-`)))),
    )
    .filter((rule) => zones.some((zone) => isQuiet(rule, zone, at)))
    .map(({ id }) => id);
}

/** Looks at the windows that began today and yesterday; each lasts at most a day. */
function isQuiet(rule: QuietRule, zone: string, at: number): boolean {
  const { date, minute } = wallClock(zone, at);
  const end = rule.endMinute > rule.startMinute ? rule.endMinute : rule.endMinute + DAY_MINUTES;
  const isIn = (since: number): boolean => since >= rule.startMinute && since < end;
  return (isIn(minute) && beginsOn(rule, date)) || (isIn(minute + DAY_MINUTES) && beginsOn(rule, shiftDate(date, -1)));
}

function beginsOn({ weekdays, dates, effectiveFrom, effectiveUntil }: QuietRule, date: string): boolean {
  if (effectiveFrom !== null && date < effectiveFrom) return false;
  if (effectiveUntil !== null && date >= effectiveUntil) return false;
  if (weekdays === null && dates === null) return true;
  return (
    (weekdays?.includes(weekdayOf(date)) ?? false) ||
    (dates?.some((each) => each === date || each === date.slice(5)) ?? false)
  );
}
