import { HOUR, Host, T0, sent } from '../../../test/support/interpreter-host.js';
import { arm, endStep, messageStep, planOfSteps, waitStep } from '../../../test/support/plans.js';
import type { Step } from './plan.js';

const VISITS = 3;
const limited = (next: string, limit: NonNullable<Step['limit']>): Step => ({
  kind: 'choose',
  id: next === 'b' ? 'a' : 'b',
  arms: [],
  otherwise: next,
  limit,
});

describe('the limit of a step', () => {
  const loop = planOfSteps([
    messageStep('hello', 'rest', { limit: { visits: VISITS, next: 'enough' } }),
    waitStep('rest', HOUR, 'hello'),
    endStep('enough'),
  ]);

  it('lets the run in so often, and sends it elsewhere from then on', () => {
    const host = new Host(loop);
    for (let visit = 1; visit <= VISITS; visit += 1) {
      expect(host.command).toMatchObject({ kind: 'run_step', visit });
      host.answer(sent, host.state.stepStartedAt);
      host.timer();
    }
    expect(host.command).toEqual({ kind: 'end', outcome: 'completed', reason: 'enough' });
    expect(host.state.visits).toEqual({ hello: VISITS, rest: VISITS, enough: 1 });
  });

  it('holds for an end and for a wait like for any other step', () => {
    const rest: Step = { ...waitStep('rest', HOUR, 'hello'), limit: { visits: 1, next: 'enough' } };
    const host = new Host(planOfSteps([messageStep('hello', 'rest'), rest, endStep('enough')]));
    host.answer(sent);
    host.timer();
    expect(host.answer(sent, T0 + HOUR)).toMatchObject({ kind: 'end', reason: 'enough' });
  });

  it('may lead to a step that has come to its own limit', () => {
    const plan = planOfSteps([
      messageStep('first', 'second', { limit: { visits: 1, next: 'second' } }),
      messageStep('second', 'first', { limit: { visits: 1, next: 'enough' } }),
      endStep('enough'),
    ]);
    const host = new Host(plan);
    host.answer(sent);
    expect(host.answer(sent)).toMatchObject({ kind: 'end', reason: 'enough' });
    expect(host.state.visits).toEqual({ first: 1, second: 1, enough: 1 });
  });

  it('ends a run that two limits send to each other', () => {
    const host = new Host(
      planOfSteps([limited('b', { visits: 1, next: 'b' }), limited('a', { visits: 1, next: 'a' })]),
    );
    host.give({ kind: 'choice_answer', index: null });
    expect(host.give({ kind: 'choice_answer', index: null })).toEqual({
      kind: 'end',
      outcome: 'exited',
      reason: 'too_many_steps',
    });
    expect(host.state.visits).toEqual({ a: 1, b: 1 });
  });

  it('passes a step by without taking an event from the inbox', () => {
    const paid: Step = {
      kind: 'wait_for_any',
      id: 'paid',
      arms: [arm('purchase', 'paid')],
      timeoutMs: HOUR,
      since: 'entry',
      onTimeout: 'late',
      limit: { visits: 1, next: 'last' },
    };
    const last: Step = { ...paid, id: 'last', arms: [arm('purchase', 'won')], limit: { visits: 1, next: 'late' } };
    const host = new Host(planOfSteps([paid, last, endStep('won'), endStep('late')]));
    expect(host.event('purchase', T0 + 1)).toMatchObject({ kind: 'end', reason: 'won' });
  });
});
