import { isForbiddenName, PATH_PARTS_MAX } from '../kernel/attribute-path.js';
import { parseDuration } from '../kernel/duration.js';
import type { DurationMs } from '../kernel/instant.js';
import type { Report } from './compile-faults.js';

const TEXT_LENGTH_MAX = 200;
const KEY_PATTERN = /^[a-z][a-z0-9_-]{0,63}$/;
const LOCAL_TIME_PATTERN = /^([01]\d|2[0-3]):([0-5]\d)$/;
/** Right in form, and no time at all, e.g. `PT0S`. */
const NO_DURATION_PATTERN = /^P(?=.)(?:0+W)?(?:0+D)?(?:T(?=0)(?:0+H)?(?:0+M)?(?:0+S)?)?$/;

/** Milliseconds of a duration; 0 and a fault when it is none or no time at all. */
export function durationOf(text: string, path: string, report: Report): DurationMs {
  const duration = parseDuration(text);
  if (duration !== null) return duration;
  if (NO_DURATION_PATTERN.test(text)) report(path, 'bad_duration', 'must be longer than no time at all');
  else report(path, 'bad_duration', 'must be an ISO 8601 duration up to ten years, e.g. PT1H or P2D');
  return 0;
}

/** As `durationOf`, but no time at all is allowed. */
export function durationOrNone(text: string, path: string, report: Report): DurationMs {
  return NO_DURATION_PATTERN.test(text) ? 0 : durationOf(text, path, report);
}

/** Minute of the day of a local time `HH:MM`; null and a fault when it is none. */
export function localMinuteOf(text: string, path: string, report: Report): number | null {
  const parts = LOCAL_TIME_PATTERN.exec(text);
  if (parts !== null) return Number(parts[1]) * 60 + Number(parts[2]);
  report(path, 'bad_time', 'a local time is HH:MM from 00:00 to 23:59');
  return null;
}

/** Names, events and reasons are shown in one line and put into search attributes. */
export function checkText(text: string, path: string, report: Report): void {
  const isLine = text.trim() === text && text.length > 0 && !/\p{Cc}/u.test(text);
  if (!isLine || text.length > TEXT_LENGTH_MAX) {
    report(path, 'bad_text', `must be one line of 1 to ${TEXT_LENGTH_MAX} characters without space around it`);
  }
}

/** Keys of journeys and endpoints. */
export function checkKey(key: string, path: string, report: Report): void {
  if (!KEY_PATTERN.test(key)) report(path, 'bad_key', `must match ${KEY_PATTERN.source}`);
}

/** How many of these parts of a definition are given. */
export function countGiven(parts: readonly unknown[]): number {
  return parts.filter((part) => part !== undefined).length;
}

/** Checks that a dotted path has 1 to 10 parts, none empty and none that reaches the machinery of an object. */
export function checkPath(attribute: string, path: string, report: Report): void {
  const parts = attribute.split('.');
  if (parts.includes('')) report(path, 'bad_attribute', 'a path is names with one dot between each two');
  else if (parts.length > PATH_PARTS_MAX) report(path, 'bad_attribute', `a path has at most ${PATH_PARTS_MAX} names`);
  else if (parts.some(isForbiddenName)) report(path, 'bad_attribute', 'holds a name that no attribute can have');
}
