import { DAY, HOUR, Host, MINUTE, T0, defer, sent, skip } from '../../../test/support/interpreter-host.js';
import { arm, endStep, messageStep, planOfSteps, waitStep } from '../../../test/support/plans.js';
import { receive } from './interpreter.js';
import type { Input } from './interpreter.js';
import type { EventArm, Plan, WaitForAnyStep, Watch } from './plan.js';

const where = { kind: 'greater_than', attribute: 'total', value: 100 } as const;
const listeners: NonNullable<Plan['listeners']> = [
  { event: 'purchase', where },
  { event: 'signup', where: { kind: 'exists', attribute: 'plan' } },
];
const ends = ['large', 'any', 'signed', 'late'].map(endStep);
const waitFor = (arms: readonly EventArm[], more: Partial<WaitForAnyStep> = {}): WaitForAnyStep => ({
  kind: 'wait_for_any',
  id: 'wait',
  arms,
  timeoutMs: DAY,
  since: 'step',
  onTimeout: 'late',
  ...more,
});
const both = [arm('purchase', 'large', 0), arm('purchase', 'any'), arm('signup', 'signed', 1)];
const plan = planOfSteps([waitFor(both), ...ends], { listeners });

describe('a wait for any of several events', () => {
  it.each<[string, string, readonly number[], string]>([
    ['fits the condition of the first arm', 'purchase', [0], 'large'],
    ['fits the first arm without a condition', 'purchase', [], 'any'],
    ['fits another name', 'signup', [1], 'signed'],
    ['has the name of a conditional arm and does not fit it', 'signup', [], 'sleep'],
    ['fits a listener of another name', 'signup', [0], 'sleep'],
  ])('an event that %s', (_what, name, matches, expected) => {
    const command = new Host(plan).match(name, matches, T0 + 1);
    expect(command.kind === 'end' ? command.reason : command.kind).toBe(expected);
  });

  it('takes the first arm that fits, however special the others are', () => {
    const [large, any] = both;
    if (large === undefined || any === undefined) throw new Error('two arms');
    const host = new Host(planOfSteps([waitFor([any, large]), ...ends], { listeners }));
    expect(host.match('purchase', [0], T0 + 1)).toMatchObject({ reason: 'any' });
  });

  it('takes the first event by event time, in whatever order they arrive', () => {
    const host = new Host(planOfSteps([messageStep('hello', 'wait'), waitFor(both), ...ends], { listeners }));
    host.match('signup', [1], T0 + 3);
    host.match('purchase', [0], T0 + 2);
    host.match('signup', [], T0 + 1);
    expect(host.answer(sent, T0 + 4)).toMatchObject({ reason: 'large' });
  });

  it.each<[string, number, string]>([
    ['at its very start', 0, 'sleep'],
    ['a millisecond later', 1, 'any'],
    ['at the deadline', DAY, 'any'],
    ['a millisecond after the deadline', DAY + 1, 'late'],
  ])('counts by the rules of a wait for one: %s', (_what, offset, expected) => {
    const command = new Host(plan).match('purchase', [], T0 + offset);
    expect(command.kind === 'end' ? command.reason : command.kind).toBe(expected);
  });

  it('goes on at its time-out, and says what it waits for', () => {
    const host = new Host(plan);
    expect(host.command).toMatchObject({ because: 'wait_for', label: 'wait: wait for purchase, signup' });
    expect(host.timer()).toMatchObject({ reason: 'late' });
    const many = ['a', 'b', 'c', 'd', 'e'].map((name) => arm(name, 'any'));
    const { command } = new Host(planOfSteps([waitFor(many), ...ends]));
    expect(command).toMatchObject({ label: 'wait: wait for a, b, c and 2 more' });
  });

  it('since entry also takes what happened before, if it fits', () => {
    const since = waitFor([arm('purchase', 'large', 0)], { since: 'entry' });
    const host = new Host(planOfSteps([waitStep('rest', HOUR, 'wait'), since, ...ends], { listeners }));
    host.match('purchase', [], T0 + 1);
    host.match('purchase', [0], T0 + 2);
    expect(host.timer()).toMatchObject({ reason: 'large' });
  });
});

describe('the inbox with conditions', () => {
  it('keeps no event that fits no arm of the plan', () => {
    const host = new Host(
      planOfSteps([waitStep('rest', HOUR, 'wait'), waitFor([arm('purchase', 'large', 0)])], { listeners }),
    );
    const before = host.state;
    host.match('purchase', [1], T0 + 1);
    host.event('purchase', T0 + 2);
    expect(host.state).toMatchObject({ inbox: before.inbox, seen: before.seen });
    host.match('purchase', [0], T0 + 3);
    expect(host.state.inbox).toHaveLength(1);
  });

  it('keeps the first of every condition since entry, however many others come', () => {
    const since = waitFor([arm('purchase', 'large', 0), arm('purchase', 'any')], { since: 'entry' });
    const host = new Host(planOfSteps([messageStep('hello', 'wait'), since, ...ends], { listeners }));
    for (let count = 400; count >= 2; count -= 1) host.event('purchase', T0 + count, T0);
    host.match('purchase', [0], T0 + 500);
    expect(host.state.inbox.length).toBeLessThanOrEqual(256);
    expect(host.state.inbox.at(-1)).toMatchObject({ occurredAt: T0 + 500 });
    expect(host.answer(sent, T0 + HOUR)).toMatchObject({ reason: 'any' });
  });

  it('takes no more than its room although a plan asks for more firsts', () => {
    const names = Array.from({ length: 300 }, (_, index) => `event-${index}`);
    const since = waitFor(
      names.map((name) => arm(name, 'any')),
      { since: 'entry' },
    );
    const host = new Host(planOfSteps([messageStep('hello', 'wait'), since, ...ends]));
    for (const name of names) host.event(name, T0 + 1, T0);
    for (let count = 2; count <= 100; count += 1) host.event('event-0', T0 + count, T0);
    // All the firsts, and nothing else.
    expect(host.state.inbox).toHaveLength(300);
  });
});

describe('watches', () => {
  const goal: Watch = { event: 'purchase', listener: 0, outcome: 'completed', reason: 'goal:purchase' };
  const exit: Watch = { event: 'signup', listener: 1, outcome: 'exited', reason: 'exit_event:signup' };
  const steps = [waitStep('rest', 30 * DAY, 'hello'), messageStep('hello', 'late'), endStep('late')];
  const watched = (watches: readonly Watch[], exitEvents: readonly string[] = []) =>
    planOfSteps(steps, { listeners, watches, exitEvents });

  it.each<[string, string, readonly number[], object]>([
    ['a goal', 'purchase', [0], { kind: 'end', outcome: 'completed', reason: 'goal:purchase' }],
    ['an exit with a condition', 'signup', [1], { kind: 'end', outcome: 'exited', reason: 'exit_event:signup' }],
    ['an event that fits neither', 'purchase', [1], { kind: 'sleep' }],
  ])('%s in the middle of a wait', (_what, name, matches, expected) => {
    expect(new Host(watched([goal, exit])).match(name, matches, T0 + DAY)).toMatchObject(expected);
  });

  it('the first that fits decides', () => {
    const lost: Watch = { event: 'purchase', listener: null, outcome: 'exited', reason: 'first' };
    expect(new Host(watched([lost, goal])).match('purchase', [0], T0 + 1)).toMatchObject({ reason: 'first' });
    expect(new Host(watched([goal, lost])).match('purchase', [0], T0 + 1)).toMatchObject({ reason: 'goal:purchase' });
  });

  it('an exit event by name comes before every watch', () => {
    const host = new Host(watched([goal], ['purchase']));
    expect(host.match('purchase', [0], T0 + 1)).toMatchObject({ outcome: 'exited', reason: 'exit_event:purchase' });
  });

  it('a watch comes before a step that waits for the event', () => {
    const host = new Host(planOfSteps([waitFor(both), ...ends], { listeners, watches: [goal] }));
    expect(host.match('purchase', [0], T0 + 1)).toMatchObject({ outcome: 'completed', reason: 'goal:purchase' });
    expect(
      new Host(planOfSteps([waitFor(both), ...ends], { listeners, watches: [goal] })).event('purchase', T0 + 1),
    ).toMatchObject({ reason: 'any' });
  });

  it('lets an activity under way answer first, and what came first stays', () => {
    const host = new Host(watched([goal, exit]));
    host.timer();
    const now = T0 + 30 * DAY;
    expect(host.match('signup', [1], now)).toMatchObject({ kind: 'run_step' });
    expect(host.match('purchase', [0], now)).toMatchObject({ kind: 'run_step' });
    expect(host.answer(sent, now)).toMatchObject({ outcome: 'exited', reason: 'exit_event:signup' });
    const told = new Host(watched([goal]));
    told.give({ kind: 'pause' });
    told.state = receive(watched([goal]), told.state, { kind: 'exit', reason: 'enough' });
    expect(told.match('purchase', [0], T0 + 1)).toMatchObject({ outcome: 'exited', reason: 'enough' });
  });

  it('do nothing for an event from before entry, also under the same message id', () => {
    const host = new Host(watched([goal]));
    expect(host.match('purchase', [0], T0)).toMatchObject({ kind: 'sleep' });
    expect(host.state.seen).toHaveLength(1);
  });

  it('complete a run that a step found already ending', () => {
    const host = new Host(planOfSteps([messageStep('hello', 'late'), endStep('late')], { listeners, watches: [goal] }));
    expect(host.answer(skip('RUN_EXITED'))).toMatchObject({ kind: 'sleep', until: T0 + MINUTE });
    expect(host.match('purchase', [0], T0 + 1)).toMatchObject({ outcome: 'completed', reason: 'goal:purchase' });
  });
});

describe('conditions in virtual time', () => {
  const watches: readonly Watch[] = [
    { event: 'purchase', listener: 0, outcome: 'completed', reason: 'goal:purchase' },
    { event: 'left', listener: null, outcome: 'exited', reason: 'exit_event:left' },
  ];
  const found = (name: string, matches: readonly number[], occurredAt: number): Input => ({
    kind: 'event_answer',
    event: { messageId: name, name, occurredAt, matches },
  });

  it('are asked for only by the waits that they concern, each once', () => {
    const steps = [waitStep('rest', HOUR, 'wait'), waitFor([...both, arm('purchase', 'large', 0)]), ...ends];
    const host = new Host(planOfSteps(steps, { listeners, exitEvents: ['stop'], watches }), { isVirtual: true });
    const goal = { index: 0, event: 'purchase', where };
    expect(host.command).toEqual({
      kind: 'find_event',
      stepId: 'rest',
      events: ['stop', 'left'],
      listeners: [goal],
      after: T0,
      until: T0 + HOUR,
    });
    host.give({ kind: 'event_answer', event: null });
    expect(host.timer()).toEqual({
      kind: 'find_event',
      stepId: 'wait',
      events: ['purchase', 'stop', 'left'],
      listeners: [goal, { index: 1, event: 'signup', where: { kind: 'exists', attribute: 'plan' } }],
      after: T0 + HOUR,
      until: T0 + HOUR + DAY,
    });
    const at = T0 + 2 * HOUR;
    expect(host.give(found('signup', [1], at), T0 + HOUR)).toMatchObject({ kind: 'sleep', until: at });
    expect(host.timer()).toMatchObject({ reason: 'signed' });
  });

  it('are looked up also where no plain name is listened to, and left out where there are none', () => {
    const only = [{ event: 'purchase', listener: 0, outcome: 'completed', reason: 'goal' }] as const;
    const steps = [messageStep('hello', 'late'), endStep('late')];
    const host = new Host(planOfSteps(steps, { listeners, watches: only }), { isVirtual: true });
    expect(host.answer(defer(T0 + DAY))).toMatchObject({ kind: 'find_event', events: [], listeners: [{ index: 0 }] });
    expect(host.give(found('purchase', [0], T0 + HOUR))).toMatchObject({ kind: 'sleep', until: T0 + HOUR });
    expect(host.timer()).toMatchObject({ outcome: 'completed', reason: 'goal' });
    const plain = new Host(planOfSteps([waitFor([arm('purchase', 'any')]), ...ends]), { isVirtual: true });
    expect(Object.keys(plain.command)).not.toContain('listeners');
  });

  it('count also for an event that was found before, for something else', () => {
    const first = waitFor([arm('purchase', 'second')], { onTimeout: 'second' });
    const second = { ...waitFor([arm('purchase', 'large', 0)], { since: 'entry' }), id: 'second' };
    const host = new Host(planOfSteps([first, second, ...ends], { listeners }), { isVirtual: true });
    host.give(found('purchase', [], T0 + HOUR));
    expect(host.timer()).toMatchObject({ kind: 'find_event', stepId: 'second', after: T0 });
    expect(host.give(found('purchase', [0], T0 + HOUR), T0 + HOUR)).toMatchObject({ reason: 'large' });
  });

  it('prefer the older event that is looked up to a younger one in the inbox', () => {
    const first = waitFor([arm('purchase', 'second')], { onTimeout: 'second' });
    const arms = [arm('signup', 'signed', 1), arm('purchase', 'any')];
    const second = { ...waitFor(arms, { since: 'entry' }), id: 'second' };
    const host = new Host(planOfSteps([first, second, ...ends], { listeners }), { isVirtual: true });
    host.give(found('purchase', [], T0 + HOUR));
    host.timer();
    expect(host.give(found('signup', [1], T0 + MINUTE), T0 + HOUR)).toMatchObject({ reason: 'signed' });
  });

  it('of a plan that does not hold them are a fault of the plan', () => {
    expect(() => new Host(planOfSteps([waitFor(both), ...ends]), { isVirtual: true })).toThrow('no listener 0');
  });
});
