import {
  decide,
  defer,
  end,
  Host,
  HOUR,
  message,
  planOf,
  purchase,
  sent,
  T0,
  unknown,
  wait,
} from '../../../test/support/interpreter-host.js';
import type { StepDefinition } from './definition.js';
import { reasonNotToJump } from './jumping.js';

const plan = planOf([message('hello'), wait('pause'), message('bye'), wait('rest'), end()]);
const to = (step: string, isRepeatAllowed = false) => ({ step, isRepeatAllowed });
const atPause = (): Host => {
  const host = new Host(plan);
  host.answer(sent);
  return host;
};

describe('a jump', () => {
  it('leaves the wait and enters the step like any other', () => {
    const host = atPause();
    expect(host.give({ kind: 'jump', step: 'bye', at: T0 + 5 }, T0 + 5)).toMatchObject({
      kind: 'run_step',
      step: { id: 'bye' },
      visit: 1,
    });
    expect(host.state.countsFrom).toBe(T0 + 5);
  });

  it('makes another visit of a step that the run has been to', () => {
    const host = atPause();
    expect(host.give({ kind: 'jump', step: 'hello', at: T0 })).toMatchObject({
      step: { id: 'hello' },
      visit: 2,
      ask: 1,
    });
  });

  it('changes nothing while an activity is under way, or where there is no such step', () => {
    const host = new Host(plan);
    const { state } = host;
    host.give({ kind: 'jump', step: 'rest', at: T0 });
    expect(host.state).toEqual({ ...state, seq: state.seq + 1 });
    const waiting = atPause();
    expect(waiting.give({ kind: 'jump', step: 'nowhere', at: T0 })).toMatchObject({ kind: 'sleep', stepId: 'pause' });
  });

  it('takes place at once in a paused run, which stays paused', () => {
    const host = atPause();
    host.give({ kind: 'pause' });
    expect(host.give({ kind: 'jump', step: 'rest', at: T0 })).toEqual({
      kind: 'wait_message',
      stepId: 'rest',
      because: 'paused',
    });
  });

  it.each([
    ['to a later step', 'bye', null],
    ['to where it waits', 'pause', null],
    ['to an unknown step', 'nowhere', 'version 1 has no step "nowhere"'],
    ['to no step', 'constructor', 'version 1 has no step "constructor"'],
    [
      'to a message that it has passed',
      'hello',
      'the run has passed "hello" or one like it: allow_repeat lets it be sent again',
    ],
  ])('%s', (_what, step, expected) => {
    expect(reasonNotToJump(plan, atPause().state, to(step))).toBe(expected);
  });

  it('to a step from which a message would go out again is refused as well, and both are let through when said so', () => {
    const host = atPause();
    host.timer();
    host.answer(sent);
    expect(host.command).toMatchObject({ stepId: 'rest' });
    expect(reasonNotToJump(plan, host.state, to('pause'))).toMatch('would come to "bye"');
    for (const step of ['pause', 'bye', 'hello']) expect(reasonNotToJump(plan, host.state, to(step, true))).toBeNull();
  });

  it('is refused while something is under way, whatever is allowed', () => {
    expect(reasonNotToJump(plan, new Host(plan).state, to('rest', true))).toMatch('is busy');
  });

  it('away from a question that is still open, and back to it, sends nothing twice', () => {
    const host = new Host(plan);
    host.answer(defer(T0 + HOUR));
    expect(reasonNotToJump(plan, host.state, to('hello'))).toBeNull();
    host.answer(sent);
    const doubtful = new Host(plan);
    doubtful.answer(unknown);
    expect(reasonNotToJump(plan, doubtful.state, to('hello'))).toMatch('has passed');
  });

  it('within a loop is let through to a step, but not to its message', () => {
    const loop = planOf([message('hello'), wait('pause'), purchase({ on_event: 'hello', on_timeout: 'done' }), end()]);
    const host = new Host(loop);
    host.answer(sent);
    host.timer();
    expect(reasonNotToJump(loop, host.state, to('pause'))).toBeNull();
    expect(reasonNotToJump(loop, host.state, to('hello'))).toMatch('has passed');
  });

  describe('by which a template could go out again', () => {
    const offers = { reminder: 'email:hello' };
    const sends = (first: StepDefinition, second: StepDefinition): Host => {
      const host = new Host(planOf([first, wait('pause'), second, wait('rest'), end()]));
      host.answer(sent);
      return host;
    };
    const reason = (host: Host, step: string, isRepeatAllowed = false): string | null =>
      reasonNotToJump(host.plan, host.state, { step, isRepeatAllowed, offers });

    it.each([
      ['the message came first', message('hello'), decide('offer'), 'offer'],
      ['an action with it came first', decide('offer'), message('hello'), 'hello'],
    ])('is refused though another step sent it: %s', (_what, first, second, target) => {
      const host = sends(first, second);
      expect(reason(host, target)).toMatch(`the run has passed "${target}" or one like it`);
      expect(reason(host, target, true)).toBeNull();
    });

    it('is let through where it goes out next anyway', () => {
      expect(reason(sends(message('hello'), decide('offer')), 'pause')).toBeNull();
    });
  });

  describe('over a webhook', () => {
    const hook = (id: string): StepDefinition => ({ kind: 'webhook', id, endpoint: 'crm' });
    const hooked = planOf([wait('first'), hook('told'), wait('pause'), hook('other'), wait('rest'), end()]);
    const posted = (): Host => {
      const host = new Host(hooked);
      host.timer();
      host.give({ kind: 'act_answer', answer: { kind: 'done' } });
      return host;
    };

    it('that was posted is refused, to it and to a step before it, unless that is said', () => {
      const host = posted();
      expect(host.command).toMatchObject({ kind: 'sleep', stepId: 'pause' });
      expect(reasonNotToJump(hooked, host.state, to('told'))).toBe(
        'the run has posted "told": allow_repeat lets it be posted again',
      );
      expect(reasonNotToJump(hooked, host.state, to('first'))).toBe(
        'from there the run would come to "told", and has posted it before: allow_repeat lets it',
      );
      for (const step of ['told', 'first']) expect(reasonNotToJump(hooked, host.state, to(step, true))).toBeNull();
    });

    it('that was not is let through, also to the same endpoint', () => {
      expect(reasonNotToJump(hooked, posted().state, to('other'))).toBeNull();
      expect(reasonNotToJump(hooked, new Host(hooked).state, to('told'))).toBeNull();
    });

    it('that the endpoint has not taken yet is refused: it may have heard it', () => {
      const host = new Host(hooked);
      host.timer();
      host.give({ kind: 'act_answer', answer: { kind: 'later', until: T0 + 2 * HOUR } }, T0 + HOUR);
      expect(reasonNotToJump(hooked, host.state, to('told'))).toMatch('has posted "told"');
    });

    it('that is posted in a loop is let through to a step before it', () => {
      const again = purchase({ on_event: 'first', on_timeout: 'done' });
      const loop = planOf([wait('first'), hook('told'), again, end()]);
      const host = new Host(loop);
      host.timer();
      host.give({ kind: 'act_answer', answer: { kind: 'done' } });
      expect(reasonNotToJump(loop, host.state, to('first'))).toBeNull();
      expect(reasonNotToJump(loop, host.state, to('told'))).toMatch('has posted');
    });
  });
});
