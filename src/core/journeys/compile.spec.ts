import type { RunCondition } from '../audiences/run-condition.js';
import type { CompileFault } from './compile-faults.js';
import { compile } from './compile.js';
import type { JourneyDefinition, StepDefinition } from './definition.js';
import { listenedEvents } from './plan.js';

const identity = { version: 3, contentHash: 'ab'.repeat(32) };
const HOUR_MS = 3_600_000;

const message = (id: string, next?: string): StepDefinition => ({
  kind: 'message',
  id,
  channel: 'email',
  template: id,
  next,
});
const wait = (id: string, next?: string): StepDefinition => ({ kind: 'wait', id, duration: 'PT1H', next });
const end = (id = 'done'): StepDefinition => ({ kind: 'end', id, reason: id });
const waitFor = (id: string, since?: 'entry'): StepDefinition => ({
  kind: 'wait_for',
  id,
  event: 'purchase',
  timeout: 'P2D',
  since,
  on_event: 'done',
  on_timeout: id,
});

const journey = (steps: readonly StepDefinition[], more: Partial<JourneyDefinition> = {}): JourneyDefinition => ({
  key: 'welcome',
  name: 'Welcome',
  steps,
  ...more,
});

function faultsOf(definition: JourneyDefinition): readonly CompileFault[] {
  const compiled = compile(definition, identity);
  return compiled.kind === 'faults' ? compiled.faults : [];
}

describe('compile', () => {
  it('fills in what is left out: the start, the next step, and the defaults', () => {
    const definition = journey(
      [
        message('hello'),
        { kind: 'decide', id: 'nudge', actions: ['a', 'b'], on_refusal: 'exit' },
        wait('rest'),
        { kind: 'wait_for', id: 'purchase', event: 'purchase', timeout: 'PT2H', on_event: 'done' },
        { kind: 'branch', id: 'test', condition: { kind: 'exists', attribute: 'plan' }, else: 'hello' },
        end(),
      ],
      { exit: { events: ['unsubscribed', 'deleted', 'deleted'] } },
    );
    const compiled = compile(definition, identity);
    expect(compiled).toEqual({
      kind: 'plan',
      plan: {
        journeyKey: 'welcome',
        ...identity,
        start: 'hello',
        exitEvents: ['deleted', 'unsubscribed'],
        steps: {
          hello: {
            kind: 'message',
            id: 'hello',
            channel: 'email',
            template: 'hello',
            onRefusal: 'continue',
            next: 'nudge',
          },
          nudge: { kind: 'decide', id: 'nudge', actions: ['a', 'b'], onRefusal: 'exit', next: 'rest' },
          rest: { kind: 'wait', id: 'rest', durationMs: HOUR_MS, next: 'purchase' },
          purchase: {
            kind: 'wait_for',
            id: 'purchase',
            event: 'purchase',
            timeoutMs: 2 * HOUR_MS,
            since: 'step',
            onEvent: 'done',
            onTimeout: 'test',
          },
          test: {
            kind: 'branch',
            id: 'test',
            condition: { kind: 'exists', attribute: 'plan' },
            then: 'done',
            otherwise: 'hello',
          },
          done: { kind: 'end', id: 'done', reason: 'done' },
        },
      },
    });
    if (compiled.kind === 'plan')
      expect(listenedEvents(compiled.plan)).toEqual([
        { name: 'deleted', isExit: true },
        { name: 'purchase', isExit: false },
        { name: 'unsubscribed', isExit: true },
      ]);
  });

  it('accepts what lies just inside the limits', () => {
    const steps = [...Array.from({ length: 199 }, (_, n) => wait(`w${n}`)), end()];
    const actions = Array.from({ length: 50 }, (_, n) => `a${n}`);
    expect(faultsOf(journey(steps, { quiet_hours: { email: { start: '12:00', end: '08:00' } } }))).toEqual([]);
    expect(faultsOf(journey([{ kind: 'decide', id: 'a'.repeat(64), actions }, end()]))).toEqual([]);
    expect(faultsOf(journey([{ kind: 'decide', id: 'a', actions: [...actions, 'more'] }, end()]))).toHaveLength(1);
  });

  it('refuses a condition of 21 levels and of 201 tests, one of 50 questions in a list, and takes one of 20 levels', () => {
    const nested = (levels: number): RunCondition =>
      levels === 1 ? { kind: 'exists', attribute: 'plan' } : { kind: 'not', of: nested(levels - 1) };
    const branch = (condition: ReturnType<typeof nested>): JourneyDefinition =>
      journey([{ kind: 'branch', id: 'a', condition, then: 'done', else: 'done' }, end()]);
    const leaf = nested(1);
    expect(faultsOf(branch(nested(20)))).toEqual([]);
    expect(faultsOf(branch(nested(21)))).toEqual([expect.objectContaining({ code: 'bad_condition' })]);
    const asked: RunCondition = { kind: 'event', name: 'login' };
    expect(faultsOf(branch({ kind: 'all', of: Array(49).fill(asked) }))).toEqual([]);
    expect(faultsOf(branch({ kind: 'all', of: Array(50).fill(asked) }))).toHaveLength(1);
    expect(faultsOf(branch({ kind: 'all', of: Array(199).fill(leaf) }))).toEqual([]);
    expect(faultsOf(branch({ kind: 'all', of: Array(200).fill(leaf) }))).toEqual([
      expect.objectContaining({ code: 'bad_condition' }),
    ]);
  });

  it.each<[string, readonly StepDefinition[], readonly string[]]>([
    [
      'messages',
      [message('a'), { kind: 'branch', id: 'b', condition: { kind: 'exists', attribute: 'x' }, then: 'a' }, end()],
      ['a', 'b'],
    ],
    [
      'a wait that what once happened lets pass',
      [message('m'), { ...waitFor('w', 'entry'), on_event: 'm', on_timeout: 'done' } as StepDefinition, end()],
      ['m', 'w'],
    ],
  ])('refuses a cycle of %s, because a run could spin in it', (_what, steps, spinning) => {
    const faults = faultsOf(journey(steps)).filter(({ code }) => code === 'spins');
    expect(faults.map(({ path }) => path)).toEqual(
      spinning.map((id) => `steps[${steps.findIndex((step) => step.id === id)}]`),
    );
  });

  it.each<[string, readonly StepDefinition[]]>([
    [
      'a wait',
      [
        message('a'),
        wait('w'),
        { kind: 'branch', id: 'b', condition: { kind: 'exists', attribute: 'x' }, then: 'a' },
        end(),
      ],
    ],
    ['a wait for something new', [waitFor('w'), end()]],
  ])('allows a cycle through %s', (_what, steps) => {
    expect(faultsOf(journey(steps))).toEqual([]);
  });

  it('names all faults at once', () => {
    const steps: readonly StepDefinition[] = [
      { kind: 'wait', id: 'A', duration: 'soon' },
      { kind: 'decide', id: 'b', actions: [] },
    ];
    expect(faultsOf(journey(steps, { key: '' })).map(({ path }) => path)).toEqual([
      'key',
      'steps[0].id',
      'steps[0].duration',
      'steps[1].actions',
      'steps[1].next',
    ]);
  });
});
