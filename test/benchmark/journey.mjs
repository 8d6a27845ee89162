// The journeys that both sides run, and the payloads that both sides carry.
const WAIT_MS = 20;

const message = (id, next) => ({ kind: 'message', id, channel: 'email', template: id, onRefusal: 'continue', next });
const wait = (id, next) => ({ kind: 'wait', id, durationMs: WAIT_MS, next });
const done = { kind: 'end', id: 'done', reason: 'completed' };

const planOf = (journeyKey, start, steps, more = {}) => ({
  journeyKey,
  version: 1,
  contentHash: '0'.repeat(64),
  start,
  exitEvents: [],
  steps,
  ...more,
});

/** Three messages or decisions, two waits. */
const short = planOf('benchmark', 'welcome', {
  welcome: message('welcome', 'settle'),
  settle: wait('settle', 'nudge'),
  nudge: { kind: 'decide', id: 'nudge', actions: ['reminder', 'help'], onRefusal: 'continue', next: 'rest' },
  rest: wait('rest', 'last'),
  last: message('last', 'done'),
  done,
});

const amountOver = (value) => ({ kind: 'greater_than', attribute: 'amount', value });

/** Two messages, a wait for one of two events that ends by time, a branch, lots, and a change of the profile. */
const wide = planOf(
  'benchmark_wide',
  'welcome',
  {
    welcome: message('welcome', 'buys'),
    buys: {
      kind: 'wait_for_any',
      id: 'buys',
      arms: [
        { event: 'bought', listener: 0, next: 'last' },
        { event: 'called', listener: null, next: 'last' },
      ],
      timeoutMs: WAIT_MS,
      since: 'step',
      onTimeout: 'stage',
    },
    stage: {
      kind: 'choose',
      id: 'stage',
      arms: [{ condition: { kind: 'equals', attribute: 'lifecycle_stage', value: 'lead' }, next: 'lots' }],
      otherwise: 'last',
    },
    lots: {
      kind: 'split',
      id: 'lots',
      salt: 'benchmark',
      arms: [
        { name: 'a', weight: 5_000, next: 'mark' },
        { name: 'b', weight: 5_000, next: 'mark' },
      ],
    },
    mark: { kind: 'act', id: 'mark', act: { kind: 'update_user', set: { 'attributes.asked': true } }, next: 'last' },
    last: message('last', 'done'),
    done,
  },
  { listeners: [{ event: 'bought', where: amountOver(100) }] },
);

/** By name; `steps` is how many a run comes to, its end not counted. */
export const JOURNEYS = { short: { plan: short, steps: 5 }, wide: { plan: wide, steps: 6 } };

const PARKED_MS = 30 * 86_400_000;

/** The same journey, but for a first wait that nobody measures the end of. */
export function parked({ steps, ...plan }) {
  const held = Object.entries(steps).map(([id, step]) => [
    id,
    {
      ...step,
      ...('durationMs' in step ? { durationMs: PARKED_MS } : {}),
      ...('timeoutMs' in step ? { timeoutMs: PARKED_MS } : {}),
    },
  ]);
  return { ...plan, steps: Object.fromEntries(held) };
}

/** Before every run, so that it counts from here. */
const ENTERED_AT = Date.UTC(2026, 0, 1);

/** What a workflow is started with: the same bytes on both sides. */
export function inputOf(number, plan) {
  const runKey = `benchmark:00000000-0000-7000-8000-${String(number).padStart(12, '0')}:1`;
  const run = { runKey, userId: runKey.split(':')[1], journeyKey: plan.journeyKey, journeyVersion: plan.version };
  return { run, plan, clockDomain: 'real', enteredAt: ENTERED_AT, isPaused: false };
}

/** What every message and decision answers: trivial, so that only the engine is measured. */
export const answer = {
  kind: 'sent',
  decisionId: '00000000-0000-7000-8000-000000000001',
  deliveryId: '00000000-0000-7000-8000-000000000002',
  action: 'reminder',
};
