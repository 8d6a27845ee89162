import { jest } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { StepClaims } from '../../src/modules/steps/step-claims.js';
import { Database } from '../../src/platform/database/database.js';
import { createTestApp } from '../support/app.js';
import { clientOf, type Answer, type Client } from '../support/client.js';
import { stall } from '../support/concurrency.js';
import { startSmtp, type TestSmtp } from '../support/smtp.js';
import { stageSteps } from '../support/step-stage.js';

const PATIENCE_MS = 120_000;

describe('a hold on a user', () => {
  let app: NestFastifyApplication;
  let api: Client;
  let smtp: TestSmtp;
  let stage: Awaited<ReturnType<typeof stageSteps>>;
  beforeAll(async () => {
    smtp = await startSmtp();
    app = await createTestApp({ SMTP_URL: smtp.url, OUTBOX_POLL_MS: '60000' });
    api = clientOf(app);
    stage = await stageSteps(app);
  }, PATIENCE_MS);
  afterAll(async () => {
    await app.close();
    await smtp.stop();
  }, PATIENCE_MS);

  const query = <Row extends object>(text: string, ...values: unknown[]): Promise<readonly Row[]> =>
    app.get(Database).query<Row>({ text, values });
  const hold = (id: string, more: object = {}): Promise<Answer> =>
    api.post(`/api/users/${id}/hold`, { reason: 'a complaint is open', ...more });
  const lift = (id: string): Promise<Answer> => api.remove(`/api/users/${id}/hold`);

  it('puts off every message, on whatever basis, until it is lifted', async () => {
    const person = await stage.person();
    expect(await hold(person.id)).toMatchObject({
      status: 200,
      body: { user_id: person.id, reason: 'a complaint is open', held_by: 'local', until: null },
    });
    for (const template of ['offer', 'receipt'] as const) {
      expect(await person.ask(template)).toMatchObject({ kind: 'defer', reason: 'USER_ON_HOLD' });
    }
    expect(await query('select from contact_ledger where user_id = $1', person.id)).toEqual([]);
    const weighed = await api.post('/api/decisions/next-best-action', { user_id: person.id });
    expect(weighed.status).toBe(201);
    expect((await lift(person.id)).status).toBe(204);
    expect(await person.ask()).toMatchObject({ kind: 'sent' });
    const verified = await api.get(`/api/decisions/verify?user_id=${person.id}`);
    expect(verified.body).toMatchObject({ is_intact: true, decisions: 4, made_again: 4 });
  });

  it('puts off until its own end, and holds nobody after it', async () => {
    const person = await stage.person();
    const end = Date.now() + 3_600_000;
    await hold(person.id, { until: new Date(end).toISOString() });
    expect(await person.ask()).toMatchObject({ kind: 'defer', reason: 'USER_ON_HOLD', until: end });
    await query(
      `update user_holds set until = date_trunc('milliseconds', clock_timestamp()) where user_id = $1`,
      person.id,
    );
    expect(await person.ask()).toMatchObject({ kind: 'sent' });
    expect((await api.get(`/api/users/${person.id}`)).body).toMatchObject({ hold: null });
    expect((await hold(person.id)).status).toBe(200);
    expect(await hold(person.id, { until: '2020-01-01T00:00:00Z' })).toMatchObject({
      status: 422,
      body: { code: 'HOLD_IS_OVER' },
    });
  });

  it('holds in the claim, whatever the first opinion was', async () => {
    const person = await stage.person();
    const claims = app.get(StepClaims);
    const stalled = stall(claims.claim.bind(claims));
    const spy = jest.spyOn(claims, 'claim').mockImplementationOnce(stalled.call);
    const asking = person.ask();
    await stalled.arrived;
    await hold(person.id);
    stalled.goOn();
    expect(await asking).toMatchObject({ kind: 'defer', reason: 'USER_ON_HOLD' });
    spy.mockRestore();
    expect(await smtp.mailsTo(person.email)).toEqual([]);
  });

  it('keeps the user out of journeys', async () => {
    const { id } = await stage.person();
    await hold(id);
    const enrolled = await api.post(`/api/journeys/${id}/enroll`, { journey: 'staged', entry_key: 'held' });
    expect(enrolled).toMatchObject({ status: 409, body: { code: 'USER_ON_HOLD' } });
    await lift(id);
    const again = await api.post(`/api/journeys/${id}/enroll`, { journey: 'staged', entry_key: 'held' });
    expect(again.status).toBe(201);
  });

  it('shows in the view of the user, is replaced by a new one, and stays as it is when made again', async () => {
    const { id } = await stage.person();
    expect((await api.get(`/api/users/${id}`)).body).toMatchObject({ hold: null });
    expect(await api.get(`/api/users/${id}/hold`)).toMatchObject({ status: 404, body: { code: 'HOLD_UNKNOWN' } });
    const first = await hold(id);
    expect((await hold(id)).body).toEqual(first.body);
    expect((await api.get(`/api/users/${id}`)).body).toMatchObject({ hold: { reason: 'a complaint is open' } });
    await hold(id, { reason: 'in court' });
    expect((await api.get(`/api/users/${id}/hold`)).body).toMatchObject({ reason: 'in court' });
    await lift(id);
    await lift(id);
    const trail = await query<{ action: string; detail: string }>(
      `select action, detail::text from audit_log where subject = $1 order by id`,
      id,
    );
    expect(trail.map(({ action }) => action)).toEqual(['user.hold', 'user.hold', 'user.release']);
    // What is said about a person is not for a trail that outlives the person.
    expect(trail.some(({ detail }) => /court|complaint/.test(detail))).toBe(false);
    expect((await hold(crypto.randomUUID())).status).toBe(404);
  });

  it('wakes the runs of the user when it is lifted', async () => {
    const person = await stage.person();
    const { runKey } = await person.run();
    await hold(person.id);
    const woken = `select from outbox where run_key = $1 and payload #>> '{argument,because}' = 'hold_lifted'`;
    expect(await query(woken, runKey)).toEqual([]);
    await lift(person.id);
    expect(await query(woken, runKey)).toHaveLength(1);
  });

  it('is known to whoever asks why, at any instant', async () => {
    await api.post('/api/actions', { key: 'greet', name: 'Greet', template: 'offer' });
    const { id } = await stage.person();
    await query(
      `insert into user_holds (user_id, reason, held_by, since, until, lifted_at)
        values ($1, 'then', 'spec', $2, null, $3), ($1, 'later', 'spec', $4, $5, null)`,
      id,
      '2026-01-02T00:00:00Z',
      '2026-01-03T00:00:00Z',
      '2026-01-05T00:00:00Z',
      '2026-01-06T00:00:00Z',
    );
    await query(
      `update consent_records set stated_at = '2025-01-01', received_at = '2025-01-01' where user_id = $1`,
      id,
    );
    const reasonAt = async (at: string): Promise<unknown> => {
      const { body } = await api.get(`/api/decisions/why?user_id=${id}&action=greet&at=2026-01-${at}:00:00Z`);
      return (body as { reason: unknown }).reason;
    };
    expect(await reasonAt('01T23')).toBeNull();
    expect(await reasonAt('02T00')).toBe('USER_ON_HOLD');
    expect(await reasonAt('02T23')).toBe('USER_ON_HOLD');
    expect(await reasonAt('03T00')).toBeNull();
    expect(await reasonAt('05T12')).toBe('USER_ON_HOLD');
    expect(await reasonAt('06T00')).toBeNull();
  });

  it('goes with the person who is erased', async () => {
    const { id } = await stage.person();
    await hold(id);
    expect((await api.remove(`/api/users/${id}`)).status).toBe(204);
    expect(await query('select from user_holds where user_id = $1', id)).toEqual([]);
    expect((await hold(id)).status).toBe(410);
  });
});
