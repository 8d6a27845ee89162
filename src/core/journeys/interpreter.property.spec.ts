import fc from 'fast-check';
import { compile } from './compile.js';
import type { StepDefinition } from './definition.js';
import { next, putDown, receive, start } from './interpreter.js';
import type { Command, Input, InterpreterState, Message } from './interpreter.js';
import type { Plan } from './plan.js';
import type { StepAnswer } from './step-answer.js';

const T0 = 1_800_000_000_000;
const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
const STEPS_MAX = 12;
/** 1,000 visits, each with a look-up, a wait and an answer, and some to spare. */
const TURNS_MAX = 10_000;
const NAMES = ['purchase', 'signup', 'unsubscribed'] as const;

const name = fc.constantFrom(...NAMES);
const duration = fc.constantFrom('PT1S', 'PT1H', 'P2D');
const instant = fc.integer({ min: T0 - DAY_MS, max: T0 + 30 * DAY_MS });

/** One step; its targets are offsets into the list, mostly forward. */
function stepAt(index: number, length: number): fc.Arbitrary<StepDefinition> {
  const id = `s${index}`;
  if (index === length - 1) return fc.constant({ kind: 'end', id, reason: 'over' });
  const target = fc.oneof(
    { weight: 5, arbitrary: fc.integer({ min: index + 1, max: length - 1 }) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: length - 1 }) },
  );
  const to = target.map((step) => `s${step}`);
  const refusal = fc.constantFrom<('continue' | 'exit')[]>('continue', 'exit');
  return fc.oneof<fc.Arbitrary<StepDefinition>[]>(
    fc.record({
      kind: fc.constant('message'),
      id: fc.constant(id),
      channel: fc.constant('email'),
      template: fc.constant('t'),
      on_refusal: refusal,
      next: to,
    }),
    fc.record({
      kind: fc.constant('decide'),
      id: fc.constant(id),
      actions: fc.constant(['a']),
      on_refusal: refusal,
      next: to,
    }),
    fc.record({ kind: fc.constant('wait'), id: fc.constant(id), duration, next: to }),
    fc.record({
      kind: fc.constant('wait_for'),
      id: fc.constant(id),
      event: name,
      timeout: duration,
      since: fc.constantFrom<('step' | 'entry')[]>('step', 'entry'),
      on_event: to,
      on_timeout: to,
    }),
    fc.record({
      kind: fc.constant('branch'),
      id: fc.constant(id),
      condition: fc.constant({ kind: 'exists', attribute: 'x' } as const),
      then: to,
      else: to,
    }),
  );
}

const plan: fc.Arbitrary<Plan> = fc
  .integer({ min: 1, max: STEPS_MAX })
  .chain((length) => fc.tuple(...Array.from({ length }, (_, index) => stepAt(index, length))))
  .map(withoutUnreachable)
  .chain((steps) => fc.record({ steps: fc.constant(steps), exits: fc.uniqueArray(name, { maxLength: 2 }) }))
  .map(({ steps, exits }) =>
    compile({ key: 'random', name: 'Random', exit: { events: exits }, steps }, { version: 1, contentHash: '' }),
  )
  .filter((compiled) => compiled.kind === 'plan')
  .map((compiled) => compiled.plan);

const messageOnly: Plan = {
  journeyKey: 'random',
  version: 1,
  contentHash: '',
  start: 'a',
  steps: {
    a: { kind: 'message', id: 'a', channel: 'email', template: 't', onRefusal: 'exit', next: 'z' },
    z: { kind: 'end', id: 'z', reason: 'over' },
  },
  exitEvents: [],
};

function withoutUnreachable(steps: readonly StepDefinition[]): readonly StepDefinition[] {
  const compiled = compile({ key: 'random', name: 'Random', steps }, { version: 1, contentHash: '' });
  if (compiled.kind === 'plan') return steps;
  const lost = new Set(compiled.faults.filter(({ code }) => code === 'unreachable').map(({ path }) => path));
  return steps.filter((_, index) => !lost.has(`steps[${index}]`));
}

const message: fc.Arbitrary<Message> = fc.oneof<fc.Arbitrary<Message>[]>(
  fc.record({
    kind: fc.constant('event'),
    event: fc.record({ messageId: fc.integer({ min: 0, max: 20 }).map(String), name, occurredAt: instant }),
  }),
  fc.constant({ kind: 'wake' }),
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
const input: fc.Arbitrary<Input | null> = fc.oneof<fc.Arbitrary<Input | null>[]>(
  message,
  fc.constant(null),
  fc.constant({ kind: 'timer' }),
  fc.record({ kind: fc.constant('step_answer'), answer }),
  fc.record({ kind: fc.constant('branch_answer'), holds: fc.boolean() }),
  fc.constant({ kind: 'event_answer', event: null }),
  fc.record({
    kind: fc.constant('event_answer'),
    event: fc.record({ messageId: fc.string({ maxLength: 3 }), name, occurredAt: instant }),
  }),
);
const timedInputs = fc.array(fc.record({ input, afterMs: fc.integer({ min: 0, max: DAY_MS }) }), { maxLength: 60 });

function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(frozen);
  }
  return value;
}

const isActivity = ({ kind }: Command): boolean => ['run_step', 'evaluate_branch', 'find_event'].includes(kind);

/** What a fair world says to a command, and when. */
function reply(command: Command, now: number, nth: number): { readonly input: Input; readonly now: number } {
  switch (command.kind) {
    case 'run_step': {
      const sent: StepAnswer = { kind: 'sent', decisionId: 'd', deliveryId: 'l', action: 'a' };
      return { input: { kind: 'step_answer', answer: sent }, now };
    }
    case 'evaluate_branch':
      return { input: { kind: 'branch_answer', holds: nth % 3 === 0 }, now };
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
      fc.property(plan, fc.boolean(), timedInputs, (aPlan, isVirtual, inputs) => {
        frozen(aPlan);
        let now = T0;
        let { state, command } = next(aPlan, frozen(start(aPlan, { entryAt: T0, isVirtual })), null, now);
        for (const { input: given, afterMs } of inputs) {
          now += afterMs;
          const before = { state, command };
          ({ state, command } = next(aPlan, frozen(state), given, now));
          const isAnswer = given !== null && given.kind.endsWith('_answer');
          if (isActivity(before.command) && !isAnswer) expect(command).toEqual(before.command);
          if (before.command.kind === 'end') expect(command).toEqual(before.command);
          expect(state.seq).toBe(before.state.seq + 1);
          expect(state.countsFrom).toBeGreaterThanOrEqual(before.state.countsFrom);
          if (command.kind === 'sleep') expect(command.until).toBeGreaterThan(now);
        }
        let turns = 0;
        for (; command.kind !== 'end' && turns < TURNS_MAX; turns += 1) {
          const said = reply(command, now, turns);
          ({ now } = said);
          ({ state, command } = next(aPlan, state, said.input, now));
        }
        expect(command.kind).toBe('end');
      }),
      { numRuns: 300 },
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
        let turn = next(aPlan, start(aPlan, { entryAt: T0, isVirtual }), null, now);
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
      fc.property(plan, timedInputs, (aPlan, inputs) => {
        let now = T0;
        let state: InterpreterState = start(aPlan, { entryAt: T0 });
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
      fc.property(plan, timedInputs, fc.option(message), (aPlan, inputs, given) => {
        let now = T0;
        let turn = next(aPlan, start(aPlan, { entryAt: T0 }), null, now);
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
