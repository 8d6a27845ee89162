import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, type DurationMs } from './instant.js';

const PATTERN = /^P(?:(\d{1,4})W)?(?:(\d{1,4})D)?(?:T(?=\d)(?:(\d{1,5})H)?(?:(\d{1,6})M)?(?:(\d{1,8})S)?)?$/;
const DURATION_MS_MAX = 3_660 * DAY_MS;

/**
 * Reads an ISO 8601 duration of weeks, days, hours, minutes and seconds, e.g. `PT1H`, `P2D`, `P1DT12H`.
 * A day is 24 elapsed hours, so months and years (whose length varies) are refused.
 *
 * @returns milliseconds > 0 and at most ten years, or null when the text is no such duration
 */
export function parseDuration(text: string): DurationMs | null {
  const parts = PATTERN.exec(text);
  if (parts === null) return null;
  const [weeks, days, hours, minutes, seconds] = parts.slice(1).map((digits) => Number(digits ?? 0));
  const total =
    ((weeks ?? 0) * 7 + (days ?? 0)) * DAY_MS +
    (hours ?? 0) * HOUR_MS +
    (minutes ?? 0) * MINUTE_MS +
    (seconds ?? 0) * SECOND_MS;
  return total > 0 && total <= DURATION_MS_MAX ? total : null;
}
