import { above, end, journey } from '../../../test/support/definitions.js';
import type { Condition } from '../audiences/condition.js';
import type { RunCondition } from '../audiences/run-condition.js';
import { compile } from './compile.js';
import type { JourneyDefinition, StepDefinition } from './definition.js';
import { DAY_MS, HOUR_MS } from '../kernel/instant.js';
import type { Plan, Step } from './plan.js';

function planOf(definition: JourneyDefinition): Plan {
  const compiled = compile(definition, { version: 1, contentHash: '' });
  if (compiled.kind === 'faults') throw new Error(JSON.stringify(compiled.faults));
  return compiled.plan;
}

/** The step `a` of a journey in which `b` and the end `done` follow. */
function stepOf(step: StepDefinition): Step | undefined {
  const others: readonly StepDefinition[] = [
    { kind: 'message', id: 'b', channel: 'email', template: 'b' },
    { kind: 'webhook', id: 'hook', endpoint: 'crm' },
    end(),
  ];
  const first: StepDefinition = { kind: 'branch', id: 'all', condition: { kind: 'exists', attribute: 'x' }, else: 'b' };
  return planOf(journey([first, step, ...others])).steps['a'];
}

const paid: RunCondition = { kind: 'equals', attribute: 'attributes.plan', value: 'paid' };
const loggedIn: RunCondition = { kind: 'event', name: 'login', within: 'P7D', at_least: 3 };

describe('compile, step by step', () => {
  it.each<[string, StepDefinition, object]>([
    [
      'days before a date at a local time',
      { kind: 'wait', id: 'a', until: { attribute: 'attributes.renews_on', before: 'P1W3D', at: '09:30' } },
      {
        kind: 'wait_until',
        id: 'a',
        moment: { kind: 'attribute', attribute: 'attributes.renews_on', days: -10, offsetMs: 0, localMinute: 570 },
        next: 'b',
      },
    ],
    [
      'days and hours after a date, or elsewhere',
      { kind: 'wait', id: 'a', until: { attribute: 'attributes.at', after: 'P1DT26H' }, on_missing: 'done' },
      {
        kind: 'wait_until',
        id: 'a',
        moment: { kind: 'attribute', attribute: 'attributes.at', days: 1, offsetMs: 26 * HOUR_MS, localMinute: null },
        next: 'b',
        onMissing: 'done',
      },
    ],
    [
      'hours before an instant: no days, and no -0',
      { kind: 'wait', id: 'a', until: { attribute: 'attributes.at', before: 'PT2H' } },
      {
        kind: 'wait_until',
        id: 'a',
        moment: { kind: 'attribute', attribute: 'attributes.at', days: 0, offsetMs: -2 * HOUR_MS, localMinute: null },
        next: 'b',
      },
    ],
    [
      'a local time on weekdays, in the order of the week',
      { kind: 'wait', id: 'a', until: { at: '18:00', weekdays: ['sunday', 'monday'] } },
      {
        kind: 'wait_until',
        id: 'a',
        moment: { kind: 'local_time', localMinute: 1_080, weekdays: [1, 7] },
        next: 'b',
      },
    ],
    [
      'a local time on any day',
      { kind: 'wait', id: 'a', until: { at: '00:00' } },
      { kind: 'wait_until', id: 'a', moment: { kind: 'local_time', localMinute: 0, weekdays: [] }, next: 'b' },
    ],
    [
      'a length that is drawn',
      { kind: 'wait', id: 'a', between: ['PT0S', 'P1D'] },
      { kind: 'wait_random', id: 'a', minMs: 0, maxMs: DAY_MS, next: 'b' },
    ],
    [
      'one plain event of a list: the old kind',
      { kind: 'wait_for', id: 'a', events: [{ event: 'x', next: 'done' }], timeout: 'PT1H' },
      {
        kind: 'wait_for',
        id: 'a',
        event: 'x',
        timeoutMs: HOUR_MS,
        since: 'step',
        onEvent: 'done',
        onTimeout: 'b',
      },
    ],
    [
      'one event with a condition: the new kind',
      {
        kind: 'wait_for',
        id: 'a',
        events: [{ event: 'x', where: above(5), next: 'done' }],
        timeout: 'PT1H',
        since: 'entry',
      },
      {
        kind: 'wait_for_any',
        id: 'a',
        arms: [{ event: 'x', listener: 0, next: 'done' }],
        timeoutMs: HOUR_MS,
        since: 'entry',
        onTimeout: 'b',
      },
    ],
    [
      'a plain condition: the old kind',
      { kind: 'branch', id: 'a', condition: paid, then: 'done' },
      { kind: 'branch', id: 'a', condition: paid, then: 'done', otherwise: 'b' },
    ],
    [
      'one plain branch of a list: the old kind',
      { kind: 'branch', id: 'a', branches: [{ condition: paid, next: 'done' }] },
      { kind: 'branch', id: 'a', condition: paid, then: 'done', otherwise: 'b' },
    ],
    [
      'a condition that asks what happened: the new kind',
      { kind: 'branch', id: 'a', condition: loggedIn, then: 'done' },
      { kind: 'choose', id: 'a', arms: [{ condition: loggedIn, next: 'done' }], otherwise: 'b' },
    ],
    [
      'several branches',
      {
        kind: 'branch',
        id: 'a',
        branches: [
          { condition: paid, next: 'b' },
          { condition: loggedIn, next: 'done' },
        ],
        else: 'hook',
      },
      {
        kind: 'choose',
        id: 'a',
        arms: [
          { condition: paid, next: 'b' },
          { condition: loggedIn, next: 'done' },
        ],
        otherwise: 'hook',
      },
    ],
    [
      'arms in basis points, salted with journey and step',
      {
        kind: 'split',
        id: 'a',
        arms: [
          { name: 'x', percent: 33.33, next: 'b' },
          { name: 'y', percent: 66.67, next: 'done' },
        ],
      },
      {
        kind: 'split',
        id: 'a',
        salt: 'welcome:a',
        arms: [
          { name: 'x', weight: 3_333, next: 'b' },
          { name: 'y', weight: 6_667, next: 'done' },
        ],
      },
    ],
    [
      'an update',
      { kind: 'update_user', id: 'a', set: { lifecycle_stage: 'active', 'attributes.a.b': null } },
      {
        kind: 'act',
        id: 'a',
        act: { kind: 'update_user', set: { lifecycle_stage: 'active', 'attributes.a.b': null } },
        next: 'b',
      },
    ],
    [
      'a webhook with a way out',
      { kind: 'webhook', id: 'a', endpoint: 'crm', on_failure: 'done' },
      { kind: 'act', id: 'a', act: { kind: 'webhook', endpoint: 'crm', data: {} }, next: 'b', onFailure: 'done' },
    ],
    [
      'another journey',
      { kind: 'start_journey', id: 'a', journey: 'other', next: 'done' },
      { kind: 'act', id: 'a', act: { kind: 'start_journey', journey: 'other', entryKey: null }, next: 'done' },
    ],
    [
      'a goal',
      { kind: 'goal', id: 'a', goal: 'activated' },
      { kind: 'act', id: 'a', act: { kind: 'reach_goal', goal: 'activated' }, next: 'b' },
    ],
    [
      'a refusal that leads elsewhere, and a limit',
      {
        kind: 'message',
        id: 'a',
        channel: 'email',
        template: 'a',
        on_refusal: { step: 'done' },
        max_visits: 3,
        on_max_visits: 'hook',
      },
      {
        kind: 'message',
        id: 'a',
        channel: 'email',
        template: 'a',
        onRefusal: { kind: 'go_to', step: 'done' },
        next: 'b',
        limit: { visits: 3, next: 'hook' },
      },
    ],
    [
      'the best of several channels',
      {
        ...{ kind: 'message', id: 'a', channel: 'best', ttl: 'P1D', next: 'done' },
        choices: [
          { channel: 'push', template: 'a_push' },
          { channel: 'email', template: 'a_mail' },
        ],
      },
      {
        ...{ kind: 'message', id: 'a', channel: 'best' },
        choices: [
          { channel: 'push', template: 'a_push' },
          { channel: 'email', template: 'a_mail' },
        ],
        ...{ ttlMs: DAY_MS, onRefusal: 'continue', next: 'done' },
      },
    ],
    [
      'a refusal that waits',
      { kind: 'decide', id: 'a', actions: ['x'], ttl: 'P1D', on_refusal: { wait: 'P7D' } },
      {
        kind: 'decide',
        id: 'a',
        actions: ['x'],
        ttlMs: DAY_MS,
        onRefusal: { kind: 'wait', forMs: 7 * DAY_MS },
        next: 'b',
      },
    ],
  ])('%s', (_what, definition, step) => {
    expect(stepOf(definition)).toEqual(step);
    // As it is stored and carried: what is left out is left out.
    expect(JSON.stringify(stepOf(definition))).toBe(JSON.stringify(step));
  });

  it.each<[string, RunCondition]>([
    ['an event', loggedIn],
    ['consent', { kind: 'consent', purpose: 'marketing', channel: 'email' }],
    ['an outcome', { kind: 'outcome', step: 'b', is: 'delivered' }],
    ['a response', { kind: 'exists', attribute: 'run.responses.hook' }],
  ])('a condition with %s anywhere in it takes the new kind', (_what, leaf) => {
    for (const condition of [leaf, { kind: 'not', of: { kind: 'any', of: [paid, leaf] } }] as const) {
      expect(stepOf({ kind: 'branch', id: 'a', condition, then: 'done' })).toMatchObject({ kind: 'choose' });
    }
    const beside: RunCondition = { kind: 'exists', attribute: 'running' };
    expect(stepOf({ kind: 'branch', id: 'a', condition: beside, then: 'done' })).toMatchObject({ kind: 'branch' });
  });
});

describe('compile, what ends a run anywhere', () => {
  const endings = (more: Partial<JourneyDefinition>): Partial<Plan> => {
    const { exitEvents, watches, listeners } = planOf(journey([end()], more));
    return { exitEvents, ...(watches && { watches }), ...(listeners && { listeners }) };
  };

  it('is left out where nothing does', () => {
    expect(Object.keys(planOf(journey([end()])))).not.toContain('watches');
    expect(endings({ exit: { events: [] }, goal: { events: [] } })).toEqual({ exitEvents: [] });
  });

  it('plain exits stand for themselves; exits with a condition are watched, before goals', () => {
    const big = { event: 'purchase', where: above(100) };
    const plan = endings({
      goal: { events: ['activated', { event: 'purchase', where: above(100) }] },
      exit: { events: ['b', big, { event: 'a' }, 'b'] },
    });
    expect(plan).toEqual({
      exitEvents: ['a', 'b'],
      watches: [
        { event: 'purchase', listener: 0, outcome: 'exited', reason: 'exit_event:purchase' },
        { event: 'activated', listener: null, outcome: 'completed', reason: 'goal:activated' },
        { event: 'purchase', listener: 0, outcome: 'completed', reason: 'goal:purchase' },
      ],
      listeners: [{ event: 'purchase', where: above(100) }],
    });
  });

  it('what is said twice is watched once, and a condition on what ends the run anyway not at all', () => {
    const big = { event: 'purchase', where: above(100) };
    expect(endings({ exit: { events: [big, big] }, goal: { events: ['a', 'a'] } }).watches).toHaveLength(2);
    expect(endings({ exit: { events: [big, 'purchase'] } })).toEqual({ exitEvents: ['purchase'] });
  });

  it('equal conditions on the same event share a listener, however they are written', () => {
    const where = above(100);
    const turned: Condition = { value: 100, attribute: 'amount', kind: 'greater_than' };
    const arm = (event: string, condition: Condition) => ({ event, where: condition, next: 'done' });
    const plan = planOf(
      journey(
        [
          { kind: 'wait_for', id: 'a', events: [arm('purchase', turned), arm('login', where)], timeout: 'P1D' },
          { kind: 'wait_for', id: 'b', events: [arm('login', turned), arm('login', above(1))], timeout: 'P1D' },
          end(),
        ],
        { exit: { events: [{ event: 'purchase', where }] } },
      ),
    );
    expect(plan.listeners).toEqual([
      { event: 'purchase', where },
      { event: 'login', where },
      { event: 'login', where: above(1) },
    ]);
    expect(plan.steps).toMatchObject({
      a: { arms: [{ listener: 0 }, { listener: 1 }] },
      b: { arms: [{ listener: 1 }, { listener: 2 }] },
    });
  });
});
