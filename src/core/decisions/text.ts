import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, type DurationMs, type InstantMs } from '../kernel/instant.js';

/** How many figures of a value a reader is shown; the record holds them all. */
const FIGURES_SHOWN = 4;

const UNITS = [
  [DAY_MS, 'day'],
  [HOUR_MS, 'hour'],
  [MINUTE_MS, 'minute'],
  [SECOND_MS, 'second'],
] as const;

/** An instant as people read it, in UTC and rounded up to the second: `2027-06-16T04:00Z`, `2027-06-16T04:03:07Z`. */
export function instantText(at: InstantMs): string {
  const text = new Date(Math.ceil(at / SECOND_MS) * SECOND_MS).toISOString();
  return text.endsWith(':00.000Z') ? `${text.slice(0, 16)}Z` : `${text.slice(0, 19)}Z`;
}

/** A duration in its largest whole unit: `7 days`, `24 hours`, `90 minutes`. One day is `24 hours`, not a calendar day. */
export function spanText(durationMs: DurationMs): string {
  const fitting = UNITS.find(([unitMs]) => durationMs % unitMs === 0 && durationMs !== DAY_MS);
  const [unitMs, name] = durationMs === DAY_MS ? UNITS[1] : (fitting ?? UNITS[3]);
  const count = durationMs / unitMs;
  return `${count} ${name}${count === 1 ? '' : 's'}`;
}

/** A value with as many figures as a reader needs: `0.3333`, `12`. */
export function valueText(value: number): string {
  return String(Number(value.toPrecision(FIGURES_SHOWN)));
}

/** A rule as a sentence names it: without its version, which the record holds. Empty when no rule spoke. */
export function ruleName(rule: string | null): string {
  return rule === null ? '' : `rule ${rule.split('@')[0]}`;
}
