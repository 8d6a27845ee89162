import { setTimeout as later } from 'node:timers/promises';
import { jest } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { JourneyGatesRepository } from '../../src/modules/journeys/life/journey-gates.repository.js';
import { Database } from '../../src/platform/database/database.js';
import { createTestApp } from '../support/app.js';
import { clientOf, type Answer, type Client } from '../support/client.js';
import { until } from '../support/until.js';

const PATIENCE_MS = 120_000;
const DAY_MS = 86_400_000;
const steps = [{ kind: 'end', id: 'done' }];

describe('who may enter a journey', () => {
  let app: NestFastifyApplication;
  let api: Client;
  beforeAll(async () => {
    app = await createTestApp({ OUTBOX_POLL_MS: '60000', DATABASE_POOL_MAX: '16' });
    api = clientOf(app);
  }, PATIENCE_MS);
  afterAll(() => app.close(), PATIENCE_MS);

  const query = <Row extends object>(text: string, ...values: unknown[]): Promise<readonly Row[]> =>
    app.get(Database).query<Row>({ text, values });
  const put = (key: string, entry: object): Promise<Answer> =>
    api.put(`/api/journeys/templates/${key}`, { key, name: key, entry, steps });
  async function publish(key: string, entry: object, isNew = true): Promise<void> {
    if (isNew) await api.post('/api/journeys/templates', { key, name: key, entry, steps });
    else await put(key, entry);
    expect((await api.post(`/api/journeys/templates/${key}/publish`, {})).status).toBe(200);
  }
  const enrol = (userId: string, journey: string, entryKey?: string): Promise<Answer> =>
    api.post(`/api/journeys/${userId}/enroll`, { journey, ...(entryKey === undefined ? {} : { entry_key: entryKey }) });
  const people = (count: number): Promise<readonly string[]> =>
    Promise.all(Array.from({ length: count }, () => api.user({ email: 'ada@example.org' })));
  const entriesOf = async (key: string): Promise<number> =>
    (await query('select from journey_entries where run_key like $1', `${key}:%`)).length;
  const counterOf = (key: string): Promise<readonly object[]> =>
    query(
      `select entered_total::int as total, entered_today as today, running from journey_counters
        join journeys on journeys.id = journey_id where key = $1`,
      key,
    );
  const end = (key: string, count: number): Promise<unknown> =>
    query(
      `update journey_entries set ended_at = date_trunc('milliseconds', clock_timestamp()) where run_key in (
        select run_key from journey_entries where run_key like $1 and ended_at is null limit $2)`,
      `${key}:%`,
      count,
    );

  it('asks the condition of entry of the profile as it is then', async () => {
    const where = { kind: 'equals', attribute: 'attributes.plan', value: 'pro' };
    await publish('for_pros', { mode: 'once', where });
    const id = await api.user({ attributes: { plan: 'free' } });
    expect(await enrol(id, 'for_pros')).toMatchObject({ status: 409, body: { code: 'ENTRY_CONDITION' } });
    await api.put(`/api/users/${id}`, { attributes: { plan: 'pro' } });
    expect((await enrol(id, 'for_pros')).status).toBe(201);
    await api.put(`/api/users/${id}`, { attributes: { plan: 'free' } });
    expect(await enrol(id, 'for_pros')).toMatchObject({ status: 200, body: { is_new: false } });
  });

  it.each([
    ['ever', { total: 10 }, 'total', /at most 10 may ever enter/],
    ['on a day', { per_day: 10 }, 'per_day', /at most 10 a day .+ from \d{4}-\d{2}-\d{2}T00:00:00.000Z on/],
    ['at a time', { running: 10 }, 'running', /at most 10 .+ when a run ends/],
  ])(
    'lets exactly as many in as may enter %s, however many come at once',
    async (_name, limits, limit, words) => {
      const key = `ten_${limit}`;
      await publish(key, { mode: 'once', limits });
      const answers = await Promise.all((await people(50)).map((id) => enrol(id, key)));
      expect(answers.filter(({ status }) => status === 201)).toHaveLength(10);
      const refused = answers.filter(({ status }) => status !== 201);
      expect(refused).toHaveLength(40);
      for (const { status, body } of refused) {
        expect(status).toBe(409);
        expect(body).toMatchObject({ code: 'ENTRY_LIMIT', errors: [{ path: `entry.limits.${limit}` }] });
        expect((body as { detail: string }).detail).toMatch(words);
      }
      expect(await entriesOf(key)).toBe(10);
      expect(await counterOf(key)).toEqual([{ total: 10, today: 10, running: 10 }]);
    },
    PATIENCE_MS,
  );

  it('makes room for as many as leave, when they leave', async () => {
    await publish('revolving', { mode: 'once', limits: { running: 3 } });
    for (const id of await people(3)) expect((await enrol(id, 'revolving')).status).toBe(201);
    const [next = '', last = ''] = await people(2);
    expect((await enrol(next, 'revolving')).body).toMatchObject({ code: 'ENTRY_LIMIT' });
    await end('revolving', 1);
    expect((await enrol(next, 'revolving')).status).toBe(201);
    expect((await enrol(last, 'revolving')).status).toBe(409);
    expect(await counterOf('revolving')).toEqual([{ total: 4, today: 4, running: 3 }]);
  });

  it('begins a new day at midnight in UTC', async () => {
    await publish('daily', { mode: 'once', limits: { per_day: 1 } });
    const [first = '', second = ''] = await people(2);
    await enrol(first, 'daily');
    const { body } = await enrol(second, 'daily');
    const midnight = new Date((Math.floor(Date.now() / DAY_MS) + 1) * DAY_MS).toISOString();
    expect((body as { detail: string }).detail).toContain(midnight);
    await query('update journey_counters set day = day - 1');
    expect((await enrol(second, 'daily')).status).toBe(201);
    expect(await counterOf('daily')).toEqual([{ total: 2, today: 1, running: 2 }]);
  });

  it('counts who is in it when the first limit comes, and nobody when the last one goes', async () => {
    await publish('growing', { mode: 'once' });
    for (const id of await people(4)) await enrol(id, 'growing');
    await end('growing', 1);
    expect(await counterOf('growing')).toEqual([]);
    await publish('growing', { mode: 'once', limits: { total: 5 } }, false);
    expect(await counterOf('growing')).toEqual([{ total: 4, today: 4, running: 3 }]);
    const answers = await Promise.all((await people(5)).map((id) => enrol(id, 'growing')));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    await publish('growing', { mode: 'once', limits: { total: 6 } }, false);
    expect(await counterOf('growing')).toEqual([{ total: 5, today: 5, running: 4 }]);
    await publish('growing', { mode: 'once' }, false);
    expect(await counterOf('growing')).toEqual([]);
  });

  it(
    'exceeds no limit that comes while people are on their way in',
    async () => {
      await publish('raced', { mode: 'once' });
      const ids = await people(8);
      const gates = app.get(JourneyGatesRepository);
      const read = gates.read.bind(gates);
      const published = Promise.withResolvers<void>();
      const spy = jest.spyOn(gates, 'read');
      let arrived = 0;
      for (const _ of ids) {
        spy.mockImplementationOnce(async (...asked) => {
          const answer = await read(...asked);
          arrived += 1;
          await published.promise;
          return answer;
        });
      }
      const entering = ids.map((id) => enrol(id, 'raced'));
      await until(
        () => Promise.resolve(arrived === ids.length),
        PATIENCE_MS,
        () => 'all have learnt that nothing is limited',
      );
      await publish('raced', { mode: 'once', limits: { total: 5 } }, false);
      published.resolve();
      const answers = await Promise.all(entering);
      spy.mockRestore();
      expect(answers.filter(({ status }) => status === 201)).toHaveLength(5);
      expect(await entriesOf('raced')).toBe(5);
      expect(await counterOf('raced')).toEqual([{ total: 5, today: 5, running: 5 }]);
    },
    PATIENCE_MS,
  );

  it('does not count runs of virtual time', async () => {
    await publish('tried', { mode: 'once', limits: { total: 1 } });
    const [first = '', second = ''] = await people(2);
    for (const id of [first, second]) {
      const body = { journey: 'tried', clock_domain: 'spec' };
      expect((await api.post(`/api/journeys/${id}/enroll`, body)).status).toBe(201);
    }
    expect((await enrol(first, 'tried')).status).toBe(201);
    expect((await enrol(second, 'tried')).status).toBe(409);
  });

  it('opens the way back at the end of the cool-down, to the millisecond', async () => {
    await publish('cooling', { mode: 'after_exit', cool_down: 'PT1H' });
    const [id = ''] = await people(1);
    await enrol(id, 'cooling');
    const endedAgo = (ms: number): Promise<unknown> =>
      query(
        `update journey_entries set ended_at = date_trunc('milliseconds', clock_timestamp()) - make_interval(secs => $2::float8 / 1000)
          where user_id = $1`,
        id,
        ms,
      );
    // Less than a second before its end, by more than the call may take.
    await endedAgo(3_600_000 - 900);
    const { status, body } = await enrol(id, 'cooling');
    expect([status, (body as { code: string }).code]).toEqual([409, 'COOL_DOWN']);
    await endedAgo(3_600_000);
    expect((await enrol(id, 'cooling')).status).toBe(201);
  });

  it(
    'makes one run of two triggers a millisecond apart, a hundred times, on connections of their own',
    async () => {
      await publish('triggered', { mode: 'once' });
      await publish('again', { mode: 'after_exit' });
      await publish('orders', { mode: 'parallel' });
      for (const id of await people(100)) {
        for (const [key, entryKey] of [['triggered'], ['again'], ['orders', 'order-1']] as const) {
          const first = enrol(id, key, entryKey);
          await later(1);
          const answers = await Promise.all([first, enrol(id, key, entryKey)]);
          expect(answers.map(({ status }) => status).sort()).toEqual([200, 201]);
          const runs = answers.map(({ body }) => (body as { run_key: string }).run_key);
          expect(new Set(runs).size).toBe(1);
        }
      }
      for (const key of ['triggered', 'again', 'orders']) expect(await entriesOf(key)).toBe(100);
    },
    PATIENCE_MS,
  );
});
