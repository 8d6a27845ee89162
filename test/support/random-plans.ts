import fc from 'fast-check';
import type { FoundEvent } from '../../activities/contract.js';
import { DAY_MS, HOUR_MS, SECOND_MS } from '../../src/core/kernel/instant.js';
import { endingSteps, reachableSteps, spinningSteps } from '../../src/core/journeys/plan-graph.js';
import type { Act, EventArm, Moment, OnRefusal, Plan, Step, Watch } from '../../src/core/journeys/plan.js';
import { planOfSteps } from './plans.js';

const NAMES = ['purchase', 'signup', 'unsubscribed'] as const;
const STEPS_MAX = 12;
const WEIGHTS_MAX = 10_000;

/** Two conditions on one name and one on another. */
const listeners: NonNullable<Plan['listeners']> = [
  { event: 'purchase', where: { kind: 'greater_than', attribute: 'total', value: 100 } },
  { event: 'purchase', where: { kind: 'exists', attribute: 'coupon' } },
  { event: 'signup', where: { kind: 'exists', attribute: 'plan' } },
];

/** The names that plans listen to. */
export const eventName = fc.constantFrom(...NAMES);

/** Listeners that an event of the name may fit. */
export const matchesOf = (name: string): fc.Arbitrary<number[]> =>
  fc.subarray(listeners.flatMap(({ event }, index) => (event === name ? [index] : [])));

const ask: fc.Arbitrary<Omit<EventArm, 'next'>> = fc.oneof(
  eventName.map((event) => ({ event, listener: null })),
  fc.constantFrom(0, 1, 2).map((listener) => ({ event: listeners[listener]?.event ?? '', listener })),
);
const lengthMs = fc.constantFrom(SECOND_MS, HOUR_MS, 2 * DAY_MS);
const since = fc.constantFrom<('step' | 'entry')[]>('step', 'entry');
const condition = { kind: 'exists', attribute: 'x' } as const;
const moment: Moment = { kind: 'local_time', localMinute: 540, weekdays: [] };
const act: fc.Arbitrary<Act> = fc.constantFrom<Act[]>(
  { kind: 'reach_goal', goal: 'g' },
  { kind: 'webhook', endpoint: 'crm', data: {} },
);

/** A step for every kind but `end`, with targets from `to`. */
function kindsOf(id: string, to: fc.Arbitrary<string>): readonly fc.Arbitrary<Step>[] {
  const of = <K extends Step['kind']>(kind: K) => ({ kind: fc.constant(kind), id: fc.constant(id) });
  const onRefusal = fc.oneof<fc.Arbitrary<OnRefusal>[]>(
    fc.constantFrom<OnRefusal[]>('continue', 'exit'),
    fc.record({ kind: fc.constant('go_to'), step: to }),
    fc.record({ kind: fc.constant('wait'), forMs: lengthMs }),
  );
  const optionalTo = fc.option(to, { nil: undefined });
  return [
    fc.record({
      ...of('message'),
      channel: fc.constant('email' as const),
      template: fc.constant('t'),
      onRefusal,
      next: to,
    }),
    fc.record({
      ...of('message'),
      channel: fc.constant('best' as const),
      choices: fc.constant([
        { channel: 'email' as const, template: 't' },
        { channel: 'sms' as const, template: 'u' },
      ]),
      onRefusal,
      next: to,
    }),
    fc.record({ ...of('decide'), actions: fc.constant(['a']), onRefusal, next: to }),
    fc.record({ ...of('wait'), durationMs: lengthMs, next: to }),
    fc
      .record({ ...of('wait_until'), moment: fc.constant(moment), next: to, onMissing: optionalTo })
      .map(({ onMissing, ...step }) => (onMissing === undefined ? step : { ...step, onMissing })),
    fc.record({ ...of('wait_random'), minMs: fc.constantFrom(0, SECOND_MS), maxMs: lengthMs, next: to }),
    fc.record({ ...of('wait_for'), event: eventName, timeoutMs: lengthMs, since, onEvent: to, onTimeout: to }),
    waitForAny(id, to),
    fc.record({ ...of('branch'), condition: fc.constant(condition), then: to, otherwise: to }),
    fc.record({
      ...of('choose'),
      arms: fc.array(fc.record({ condition: fc.constant(condition), next: to }), { minLength: 1, maxLength: 3 }),
      otherwise: to,
    }),
    fc
      .record({ ...of('split'), salt: fc.string(), weight: fc.nat(WEIGHTS_MAX), one: to, other: to })
      .map(({ weight, one, other, ...step }) => ({
        ...step,
        arms: [
          { name: 'one', weight, next: one },
          { name: 'other', weight: WEIGHTS_MAX - weight, next: other },
        ],
      })),
    fc
      .record({ ...of('act'), act, next: to, onFailure: optionalTo })
      .map(({ onFailure, ...step }) => (onFailure === undefined ? step : { ...step, onFailure })),
  ];
}

function waitForAny(id: string, to: fc.Arbitrary<string>): fc.Arbitrary<Step> {
  const arms = fc.array(fc.tuple(ask, to), { minLength: 1, maxLength: 4 });
  return fc.record({
    kind: fc.constant('wait_for_any'),
    id: fc.constant(id),
    arms: arms.map((each) => each.map(([asked, next]) => ({ ...asked, next }))),
    timeoutMs: lengthMs,
    since,
    onTimeout: to,
  });
}

const watches: fc.Arbitrary<readonly Watch[]> = fc.array(
  fc
    .record({ asked: ask, outcome: fc.constantFrom<Watch['outcome'][]>('completed', 'exited') })
    .map(({ asked, outcome }) => ({
      ...asked,
      outcome,
      reason: `${outcome}:${asked.event}:${String(asked.listener)}`,
    })),
  { maxLength: 2 },
);
const exitEvents = fc.uniqueArray(eventName, { maxLength: 1 });

/** Any step but the last, which ends; its targets are mostly forward, and it may have a limit. */
function anyStepAt(index: number, length: number): fc.Arbitrary<Step> {
  const id = `s${index}`;
  if (index === length - 1) return fc.constant({ kind: 'end', id, reason: 'over' });
  const forward = fc.integer({ min: index + 1, max: length - 1 });
  const to = fc
    .oneof({ weight: 6, arbitrary: forward }, { weight: 1, arbitrary: fc.integer({ min: 0, max: length - 1 }) })
    .map((step) => `s${step}`);
  const limit = fc.record({ visits: fc.integer({ min: 1, max: 3 }), next: to });
  return fc
    .tuple(fc.oneof(...kindsOf(id, to)), fc.option(limit, { nil: undefined, freq: 3 }))
    .map(([step, given]) => (given === undefined ? step : { ...step, limit: given }));
}

/** Waits for time and events only, in the order of the list. */
function eventStepAt(index: number, length: number): fc.Arbitrary<Step> {
  const id = `s${index}`;
  // Every place is an end of its own, so that the end tells the way.
  if (index >= length - 2) return fc.constant({ kind: 'end', id, reason: id });
  const to = fc.integer({ min: index + 1, max: length - 1 }).map((step) => `s${step}`);
  const wait = fc.record({
    kind: fc.constant('wait' as const),
    id: fc.constant(id),
    durationMs: lengthMs,
    next: to,
  });
  return fc.oneof({ weight: 1, arbitrary: wait }, { weight: 3, arbitrary: waitForAny(id, to) });
}

function plansOf(stepAt: (index: number, length: number) => fc.Arbitrary<Step>): fc.Arbitrary<Plan> {
  return fc
    .integer({ min: 1, max: STEPS_MAX })
    .chain((length) => fc.tuple(...Array.from({ length }, (_, index) => stepAt(index, length))))
    .chain((steps) => fc.record({ steps: fc.constant(steps), watches, exitEvents }))
    .map(({ steps, ...others }) => planOfSteps(steps, { listeners, ...others }))
    .filter(isValid);
}

/** What compile promises of the steps that a run can come to; the others do no harm. */
function isValid({ steps, start }: Plan): boolean {
  const all = new Map(Object.entries(steps));
  const reached = reachableSteps(all, start);
  const ending = endingSteps(all);
  const live = new Map([...all].filter(([id]) => reached.has(id)));
  return [...reached].every((id) => ending.has(id)) && spinningSteps(live).length === 0;
}

/** Valid plans of every kind of step. */
export const anyPlan: fc.Arbitrary<Plan> = plansOf(anyStepAt);

/** Valid plans without loops that only time and events move on. */
export const eventPlan: fc.Arbitrary<Plan> = plansOf(eventStepAt);

/** Events of a few days after an instant, no two at one time, in the order of time. */
export function eventsAfter(from: number): fc.Arbitrary<readonly FoundEvent[]> {
  const atMs = fc.oneof(fc.integer({ min: 1, max: 5 * SECOND_MS }), fc.integer({ min: 1, max: 8 * DAY_MS }));
  return fc.uniqueArray(atMs, { maxLength: 25 }).chain((times) =>
    fc.tuple(
      ...times
        .sort((a, b) => a - b)
        .map((offset) =>
          eventName.chain((name) =>
            matchesOf(name).map((matches) => ({
              messageId: `${name}@${offset}`,
              name,
              occurredAt: from + offset,
              matches,
            })),
          ),
        ),
    ),
  );
}
