import { DAY, HOUR, Host, MINUTE, T0, defer, doNothing, sent, skip } from '../../../test/support/interpreter-host.js';
import { actStep, endStep, messageStep, planOfSteps } from '../../../test/support/plans.js';
import { putDown } from './interpreter.js';
import type { Input } from './interpreter.js';
import type { OnRefusal, Plan, Step } from './plan.js';

const condition = (attribute: string) => ({ kind: 'exists', attribute }) as const;
const choose: Step = {
  kind: 'choose',
  id: 'choose',
  arms: [
    { condition: condition('a'), next: 'first' },
    { condition: { kind: 'outcome', step: 'hello', is: 'sent' }, next: 'second' },
  ],
  otherwise: 'neither',
};
const moment = { kind: 'local_time', localMinute: 540, weekdays: [1] } as const;
const until = (onMissing?: string): Step => ({
  kind: 'wait_until',
  id: 'until',
  moment,
  next: 'on',
  ...(onMissing === undefined ? {} : { onMissing }),
});
const ends = ['first', 'second', 'neither', 'on', 'missing', 'done', 'failed', 'other'].map(endStep);
const onlyStep = (step: Step, more: Partial<Omit<Plan, 'steps'>> = {}): Plan => planOfSteps([step, ...ends], more);

describe('a choice', () => {
  it.each<[number | null, string]>([
    [0, 'first'],
    [1, 'second'],
    [null, 'neither'],
  ])('of %s leads to its arm', (index, reason) => {
    const host = new Host(onlyStep(choose));
    const conditions = choose.kind === 'choose' ? choose.arms.map((each) => each.condition) : [];
    expect(host.command).toEqual({ kind: 'choose', stepId: 'choose', conditions });
    expect(host.give({ kind: 'choice_answer', index })).toMatchObject({ kind: 'end', reason });
  });

  it('of an arm that is not there is a fault of who answers', () => {
    const host = new Host(onlyStep(choose));
    expect(() => host.give({ kind: 'choice_answer', index: 2 })).toThrow('no arm 2');
  });
});

describe('a wait until a moment', () => {
  it('asks for it as of the time when the run came, and waits until it', () => {
    const host = new Host(planOfSteps([messageStep('hello', 'until'), until(), ...ends]));
    host.answer(sent, T0 + 3);
    expect(host.give({ kind: 'pause' }, T0 + 4)).toEqual({
      kind: 'find_moment',
      stepId: 'until',
      moment,
      from: T0 + 3,
    });
    host.give({ kind: 'resume' }, T0 + 4);
    expect(host.give({ kind: 'moment_answer', until: T0 + DAY }, T0 + 5)).toMatchObject({
      kind: 'sleep',
      until: T0 + DAY,
      because: 'wait',
      label: 'until: wait',
    });
    expect(host.timer()).toMatchObject({ reason: 'on' });
  });

  it.each<[string, number | null, string | undefined, string]>([
    ['past', T0 - DAY, 'missing', 'on'],
    ['now', T0 + 5, 'missing', 'on'],
    ['missing', null, 'missing', 'missing'],
    ['missing, and nothing is said about it', null, undefined, 'on'],
  ])('goes on at once when the moment is %s', (_what, at, onMissing, reason) => {
    const host = new Host(onlyStep(until(onMissing)));
    expect(host.give({ kind: 'moment_answer', until: at }, T0 + 5)).toMatchObject({ kind: 'end', reason });
  });

  it('looks for what ends the run in virtual time, like any wait', () => {
    const host = new Host(onlyStep(until(), { exitEvents: ['stop'] }), { isVirtual: true });
    expect(host.give({ kind: 'moment_answer', until: T0 + DAY })).toMatchObject({
      kind: 'find_event',
      until: T0 + DAY,
    });
    const past = new Host(onlyStep(until(), { exitEvents: ['stop'] }), { isVirtual: true });
    expect(past.give({ kind: 'moment_answer', until: T0 })).toMatchObject({ kind: 'end', reason: 'on' });
  });
});

describe('an act', () => {
  const act = actStep('call', { kind: 'webhook', endpoint: 'crm', data: {} }, 'done');

  it.each<['done' | 'failed', Step, string]>([
    ['done', act, 'done'],
    ['failed', act, 'failed'],
    ['failed', { ...act, onFailure: undefined } as unknown as Step, 'done'],
  ])('that is %s', (kind, step, reason) => {
    const host = new Host(onlyStep(step));
    expect(host.command).toMatchObject({ kind: 'act', stepId: 'call', visit: 1, act: { kind: 'webhook' } });
    expect(host.give({ kind: 'act_answer', answer: { kind } })).toMatchObject({ kind: 'end', reason });
  });
});

describe('an act that is not possible yet', () => {
  const steps = [actStep('call', { kind: 'webhook', endpoint: 'crm', data: {} }, 'done'), ...ends];
  const plan = planOfSteps(steps, { exitEvents: ['stop'] });
  const later = (until: number): Input => ({ kind: 'act_answer', answer: { kind: 'later', until } });
  const putOff = (): Host => {
    const host = new Host(plan);
    host.give(later(T0 + HOUR), T0 + 5);
    return host;
  };

  it('is done again in the same visit when its time has come, and not before', () => {
    const host = putOff();
    expect(host.command).toMatchObject({ kind: 'sleep', because: 'act', until: T0 + HOUR, stepId: 'call' });
    for (const given of [null, { kind: 'wake' }, later(T0), { kind: 'resume' }] as const) {
      expect(host.give(given, T0 + MINUTE)).toMatchObject({ kind: 'sleep', until: T0 + HOUR });
    }
    expect(host.timer()).toMatchObject({ kind: 'act', stepId: 'call', visit: 1 });
    expect(host.give({ kind: 'act_answer', answer: { kind: 'done' } })).toMatchObject({ kind: 'end', reason: 'done' });
    expect(host.state.visits['call']).toBe(1);
  });

  it('holds no exit and no operator back', () => {
    expect(putOff().event('stop', T0 + MINUTE)).toMatchObject({ kind: 'end', reason: 'exit_event:stop' });
    expect(putOff().give({ kind: 'exit', reason: 'operator' })).toMatchObject({ kind: 'end', reason: 'operator' });
    const paused = putOff();
    expect(paused.give({ kind: 'pause' })).toMatchObject({ kind: 'wait_message' });
    expect(paused.give(null, T0 + DAY)).toMatchObject({ kind: 'wait_message' });
    expect(paused.give({ kind: 'resume' }, T0 + DAY)).toMatchObject({ kind: 'act', visit: 1 });
  });

  it('is not tried in a tight loop, whatever instant is named', () => {
    const host = new Host(plan);
    expect(host.give(later(T0 - DAY), T0)).toMatchObject({ kind: 'sleep', until: T0 + 1_000 });
  });
});

describe('a moment in a loop', () => {
  it('is asked for from right after the visit on, but for the first one', () => {
    const host = new Host(onlyStep({ ...until(), next: 'until', limit: { visits: 2, next: 'on' } } as Step));
    expect(host.command).toMatchObject({ kind: 'find_moment', from: T0 });
    host.give({ kind: 'moment_answer', until: T0 + HOUR });
    expect(host.timer()).toMatchObject({ kind: 'find_moment', from: T0 + HOUR + 1 });
  });
});

describe('while an activity of the new steps is under way', () => {
  const cases: readonly [string, Step, Input][] = [
    ['choose', choose, { kind: 'choice_answer', index: 0 }],
    ['find_moment', until(), { kind: 'moment_answer', until: T0 + DAY }],
    [
      'act',
      actStep('call', { kind: 'reach_goal', goal: 'g' }, 'done'),
      { kind: 'act_answer', answer: { kind: 'done' } },
    ],
  ];

  it.each(cases)('%s: nothing else starts, and an exit takes effect after the answer', (kind, step, answer) => {
    const host = new Host(onlyStep(step, { exitEvents: ['stop'] }));
    for (const given of [null, { kind: 'wake' }, { kind: 'timer' }, { kind: 'pause' }] as const) {
      expect(host.give(given)).toMatchObject({ kind });
    }
    expect(host.event('stop', T0 + 1)).toMatchObject({ kind });
    expect(host.give(answer, T0 + 2)).toMatchObject({ kind: 'end', outcome: 'exited', reason: 'exit_event:stop' });
  });

  it.each(cases)('%s: a pause holds what follows', (kind, step, answer) => {
    const host = new Host(onlyStep(step));
    expect(host.give({ kind: 'pause' })).toMatchObject({ kind });
    expect(host.give(answer)).toMatchObject({ kind: 'wait_message' });
  });

  it.each(cases)('%s: an answer to something else changes nothing', (kind, step, answer) => {
    const others = cases.flatMap(([, , other]) => (other === answer ? [] : [other]));
    const more: readonly Input[] = [
      { kind: 'branch_answer', holds: true },
      { kind: 'event_answer', event: null },
    ];
    for (const other of [...others, ...more]) {
      const host = new Host(onlyStep(step));
      const before = host.state;
      expect(host.give(other)).toMatchObject({ kind });
      expect(host.state).toEqual({ ...before, seq: before.seq + 1 });
    }
  });

  it.each(cases)('%s: an answer after it was put down changes nothing', (kind, step, answer) => {
    const host = new Host(onlyStep(step));
    host.give({ kind: 'pause' });
    host.state = putDown(host.state);
    expect(host.give(answer)).toMatchObject({ kind: 'wait_message' });
    expect(host.give({ kind: 'resume' })).toMatchObject({ kind });
  });
});

describe('a refusal', () => {
  const asked = (onRefusal: OnRefusal, more: Partial<Omit<Plan, 'steps'>> = {}): Plan =>
    onlyStep(messageStep('hello', 'done', { onRefusal }), more);
  const waitDay = { kind: 'wait', forMs: DAY } as const;

  it('may lead to another step', () => {
    const host = new Host(asked({ kind: 'go_to', step: 'other' }));
    expect(host.answer(skip())).toMatchObject({ reason: 'other' });
    expect(new Host(asked({ kind: 'go_to', step: 'other' })).answer(sent)).toMatchObject({ reason: 'done' });
  });

  it.each([skip(), doNothing])('may be waited on: its end leads on', (answer) => {
    const host = new Host(asked(waitDay));
    expect(host.answer(answer)).toMatchObject({
      kind: 'sleep',
      because: 'refused',
      until: T0 + DAY,
      label: expect.stringMatching(/^hello: refused, [A-Z_]+, waits for a change$/) as string,
    });
    expect(host.timer()).toMatchObject({ reason: 'done' });
  });

  it('of a decide step counts, and its silence does not', () => {
    const decide: Step = { kind: 'decide', id: 'decide', actions: ['a'], onRefusal: waitDay, next: 'done' };
    expect(new Host(onlyStep(decide)).answer(doNothing)).toMatchObject({ reason: 'done' });
    expect(new Host(onlyStep(decide)).answer(skip())).toMatchObject({ because: 'refused' });
  });

  it('is asked about again when something about the user changes, with the gap of a deferral', () => {
    const host = new Host(asked(waitDay));
    host.answer(skip());
    expect(host.give({ kind: 'wake' }, T0 + 1)).toMatchObject({
      until: T0 + MINUTE,
      label: 'hello: refused, CONSENT_MISSING, asks again soon',
    });
    expect(host.timer()).toMatchObject({ kind: 'run_step', visit: 1, ask: 2 });
    host.answer(skip(), T0 + MINUTE);
    expect(host.give({ kind: 'wake' }, T0 + HOUR)).toMatchObject({ kind: 'run_step', visit: 1, ask: 3 });
    expect(host.answer(sent, T0 + HOUR)).toMatchObject({ reason: 'done' });
    expect(host.state.answers['hello']).toEqual({ kind: 'sent', reason: null });
  });

  it('is waited on from the first of the visit, whatever lies between', () => {
    const host = new Host(asked(waitDay));
    host.answer(skip(), T0 + 5);
    host.give({ kind: 'wake' }, T0 + HOUR);
    // A deferral keeps its own rule.
    expect(host.answer(defer(T0 + 2 * HOUR), T0 + HOUR)).toMatchObject({ because: 'deferred', until: T0 + 2 * HOUR });
    expect(host.timer()).toMatchObject({ kind: 'run_step', ask: 3 });
    expect(host.answer(skip('SUPPRESSED_MANUAL'), T0 + 2 * HOUR)).toMatchObject({
      because: 'refused',
      until: T0 + 5 + DAY,
    });
    host.give({ kind: 'wake' }, T0 + 3 * HOUR);
    host.answer(defer(T0 + 2 * DAY), T0 + 3 * HOUR);
    // Refused once more when the time is over: there is nothing left to wait for.
    expect(host.timer()).toMatchObject({ kind: 'run_step', ask: 5 });
    expect(host.answer(skip(), T0 + 2 * DAY)).toMatchObject({ reason: 'done' });
  });

  it('is waited on anew at the next visit', () => {
    const plan = planOfSteps([messageStep('hello', 'hello', { onRefusal: waitDay })]);
    const host = new Host(plan);
    host.answer(skip());
    host.timer();
    expect(host.command).toMatchObject({ visit: 2, ask: 1 });
    expect(host.answer(skip(), T0 + DAY)).toMatchObject({ until: T0 + 2 * DAY });
  });

  it('is not asked about once more when a wake and the end of the wait come together', () => {
    const host = new Host(asked({ kind: 'wait', forMs: 10_000 }));
    host.answer(skip());
    expect(host.give({ kind: 'wake' }, T0 + 5_000)).toMatchObject({ until: T0 + 10_000 });
    expect(host.timer()).toMatchObject({ reason: 'done' });
    const paused = new Host(asked(waitDay));
    paused.answer(skip());
    paused.give({ kind: 'pause' });
    paused.give({ kind: 'wake' }, T0 + HOUR);
    expect(paused.give({ kind: 'resume' }, T0 + 2 * DAY)).toMatchObject({ reason: 'done' });
  });

  it('remembers a wake that came during the question', () => {
    const host = new Host(asked(waitDay));
    host.give({ kind: 'wake' });
    expect(host.answer(skip(), T0 + 5)).toMatchObject({ because: 'refused', until: T0 + MINUTE });
  });

  it('by too many deferrals is waited on too, and a wake does not use the questions up', () => {
    const host = new Host(asked({ kind: 'wait', forMs: 30 * DAY }));
    for (let ask = 1; ask <= 101; ask += 1) {
      host.answer(defer(T0 + ask * HOUR), T0 + (ask - 1) * HOUR);
      if (host.command.kind === 'sleep' && host.command.because === 'deferred') host.timer();
    }
    expect(host.command).toMatchObject({ because: 'refused' });
    expect(host.state.answers['hello']).toEqual({ kind: 'skip', reason: 'TOO_MANY_ASKS' });
    expect(host.give({ kind: 'wake' }, T0 + 200 * HOUR)).toMatchObject({ kind: 'run_step', ask: 102 });
  });

  it.each(['PROVIDER_REJECTED', 'EXPIRED'] as const)('for %s is never waited on', (reason) => {
    expect(new Host(asked(waitDay)).answer(skip(reason))).toMatchObject({ reason: 'done' });
    const late = new Host(asked(waitDay));
    late.answer(skip());
    late.give({ kind: 'wake' }, T0 + HOUR);
    expect(late.answer(skip(reason), T0 + HOUR)).toMatchObject({ reason: 'done' });
  });

  it('that is none, because the message was passed over, is never waited on', () => {
    const passedOver = { kind: 'skip', decisionId: 'd', reason: 'LOWER_PRIORITY', isPassedOver: true } as const;
    expect(new Host(asked(waitDay)).answer(passedOver)).toMatchObject({ reason: 'done' });
  });

  it('for the end of the run gives that a minute to arrive, and is not asked about again', () => {
    const host = new Host(asked(waitDay));
    expect(host.answer(skip('RUN_EXITED'))).toMatchObject({ because: 'deferred', until: T0 + MINUTE });
    host.give({ kind: 'wake' });
    expect(host.timer()).toMatchObject({ outcome: 'exited', reason: 'run_exited' });
  });

  it('ends its wait by an exit event, in real and in virtual time', () => {
    const plan = asked(waitDay, { exitEvents: ['stop'] });
    const host = new Host(plan);
    host.answer(skip());
    expect(host.event('stop', T0 + HOUR)).toMatchObject({ reason: 'exit_event:stop' });
    const virtual = new Host(plan, { isVirtual: true });
    expect(virtual.answer(skip())).toMatchObject({ kind: 'find_event', after: T0, until: T0 + DAY });
    const event = { messageId: 'm', name: 'stop', occurredAt: T0 + HOUR };
    virtual.give({ kind: 'wake' });
    expect(virtual.give({ kind: 'event_answer', event })).toMatchObject({ kind: 'sleep', until: T0 + MINUTE });
    expect(virtual.timer()).toMatchObject({ kind: 'run_step', ask: 2 });
  });
});
