// The journey that both sides run, and the payloads that both sides carry: three messages or decisions, two waits.
const WAIT_MS = 20;

const message = (id, next) => ({ kind: 'message', id, channel: 'email', template: id, onRefusal: 'continue', next });
const wait = (id, next) => ({ kind: 'wait', id, durationMs: WAIT_MS, next });

export const STEPS = 5;

export const plan = {
  journeyKey: 'benchmark',
  version: 1,
  contentHash: '0'.repeat(64),
  start: 'welcome',
  exitEvents: [],
  steps: {
    welcome: message('welcome', 'settle'),
    settle: wait('settle', 'nudge'),
    nudge: { kind: 'decide', id: 'nudge', actions: ['reminder', 'help'], onRefusal: 'continue', next: 'rest' },
    rest: wait('rest', 'last'),
    last: message('last', 'done'),
    done: { kind: 'end', id: 'done', reason: 'completed' },
  },
};

/** Before every run, so that it counts from here. */
const ENTERED_AT = Date.UTC(2026, 0, 1);

/** What a workflow is started with: the same bytes on both sides. */
export function inputOf(number) {
  const runKey = `benchmark:00000000-0000-7000-8000-${String(number).padStart(12, '0')}:1`;
  const run = { runKey, userId: runKey.split(':')[1], journeyKey: plan.journeyKey, journeyVersion: plan.version };
  return { run, plan, clockDomain: 'real', enteredAt: ENTERED_AT };
}

/** What every message and decision answers: trivial, so that only the engine is measured. */
export const answer = {
  kind: 'sent',
  decisionId: '00000000-0000-7000-8000-000000000001',
  deliveryId: '00000000-0000-7000-8000-000000000002',
  action: 'reminder',
};
