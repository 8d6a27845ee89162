import {
  DAY,
  HOUR,
  Host,
  MINUTE,
  T0,
  decide,
  defer,
  doNothing,
  end,
  message,
  planOf,
  purchase,
  sent,
  skip,
  unknown,
  wait,
} from '../../../test/support/interpreter-host.js';
import type { StepDefinition } from './definition.js';
import { next, putDown, receive, start } from './interpreter.js';
import type { Input, InterpreterState } from './interpreter.js';
import type { StepAnswer } from './step-answer.js';

describe('the way of a run', () => {
  it('asks, waits, asks again after a deferral, tests and ends, one command at a time', () => {
    const branch: StepDefinition = {
      kind: 'branch',
      id: 'test',
      condition: { kind: 'exists', attribute: 'plan' },
      then: 'done',
      else: 'other',
    };
    const host = new Host(planOf([message('hello'), wait('rest'), branch, end(), end('other')]));
    expect(host.command).toMatchObject({ kind: 'run_step', step: { id: 'hello' }, visit: 1, ask: 1 });
    expect(host.answer(defer(T0 + HOUR))).toEqual({
      kind: 'sleep',
      stepId: 'hello',
      until: T0 + HOUR,
      because: 'deferred',
      label: 'hello: put off, QUIET_HOURS',
    });
    expect(host.give({ kind: 'timer' }, T0 + HOUR)).toMatchObject({ kind: 'run_step', visit: 1, ask: 2 });
    expect(host.answer(sent, T0 + HOUR)).toMatchObject({ kind: 'sleep', until: T0 + 2 * HOUR, because: 'wait' });
    expect(host.give({ kind: 'timer' }, T0 + 2 * HOUR)).toMatchObject({ kind: 'evaluate_branch', stepId: 'test' });
    expect(host.give({ kind: 'branch_answer', holds: false })).toEqual({
      kind: 'end',
      outcome: 'completed',
      reason: 'other',
    });
  });

  it.each<[string, StepDefinition, StepAnswer, object]>([
    ['a refused message that goes on', message('a'), skip(), { kind: 'end', outcome: 'completed' }],
    [
      'a refused message that ends',
      message('a', 'exit'),
      skip(),
      { outcome: 'exited', reason: 'refused:CONSENT_MISSING' },
    ],
    [
      'a message not worth sending',
      message('a', 'exit'),
      doNothing,
      { outcome: 'exited', reason: 'refused:BELOW_THRESHOLD' },
    ],
    ['a decision for silence', decide('a', 'exit'), doNothing, { outcome: 'completed', reason: 'done' }],
    [
      'a decision that is refused',
      decide('a', 'exit'),
      skip('KILL_SWITCH'),
      { outcome: 'exited', reason: 'refused:KILL_SWITCH' },
    ],
  ])('after %s', (_what, step, answer, expected) => {
    expect(new Host(planOf([step, end()])).answer(answer)).toMatchObject(expected);
  });

  it('goes on a quarter of an hour after an unknown outcome, without asking again', () => {
    const host = new Host(planOf([message('a'), end()]));
    expect(host.answer(unknown)).toMatchObject({ kind: 'sleep', because: 'unknown', until: T0 + 15 * MINUTE });
    expect(host.give({ kind: 'wake' }, T0 + MINUTE)).toMatchObject({ kind: 'sleep', because: 'unknown' });
    expect(host.give({ kind: 'timer' }, T0 + 15 * MINUTE)).toMatchObject({ kind: 'end' });
  });

  it('ends a run that visits more than 1,000 steps', () => {
    const host = new Host(planOf([purchase({ on_event: 'purchase', on_timeout: 'lost' }), end('lost')]));
    for (let visit = 1; visit <= 999; visit += 1) host.event('purchase', T0 + visit);
    expect(host.command).toMatchObject({ kind: 'sleep' });
    expect(host.event('purchase', T0 + 1_000)).toEqual({ kind: 'end', outcome: 'exited', reason: 'too_many_steps' });
  });

  it('refuses a state of another engine', () => {
    const plan = planOf([end()]);
    const state = { ...start(plan, { entryAt: T0 }), engine: 2 } as unknown as InterpreterState;
    expect(() => next(plan, state, null, T0)).toThrow('engine 2');
  });
});

describe('events', () => {
  const steps = [purchase(), end('won'), end('lost')];

  it.each<[string, number, string]>([
    ["at the step's very start", 0, 'sleep'],
    ['a millisecond later', 1, 'won'],
    ['at the deadline', DAY, 'won'],
    ['a millisecond after the deadline', DAY + 1, 'lost'],
  ])('an event %s', (_what, offset, expected) => {
    const host = new Host(planOf(steps));
    const command = host.event('purchase', T0 + offset, Math.max(T0, T0 + offset));
    expect(command.kind === 'end' ? command.reason : command.kind).toBe(expected);
  });

  it('counts by the time when it happened, also when it arrives after its turn', () => {
    const host = new Host(planOf(steps));
    host.state = receive(planOf(steps), host.state, {
      kind: 'event',
      event: { messageId: 'm', name: 'purchase', occurredAt: T0 + HOUR },
    });
    expect(host.give({ kind: 'timer' }, T0 + DAY)).toMatchObject({ reason: 'won' });
  });

  it('stands in the inbox until a step asks for it', () => {
    const plan = planOf([message('hello'), purchase({ since: 'entry' }), end('won'), end('lost')]);
    const host = new Host(plan);
    expect(host.event('purchase', T0 + 1)).toMatchObject({ kind: 'run_step' });
    expect(host.answer(sent, T0 + HOUR)).toMatchObject({ reason: 'won' });
  });

  it('counts for the first wait also when it happened between entry and the delayed start of the run', () => {
    const host = new Host(planOf(steps), { entryAt: T0 - HOUR });
    expect(host.event('purchase', T0 - HOUR, T0)).toMatchObject({ kind: 'sleep', until: T0 + DAY });
    expect(host.event('purchase', T0 - MINUTE, T0)).toMatchObject({ reason: 'won' });
  });

  it('is not lost when it happens while the message before the wait goes out', () => {
    const host = new Host(planOf([message('hello'), ...steps]));
    host.event('purchase', T0 + 5);
    expect(host.answer(sent, T0 + 10)).toMatchObject({ reason: 'won' });
  });

  it('does not count for a step that began after it', () => {
    const host = new Host(planOf([wait('rest'), ...steps]));
    host.event('purchase', T0 + 1);
    expect(host.give({ kind: 'timer' }, T0 + HOUR)).toMatchObject({ kind: 'sleep', because: 'wait_for' });
  });

  it('is not lost between the end of one wait and the beginning of the next', () => {
    const chain = [purchase({ id: 'first', on_event: 'won', on_timeout: 'purchase', timeout: 'PT1H' }), ...steps];
    const host = new Host(planOf(chain));
    // It happens after the first deadline, but the worker is late and hears of both at once.
    host.state = receive(planOf(chain), host.state, {
      kind: 'event',
      event: { messageId: 'm', name: 'purchase', occurredAt: T0 + HOUR + 1 },
    });
    expect(host.give({ kind: 'timer' }, T0 + 2 * HOUR)).toMatchObject({ reason: 'won' });
  });

  it('counts once per message id', () => {
    const again = purchase({ id: 'again', on_event: 'twice', on_timeout: 'won' });
    const host = new Host(planOf([purchase({ on_event: 'again' }), again, end('twice'), end('won'), end('lost')]));
    host.event('purchase', T0 + 1, T0 + 1, 'm');
    expect(host.command).toMatchObject({ kind: 'sleep', stepId: 'again' });
    expect(host.event('purchase', T0 + 1, T0 + 2, 'm')).toMatchObject({ kind: 'sleep', stepId: 'again' });
    expect(host.event('purchase', T0 + 3, T0 + 3, 'n')).toMatchObject({ reason: 'twice' });
  });

  it('leaves no trace when the plan does not listen to it', () => {
    const host = new Host(planOf(steps));
    const before = host.state;
    host.event('page_view', T0 + 1);
    expect(host.state).toEqual({ ...before, seq: before.seq + 1 });
  });

  it('fills the inbox and the memory only up to their limits, and keeps the first by event time', () => {
    const plan = planOf([wait('rest'), purchase({ since: 'entry' }), end('won'), end('lost')]);
    const host = new Host(plan);
    for (let count = 600; count >= 1; count -= 1) host.event('purchase', T0 + count, T0);
    expect(host.state.inbox.length).toBeLessThanOrEqual(256);
    expect(host.state.seen).toHaveLength(200);
    expect(host.state.inbox[0]).toMatchObject({ occurredAt: T0 + 1 });
  });
});

describe('exits', () => {
  const plan = planOf([wait('rest', 'P30D'), message('hello'), wait('again'), end()], ['unsubscribed']);

  it('an exit event ends the run wherever it waits', () => {
    const host = new Host(plan);
    expect(host.event('unsubscribed', T0 + DAY)).toEqual({
      kind: 'end',
      outcome: 'exited',
      reason: 'exit_event:unsubscribed',
    });
  });

  it('an exit event from before entry does nothing', () => {
    expect(new Host(plan).event('unsubscribed', T0, T0 + DAY)).toMatchObject({ kind: 'sleep' });
  });

  it('an exit event from between entry and the delayed start of the run counts', () => {
    const host = new Host(plan, { entryAt: T0 - HOUR });
    expect(host.event('unsubscribed', T0 - MINUTE, T0)).toMatchObject({ reason: 'exit_event:unsubscribed' });
    expect(new Host(plan, { entryAt: T0 - HOUR }).event('unsubscribed', T0 - HOUR, T0)).toMatchObject({
      kind: 'sleep',
      until: T0 + 30 * DAY,
    });
  });

  it('an exit event lets the activity under way answer first', () => {
    const host = new Host(plan);
    host.give({ kind: 'timer' }, T0 + 30 * DAY);
    expect(host.event('unsubscribed', T0 + 30 * DAY)).toMatchObject({ kind: 'run_step' });
    expect(host.answer(sent)).toMatchObject({ kind: 'end', outcome: 'exited' });
    expect(host.state.answers).toEqual({ hello: { kind: 'sent', reason: null } });
  });

  it('an exit that comes before an activity was begun prevents it', () => {
    const host = new Host(plan);
    host.give({ kind: 'timer' }, T0 + 30 * DAY);
    host.state = putDown(host.state);
    expect(host.give({ kind: 'exit', reason: 'enough' })).toMatchObject({ kind: 'end', reason: 'enough' });
  });

  it('the first reason stays', () => {
    const host = new Host(plan);
    host.give({ kind: 'exit', reason: 'first' });
    expect(host.give({ kind: 'exit', reason: 'second' })).toMatchObject({ reason: 'first' });
  });

  it('gives an exit that a step finds written down a minute to arrive with its reason', () => {
    const asked = new Host(planOf([message('hello'), end()]));
    expect(asked.answer(skip('RUN_EXITED'))).toMatchObject({ kind: 'sleep', until: T0 + MINUTE });
    expect(asked.give({ kind: 'timer' }, T0 + MINUTE)).toMatchObject({ outcome: 'exited', reason: 'run_exited' });
    const told = new Host(planOf([message('hello'), end()]));
    told.answer(skip('RUN_EXITED'));
    expect(told.give({ kind: 'exit', reason: 'asked_by_phone' })).toMatchObject({ reason: 'asked_by_phone' });
  });

  it('ends by the exit event that a step found written down, whether it comes before or after the answer', () => {
    const one = planOf([message('hello'), end()], ['unsubscribed']);
    const after = new Host(one);
    expect(after.answer(skip('RUN_EXITED'), T0 + 5)).toMatchObject({ kind: 'sleep', until: T0 + 5 + MINUTE });
    expect(after.event('unsubscribed', T0 + 1, T0 + 6)).toMatchObject({ reason: 'exit_event:unsubscribed' });
    const before = new Host(one);
    expect(before.event('unsubscribed', T0 + 1)).toMatchObject({ kind: 'run_step' });
    expect(before.answer(skip('RUN_EXITED'), T0 + 5)).toMatchObject({ reason: 'exit_event:unsubscribed' });
  });

  it('is not hurried to its end by a wake while it waits for the message of its exit', () => {
    const host = new Host(planOf([message('hello'), end()]));
    host.give({ kind: 'wake' });
    expect(host.answer(skip('RUN_EXITED'), T0 + HOUR)).toMatchObject({ kind: 'sleep', until: T0 + HOUR + MINUTE });
    expect(host.give({ kind: 'wake' }, T0 + HOUR + 1)).toMatchObject({ kind: 'sleep', until: T0 + HOUR + MINUTE });
  });
});

describe('a time-out that comes late', () => {
  const plan = planOf([purchase(), end('won'), end('lost')], ['unsubscribed']);
  const late: Input = { kind: 'timer', isLate: true };
  const told = (name: string, occurredAt: number): Input => ({
    kind: 'event_answer',
    event: { messageId: name, name, occurredAt },
  });
  const asks = { kind: 'find_event', stepId: 'purchase', events: ['purchase', 'unsubscribed'] };
  const lateAt = T0 + DAY + HOUR;

  it('asks what has happened in time, and takes its way where nothing has', () => {
    const host = new Host(plan);
    expect(host.give(late, lateAt)).toEqual({ ...asks, after: T0, until: T0 + DAY });
    expect(host.give({ kind: 'event_answer', event: null }, lateAt)).toMatchObject({ reason: 'lost' });
  });

  it('goes by the event that was not signalled yet, and by the first of them where another one was', () => {
    const host = new Host(plan);
    host.give(late, lateAt);
    expect(host.give(told('purchase', T0 + DAY), lateAt)).toMatchObject({ reason: 'won' });
    const exits = new Host(plan);
    exits.give(late, lateAt);
    exits.give({ kind: 'event', event: { messageId: 'm', name: 'purchase', occurredAt: T0 + 9 } }, lateAt);
    expect(exits.give(told('unsubscribed', T0 + 5), lateAt)).toMatchObject({ reason: 'exit_event:unsubscribed' });
  });

  it('asks once the run is resumed where it is paused, and not at all where it is to end', () => {
    const paused = new Host(plan);
    paused.give({ kind: 'pause' });
    expect(paused.give(late, lateAt)).toMatchObject({ kind: 'wait_message' });
    expect(paused.give({ kind: 'resume' }, lateAt)).toMatchObject(asks);
    const leaving = new Host(plan);
    leaving.give({ kind: 'pause' });
    leaving.give(late, lateAt);
    expect(leaving.give({ kind: 'exit', reason: 'asked' }, lateAt)).toMatchObject({ reason: 'asked' });
  });

  it('changes nothing about other waits', () => {
    const rests = new Host(planOf([wait('rest'), end('won')], ['unsubscribed']));
    expect(rests.give(late, lateAt)).toMatchObject({ kind: 'end', reason: 'won' });
  });
});

describe('virtual time', () => {
  const plan = planOf([wait('rest'), purchase(), end('won'), end('lost')], ['unsubscribed']);
  const found = (name: string, occurredAt: number): Input => ({
    kind: 'event_answer',
    event: { messageId: name, name, occurredAt },
  });

  it('looks for exit events before a plain wait, and for the waited event too before a wait_for', () => {
    const host = new Host(plan, { isVirtual: true });
    expect(host.command).toEqual({
      kind: 'find_event',
      stepId: 'rest',
      events: ['unsubscribed'],
      after: T0,
      until: T0 + HOUR,
    });
    expect(host.give({ kind: 'event_answer', event: null })).toMatchObject({ kind: 'sleep', until: T0 + HOUR });
    expect(host.give({ kind: 'timer' }, T0 + HOUR)).toEqual({
      kind: 'find_event',
      stepId: 'purchase',
      events: ['purchase', 'unsubscribed'],
      after: T0 + HOUR,
      until: T0 + HOUR + DAY,
    });
    const at = T0 + 2 * HOUR;
    expect(host.give(found('purchase', at), T0 + HOUR)).toMatchObject({ kind: 'sleep', until: at });
    expect(host.give({ kind: 'timer' }, at)).toMatchObject({ reason: 'won' });
  });

  it('ends at the time of the exit event', () => {
    const host = new Host(plan, { isVirtual: true });
    expect(host.give(found('unsubscribed', T0 + 5))).toMatchObject({ kind: 'sleep', until: T0 + 5 });
    expect(host.give({ kind: 'timer' }, T0 + 5)).toMatchObject({ reason: 'exit_event:unsubscribed' });
  });

  it('ends by the exit event that a step found written down', () => {
    const host = new Host(planOf([message('hello'), end()], ['unsubscribed']), { isVirtual: true });
    expect(host.answer(skip('RUN_EXITED'), T0 + 5)).toMatchObject({ kind: 'find_event', after: T0 });
    expect(host.give(found('unsubscribed', T0 + 1), T0 + 5)).toMatchObject({ reason: 'exit_event:unsubscribed' });
  });

  it('a wake during the look-up or the wait asks again, and takes no event before its time', () => {
    const one = planOf([message('hello'), end()], ['unsubscribed']);
    const host = new Host(one, { isVirtual: true });
    expect(host.answer(defer(T0 + DAY))).toMatchObject({ kind: 'find_event', until: T0 + DAY });
    expect(host.give({ kind: 'wake' })).toMatchObject({ kind: 'find_event', until: T0 + DAY });
    const foretold = found('unsubscribed', T0 + HOUR);
    expect(host.give(foretold)).toMatchObject({ kind: 'sleep', until: T0 + MINUTE });
    expect(host.give({ kind: 'timer' }, T0 + MINUTE)).toMatchObject({ kind: 'run_step', ask: 2 });
    // Found again by the next wait; a pause that outlasts both the event and the wake does not hide it.
    host.answer(defer(T0 + DAY), T0 + MINUTE);
    expect(host.give(foretold, T0 + MINUTE)).toMatchObject({ kind: 'sleep', until: T0 + HOUR });
    host.give({ kind: 'pause' }, T0 + MINUTE);
    host.give({ kind: 'wake' }, T0 + MINUTE);
    expect(host.give({ kind: 'resume' }, T0 + 2 * HOUR)).toMatchObject({ reason: 'exit_event:unsubscribed' });
  });

  it('looks from entry when the step counts from entry', () => {
    const since = planOf([wait('rest'), purchase({ since: 'entry' }), end('won'), end('lost')]);
    const host = new Host(since, { isVirtual: true });
    expect(host.command).toMatchObject({ kind: 'sleep' });
    expect(host.give({ kind: 'timer' }, T0 + HOUR)).toMatchObject({ kind: 'find_event', after: T0 });
    expect(host.give(found('purchase', T0 + 1), T0 + HOUR)).toMatchObject({ reason: 'won' });
  });

  it('looks for nothing when there is nothing to listen to', () => {
    const host = new Host(planOf([wait('rest'), message('hello'), end()]), { isVirtual: true });
    expect(host.command).toMatchObject({ kind: 'sleep' });
    host.give({ kind: 'timer' }, T0 + HOUR);
    expect(host.answer(defer(T0 + DAY), T0 + HOUR)).toMatchObject({ kind: 'sleep' });
  });
});
