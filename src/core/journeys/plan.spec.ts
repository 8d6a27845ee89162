import { listenedEvents, type Plan, type Step } from './plan.js';

const where = { kind: 'greater_than', attribute: 'amount', value: 100 } as const;
const waitForAny: Step = {
  kind: 'wait_for_any',
  id: 'wait',
  arms: [
    { event: 'bought', listener: 0, next: 'done' },
    { event: 'called', listener: null, next: 'done' },
  ],
  timeoutMs: 1,
  since: 'step',
  onTimeout: 'done',
};
const plan = (more: Partial<Plan>): Plan => ({
  journeyKey: 'trial',
  version: 1,
  contentHash: '',
  start: 'done',
  steps: { done: { kind: 'end', id: 'done', reason: 'done' } },
  exitEvents: [],
  ...more,
});

describe('listenedEvents', () => {
  it('tells of a step which events fit whatever they are, and which only under a condition', () => {
    expect(listenedEvents(plan({ steps: { wait: waitForAny }, listeners: [{ event: 'bought', where }] }))).toEqual([
      {
        name: 'bought',
        isExit: false,
        conditions: { isPlain: false, listeners: [{ index: 0, where, isExit: false }] },
      },
      { name: 'called', isExit: false },
    ]);
  });

  it('ends runs by plain goals as by plain exits, and by conditions only where they are met', () => {
    const watches = [
      { event: 'paid', listener: null, outcome: 'completed', reason: 'goal:paid' },
      { event: 'bought', listener: 1, outcome: 'exited', reason: 'exit_event:bought' },
    ] as const;
    const listeners = [
      { event: 'bought', where },
      { event: 'bought', where: { kind: 'exists', attribute: 'gift' } as const },
    ];
    const heard = listenedEvents(plan({ steps: { wait: waitForAny }, exitEvents: ['left'], watches, listeners }));
    expect(heard).toEqual([
      {
        name: 'bought',
        isExit: false,
        conditions: {
          isPlain: false,
          listeners: [
            { index: 0, where, isExit: false },
            { index: 1, where: listeners[1]?.where, isExit: true },
          ],
        },
      },
      { name: 'called', isExit: false },
      { name: 'left', isExit: true },
      { name: 'paid', isExit: true },
    ]);
  });

  it('hears of every event of a name that one part asks for plainly and another one under a condition', () => {
    const arms = [...waitForAny.arms, { event: 'bought', listener: null, next: 'done' }];
    const heard = listenedEvents(
      plan({ steps: { wait: { ...waitForAny, arms } }, listeners: [{ event: 'bought', where }] }),
    );
    expect(heard[0]).toMatchObject({ name: 'bought', conditions: { isPlain: true } });
  });

  it('leaves out a condition that nobody asks about', () => {
    expect(listenedEvents(plan({ listeners: [{ event: 'bought', where }] }))).toEqual([]);
  });
});
