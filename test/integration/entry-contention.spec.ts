import { setTimeout as later } from 'node:timers/promises';
import { jest } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Plan } from '../../src/core/journeys/plan.js';
import { BulkPages } from '../../src/modules/bulk-enrolments/index.js';
import { EventsService } from '../../src/modules/events/index.js';
import type { TriggeredEntry } from '../../src/modules/journeys/entry/triggers.repository.js';
import { TriggersService } from '../../src/modules/journeys/entry/triggers.service.js';
import { MigrationRunsRepository } from '../../src/modules/journeys/migrations/migrations-runs.repository.js';
import { OutboxDispatcher } from '../../src/modules/journeys/outbox/outbox.dispatcher.js';
import { OutboxRepository } from '../../src/modules/journeys/outbox/outbox.repository.js';
import { createTestApp } from '../support/app.js';
import { clientOf, type Answer, type Client } from '../support/client.js';
import { RunStage } from '../support/run-stage.js';

const PATIENCE_MS = 240_000;
const ROUNDS = 8;
const USERS = 8;
/** Who enter together. */
const CROWD = 60;
const ROUND_MS = 61;
const JOURNEY = 'orders';
const steps = [
  {
    kind: 'wait_for',
    id: 'hold',
    events: [
      { event: 'bought', where: { kind: 'greater_than', attribute: 'amount', value: 100 }, next: 'done' },
      { event: 'called', next: 'done' },
    ],
    timeout: 'P30D',
    on_timeout: 'done',
  },
  { kind: 'end', id: 'done' },
];
const definition = {
  key: JOURNEY,
  name: JOURNEY,
  entry: { mode: 'parallel' },
  triggers: [{ kind: 'event', event: 'looked', entry_key: 'message_id' }],
  exit: { events: ['left'] },
  steps,
};

describe('people who enter while all else happens to them', () => {
  let app: NestFastifyApplication;
  let stage: RunStage;
  let api: Client;
  let migration: Parameters<MigrationRunsRepository['offer']>[0];
  beforeAll(async () => {
    app = await createTestApp({ OUTBOX_POLL_MS: '60000', DATABASE_POOL_MAX: '32' });
    stage = new RunStage(app);
    api = clientOf(app);
    jest.spyOn(app.get(OutboxDispatcher), 'kick').mockReturnValue();
    // Nothing carries the outbox away: what waits in it must not hold the bulk work up.
    jest.spyOn(app.get(OutboxRepository), 'countDue').mockResolvedValue(0);
    const url = '/api/journeys/templates';
    const second = { ...definition, name: 'Orders' };
    for (const store of [() => api.post(url, definition), () => api.put(`${url}/${JOURNEY}`, second)]) {
      expect((await store()).status).toBeLessThan(300);
      expect((await api.post(`${url}/${JOURNEY}/publish`, {})).status).toBe(200);
    }
    const moving = { from_version: 1, to_version: 2, steps: { hold: 'hold' } };
    const { status, body } = await api.post(`${url}/${JOURNEY}/migrations`, moving);
    expect([status, body]).toMatchObject([201, { id: expect.any(String) as string }]);
    const [version] = await stage.query<{ journeyId: string; plan: Plan }>(
      'select journey_id as "journeyId", plan from journey_versions where version = 2',
    );
    if (version === undefined) throw new Error('no version 2');
    // Its own runs: that they are in the version already only makes it more of a nuisance.
    migration = { id: (body as { id: string }).id, fromVersion: 2, steps: {}, offers: {}, ...version };
  }, PATIENCE_MS);
  afterAll(() => app.close(), PATIENCE_MS);

  /** Each of these is done at the same time as all others, and none may fail because of another. */
  function nuisances(ids: readonly string[], round: number): (() => Promise<unknown>)[] {
    const [first = '', second = ''] = ids;
    const enrol = (id: string) => () =>
      api.post(`/api/journeys/${id}/enroll`, { journey: JOURNEY, entry_key: `one-${round}` });
    const consent = { channel: 'email', status: 'granted', source: 'spec' };
    return [
      ...ids.flatMap((id) => ['bought', 'looked', 'called', 'bought'].map((name) => () => event(name, id, round))),
      () => batch([...ids].reverse(), 'bought'),
      () => batch(ids, 'looked'),
      ...ids.map(enrol),
      () => bulk([...ids].reverse(), `bulk-${round}`),
      () => bulk(ids, `more-${round}`),
      ...ids.map((id) => () => api.put(`/api/users/${id}`, { name: `Ada ${round}` })),
      ...ids.map((id) => () => api.post('/api/consents', { user_id: id, ...consent })),
      () => offerAll(first),
      () => offerAll(second),
      enterTriggered,
      enterTriggered,
    ];
  }
  const event = (name: string, userId: string, round: number): Promise<Answer> =>
    api.post('/api/events', {
      ...{ user_id: userId, event_name: name, properties: { amount: 500 } },
      context: { timezone: round % 2 === 0 ? 'Asia/Tokyo' : 'Europe/Paris' },
    });
  async function batch(ids: readonly string[], name: string): Promise<void> {
    const inputs = ids.map((id) => ({
      ...{ user_id: { kind: 'id', id } as const, event_type: 'track' as const, event_name: name },
      ...{ properties: { amount: 500 }, context: {}, clock_domain: 'real' },
    }));
    const results = await app.get(EventsService).accept(inputs);
    expect(results.filter(({ status }) => status === 'duplicate')).toEqual([]);
  }
  async function bulk(ids: readonly string[], key: string): Promise<void> {
    const body = { users: { ids }, entry_key: key, per_second: 1_000 };
    const ordered = await api.post(`/api/journeys/templates/${JOURNEY}/enrolments`, body);
    const bulkId = (ordered.body as { id: string }).id;
    await app.get(BulkPages).run({ bulkId, page: 1 });
  }
  /** Meanwhile one or another of them does something, all the time. */
  async function enterTogether(ids: readonly string[], round: number): Promise<void> {
    const entering = { isOver: false };
    const callOnAndOn = async (): Promise<void> => {
      while (!entering.isOver) for (const id of ids) if (!entering.isOver) await event('called', id, round);
    };
    const all = bulk(ids, `crowd-${round}`).finally(() => (entering.isOver = true));
    await Promise.all([all, callOnAndOn(), callOnAndOn(), callOnAndOn()]);
  }
  async function offerAll(userId: string): Promise<void> {
    const runs = await stage.query<{ runKey: string }>(
      'select run_key as "runKey" from journey_entries where user_id = $1 order by entered_at desc limit 5',
      userId,
    );
    for (const { runKey } of runs) await app.get(MigrationRunsRepository).offer(migration, { runKey, userId });
  }
  async function enterTriggered(): Promise<void> {
    const waiting = await stage.query<{ id: string; payload: TriggeredEntry }>(
      `select id, payload from outbox where kind = 'enter_journey'`,
    );
    await Promise.all(waiting.map(({ id, payload }) => app.get(TriggersService).enter(id, payload)));
  }
  const deadlocks = async (): Promise<number> => {
    const [row] = await stage.query<{ deadlocks: number }>(
      'select deadlocks::int from pg_stat_database where datname = current_database()',
    );
    return row?.deadlocks ?? 0;
  };
  const isAnswer = (result: unknown): result is Answer =>
    typeof result === 'object' && result !== null && 'status' in result;

  it(
    'hear every event from their entry on, and nobody waits for one another for ever',
    async () => {
      const before = await deadlocks();
      const ids = await Promise.all(Array.from({ length: USERS }, () => api.user({ email: 'ada@example.org' })));
      const crowd = await Promise.all(Array.from({ length: CROWD }, () => api.user()));
      for (let round = 1; round <= ROUNDS; round += 1) {
        const leaving = await api.user({ email: 'ada@example.org' });
        const all = nuisances([...ids, leaving], round);
        const acts = [...all, () => enterTogether(crowd, round), () => api.remove(`/api/users/${leaving}`)];
        const results = await Promise.all(
          acts.map(async (act, index) => {
            // Some before, some after, some in the middle of one another, in each round others.
            await later((index * 7 + round * 13) % ROUND_MS);
            return act();
          }),
        );
        const failed = results.filter(isAnswer).filter(({ status }) => status >= 500);
        expect(failed.map(({ status, body }) => [status, body])).toEqual([]);
      }
      await enterTriggered();
      const unheard = await stage.query(
        `select entry.run_key, event.event_name from journey_entries entry
          join events event on event.user_id = entry.user_id and event.event_name in ('bought', 'called')
            and event.occurred_at > entry.entered_at
          where not exists (select from outbox where outbox.run_key = entry.run_key and outbox.kind = 'signal_run'
            and outbox.payload #>> '{argument,messageId}' = event.message_id)`,
      );
      expect(unheard).toEqual([]);
      const [entries] = await stage.query<{ single: number; many: number; triggered: number }>(
        `select count(*) filter (where entry_key like 'one-%')::int as single,
            count(*) filter (where is_bulk)::int as many, count(*) filter (where source = 'event:looked')::int as triggered
          from journey_entries where user_id = any ($1)`,
        ids,
      );
      const each = ROUNDS * USERS;
      expect(entries).toEqual({ single: each, many: 2 * each, triggered: 2 * each });
      await stage.query('select pg_stat_force_next_flush()');
      expect((await deadlocks()) - before).toBe(0);
    },
    PATIENCE_MS,
  );

  it(
    'wait no longer because the events of one of them never cease',
    async () => {
      const userId = await api.user();
      const stream = { isOver: false };
      const happenOnAndOn = async (): Promise<void> => {
        while (!stream.isOver) await batch([userId], 'seen');
      };
      const streaming = Promise.all(Array.from({ length: 12 }, happenOnAndOn));
      try {
        for (const key of ['a', 'b', 'c']) {
          const entered = await api.post(`/api/journeys/${userId}/enroll`, { journey: JOURNEY, entry_key: key });
          const changed = await api.put(`/api/users/${userId}`, { name: key });
          expect([entered.status, changed.status]).toEqual([201, 200]);
        }
      } finally {
        stream.isOver = true;
        await streaming;
      }
    },
    PATIENCE_MS,
  );
});
