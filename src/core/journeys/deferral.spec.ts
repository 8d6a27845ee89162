import type { StepAnswer } from './step-answer.js';
import {
  DAY,
  HOUR,
  Host,
  MINUTE,
  T0,
  defer,
  end,
  message,
  planOf,
  purchase,
  sent,
  skip,
  wait,
} from '../../../test/support/interpreter-host.js';
import { putDown, receive } from './interpreter.js';

describe('the questions of one visit', () => {
  it('takes the deferral after the 100th question of a timer as a refusal', () => {
    const host = new Host(planOf([message('a', 'exit'), end()]));
    for (let ask = 1; ask <= 100; ask += 1) {
      expect(host.command).toMatchObject({ kind: 'run_step', ask });
      host.answer(defer(T0 + ask * HOUR), T0);
      host.give({ kind: 'timer' }, T0 + ask * HOUR);
    }
    expect(host.command).toMatchObject({ kind: 'run_step', ask: 101 });
    expect(host.answer(defer(T0 + 101 * HOUR))).toMatchObject({ outcome: 'exited', reason: 'refused:TOO_MANY_ASKS' });
  });

  it('begins to count anew at the next visit', () => {
    const again = purchase({ id: 'again', timeout: 'PT1H', on_event: 'done', on_timeout: 'a' });
    const host = new Host(planOf([message('a', 'exit'), again, end()]));
    for (let ask = 1; ask <= 100; ask += 1) {
      host.answer(defer(T0 + ask * HOUR), T0);
      host.give({ kind: 'timer' }, T0 + ask * HOUR);
    }
    host.answer(sent, T0 + 100 * HOUR);
    expect(host.give({ kind: 'timer' }, T0 + 101 * HOUR)).toMatchObject({ kind: 'run_step', visit: 2, ask: 1 });
    expect(host.answer(defer(T0 + 102 * HOUR))).toMatchObject({ kind: 'sleep' });
  });

  it('waits at least a second when a deferral names an instant that has passed', () => {
    const host = new Host(planOf([message('a'), end()]));
    expect(host.answer(defer(T0 - DAY))).toMatchObject({ kind: 'sleep', until: T0 + 1_000 });
  });
});

describe('wake and pause', () => {
  it('a wake cuts a deferral short and nothing else', () => {
    const host = new Host(planOf([wait('rest'), message('hello'), end()]));
    expect(host.give({ kind: 'wake' }, T0 + 1)).toMatchObject({ kind: 'sleep', until: T0 + HOUR });
    host.give({ kind: 'timer' }, T0 + HOUR);
    host.answer(defer(T0 + DAY), T0 + HOUR);
    expect(host.give({ kind: 'wake' }, T0 + HOUR + MINUTE)).toMatchObject({ kind: 'run_step', visit: 1, ask: 2 });
  });

  it('wakes within a minute of the last question take effect together, when the minute is over', () => {
    const host = new Host(planOf([message('hello'), end()]));
    host.answer(defer(T0 + DAY), T0 + 1_000);
    const later = { kind: 'sleep', until: T0 + MINUTE, label: 'hello: put off, QUIET_HOURS, asks again soon' };
    expect(host.give({ kind: 'wake' }, T0 + 2_000)).toMatchObject(later);
    expect(host.give({ kind: 'wake' }, T0 + MINUTE - 1)).toMatchObject(later);
    expect(host.give({ kind: 'timer' }, T0 + MINUTE)).toMatchObject({ kind: 'run_step', ask: 2 });
    expect(host.answer(defer(T0 + DAY), T0 + MINUTE)).toMatchObject({ kind: 'sleep', until: T0 + DAY });
  });

  it('an urgent wake takes effect two seconds after the last question, and at once after that', () => {
    const host = new Host(planOf([message('hello'), end()]));
    host.answer(defer(T0 + DAY), T0 + 1_000);
    host.give({ kind: 'wake' }, T0 + 1_100);
    expect(host.give({ kind: 'wake', isUrgent: true }, T0 + 1_200)).toMatchObject({ kind: 'sleep', until: T0 + 2_000 });
    // What comes after it does not make it less urgent.
    expect(host.give({ kind: 'wake' }, T0 + 1_300)).toMatchObject({ kind: 'sleep', until: T0 + 2_000 });
    expect(host.give({ kind: 'timer' }, T0 + 2_000)).toMatchObject({ kind: 'run_step', ask: 2 });
    host.answer(defer(T0 + DAY), T0 + 2_000);
    expect(host.give({ kind: 'wake', isUrgent: true }, T0 + 4_000)).toMatchObject({ kind: 'run_step', ask: 3 });
    // The question that it led to is the answer to it: the next wake is like any other.
    host.answer(defer(T0 + DAY), T0 + 4_000);
    expect(host.give({ kind: 'wake' }, T0 + 5_000)).toMatchObject({ kind: 'sleep', until: T0 + 4_000 + MINUTE });
  });

  it('an urgent wake during the question counts for its answer, and while it was put down for the question', () => {
    const host = new Host(planOf([message('hello'), end()]));
    host.give({ kind: 'wake', isUrgent: true }, T0 + 500);
    expect(host.answer(defer(T0 + DAY), T0 + 1_000)).toMatchObject({ kind: 'sleep', until: T0 + 2_000 });
    const put = new Host(planOf([message('hello'), end()]));
    put.state = receive(planOf([message('hello'), end()]), putDown(put.state), { kind: 'wake', isUrgent: true });
    put.give(null, T0 + 1);
    expect(put.answer(defer(T0 + DAY), T0 + 2)).toMatchObject({ kind: 'sleep', until: T0 + DAY });
  });

  it('a wake during the question counts for its answer', () => {
    const host = new Host(planOf([message('hello'), end()]));
    expect(host.give({ kind: 'wake' })).toMatchObject({ kind: 'run_step', ask: 1 });
    expect(host.answer(defer(T0 + DAY), T0 + 1_000)).toMatchObject({ kind: 'sleep', until: T0 + MINUTE });
    expect(host.give({ kind: 'timer' }, T0 + MINUTE)).toMatchObject({ kind: 'run_step', ask: 2 });
    expect(host.give({ kind: 'wake' }, T0 + MINUTE)).toMatchObject({ kind: 'run_step', ask: 2 });
    // The question was under way for longer than the minute: no more to wait for.
    expect(host.answer(defer(T0 + DAY), T0 + 3 * MINUTE)).toMatchObject({ kind: 'run_step', ask: 3 });
  });

  it('a wake does not put an opening off that comes sooner', () => {
    const host = new Host(planOf([message('hello'), end()]));
    host.answer(defer(T0 + 10_000), T0);
    expect(host.give({ kind: 'wake' }, T0 + 1)).toMatchObject({ kind: 'sleep', until: T0 + 10_000 });
    expect(host.give({ kind: 'timer' }, T0 + 10_000)).toMatchObject({ kind: 'run_step', ask: 2 });
  });

  it('a wake before the question was begun is answered by it', () => {
    const host = new Host(planOf([message('hello'), end()]));
    host.state = receive(planOf([message('hello'), end()]), putDown(host.state), { kind: 'wake' });
    expect(host.give(null, T0 + 1)).toMatchObject({ kind: 'run_step', ask: 1 });
    expect(host.answer(defer(T0 + DAY), T0 + 2)).toMatchObject({ kind: 'sleep', until: T0 + DAY });
  });

  it('a CRM that wakes a put-off run every ten minutes for two weeks does not use up its questions', () => {
    const host = new Host(planOf([message('hello', 'exit'), end()]));
    const opening = T0 + 14 * DAY;
    host.answer(defer(opening));
    let asks = 1;
    for (let at = T0 + 10 * MINUTE; at < opening; at += 10 * MINUTE) {
      asks += 1;
      expect(host.give({ kind: 'wake' }, at)).toMatchObject({ kind: 'run_step', ask: asks });
      expect(host.answer(defer(opening), at)).toMatchObject({ kind: 'sleep', until: opening });
    }
    expect(host.give({ kind: 'timer' }, opening)).toMatchObject({ kind: 'run_step', ask: asks + 1 });
    expect(host.answer(sent, opening)).toMatchObject({ outcome: 'completed' });
  });

  it('a run that begins paused does nothing until it is resumed', () => {
    const host = new Host(planOf([message('hello'), end()]), { isPaused: true });
    expect(host.command).toEqual({ kind: 'wait_message', stepId: 'hello', because: 'paused' });
    expect(host.give({ kind: 'resume' }, T0 + DAY)).toMatchObject({ kind: 'run_step', ask: 1 });
  });

  it('a pause freezes the run; a timer that was due meanwhile acts on resume', () => {
    const host = new Host(planOf([wait('rest'), message('hello'), end()]));
    expect(host.give({ kind: 'pause' })).toEqual({ kind: 'wait_message', stepId: 'rest', because: 'paused' });
    expect(host.give(null, T0 + DAY)).toMatchObject({ kind: 'wait_message' });
    expect(host.give({ kind: 'resume' }, T0 + DAY)).toMatchObject({ kind: 'run_step' });
  });

  it('a pause does not make a wait longer', () => {
    const host = new Host(planOf([wait('rest'), end()]));
    host.give({ kind: 'pause' }, T0 + 1);
    expect(host.give({ kind: 'resume' }, T0 + 2)).toMatchObject({ kind: 'sleep', until: T0 + HOUR });
  });

  it('a pause lets the activity under way answer, and holds the next', () => {
    const host = new Host(planOf([message('first'), message('second'), end()]));
    expect(host.give({ kind: 'pause' })).toMatchObject({ kind: 'run_step', step: { id: 'first' } });
    expect(host.answer(sent)).toMatchObject({ kind: 'wait_message' });
    expect(host.give({ kind: 'resume' })).toMatchObject({ kind: 'run_step', step: { id: 'second' } });
  });

  it('an event during a pause counts by its time, an exit ends the paused run', () => {
    const plan = planOf([purchase(), end('won'), end('lost')]);
    const host = new Host(plan);
    host.give({ kind: 'pause' });
    expect(host.event('purchase', T0 + 1)).toMatchObject({ kind: 'wait_message' });
    expect(host.give({ kind: 'resume' }, T0 + 2 * DAY)).toMatchObject({ reason: 'won' });
    const other = new Host(plan);
    other.give({ kind: 'pause' });
    expect(other.give({ kind: 'exit', reason: 'enough' })).toMatchObject({ kind: 'end' });
  });

  it('gives a pause that a step finds written down a minute to arrive, then asks again', () => {
    const host = new Host(planOf([message('hello'), end()]));
    expect(host.answer(skip('RUN_PAUSED'))).toMatchObject({ kind: 'sleep', until: T0 + MINUTE });
    expect(host.give({ kind: 'pause' })).toMatchObject({ kind: 'wait_message' });
    expect(host.give({ kind: 'resume' }, T0 + HOUR)).toMatchObject({ kind: 'run_step', ask: 2 });
  });

  it('never gives a step up because its run is paused, however long the message takes', () => {
    const host = new Host(planOf([message('hello', 'exit'), end()]));
    for (let minute = 1; minute <= 1_000; minute += 1) {
      const now = T0 + minute * MINUTE;
      expect(host.answer(skip('RUN_PAUSED'), now - MINUTE)).toMatchObject({ kind: 'sleep', until: now });
      expect(host.give({ kind: 'timer' }, now)).toMatchObject({ kind: 'run_step', ask: minute + 1 });
    }
    // The wait for the message has used up none of the step's questions.
    expect(host.answer(defer(T0 + DAY))).toMatchObject({ kind: 'sleep', because: 'deferred' });
  });

  it.each(['KILL_SWITCH', 'USER_ON_HOLD', 'JOURNEY_PAUSED'] as const)(
    'never gives a step up because of %s',
    (reason) => {
      const host = new Host(planOf([message('hello', 'exit'), end()]));
      const held = (until: number): StepAnswer => ({ kind: 'defer', decisionId: 'd', reason, until });
      for (let hour = 1; hour <= 200; hour += 1) {
        const now = T0 + hour * HOUR;
        expect(host.answer(held(now), now - HOUR)).toMatchObject({ kind: 'sleep', until: now });
        expect(host.give({ kind: 'timer' }, now)).toMatchObject({ kind: 'run_step', ask: hour + 1 });
      }
    },
  );
});
