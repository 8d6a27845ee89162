import { DAY_MS } from '../kernel/instant.js';
import { checkPath, checkText, countGiven, durationOf, durationOrNone, localMinuteOf } from './compile-checks.js';
import { checkEventCondition } from './compile-conditions.js';
import type { CompileContext, StepOf, StepPlace } from './compile-context.js';
import type { Report } from './compile-faults.js';
import type { EventArm, Moment, Step } from './plan.js';

const EVENTS_MAX = 20;
const WEEKDAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] as const;

type Until = NonNullable<StepOf<'wait'>['until']>;

/** A wait for a length of time, until a moment, or for a length that is drawn. */
export function compileWait(step: StepOf<'wait'>, place: StepPlace): Step {
  const { id, duration, until, between } = step;
  const { path, target, context } = place;
  const { report } = context;
  if (countGiven([duration, until, between]) !== 1) {
    report(path, 'bad_wait', 'needs exactly one of duration, until and between');
  }
  if (step.on_missing !== undefined && (until === undefined || !('attribute' in until))) {
    report(`${path}.on_missing`, 'bad_wait', 'only a date of the profile can be missing: it goes with until.attribute');
  }
  if (until !== undefined) {
    const moment = momentOf(until, `${path}.until`, context);
    const next = target('next', step.next);
    const onMissing = step.on_missing === undefined ? {} : { onMissing: target('on_missing', step.on_missing) };
    return { kind: 'wait_until', id, moment, next, ...onMissing };
  }
  if (between !== undefined) {
    const [minMs, maxMs] = boundsOf(between, `${path}.between`, report);
    return { kind: 'wait_random', id, minMs, maxMs, next: target('next', step.next) };
  }
  const durationMs = duration === undefined ? 0 : durationOf(duration, `${path}.duration`, report);
  return { kind: 'wait', id, durationMs, next: target('next', step.next) };
}

function boundsOf(between: readonly [string, string], path: string, report: Report): readonly [number, number] {
  const minMs = durationOrNone(between[0], `${path}[0]`, report);
  const maxMs = durationOf(between[1], `${path}[1]`, report);
  if (maxMs > 0 && minMs > maxMs) report(path, 'bad_wait', 'the first of the two must not be the longer one');
  return [minMs, maxMs];
}

function momentOf(until: Until, path: string, { report }: CompileContext): Moment {
  if (!('attribute' in until)) {
    const { at, weekdays } = until;
    const numbers = (weekdays ?? []).map((name) => WEEKDAYS.indexOf(name) + 1).sort((one, other) => one - other);
    if (weekdays?.length === 0) report(`${path}.weekdays`, 'bad_wait', 'names no day: leave it out for every day');
    if (new Set(numbers).size !== numbers.length) report(`${path}.weekdays`, 'bad_wait', 'names a day twice');
    return { kind: 'local_time', localMinute: localMinuteOf(at, `${path}.at`, report) ?? 0, weekdays: numbers };
  }
  const { attribute, before, after, at } = until;
  checkPath(attribute, `${path}.attribute`, report);
  if (!attribute.startsWith('attributes.')) {
    report(`${path}.attribute`, 'bad_attribute', 'dates stand below attributes, e.g. attributes.renews_on');
  }
  if (before !== undefined && after !== undefined) report(path, 'bad_wait', 'goes either before or after, not both');
  const field = before === undefined ? 'after' : 'before';
  const { days, restMs } = shiftOf(before ?? after, `${path}.${field}`, report);
  const localMinute = at === undefined ? null : localMinuteOf(at, `${path}.at`, report);
  if (restMs > 0 && at !== undefined) {
    report(`${path}.${field}`, 'bad_wait', 'with a local time in `at` only whole days make sense');
  }
  const sign = before === undefined ? 1 : -1;
  // `|| 0`: there is no such number as -0 in JSON.
  return { kind: 'attribute', attribute, days: sign * days || 0, offsetMs: sign * restMs || 0, localMinute };
}

/** Weeks and days are days of the calendar, what follows the `T` is elapsed time. */
function shiftOf(text: string | undefined, path: string, report: Report): { days: number; restMs: number } {
  if (text === undefined || durationOf(text, path, report) === 0) return { days: 0, restMs: 0 };
  const [date = 'P', time] = text.split('T');
  const days = date === 'P' ? 0 : durationOrNone(date, path, report) / DAY_MS;
  return { days, restMs: time === undefined ? 0 : durationOrNone(`PT${time}`, path, report) };
}

/** A wait for one event, or for the first of several. */
export function compileWaitFor(step: StepOf<'wait_for'>, place: StepPlace): Step {
  const { id, event, events, since = 'step' } = step;
  const { path, target, context } = place;
  const { report } = context;
  if (countGiven([event, events]) !== 1) report(path, 'bad_events', 'needs exactly one of event and events');
  if (event !== undefined) checkText(event, `${path}.event`, report);
  const timeoutMs = durationOf(step.timeout, `${path}.timeout`, report);
  if (events === undefined) {
    const onEvent = target('on_event', step.on_event);
    const onTimeout = target('on_timeout', step.on_timeout);
    return { kind: 'wait_for', id, event: event ?? '', timeoutMs, since, onEvent, onTimeout };
  }
  if (step.on_event !== undefined) report(`${path}.on_event`, 'bad_events', 'each of the events has its own next');
  if (events.length === 0 || events.length > EVENTS_MAX) {
    report(`${path}.events`, 'bad_events', `needs 1 to ${EVENTS_MAX} events`);
  }
  const arms = events.map((arm, index) => armOf(arm, `events[${index}]`, place));
  checkArms(arms, `${path}.events`, report);
  const onTimeout = target('on_timeout', step.on_timeout);
  const [only] = arms;
  if (only !== undefined && arms.length === 1 && only.listener === null) {
    return { kind: 'wait_for', id, event: only.event, timeoutMs, since, onEvent: only.next, onTimeout };
  }
  return { kind: 'wait_for_any', id, arms, timeoutMs, since, onTimeout };
}

function armOf(
  arm: NonNullable<StepOf<'wait_for'>['events']>[number],
  field: string,
  { path, target, context }: StepPlace,
): EventArm {
  const { event, where } = arm;
  checkText(event, `${path}.${field}.event`, context.report);
  const next = target(`${field}.next`, arm.next);
  if (where === undefined) return { event, listener: null, next };
  checkEventCondition(where, `${path}.${field}.where`, context);
  return { event, listener: context.listenerOf(event, where, `${path}.${field}.where`), next };
}

function checkArms(arms: readonly EventArm[], path: string, report: Report): void {
  for (const [index, { event, listener }] of arms.entries()) {
    const isTaken = arms
      .slice(0, index)
      .some((above) => above.event === event && (above.listener === null || above.listener === listener));
    if (isTaken) report(`${path}[${index}]`, 'bad_events', 'another one above takes every such event');
  }
}
