import { HOUR } from '../../../test/support/interpreter-host.js';
import { actStep, arm, endStep, messageStep, planOfSteps, waitStep } from '../../../test/support/plans.js';
import { endingSteps, exitsOf, reachableSteps, spinningSteps } from './plan-graph.js';
import type { Step, WaitForAnyStep } from './plan.js';

const graphOf = (steps: readonly Step[]) => new Map(Object.entries(planOfSteps(steps).steps));
const limit = { visits: 2, next: 'over' };
const until: Step = {
  kind: 'wait_until',
  id: 'x',
  moment: { kind: 'local_time', localMinute: 0, weekdays: [] },
  next: 'x',
};
const untilDate: Step = {
  ...until,
  moment: { kind: 'attribute', attribute: 'attributes.d', days: 0, offsetMs: 0, localMinute: null },
};
const random = (minMs: number): Step => ({ kind: 'wait_random', id: 'x', minMs, maxMs: HOUR, next: 'x' });
const any = (since: 'step' | 'entry'): WaitForAnyStep => ({
  kind: 'wait_for_any',
  id: 'x',
  arms: [arm('a', 'x'), arm('b', 'over', 0)],
  timeoutMs: HOUR,
  since,
  onTimeout: 'over',
});
const choose: Step = {
  kind: 'choose',
  id: 'x',
  arms: [{ condition: { kind: 'exists', attribute: 'a' }, next: 'over' }],
  otherwise: 'x',
};
const split: Step = {
  kind: 'split',
  id: 'x',
  salt: 's',
  arms: [
    { name: 'a', weight: 5_000, next: 'x' },
    { name: 'b', weight: 5_000, next: 'over' },
  ],
};

describe('exitsOf', () => {
  it.each<[string, Step, Readonly<Record<string, string>>]>([
    ['message', messageStep('x', 'n'), { next: 'n' }],
    [
      'message that goes elsewhere when refused',
      messageStep('x', 'n', { onRefusal: { kind: 'go_to', step: 'o' } }),
      { next: 'n', 'on_refusal.step': 'o' },
    ],
    ['message that waits', messageStep('x', 'n', { onRefusal: { kind: 'wait', forMs: 1 } }), { next: 'n' }],
    ['step with a limit', { ...waitStep('x', 1, 'n'), limit }, { next: 'n', on_max_visits: 'over' }],
    ['end with a limit', { ...endStep('x'), limit }, { on_max_visits: 'over' }],
    ['wait_until', until, { next: 'x' }],
    ['wait_until with a way for those without', { ...until, onMissing: 'm' }, { next: 'x', on_missing: 'm' }],
    ['wait_random', random(1), { next: 'x' }],
    ['wait_for_any', any('step'), { 'events[0].next': 'x', 'events[1].next': 'over', on_timeout: 'over' }],
    ['choose', choose, { 'branches[0].next': 'over', else: 'x' }],
    ['split', split, { 'arms[0].next': 'x', 'arms[1].next': 'over' }],
    ['act', actStep('x', { kind: 'reach_goal', goal: 'g' }, 'n'), { next: 'n', on_failure: 'failed' }],
  ])('%s', (_what, step, exits) => {
    expect(exitsOf(step)).toEqual(exits);
  });
});

describe('the graph', () => {
  it('follows every way out, also those of limits and refusals', () => {
    const steps = graphOf([
      messageStep('a', 'b', { onRefusal: { kind: 'go_to', step: 'refused' } }),
      { ...messageStep('b', 'a'), limit: { visits: 1, next: 'over' } },
      endStep('refused'),
      endStep('over'),
      endStep('lost'),
    ]);
    expect([...reachableSteps(steps, 'a')].sort()).toEqual(['a', 'b', 'over', 'refused']);
    expect(endingSteps(steps)).toContain('b');
  });
});

describe('spinningSteps', () => {
  it.each<[string, Step, boolean]>([
    ['wait', waitStep('x', HOUR, 'x'), false],
    ['wait until a local time, which is another one each time', until, false],
    ['wait until a date, which may be past', untilDate, true],
    ['random wait of at least a while', random(1), false],
    ['random wait that may be none', random(0), true],
    ['wait for events since the step', any('step'), false],
    ['wait for events since entry, which stay true', any('entry'), true],
    ['choice', choose, true],
    ['split', split, true],
    ['act', actStep('x', { kind: 'reach_goal', goal: 'g' }, 'x'), true],
    ['message that waits when refused', messageStep('x', 'x', { onRefusal: { kind: 'wait', forMs: 1 } }), true],
    ['act with a limit', { ...actStep('x', { kind: 'reach_goal', goal: 'g' }, 'x'), limit }, false],
  ])('a step that leads to itself: %s', (_what, step, spins) => {
    expect(spinningSteps(graphOf([step, endStep('over'), endStep('failed')]))).toEqual(spins ? ['x'] : []);
  });

  it('a cycle ends by the limit of any of its steps', () => {
    const cycle = (more: object): readonly Step[] => [
      messageStep('a', 'b'),
      messageStep('b', 'c', more),
      messageStep('c', 'a'),
      endStep('over'),
    ];
    expect(spinningSteps(graphOf(cycle({})))).toEqual(['a', 'b', 'c']);
    expect(spinningSteps(graphOf(cycle({ limit })))).toEqual([]);
  });

  it('a limit does not end a cycle that passes its step by, even if that would make the run wait', () => {
    const waiting: Step = { ...waitStep('b', HOUR, 'a'), limit: { visits: 2, next: 'a' } };
    expect(spinningSteps(graphOf([messageStep('a', 'b'), waiting]))).toEqual(['a', 'b']);
    const mutual = [
      messageStep('a', 'over', { limit: { visits: 1, next: 'b' } }),
      messageStep('b', 'over', { limit: { visits: 1, next: 'a' } }),
    ];
    expect(spinningSteps(graphOf([...mutual, endStep('over')]))).toEqual(['a', 'b']);
  });
});
