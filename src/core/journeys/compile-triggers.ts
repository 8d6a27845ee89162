import { isValidZone } from '../kernel/zone.js';
import { checkEventCondition, checkProfileCondition } from './compile-conditions.js';
import { checkPath, checkText, countGiven, durationOf, localMinuteOf } from './compile-checks.js';
import type { CompileContext } from './compile-context.js';
import type { EventTrigger, ScheduleTrigger, Trigger } from './triggers.js';
import { DAY_MS } from '../kernel/instant.js';

const TRIGGERS_MAX = 20;
const PER_SECOND_MAX = 1_000;
const SPREAD_MS_MAX = 30 * DAY_MS;
/** What each field of a cron expression may hold. */
const CRON_FIELDS = [
  [0, 59],
  [0, 23],
  [1, 31],
  [1, 12],
  [0, 6],
] as const;
const CRON_PART = /^(?:\*|(\d{1,2})(?:-(\d{1,2}))?)(?:\/([1-9]\d?))?$/;

/** Checks what lets people into a journey by itself. */
export function checkTriggers(triggers: readonly Trigger[], context: CompileContext): void {
  if (triggers.length > TRIGGERS_MAX) context.report('triggers', 'bad_trigger', `at most ${TRIGGERS_MAX} triggers`);
  for (const [index, trigger] of triggers.entries()) {
    const path = `triggers[${index}]`;
    if (trigger.kind === 'event') checkEventTrigger(trigger, path, context);
    else checkScheduleTrigger(trigger, path, context);
  }
}

function checkEventTrigger(
  { event, where, entry_key: key }: EventTrigger,
  path: string,
  context: CompileContext,
): void {
  const { report, entryMode } = context;
  checkText(event, `${path}.event`, report);
  if (where !== undefined) checkEventCondition(where, `${path}.where`, context);
  if (key === undefined) return;
  if (entryMode !== 'parallel') {
    report(`${path}.entry_key`, 'bad_trigger', 'an entry key belongs to the mode parallel only');
  }
  if (key !== 'message_id') checkPath(key.property, `${path}.entry_key.property`, report);
}

function checkScheduleTrigger(trigger: ScheduleTrigger, path: string, context: CompileContext): void {
  const { report } = context;
  const { cron, at, weekdays, day_of_month: day, time_zone: zone, per_second: perSecond, spread } = trigger;
  if (countGiven([cron, at]) !== 1) report(path, 'bad_trigger', 'needs exactly one of cron and at');
  if (countGiven([cron, weekdays, day]) > 1) {
    report(path, 'bad_trigger', 'at most one of cron, weekdays and day_of_month');
  }
  if (at !== undefined) localMinuteOf(at, `${path}.at`, report);
  if (cron !== undefined && !isCron(cron)) {
    report(`${path}.cron`, 'bad_trigger', 'five fields of numbers, *, ranges, lists and steps, e.g. 30 9 * * 1-5');
  }
  if (weekdays !== undefined && (weekdays.length === 0 || new Set(weekdays).size < weekdays.length)) {
    report(`${path}.weekdays`, 'bad_trigger', 'at least one day, each once');
  }
  if (day !== undefined && !isWithin(day, 1, 31)) report(`${path}.day_of_month`, 'bad_trigger', 'a day from 1 to 31');
  if (zone === 'user' && cron !== undefined) {
    report(`${path}.time_zone`, 'bad_trigger', 'by the clocks of users goes with at, not with cron');
  }
  if (zone !== 'user' && !isValidZone(zone)) report(`${path}.time_zone`, 'bad_trigger', 'an IANA time zone, or user');
  checkProfileCondition(trigger.where, `${path}.where`, context);
  if (perSecond !== undefined && !isWithin(perSecond, 1, PER_SECOND_MAX)) {
    report(`${path}.per_second`, 'bad_trigger', `a whole number from 1 to ${PER_SECOND_MAX}`);
  }
  if (spread !== undefined && durationOf(spread, `${path}.spread`, report) > SPREAD_MS_MAX) {
    report(`${path}.spread`, 'bad_trigger', 'at most 30 days');
  }
}

const isWithin = (value: number, min: number, max: number): boolean =>
  Number.isInteger(value) && value >= min && value <= max;

function isCron(text: string): boolean {
  const fields = text.split(' ');
  return fields.length === CRON_FIELDS.length && CRON_FIELDS.every(([min, max], at) => isField(fields[at], min, max));
}

function isField(field: string | undefined, min: number, max: number): boolean {
  return (field ?? '').split(',').every((part) => {
    const [whole, from = '', to = from] = CRON_PART.exec(part) ?? [];
    if (whole === undefined) return false;
    if (from === '') return true;
    return isWithin(Number(from), min, max) && isWithin(Number(to), Number(from), max);
  });
}
