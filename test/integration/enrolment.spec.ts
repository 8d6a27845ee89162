import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { EnrolmentView } from '../../src/modules/journeys/entry/enrolment.dto.js';
import { Database } from '../../src/platform/database/database.js';
import { createTestApp } from '../support/app.js';
import { clientOf, type Client } from '../support/client.js';

const CLOSE_MS_MAX = 120_000;
const steps = [{ kind: 'end', id: 'done' }];

describe('enrolment', () => {
  let app: NestFastifyApplication;
  let api: Client;
  beforeAll(async () => {
    app = await createTestApp({ OUTBOX_POLL_MS: '60000' });
    api = clientOf(app);
  });
  afterAll(() => app.close(), CLOSE_MS_MAX);

  const query = <Row extends object>(text: string, ...values: unknown[]): Promise<readonly Row[]> =>
    app.get(Database).query<Row>({ text, values });

  async function person(): Promise<string> {
    return ((await api.post('/api/users', { email: 'ada@example.org' })).body as { id: string }).id;
  }
  async function publish(key: string, entry: object, isNew = true): Promise<void> {
    const body = { key, name: key, entry, steps };
    if (isNew) await api.post('/api/journeys/templates', body);
    else await app.inject({ method: 'PUT', url: `/api/journeys/templates/${key}`, payload: body });
    expect((await api.post(`/api/journeys/templates/${key}/publish`, {})).status).toBe(200);
  }
  const enrol = (userId: string, body: object) => api.post(`/api/journeys/${userId}/enroll`, body);
  /** As the closing activity does. */
  const end = (userId: string, agoSeconds: number): Promise<unknown> =>
    query(
      `update journey_entries set ended_at = date_trunc('milliseconds', clock_timestamp()) - make_interval(secs => $2)
        where user_id = $1 and ended_at is null`,
      userId,
      agoSeconds,
    );

  it('once: fifty at the same time make one run, and every one of them learns which', async () => {
    await publish('once_only', { mode: 'once' });
    const id = await person();
    const answers = await Promise.all(Array.from({ length: 50 }, () => enrol(id, { journey: 'once_only' })));
    expect(answers.map(({ status }) => status).sort()).toEqual([...Array<number>(49).fill(200), 201]);
    expect(new Set(answers.map(({ body }) => (body as EnrolmentView).run_key)).size).toBe(1);
  });

  it('after_exit: not while a run goes on, not within the cool-down, then again', async () => {
    await publish('again', { mode: 'after_exit', cool_down: 'PT1H' });
    const id = await person();
    expect((await enrol(id, { journey: 'again' })).status).toBe(201);
    expect((await enrol(id, { journey: 'again' })).status).toBe(200);
    await end(id, 3_590);
    expect(await enrol(id, { journey: 'again' })).toMatchObject({ status: 409, body: { code: 'COOL_DOWN' } });
    await query(`update journey_entries set ended_at = ended_at - interval '11 seconds' where user_id = $1`, id);
    expect((await enrol(id, { journey: 'again' })).status).toBe(201);
  });

  it('after_exit takes over from parallel: keys from outside and ordinals never meet', async () => {
    await publish('changes', { mode: 'parallel' });
    const id = await person();
    expect((await enrol(id, { journey: 'changes' })).body).toMatchObject({
      code: 'ENTRY_KEY_MISSING',
      errors: [{ path: 'entry_key' }],
    });
    for (const key of ['1', '2', '2']) await enrol(id, { journey: 'changes', entry_key: key });
    await end(id, 1);
    await publish('changes', { mode: 'after_exit' }, false);
    expect((await enrol(id, { journey: 'changes' })).status).toBe(201);
    await end(id, 1);
    expect((await enrol(id, { journey: 'changes' })).status).toBe(201);
    expect(await query('select from journey_entries where user_id = $1', id)).toHaveLength(4);
  });

  it('virtual: a run whose end lies ahead of the real clock does not stand in the way of the next', async () => {
    await publish('tried_out', { mode: 'after_exit', cool_down: 'P1D' });
    const id = await person();
    const body = { journey: 'tried_out', clock_domain: 'spec' };
    expect((await enrol(id, body)).status).toBe(201);
    await end(id, -14 * 86_400);
    expect((await enrol(id, body)).status).toBe(201);
    await publish('other', { mode: 'once' });
    const second = await enrol(id, { journey: 'other', clock_domain: 'spec' });
    expect(second).toMatchObject({ status: 409, body: { code: 'VIRTUAL_RUN_ACTIVE' } });
  });

  it('refuses journeys that are unknown or not published, and users that are unknown', async () => {
    await api.post('/api/journeys/templates', { key: 'draft', name: 'draft', steps });
    const id = await person();
    expect(await enrol(id, { journey: 'draft' })).toMatchObject({
      status: 409,
      body: { code: 'JOURNEY_NOT_PUBLISHED' },
    });
    expect(await enrol(id, { journey: 'none' })).toMatchObject({ status: 404, body: { code: 'JOURNEY_UNKNOWN' } });
    expect((await enrol(crypto.randomUUID(), { journey: 'draft' })).status).toBe(404);
  });
});
