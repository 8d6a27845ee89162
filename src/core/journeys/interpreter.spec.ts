import { compile } from './compile.js';
import type { StepDefinition } from './definition.js';
import { next, putDown, receive, start } from './interpreter.js';
import type { Command, Input, InterpreterState } from './interpreter.js';
import type { Plan } from './plan.js';
import type { StepAnswer } from './step-answer.js';

const T0 = 1_800_000_000_000;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const message = (id: string, onRefusal?: 'exit'): StepDefinition => ({
  kind: 'message',
  id,
  channel: 'email',
  template: id,
  on_refusal: onRefusal,
});
const decide = (id: string, onRefusal?: 'exit'): StepDefinition => ({
  kind: 'decide',
  id,
  actions: ['reminder', 'help'],
  on_refusal: onRefusal,
});
const wait = (id: string, duration = 'PT1H'): StepDefinition => ({ kind: 'wait', id, duration });
const end = (id = 'done'): StepDefinition => ({ kind: 'end', id, reason: id });
const purchase = (more: Partial<Extract<StepDefinition, { kind: 'wait_for' }>> = {}): StepDefinition => ({
  kind: 'wait_for',
  id: 'purchase',
  event: 'purchase',
  timeout: 'P1D',
  on_event: 'won',
  on_timeout: 'lost',
  ...more,
});

const sent: StepAnswer = { kind: 'sent', decisionId: 'd', deliveryId: 'l', action: 'a' };
const unknown: StepAnswer = { kind: 'unknown', decisionId: 'd', deliveryId: 'l', reason: 'OUTCOME_UNKNOWN' };
const skip = (reason: Extract<StepAnswer, { kind: 'skip' }>['reason'] = 'CONSENT_MISSING'): StepAnswer => ({
  kind: 'skip',
  decisionId: 'd',
  reason,
});
const doNothing: StepAnswer = { kind: 'do_nothing', decisionId: 'd', reason: 'BELOW_THRESHOLD' };
const defer = (until: number): StepAnswer => ({ kind: 'defer', decisionId: 'd', reason: 'QUIET_HOURS', until });

function planOf(steps: readonly StepDefinition[], exitEvents: readonly string[] = []): Plan {
  const definition = { key: 'trial', name: 'Trial', exit: { events: exitEvents }, steps };
  const compiled = compile(definition, { version: 1, contentHash: '' });
  if (compiled.kind === 'faults') throw new Error(JSON.stringify(compiled.faults));
  return compiled.plan;
}

/** A host that carries nothing out: it shows what the interpreter commands. */
class Host {
  state: InterpreterState;
  command: Command;

  constructor(
    private readonly plan: Plan,
    isVirtual = false,
  ) {
    ({ state: this.state, command: this.command } = next(plan, start(plan, T0, isVirtual), null, T0));
  }

  give(input: Input | null, at = T0): Command {
    ({ state: this.state, command: this.command } = next(this.plan, this.state, input, at));
    return this.command;
  }

  answer(answer: StepAnswer, at = T0): Command {
    return this.give({ kind: 'step_answer', answer }, at);
  }

  event(name: string, occurredAt: number, at = occurredAt, messageId = `${name}@${occurredAt}`): Command {
    return this.give({ kind: 'event', event: { messageId, name, occurredAt } }, at);
  }
}

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

  it('takes the 50th deferral of one visit as a refusal', () => {
    const host = new Host(planOf([message('a', 'exit'), end()]));
    for (let ask = 1; ask < 50; ask += 1) {
      expect(host.command).toMatchObject({ kind: 'run_step', ask });
      host.answer(defer(T0 + ask * HOUR), T0);
      host.give({ kind: 'timer' }, T0 + ask * HOUR);
    }
    expect(host.answer(defer(T0 + DAY))).toMatchObject({ outcome: 'exited', reason: 'refused:TOO_MANY_ASKS' });
  });

  it('waits at least a second when a deferral names an instant that has passed', () => {
    const host = new Host(planOf([message('a'), end()]));
    expect(host.answer(defer(T0 - DAY))).toMatchObject({ kind: 'sleep', until: T0 + 1_000 });
  });

  it('ends a run that visits more than 1,000 steps', () => {
    const host = new Host(planOf([purchase({ on_event: 'purchase', on_timeout: 'lost' }), end('lost')]));
    for (let visit = 1; visit <= 999; visit += 1) host.event('purchase', T0 + visit);
    expect(host.command).toMatchObject({ kind: 'sleep' });
    expect(host.event('purchase', T0 + 1_000)).toEqual({ kind: 'end', outcome: 'exited', reason: 'too_many_steps' });
  });

  it('refuses a state of another engine', () => {
    const plan = planOf([end()]);
    const state = { ...start(plan, T0), engine: 2 } as unknown as InterpreterState;
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
});

describe('wake and pause', () => {
  it('a wake cuts a deferral short and nothing else', () => {
    const host = new Host(planOf([wait('rest'), message('hello'), end()]));
    expect(host.give({ kind: 'wake' }, T0 + 1)).toMatchObject({ kind: 'sleep', until: T0 + HOUR });
    host.give({ kind: 'timer' }, T0 + HOUR);
    host.answer(defer(T0 + DAY), T0 + HOUR);
    expect(host.give({ kind: 'wake' }, T0 + HOUR)).toMatchObject({ kind: 'run_step', visit: 1, ask: 2 });
  });

  it('a wake during the question counts for its answer', () => {
    const host = new Host(planOf([message('hello'), end()]));
    expect(host.give({ kind: 'wake' })).toMatchObject({ kind: 'run_step', ask: 1 });
    expect(host.answer(defer(T0 + DAY))).toMatchObject({ kind: 'run_step', ask: 2 });
    expect(host.answer(defer(T0 + DAY))).toMatchObject({ kind: 'sleep' });
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
});

describe('virtual time', () => {
  const plan = planOf([wait('rest'), purchase(), end('won'), end('lost')], ['unsubscribed']);
  const found = (name: string, occurredAt: number): Input => ({
    kind: 'event_answer',
    event: { messageId: name, name, occurredAt },
  });

  it('looks for exit events before a plain wait, and for the waited event too before a wait_for', () => {
    const host = new Host(plan, true);
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
    const host = new Host(plan, true);
    expect(host.give(found('unsubscribed', T0 + 5))).toMatchObject({ kind: 'sleep', until: T0 + 5 });
    expect(host.give({ kind: 'timer' }, T0 + 5)).toMatchObject({ reason: 'exit_event:unsubscribed' });
  });

  it('looks from entry when the step counts from entry', () => {
    const since = planOf([wait('rest'), purchase({ since: 'entry' }), end('won'), end('lost')]);
    const host = new Host(since, true);
    expect(host.command).toMatchObject({ kind: 'sleep' });
    expect(host.give({ kind: 'timer' }, T0 + HOUR)).toMatchObject({ kind: 'find_event', after: T0 });
    expect(host.give(found('purchase', T0 + 1), T0 + HOUR)).toMatchObject({ reason: 'won' });
  });

  it('looks for nothing when there is nothing to listen to', () => {
    const host = new Host(planOf([wait('rest'), message('hello'), end()]), true);
    expect(host.command).toMatchObject({ kind: 'sleep' });
    host.give({ kind: 'timer' }, T0 + HOUR);
    expect(host.answer(defer(T0 + DAY), T0 + HOUR)).toMatchObject({ kind: 'sleep' });
  });
});
