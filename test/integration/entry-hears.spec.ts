import { jest } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Plan } from '../../src/core/journeys/plan.js';
import { BulkPages } from '../../src/modules/bulk-enrolments/index.js';
import { EntriesRepository } from '../../src/modules/journeys/entry/entries.repository.js';
import { RunSignals } from '../../src/modules/journeys/index.js';
import { OutboxDelivery } from '../../src/modules/journeys/outbox/outbox.delivery.js';
import { OutboxDispatcher } from '../../src/modules/journeys/outbox/outbox.dispatcher.js';
import { OutboxRepository } from '../../src/modules/journeys/outbox/outbox.repository.js';
import { Database } from '../../src/platform/database/database.js';
import { createTestApp } from '../support/app.js';
import { lockWaits, stall } from '../support/concurrency.js';
import { RunStage } from '../support/run-stage.js';

const PATIENCE_MS = 120_000;
const steps: Plan['steps'] = {
  hold: {
    kind: 'wait_for',
    id: 'hold',
    event: 'bought',
    onEvent: 'done',
    onTimeout: 'done',
    timeoutMs: 1,
    since: 'step',
  },
  done: { kind: 'end', id: 'done', reason: 'done' },
};
const listeners = [{ event: 'bought', where: { kind: 'greater_than', attribute: 'amount', value: 100 } }] as const;
const goal = { event: 'bought', outcome: 'completed', reason: 'goal:bought' } as const;
const exit = { event: 'bought', outcome: 'exited', reason: 'exit_event:bought' } as const;

/** Some way to hear of the same event, and whether the run is asked to end in the event's own transaction. */
const HEARERS: readonly (readonly [string, Partial<Plan>, boolean])[] = [
  ['a step that waits for it', { steps }, false],
  ['a plain exit', { exitEvents: ['bought'] }, true],
  ['an exit under a condition', { listeners, watches: [{ ...exit, listener: 0 }] }, true],
  ['a goal under a condition', { listeners, watches: [{ ...goal, listener: 0 }] }, true],
];

describe('an event that comes while its user enters a journey', () => {
  let app: NestFastifyApplication;
  let stage: RunStage;
  let journeys = 0;
  beforeAll(async () => {
    app = await createTestApp({ OUTBOX_POLL_MS: '60000', DATABASE_POOL_MAX: '24' });
    stage = new RunStage(app);
    jest.spyOn(app.get(OutboxDispatcher), 'kick').mockReturnValue();
  }, PATIENCE_MS);
  afterEach(() => stage.query('delete from outbox'));
  afterAll(() => app.close(), PATIENCE_MS);

  async function publish(plan: Partial<Plan>, entry?: object): Promise<string> {
    journeys += 1;
    await stage.publish(`hears_${journeys}`, entry, plan);
    return `hears_${journeys}`;
  }
  const buy = (userId: string): Promise<void> => stage.event(userId, 'bought', { properties: { amount: 500 } });
  /** An entry is written, and its transaction stands still before the commit. */
  function enteringStops(): ReturnType<typeof stall<Parameters<EntriesRepository['insert']>, boolean>> {
    const entries = app.get(EntriesRepository);
    const insert = entries.insert.bind(entries);
    const stop = stall(() => Promise.resolve(true));
    jest.spyOn(entries, 'insert').mockImplementationOnce(async (...given) => {
      const isMade = await insert(...given);
      await stop.call();
      return isMade;
    });
    return stop;
  }
  /** Until the event stands before the lock, or is through because nothing holds it up. */
  const held = (event: Promise<void>): Promise<void> =>
    Promise.race([event, lockWaits(app.get(Database), 'from users')]);
  async function expectHeard(userId: string, isAsked: boolean): Promise<void> {
    const [run] = await stage.query<{ runKey: string; isAsked: boolean }>(
      `select run_key as "runKey", exit_requested_at is not null as "isAsked" from journey_entries where user_id = $1`,
      userId,
    );
    expect(await stage.told(run?.runKey ?? '')).toMatchObject([{ signal: 'event', argument: { name: 'bought' } }]);
    expect(run?.isAsked).toBe(isAsked);
  }

  it.each(HEARERS)('is heard by its run: %s', async (_what, plan, isAsked) => {
    const journey = await publish(plan);
    const userId = await stage.api.user();
    const stop = enteringStops();
    const entering = stage.enter(userId, journey);
    await stop.arrived;
    const event = buy(userId);
    await held(event);
    stop.goOn();
    await Promise.all([entering, event]);
    await expectHeard(userId, isAsked);
  });

  it('is heard by the run of whoever enters with many others', async () => {
    const journey = await publish({ listeners, watches: [{ ...goal, listener: 0 }] });
    const ids = await Promise.all(Array.from({ length: 20 }, () => stage.api.user()));
    const { body } = await stage.api.post(`/api/journeys/templates/${journey}/enrolments`, {
      users: { ids },
      per_second: 1_000,
    });
    const stop = enteringStops();
    const entering = app.get(BulkPages).run({ bulkId: (body as { id: string }).id, page: 1 });
    await stop.arrived;
    const [first = ''] = ids;
    const event = buy(first);
    await held(event);
    stop.goOn();
    await Promise.all([entering, event]);
    await expectHeard(first, true);
  });

  it('keeps out whom an event lets in that has an end behind it already', async () => {
    const journey = await publish({ exitEvents: ['bought'] });
    const userId = await stage.api.user();
    const payload = {
      journeyKey: journey,
      userId,
      eventName: 'looked',
      messageId: crypto.randomUUID(),
      entryKey: null,
    };
    const [message] = await stage.query<{ id: string }>(
      `insert into outbox (kind, run_key, payload) values ('enter_journey', 'trigger', $1) returning id`,
      JSON.stringify({ ...payload, clockDomain: 'real', occurredAt: Date.now() - 1_000 }),
    );
    const signals = app.get(RunSignals);
    const tell = signals.events.bind(signals);
    const stop = stall(() => Promise.resolve());
    jest.spyOn(signals, 'events').mockImplementationOnce(async (...given) => {
      await tell(...given);
      await stop.call();
    });
    const event = buy(userId);
    await stop.arrived;
    const [due] = await app.get(OutboxRepository).lease(1);
    expect(due).toMatchObject({ id: message?.id });
    const entering = due === undefined ? Promise.resolve() : app.get(OutboxDelivery).deliver(due);
    await held(entering);
    stop.goOn();
    await Promise.all([entering, event]);
    expect(await stage.query('select from journey_entries where user_id = $1', userId)).toEqual([]);
    const refusals = await stage.query('select code from trigger_refusals where user_id = $1', userId);
    expect(refusals).toEqual([{ code: 'ENDED_ALREADY' }]);
  });
});
