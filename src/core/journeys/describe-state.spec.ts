import { endStep, messageStep, planOfSteps } from '../../../test/support/plans.js';
import { compile } from './compile.js';
import { describeState } from './describe-state.js';
import { next, start } from './interpreter.js';
import type { Input } from './interpreter.js';
import type { Step } from './plan.js';

const T0 = Date.UTC(2027, 5, 15, 1, 30);
const HOUR_MS = 3_600_000;

const compiled = compile(
  {
    key: 'welcome',
    name: 'Welcome',
    steps: [
      { kind: 'message', id: 'hello', channel: 'email', template: 'hello' },
      { kind: 'wait_for', id: 'purchase', event: 'a `purchase`', timeout: 'P1D', on_event: 'done', on_timeout: 'done' },
      { kind: 'end', id: 'done', reason: 'converted' },
    ],
  },
  { version: 2, contentHash: '' },
);

/** Details after these inputs, all at the same instant. */
function detailsAfter(...inputs: readonly Input[]): string {
  if (compiled.kind === 'faults') throw new Error('no plan');
  let { state } = next(compiled.plan, start(compiled.plan, { entryAt: T0 }), null, T0);
  for (const input of inputs) ({ state } = next(compiled.plan, state, input, T0));
  return describeState(compiled.plan, state);
}

const sent: Input = { kind: 'step_answer', answer: { kind: 'sent', decisionId: 'd', deliveryId: 'l', action: 'a' } };
const until = T0 + 6.5 * HOUR_MS;
const deferred: Input = {
  kind: 'step_answer',
  answer: { kind: 'defer', decisionId: 'd', reason: 'QUIET_HOURS', until },
};

const HEAD = '- Journey `welcome`, version 2\n';
const HELLO = '- Step `hello` (message), visit 1, since 2027-06-15T01:30:00.000Z\n';
const PURCHASE = '- Step `purchase` (wait for), visit 1, since 2027-06-15T01:30:00.000Z\n';
const SENT = '- Last answers:\n  - `hello`: sent';

describe('describeState', () => {
  it.each<[string, readonly Input[], string]>([
    ['asks', [], `**Running**\n${HEAD}${HELLO}- Asks the gates, question 1 of this visit`],
    [
      'was put off',
      [deferred],
      `**Waiting**\n${HEAD}${HELLO}- Put off until 2027-06-15T08:00:00.000Z after question 1, QUIET_HOURS (it is a quiet hour for the ` +
        'recipient)\n- Last answers:\n  - `hello`: defer, QUIET_HOURS (it is a quiet hour for the recipient)',
    ],
    [
      'was put off and then woken',
      [deferred, { kind: 'wake' }],
      `**Waiting**\n${HEAD}${HELLO}- Asks again at 2027-06-15T01:31:00.000Z: something about the user changed\n` +
        '- Last answers:\n  - `hello`: defer, QUIET_HOURS (it is a quiet hour for the recipient)',
    ],
    [
      'waits for an event',
      [sent],
      `**Waiting**\n${HEAD}${PURCHASE}- Waits for \`a 'purchase'\`, at most until 2027-06-16T01:30:00.000Z\n${SENT}`,
    ],
    [
      'is paused',
      [sent, { kind: 'pause' }],
      `**Paused**\n${HEAD}${PURCHASE}- Waits for \`a 'purchase'\`, at most until 2027-06-16T01:30:00.000Z\n${SENT}`,
    ],
    [
      'is about to end',
      [{ kind: 'exit', reason: 'enough' }],
      `**Ending**\n${HEAD}${HELLO}- Asks the gates, question 1 of this visit`,
    ],
    [
      'has exited',
      [sent, { kind: 'exit', reason: 'enough' }],
      `**Exited**\n${HEAD}${PURCHASE}- Reason: \`enough\`\n${SENT}`,
    ],
  ])('tells of a run that %s', (_what, inputs, details) => {
    expect(detailsAfter(...inputs)).toBe(details);
  });
});

describe('describeState of the newer steps', () => {
  const moment = { kind: 'local_time', localMinute: 540, weekdays: [] } as const;
  const exists = { kind: 'exists', attribute: 'a' } as const;
  const noConsent = 'after question 1, CONSENT_MISSING (there is no consent for this purpose and channel)';
  const refused: Input = {
    kind: 'step_answer',
    answer: { kind: 'skip', decisionId: 'd', reason: 'CONSENT_MISSING' },
  };
  const onRefusal = { kind: 'wait', forMs: HOUR_MS } as const;

  it.each<[string, Step, readonly Input[], string]>([
    [
      'choose',
      { kind: 'choose', id: 'x', arms: [{ condition: exists, next: 'z' }], otherwise: 'z' },
      [],
      'Tests its conditions',
    ],
    ['wait until', { kind: 'wait_until', id: 'x', moment, next: 'z' }, [], 'Works out until when to wait'],
    [
      'wait until',
      { kind: 'wait_until', id: 'x', moment, next: 'z' },
      [{ kind: 'moment_answer', until }],
      'Waits until 2027-06-15T08:00:00.000Z',
    ],
    [
      'act',
      { kind: 'act', id: 'x', act: { kind: 'webhook', endpoint: 'crm', data: {} }, next: 'z' },
      [],
      'Calls an endpoint',
    ],
    [
      'act',
      { kind: 'act', id: 'x', act: { kind: 'webhook', endpoint: 'crm', data: {} }, next: 'z' },
      [{ kind: 'act_answer', answer: { kind: 'later', until } }],
      'Was not possible yet; tries again at 2027-06-15T08:00:00.000Z',
    ],
    [
      'wait for any',
      {
        kind: 'wait_for_any',
        id: 'x',
        arms: ['a', 'b', 'a', 'c', 'd'].map((event) => ({ event, listener: null, next: 'z' })),
        timeoutMs: HOUR_MS,
        since: 'step',
        onTimeout: 'z',
      },
      [],
      'Waits for `a, b, c and 1 more`, at most until 2027-06-15T02:30:00.000Z',
    ],
    [
      'message',
      messageStep('x', 'z', { onRefusal }),
      [refused],
      `Refused ${noConsent}; asks again when something about the user changes, at most until 2027-06-15T02:30:00.000Z`,
    ],
    [
      'message',
      messageStep('x', 'z', { onRefusal }),
      [refused, { kind: 'wake' }],
      'Asks again at 2027-06-15T01:31:00.000Z: something about the user changed',
    ],
  ])('%s', (kind, step, inputs, text) => {
    const plan = planOfSteps([step, endStep('z')]);
    let { state } = next(plan, start(plan, { entryAt: T0 }), null, T0);
    for (const input of inputs) ({ state } = next(plan, state, input, T0));
    const details = describeState(plan, state).split('\n');
    expect(details[2]).toContain(`(${kind})`);
    expect(details[3]).toBe(`- ${text}`);
  });
});
