import type { StepDefinition } from './definition.js';
import { compile } from './compile.js';
import {
  defer,
  doNothing,
  end,
  Host,
  HOUR,
  message,
  purchase,
  sent,
  T0,
  unknown,
  wait,
} from '../../../test/support/interpreter-host.js';
import { withArmsMet } from './draw.js';
import { movedPlan } from './migrating.js';
import type { Migration, MigrationTarget } from './migrating-types.js';
import { next, putDown, receive, start, type InterpreterState } from './interpreter.js';
import { listenedEvents, type Plan } from './plan.js';

type Steps = readonly StepDefinition[];
const unit = { userId: 'user', runKey: 'trial:user:1' };
const keep = (step: string): MigrationTarget => ({ step, keep: 'wait' });
const restart = (step: string): MigrationTarget => ({ step, keep: 'restart' });

function version(number: number, steps: Steps, more: object = {}): Plan {
  const compiled = compile({ key: 'trial', name: 'Trial', steps, ...more }, { version: number, contentHash: '' });
  if (compiled.kind === 'faults') throw new Error(JSON.stringify(compiled.faults));
  return compiled.plan;
}

const migration = (plan: Plan, steps: Migration['steps'], more: Partial<Migration> = {}): Migration => ({
  id: 'm1',
  from: 1,
  plan,
  steps,
  offers: {},
  listensFrom: T0,
  unit,
  ...more,
});

/** A run that can be moved: a host that changes plans. */
class Run {
  state: InterpreterState;
  command: ReturnType<typeof next>['command'];
  constructor(
    public plan: Plan,
    entry: object = {},
  ) {
    ({ state: this.state, command: this.command } = next(plan, start(plan, { entryAt: T0, unit, ...entry }), null, T0));
  }

  give(input: Parameters<typeof next>[2], at = T0): this {
    ({ plan: this.plan, state: this.state, command: this.command } = next(this.plan, this.state, input, at));
    return this;
  }

  move(by: Migration, at = T0): this {
    return this.give({ kind: 'migrate', migration: by }, at);
  }

  recorded(at = T0): this {
    return this.give({ kind: 'recorded', event: null }, at);
  }

  event(name: string, occurredAt: number, matches: readonly number[] = [], at = occurredAt): this {
    const event = { messageId: `${name}@${occurredAt}`, name, occurredAt, matches };
    return this.give({ kind: 'event', event }, at);
  }
}

describe('a run that goes on in another version', () => {
  const one = version(1, [wait('pause', 'PT2H'), message('hello'), end()]);
  const two = version(2, [wait('rest', 'PT9H'), message('bye'), end('over')]);

  it('first tells its host to record where it stands, then waits on until the same instant', () => {
    const run = new Run(one).move(migration(two, { pause: keep('rest') }), T0 + HOUR);
    expect(run.command).toEqual({ kind: 'wait_message', stepId: 'rest', because: 'moved' });
    expect(run.state.settling).toEqual({
      migration: 'm1',
      outcome: 'moved',
      reason: null,
      from: 'pause',
      isWaitKept: true,
    });
    expect(run.recorded(T0 + HOUR).command).toMatchObject({ kind: 'sleep', stepId: 'rest', until: T0 + 2 * HOUR });
    expect(run.plan.version).toBe(2);
    expect(run.give({ kind: 'timer' }, T0 + 2 * HOUR).command).toMatchObject({ step: { id: 'bye' }, visit: 1, ask: 1 });
  });

  it('enters the new step when the wait is not kept', () => {
    const run = new Run(one).move(migration(two, { pause: restart('rest') }), T0 + HOUR).recorded(T0 + HOUR);
    expect(run.command).toMatchObject({ kind: 'sleep', stepId: 'rest', until: T0 + 10 * HOUR });
  });

  it.each<[string, Migration, string]>([
    ['its step is not mapped', migration(two, { hello: keep('bye') }), 'not_mapped'],
    ['the target is not there', migration(two, { pause: keep('nowhere') }), 'not_mapped'],
    ['it is in another version', migration(two, { pause: keep('rest') }, { from: 3 }), 'other_version'],
  ])('stays, and says so, where %s', (_what, by, reason) => {
    const run = new Run(one).move(by);
    expect(run.state.settling).toMatchObject({ outcome: 'stayed', reason });
    expect(run.recorded().command).toMatchObject({ kind: 'sleep', stepId: 'pause', until: T0 + 2 * HOUR });
    expect(run.plan).toBe(one);
  });

  it('decides once, however often it is told', () => {
    const by = migration(two, { pause: restart('pause'), rest: restart('rest') });
    const back = version(2, [wait('pause', 'PT1H'), end()]);
    const run = new Run(one)
      .move({ ...by, plan: back })
      .move({ ...by, plan: back })
      .recorded();
    const { visits } = run.state;
    run.move({ ...by, plan: back });
    expect([run.state.settling, run.state.visits, run.command.kind]).toEqual([undefined, visits, 'sleep']);
  });

  it('takes no notice in skipped time', () => {
    const run = new Run(one, { isVirtual: true }).move(migration(two, { pause: keep('rest') }));
    expect([run.plan, run.state.migration, run.state.settling]).toEqual([one, undefined, undefined]);
  });

  it('decides before it is resumed when it is paused, and not at all when it ends', () => {
    const paused = new Run(one).give({ kind: 'pause' }).move(migration(two, { pause: keep('rest') }));
    expect(paused.command).toMatchObject({ because: 'moved' });
    expect(paused.recorded().command).toEqual({ kind: 'wait_message', stepId: 'rest', because: 'paused' });
    const state = receive(one, new Run(one).state, { kind: 'exit', reason: 'enough' });
    const told = receive(one, state, { kind: 'migrate', migration: migration(two, { pause: keep('rest') }) });
    expect(next(one, told, null, T0).command).toEqual({ kind: 'end', outcome: 'exited', reason: 'enough' });
  });

  it('keeps waiting to be recorded over a new execution', () => {
    const run = new Run(one).move(migration(two, { pause: keep('rest') }));
    const carried = JSON.parse(JSON.stringify(putDown(run.state))) as InterpreterState;
    expect(next(run.plan, carried, null, T0).command).toEqual(run.command);
  });

  it('goes to its new step as soon as what it is busy with is over, if it then stands at a mapped one', () => {
    const busy = version(1, [message('hello'), wait('pause'), end()]);
    const other = version(2, [wait('rest', 'PT9H'), end()]);
    const run = new Run(busy).move(migration(other, { pause: restart('rest') }));
    expect(run.command).toMatchObject({ kind: 'run_step', step: { id: 'hello' } });
    run.give({ kind: 'step_answer', answer: sent }, T0 + 1);
    expect(run.state.settling).toMatchObject({ outcome: 'moved', from: 'pause' });
    // It had not entered the step that it left.
    expect(run.state.visits).toEqual({ hello: 1 });
    expect(run.recorded(T0 + 1).command).toMatchObject({ kind: 'sleep', stepId: 'rest' });
    const stays = new Run(busy).move(migration(other, { hello: restart('rest') }));
    stays.give({ kind: 'step_answer', answer: sent }, T0 + 1);
    expect(stays.state.settling).toMatchObject({ outcome: 'stayed', reason: 'not_mapped', from: 'pause' });
  });

  it('tells by what ended it in the new version before it could know', () => {
    const run = new Run(one).move(
      migration(version(2, [wait('rest'), end()], { exit: { events: ['left'] } }), { pause: keep('rest') }),
    );
    run.give({ kind: 'recorded', event: { messageId: 'e', name: 'left', occurredAt: T0 + 1 } });
    expect(run.command).toEqual({ kind: 'end', outcome: 'exited', reason: 'exit_event:left' });
  });

  it('knows whom it is about where the new version draws lots', () => {
    const lots = version(2, [
      wait('rest'),
      {
        kind: 'split',
        id: 'half',
        arms: [
          { name: 'a', percent: 50, next: 'x' },
          { name: 'b', percent: 50, next: 'y' },
        ],
      },
      end('x'),
      end('y'),
    ]);
    const run = new Run(one).move(migration(lots, { pause: keep('rest') })).recorded();
    expect(run.give({ kind: 'timer' }, T0 + 2 * HOUR).command.kind).toBe('end');
  });
});

describe('a question that was put off, in another version', () => {
  const one = version(1, [message('hello'), end()]);
  const until = T0 + 5 * HOUR;

  it('goes on with its number, its end and its visit, also under another name', () => {
    const two = version(2, [message('hi'), end()]);
    const run = new Run(one).give({ kind: 'step_answer', answer: defer(until) });
    run.move(migration(two, { hello: keep('hi') })).recorded();
    expect(run.command).toMatchObject({ kind: 'sleep', stepId: 'hi', until, because: 'deferred' });
    expect(run.give({ kind: 'timer' }, until).command).toMatchObject({ step: { id: 'hi' }, visit: 1, ask: 2 });
  });

  it('never takes a number that the other step has had', () => {
    const loop: Steps = [message('hi'), message('hello'), { ...wait('w'), next: 'hi' } as StepDefinition];
    const ends = (steps: Steps): Steps => [...steps, end()];
    const from = version(1, ends([...loop.slice(0, 2), { ...purchase({ on_event: 'hi', on_timeout: 'done' }) }]));
    const run = new Run(from).give({ kind: 'step_answer', answer: sent });
    run.give({ kind: 'step_answer', answer: defer(until) });
    run.move(migration(version(2, [message('hi'), end()]), { hello: keep('hi') })).recorded();
    expect(run.give({ kind: 'timer' }, until).command).toMatchObject({ step: { id: 'hi' }, visit: 2, ask: 2 });
  });

  it('is woken as before', () => {
    const run = new Run(one).give({ kind: 'step_answer', answer: defer(until) });
    run.move(migration(version(2, [message('hi'), end()]), { hello: keep('hi') })).recorded();
    const minute = T0 + 60_000;
    expect(run.give({ kind: 'wake' }, minute + 1).command).toMatchObject({ kind: 'run_step', ask: 2 });
  });

  it('may lead to another message instead, or to the same one by another name', () => {
    for (const to of [
      version(2, [message('hello'), end()]),
      version(2, [{ ...message('other'), template: 'hello' } as StepDefinition, end()]),
    ]) {
      const run = new Run(one).give({ kind: 'step_answer', answer: defer(until) });
      run.move(migration(to, { hello: restart(to.start) }));
      expect(run.state.settling).toMatchObject({ outcome: 'moved' });
    }
  });
});

describe('nobody gets a message twice', () => {
  const one = version(1, [message('hello'), wait('pause'), end()]);
  const atPause = (): Run => new Run(one).give({ kind: 'step_answer', answer: sent });
  const decided = (run: Run): unknown => run.state.settling?.reason ?? run.state.settling?.outcome;

  it.each<[string, Steps, Partial<Migration>, string | undefined]>([
    [
      'by the id of its step',
      [wait('rest'), { ...message('hello'), template: 'new' } as StepDefinition, end()],
      {},
      'would_repeat',
    ],
    [
      'by its template',
      [wait('rest'), { ...message('new'), template: 'hello' } as StepDefinition, end()],
      {},
      'would_repeat',
    ],
    [
      'by an action',
      [wait('rest'), { kind: 'decide', id: 'new', actions: ['x'] }, end()],
      { offers: { x: 'email:hello' } },
      'would_repeat',
    ],
    ['another one', [wait('rest'), message('bye'), end()], {}, 'moved'],
    [
      'by an action with another template',
      [wait('rest'), { kind: 'decide', id: 'new', actions: ['x'] }, end()],
      { offers: { x: 'email:bye' } },
      'moved',
    ],
  ])('%s', (_what, steps, more, expected) => {
    expect(decided(atPause().move(migration(version(2, steps), { pause: keep('rest') }, more)))).toBe(expected);
  });

  it('also over two versions', () => {
    const run = atPause()
      .move(migration(version(2, [wait('rest'), end()]), { pause: keep('rest') }))
      .recorded();
    const third = version(3, [wait('rest'), message('hello'), end()]);
    run.move(migration(third, { rest: keep('rest') }, { id: 'm2', from: 2 }));
    expect(decided(run)).toBe('would_repeat');
  });

  it('lets through what the old version would have sent again as well', () => {
    const loop = (number: number): Plan =>
      version(number, [message('hello'), purchase({ on_event: 'hello', on_timeout: 'done' }), end()]);
    const run = new Run(loop(1)).give({ kind: 'step_answer', answer: sent });
    expect(decided(run.move(migration(loop(2), { purchase: keep('purchase') })))).toBe('moved');
  });

  it('neither when nobody knows whether it went out', () => {
    const asked = (): Run => new Run(one).give({ kind: 'step_answer', answer: unknown });
    const again = version(2, [message('hello'), end()]);
    expect(decided(asked().move(migration(again, { hello: restart('hello') })))).toBe('would_repeat');
    const kept = asked()
      .move(migration(again, { hello: keep('hello') }))
      .recorded();
    expect(kept.give({ kind: 'timer' }, T0 + HOUR).command.kind).toBe('end');
  });

  it('counts what was refused as passed: the author said where to go on', () => {
    const run = new Run(one).give({ kind: 'step_answer', answer: doNothing });
    expect(
      decided(run.move(migration(version(2, [wait('rest'), message('hello'), end()]), { pause: keep('rest') }))),
    ).toBe('would_repeat');
  });
});

describe('events of a run that was moved', () => {
  const waits = (event: string, more: object = {}): StepDefinition => ({ ...purchase({ event, ...more }) });
  const one = version(1, [
    wait('first'),
    waits('signup', { on_event: 'won', on_timeout: 'lost' }),
    end('won'),
    end('lost'),
  ]);
  const two = (more: object = {}): Plan => version(2, [waits('purchase', more), end('won'), end('lost')]);
  const atWait = (): Run => new Run(one).give({ kind: 'timer' }, T0 + HOUR);
  const day = T0 + 25 * HOUR;

  it('count from the same instant, and are looked up where the run did not listen', () => {
    const run = atWait().move(
      migration(two(), { purchase: keep('purchase') }, { listensFrom: T0 + 3 * HOUR }),
      T0 + 3 * HOUR,
    );
    run.recorded(T0 + 3 * HOUR);
    expect(run.command).toEqual({
      kind: 'find_event',
      stepId: 'purchase',
      events: ['purchase'],
      after: T0 + HOUR,
      until: day,
    });
    const event = { messageId: 'p', name: 'purchase', occurredAt: T0 + 2 * HOUR };
    expect(run.give({ kind: 'event_answer', event }, T0 + 3 * HOUR).command).toMatchObject({
      kind: 'end',
      reason: 'won',
    });
  });

  it('are not looked up by a wait that counts from later', () => {
    const run = atWait().move(
      migration(two(), { purchase: restart('purchase') }, { listensFrom: T0 + HOUR }),
      T0 + 3 * HOUR,
    );
    expect(run.recorded(T0 + 3 * HOUR).command).toMatchObject({ kind: 'sleep' });
    expect(run.event('purchase', T0 + 4 * HOUR).command).toMatchObject({ kind: 'end', reason: 'won' });
  });

  it('are looked up since entry where the wait says so', () => {
    const run = atWait().move(
      migration(two({ since: 'entry' }), { purchase: keep('purchase') }, { listensFrom: T0 + HOUR }),
    );
    expect(run.recorded().command).toMatchObject({ kind: 'find_event', after: T0 });
  });

  it('mean what they mean in the new version, also where the old one took note of them', () => {
    const run = atWait().event('signup', T0 + 30, [], T0 + HOUR);
    const to = two({ event: 'signup', since: 'entry' });
    run
      .move(migration(to, { purchase: keep('purchase') }, { listensFrom: T0 + HOUR }), T0 + 2 * HOUR)
      .recorded(T0 + 2 * HOUR);
    const event = { messageId: `signup@${T0 + 30}`, name: 'signup', occurredAt: T0 + 30 };
    expect(run.give({ kind: 'event_answer', event }, T0 + 2 * HOUR).command).toMatchObject({ reason: 'won' });
  });

  it('that were tested for the old version fit no condition of the new one', () => {
    const on = (value: number): StepDefinition => ({
      kind: 'wait_for',
      id: 'order',
      events: [{ event: 'bought', where: { kind: 'greater_than', attribute: 'amount', value }, next: 'won' }],
      timeout: 'P1D',
      on_timeout: 'lost',
    });
    const cheap = version(1, [on(1), end('won'), end('lost')]);
    const dear = version(2, [on(1_000), end('won'), end('lost')]);
    const run = new Run(cheap).move(migration(dear, { order: keep('order') }, { listensFrom: T0 + 1 })).recorded();
    expect(run.command).toMatchObject({ kind: 'find_event', listeners: [{ index: 200_000, event: 'bought' }] });
    run.give({ kind: 'event_answer', event: null });
    expect(run.event('bought', T0 + 2, [0]).command.kind).toBe('sleep');
    expect(run.event('bought', T0 + 3, [0, 200_000]).command).toMatchObject({ reason: 'won' });
    expect(listenedEvents(movedPlan(dear))).toMatchObject([
      { name: 'bought', conditions: { isPlain: false, listeners: [{ index: 200_000 }] } },
    ]);
  });
});

describe('arms of a run that was moved', () => {
  const half = (id: string, more: object = {}): StepDefinition => ({
    kind: 'split',
    id,
    arms: [
      { name: 'a', percent: 50, next: 'wait' },
      { name: 'b', percent: 50, next: 'wait' },
    ],
    ...more,
  });
  const plan = (number: number, ...splits: StepDefinition[]): Plan => version(number, [...splits, wait('wait'), end()]);
  const opposite = (arm: string | undefined): StepDefinition['kind'] extends never ? never : object => ({
    arms: [
      { name: 'a', percent: arm === 'a' ? 0 : 100, next: 'wait' },
      { name: 'b', percent: arm === 'a' ? 100 : 0, next: 'wait' },
    ],
  });

  it.each(['half', 'renamed'])('stay as they were drawn, whatever the weights say now: %s', (id) => {
    const run = new Run(plan(1, half('half', { salt: 's' })));
    const drawn = run.state.arms?.['half'];
    const to = plan(2, half(id, { salt: 's', ...opposite(drawn) }));
    run.move(migration(to, { wait: restart(id) })).recorded();
    expect([drawn === undefined, run.state.arms?.[id]]).toEqual([false, drawn]);
  });

  it.each(['a', 'b'])('are those that its user met in an earlier run, where none is drawn yet: %s', (arm) => {
    const steps = (number: number, split: StepDefinition): Plan =>
      version(number, [wait('first'), split, wait('wait'), end()]);
    const one = withArmsMet(steps(1, half('half', { salt: 's' })), [{ stepId: 'half', salt: 's', arm }]);
    const two = steps(2, half('half', { salt: 's', ...opposite(arm) }));
    const run = new Run(one).move(migration(two, { first: restart('half') })).recorded();
    expect(run.state.arms?.['half']).toBe(arm);
  });

  it('are drawn anew under another salt and id', () => {
    const run = new Run(plan(1, half('half', { salt: 's' })));
    const drawn = run.state.arms?.['half'];
    const to = plan(2, half('other', { salt: 't', ...opposite(drawn) }));
    run.move(migration(to, { wait: restart('other') })).recorded();
    expect(run.state.arms?.['other']).toBe(drawn === 'a' ? 'b' : 'a');
  });
});

describe('visits of a run that was moved', () => {
  it('go with it: a limit counts what was before', () => {
    const loop = (number: number): Plan =>
      version(number, [
        { ...wait('again', 'PT1H'), max_visits: 2, on_max_visits: 'done' } as StepDefinition,
        { ...purchase({ event: 'x', on_event: 'again', on_timeout: 'again' }) },
        end(),
      ]);
    const run = new Run(loop(1)).give({ kind: 'timer' }, T0 + HOUR);
    run.move(migration(loop(2), { purchase: keep('purchase') }), T0 + HOUR).recorded(T0 + HOUR);
    if (run.command.kind === 'find_event') run.give({ kind: 'event_answer', event: null }, T0 + HOUR);
    run.give({ kind: 'timer' }, T0 + 25 * HOUR);
    expect(run.state.visits['again']).toBe(2);
    run.give({ kind: 'timer' }, T0 + 26 * HOUR).give({ kind: 'timer' }, T0 + 50 * HOUR);
    expect(run.command).toMatchObject({ kind: 'end', reason: 'done' });
  });
});

it('a host that never moves a run never sees any of it', () => {
  const host = new Host(version(1, [wait('pause'), end()]));
  host.timer();
  expect(Object.keys(host.state)).not.toEqual(expect.arrayContaining(['migration']));
  for (const key of ['migration', 'settling', 'migrations', 'listensFrom', 'contacts']) {
    expect(host.state).not.toHaveProperty(key);
  }
});
