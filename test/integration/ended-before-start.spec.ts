import { jest } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Plan } from '../../src/core/journeys/plan.js';
import { RunSignals, RunsRepository } from '../../src/modules/journeys/index.js';
import { EntriesRepository } from '../../src/modules/journeys/entry/entries.repository.js';
import { OutboxDelivery } from '../../src/modules/journeys/outbox/outbox.delivery.js';
import { TriggersService } from '../../src/modules/journeys/entry/triggers.service.js';
import { OutboxRepository, type RunStart } from '../../src/modules/journeys/outbox/outbox.repository.js';
import type { RunGateway } from '../../src/modules/journeys/runs/run-gateway.js';
import { createTestApp } from '../support/app.js';
import { RunStage } from '../support/run-stage.js';

type Run = Awaited<ReturnType<RunStage['enter']>>;

const listeners: Plan['listeners'] = [
  { event: 'bought', where: { kind: 'greater_than', attribute: 'amount', value: 100 } },
];
const goal = { event: 'bought', outcome: 'completed', reason: 'goal:bought' } as const;
const exit = { event: 'bought', outcome: 'exited', reason: 'exit_event:bought' } as const;
const EARLIER = '2020-01-01T00:00:00Z';

describe('a run that ends before its start is delivered', () => {
  let app: NestFastifyApplication;
  let stage: RunStage;
  let delivery: OutboxDelivery;
  const started: string[] = [];
  beforeAll(async () => {
    app = await createTestApp({ OUTBOX_POLL_MS: '60000' });
    jest.spyOn(app.get(RunSignals), 'kick').mockReturnValue();
    stage = new RunStage(app);
    const gateway = { start: ({ runKey }: RunStart) => Promise.resolve(void started.push(runKey)) };
    delivery = new OutboxDelivery(
      app.get(OutboxRepository),
      gateway as unknown as RunGateway,
      app.get(RunsRepository),
      app.get(TriggersService),
    );
    await stage.publish('goal_if', undefined, { listeners, watches: [{ ...goal, listener: 0 }] });
    await stage.publish('exit_if', undefined, { listeners, watches: [{ ...exit, listener: 0 }], exitEvents: ['left'] });
    await stage.publish('goal_any', undefined, { watches: [{ ...goal, listener: null }] });
    await stage.publish('exit_any', undefined, { exitEvents: ['bought'] });
  });
  afterAll(() => app.close());

  const buy = ({ userId }: Run, amount: number, more: object = {}): Promise<void> =>
    stage.event(userId, 'bought', { properties: { amount }, ...more });
  const operatorEnds = async ({ runKey }: Run): Promise<void> =>
    void (await app.get(EntriesRepository).requestExit(runKey, 'enough', 'spec'));
  async function endOf({ id, runKey }: Run): Promise<unknown> {
    await delivery.deliver({ kind: 'start_run', id: crypto.randomUUID(), runKey, isStartPending: false });
    const {
      state,
      reason,
      ended_at: endedAt,
    } = (await stage.api.get(`/api/runs/${id}`)).body as Record<string, unknown>;
    expect({ isStarted: started.includes(runKey), isOver: endedAt !== null }).toEqual({
      isStarted: state === 'starting',
      isOver: state !== 'starting',
    });
    return { state, reason };
  }

  it.each<[string, string, (run: Run) => Promise<void>, object]>([
    ['a goal under a condition', 'goal_if', (run) => buy(run, 101), { state: 'completed', reason: 'goal:bought' }],
    ['a plain goal', 'goal_any', (run) => buy(run, 1), { state: 'completed', reason: 'goal:bought' }],
    ['an exit under a condition', 'exit_if', (run) => buy(run, 101), { state: 'exited', reason: 'exit_event:bought' }],
    ['a plain exit', 'exit_any', (run) => buy(run, 1), { state: 'exited', reason: 'exit_event:bought' }],
    [
      'of several the first that came',
      'exit_if',
      async (run) => {
        await buy(run, 99);
        await stage.event(run.userId, 'left');
        await buy(run, 101);
      },
      { state: 'exited', reason: 'exit_event:left' },
    ],
    ['an operator', 'goal_any', operatorEnds, { state: 'exited', reason: 'exited_before_start' }],
    [
      'an operator before the goal',
      'goal_if',
      async (run) => {
        await operatorEnds(run);
        await buy(run, 101);
      },
      { state: 'exited', reason: 'exited_before_start' },
    ],
    [
      'an operator, after a goal from before the entry',
      'goal_any',
      async (run) => {
        await buy(run, 1, { timestamp: EARLIER });
        await operatorEnds(run);
      },
      { state: 'exited', reason: 'exited_before_start' },
    ],
    [
      'a goal before the operator',
      'goal_any',
      async (run) => {
        await buy(run, 1);
        await operatorEnds(run);
      },
      { state: 'completed', reason: 'goal:bought' },
    ],
  ])('says why, and is never started: %s', async (_what, journey, happen, end) => {
    const run = await stage.enter(await stage.api.user(), journey);
    await happen(run);
    expect(await endOf(run)).toEqual(end);
    expect(await stage.query('select from run_waits where run_key = $1', run.runKey)).toEqual([]);
  });

  it.each<[string, string, object, (run: Run) => Promise<void>]>([
    ['an event that meets no condition', 'goal_if', {}, (run) => buy(run, 100)],
    ['an event from before the entry', 'exit_any', {}, (run) => buy(run, 1, { timestamp: EARLIER })],
    ['nothing', 'goal_any', {}, () => Promise.resolve()],
    [
      'in virtual time, where runs look for events themselves',
      'exit_any',
      { clock_domain: 'spec' },
      (run) => buy(run, 1),
    ],
  ])('is started otherwise: %s', async (_what, journey, more, happen) => {
    const run = await stage.enter(await stage.api.user(), journey, more);
    await happen(run);
    expect(await endOf(run)).toEqual({ state: 'starting', reason: null });
  });
});
