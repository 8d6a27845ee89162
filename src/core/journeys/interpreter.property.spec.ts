import fc from 'fast-check';
import { unit } from '../../../test/support/interpreter-host.js';
import { anyPlan, eventName, eventPlan, eventsAfter, matchesOf } from '../../../test/support/random-plans.js';
import { playReal, playVirtual, wayByHand } from '../../../test/support/play.js';
import { next, putDown, receive, start } from './interpreter.js';
import type { Command, Input, InterpreterState, Message } from './interpreter.js';
import type { Plan } from './plan.js';
import type { ActAnswer, StepAnswer } from './step-answer.js';

const T0 = 1_800_000_000_000;
const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
/** 1,000 visits, each with a look-up, a wait and an answer, and some to spare. */
const TURNS_MAX = 10_000;

const instant = fc.integer({ min: T0 - DAY_MS, max: T0 + 30 * DAY_MS });

const sent: StepAnswer = { kind: 'sent', decisionId: 'd', deliveryId: 'l', action: 'a' };
const message0 = { kind: 'message', id: 'a', channel: 'email', template: 't', onRefusal: 'exit' } as const;
const messageOnly: Plan = {
  journeyKey: 'random',
  version: 1,
  contentHash: '',
  start: 'a',
  steps: {
    a: { ...message0, next: 'z' },
    z: { kind: 'end', id: 'z', reason: 'over' },
  },
  exitEvents: [],
};

const event = eventName.chain((name) =>
  fc.record({
    messageId: fc.integer({ min: 0, max: 20 }).map(String),
    name: fc.constant(name),
    occurredAt: instant,
    matches: matchesOf(name),
  }),
);
const message: fc.Arbitrary<Message> = fc.oneof<fc.Arbitrary<Message>[]>(
  fc.record({ kind: fc.constant('event'), event }),
  fc.constantFrom<Message>({ kind: 'wake' }, { kind: 'wake', isUrgent: true }),
  fc.constant({ kind: 'pause' }),
  fc.constant({ kind: 'resume' }),
);
const answer: fc.Arbitrary<StepAnswer> = fc.oneof<fc.Arbitrary<StepAnswer>[]>(
  fc.constant({ kind: 'sent', decisionId: 'd', deliveryId: 'l', action: 'a' }),
  fc.record({
    kind: fc.constant('defer'),
    decisionId: fc.constant('d'),
    reason: fc.constantFrom('QUIET_HOURS', 'RUN_PAUSED'),
    until: instant,
  }),
  fc.record({
    kind: fc.constantFrom('skip', 'do_nothing'),
    decisionId: fc.constant('d'),
    reason: fc.constantFrom('CONSENT_MISSING', 'BELOW_THRESHOLD', 'RUN_EXITED', 'RUN_PAUSED'),
  }),
  fc.constant({ kind: 'unknown', decisionId: 'd', deliveryId: 'l', reason: 'OUTCOME_UNKNOWN' }),
);
const actAnswer: fc.Arbitrary<ActAnswer> = fc.oneof<fc.Arbitrary<ActAnswer>[]>(
  fc.record({ kind: fc.constantFrom('done', 'failed') }),
  fc.record({ kind: fc.constant('later'), until: instant }),
);
const input: fc.Arbitrary<Input | null> = fc.oneof<fc.Arbitrary<Input | null>[]>(
  message,
  fc.constant(null),
  fc.constant({ kind: 'timer' }),
  fc.record({ kind: fc.constant('step_answer'), answer }),
  fc.record({ kind: fc.constant('branch_answer'), holds: fc.boolean() }),
  fc.record({ kind: fc.constant('choice_answer'), index: fc.constantFrom(0, null) }),
  fc.record({ kind: fc.constant('moment_answer'), until: fc.oneof(instant, fc.constant(null)) }),
  fc.record({ kind: fc.constant('act_answer'), answer: actAnswer }),
  fc.record({ kind: fc.constant('event_answer'), event: fc.oneof(event, fc.constant(null)) }),
);
const timedInputs = fc.array(fc.record({ input, afterMs: fc.integer({ min: 0, max: DAY_MS }) }), { maxLength: 60 });

function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(frozen);
  }
  return value;
}

const isActivity = ({ kind }: Command): boolean => !['sleep', 'wait_message', 'end'].includes(kind);

function fairActAnswer(now: number, nth: number): ActAnswer {
  // An attempt takes two or three turns: with 5 it is not always the same answer.
  if (nth % 5 === 0) return { kind: 'later', until: now + MINUTE_MS };
  return { kind: nth % 2 === 0 ? 'done' : 'failed' };
}

/** What a fair world says to a command, and when. */
function reply(command: Command, now: number, nth: number): { readonly input: Input; readonly now: number } {
  switch (command.kind) {
    case 'run_step':
      return { input: { kind: 'step_answer', answer: sent }, now };
    case 'evaluate_branch':
      return { input: { kind: 'branch_answer', holds: nth % 3 === 0 }, now };
    case 'choose':
      return { input: { kind: 'choice_answer', index: nth % 2 === 0 ? 0 : null }, now };
    case 'find_moment':
      return { input: { kind: 'moment_answer', until: nth % 3 === 0 ? null : command.from + nth }, now };
    case 'act':
      return { input: { kind: 'act_answer', answer: fairActAnswer(now, nth) }, now };
    case 'find_event':
      return { input: { kind: 'event_answer', event: null }, now };
    case 'sleep':
      return { input: { kind: 'timer' }, now: Math.max(now, command.until) };
    case 'wait_message':
      return { input: { kind: 'resume' }, now };
    case 'end':
      throw new Error('an end wants no reply');
  }
}

describe('the interpreter, over random journeys and random inputs in any order', () => {
  it('never throws, gives one command at a time, and ends as soon as the world is fair again', () => {
    fc.assert(
      fc.property(anyPlan, fc.boolean(), timedInputs, (aPlan, isVirtual, inputs) => {
        frozen(aPlan);
        let now = T0;
        let { state, command } = next(aPlan, frozen(start(aPlan, { entryAt: T0, isVirtual, unit })), null, now);
        for (const { input: given, afterMs } of inputs) {
          now += afterMs;
          const before = { state, command };
          ({ state, command } = next(aPlan, frozen(state), given, now));
          const isAnswer = given !== null && given.kind.endsWith('_answer');
          if (isActivity(before.command) && !isAnswer) expect(command).toEqual(before.command);
          if (before.command.kind === 'end') expect(command).toEqual(before.command);
          expect(state.seq).toBe(before.state.seq + 1);
          expect(state.countsFrom).toBeGreaterThanOrEqual(before.state.countsFrom);
          expect({ ...state.arms, ...before.state.arms }).toEqual({ ...state.arms });
          if (command.kind === 'sleep') expect(command.until).toBeGreaterThan(now);
        }
        let turns = 0;
        for (; command.kind !== 'end' && turns < TURNS_MAX; turns += 1) {
          const said = reply(command, now, turns);
          ({ now } = said);
          ({ state, command } = next(aPlan, state, said.input, now));
        }
        expect(command.kind).toBe('end');
        for (const { id, limit } of Object.values(aPlan.steps)) {
          if (limit !== undefined) expect(state.visits[id] ?? 0).toBeLessThanOrEqual(limit.visits);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('goes the same way, at the same times, in real and in virtual time', () => {
    fc.assert(
      fc.property(anyPlan, eventsAfter(T0), fc.integer(), (aPlan, events, seed) => {
        expect(playVirtual({ plan: aPlan, events, seed, from: T0 })).toEqual(
          playReal({ plan: aPlan, events, seed, from: T0 }),
        );
      }),
      { numRuns: 500 },
    );
  });

  it('loses no event: each wait ends by the first that fits, or at its time', () => {
    fc.assert(
      fc.property(eventPlan, eventsAfter(T0), (aPlan, events) => {
        const expected = [wayByHand({ plan: aPlan, events, from: T0 })];
        expect(playReal({ plan: aPlan, events, seed: 0, from: T0 })).toEqual(expected);
        expect(playVirtual({ plan: aPlan, events, seed: 0, from: T0 })).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });

  it('cares when events happened, not in which order they came while it was busy', () => {
    const busy = fc.tuple(eventPlan, eventsAfter(T0)).chain(([aPlan, events]) =>
      fc.record({
        plan: fc.constant<Plan>({
          ...aPlan,
          start: 'a',
          watches: [],
          exitEvents: [],
          steps: { ...aPlan.steps, a: { ...message0, next: 's0' } },
        }),
        events: fc.constant(events),
        shuffled: fc.shuffledSubarray([...events], { minLength: events.length }),
      }),
    );
    fc.assert(
      fc.property(busy, ({ plan, events, shuffled }) => {
        const turns = [events, shuffled].map((given) => {
          let { state } = next(plan, start(plan, { entryAt: T0, unit }), null, T0);
          for (const each of given) state = receive(plan, state, { kind: 'event', event: each });
          return next(plan, state, { kind: 'step_answer', answer: sent }, T0 + 9 * DAY_MS);
        });
        expect(turns[1]?.command).toEqual(turns[0]?.command);
        expect(turns[1]?.state.inbox).toEqual(turns[0]?.state.inbox);
      }),
    );
  });

  it('asks no oftener than once a minute because it is woken, and is refused by timers only', () => {
    const gaps = fc.array(fc.integer({ min: 1, max: 5 * MINUTE_MS }), { minLength: 1, maxLength: 200 });
    const until = T0 + 30 * DAY_MS;
    const put = { kind: 'defer', decisionId: 'd', reason: 'QUIET_HOURS', until } as const;
    fc.assert(
      fc.property(gaps, fc.boolean(), (wakes, isVirtual) => {
        const aPlan = messageOnly;
        let now = T0;
        let turn = next(aPlan, start(aPlan, { entryAt: T0, isVirtual, unit }), null, now);
        const askedAts: number[] = [];
        for (const gapMs of wakes) {
          const wokenAt = now + gapMs;
          // All that is due before the next wake, as a host would do it.
          for (;;) {
            const { command } = turn;
            if (command.kind === 'run_step') {
              askedAts.push(now);
              turn = next(aPlan, turn.state, { kind: 'step_answer', answer: put }, now);
            } else if (command.kind === 'sleep' && command.until <= wokenAt) {
              now = command.until;
              turn = next(aPlan, turn.state, { kind: 'timer' }, now);
            } else break;
          }
          now = wokenAt;
          turn = next(aPlan, turn.state, { kind: 'wake' }, now);
        }
        askedAts.slice(1).forEach((at, index) => {
          expect(at - (askedAts[index] ?? 0)).toBeGreaterThanOrEqual(MINUTE_MS);
        });
        expect(turn.command).toMatchObject(
          turn.command.kind === 'sleep' ? { because: 'deferred' } : { kind: 'run_step', ask: askedAts.length + 1 },
        );
      }),
    );
  });

  it('gives the same turn from a state that went through JSON', () => {
    fc.assert(
      fc.property(anyPlan, timedInputs, (aPlan, inputs) => {
        let now = T0;
        let state: InterpreterState = start(aPlan, { entryAt: T0, unit });
        for (const { input: given, afterMs } of inputs) {
          now += afterMs;
          const copy = JSON.parse(JSON.stringify(state)) as InterpreterState;
          const turn = next(aPlan, state, given, now);
          expect(next(aPlan, copy, given, now)).toEqual(turn);
          ({ state } = turn);
        }
      }),
    );
  });

  it('gives a command that was put down again, unless a message calls for an end or a pause', () => {
    fc.assert(
      fc.property(anyPlan, timedInputs, fc.option(message), (aPlan, inputs, given) => {
        let now = T0;
        let turn = next(aPlan, start(aPlan, { entryAt: T0, unit }), null, now);
        for (const each of inputs) {
          now += each.afterMs;
          turn = next(aPlan, turn.state, each.input, now);
        }
        const down = putDown(turn.state);
        const isHeld = turn.state.isPaused || turn.state.exitReason !== null;
        if (!isHeld) expect(next(aPlan, down, null, now).command).toEqual(turn.command);
        const told = given === null ? down : receive(aPlan, down, given);
        const { command } = next(aPlan, told, null, now);
        if (isActivity(turn.command) && (told.isPaused || told.exitReason !== null)) {
          expect(isActivity(command)).toBe(false);
        }
      }),
    );
  });
});
