import { jest } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { RunClock, RunReference } from '../../src/core/journeys/run-reference.js';
import type { ActAnswer } from '../../src/core/journeys/step-answer.js';
import { RunSignals } from '../../src/modules/journeys/index.js';
import { Acts } from '../../src/modules/steps/index.js';
import { Clock } from '../../src/platform/clock/clock.js';
import { Database } from '../../src/platform/database/database.js';
import { createTestApp } from '../support/app.js';
import { clientOf } from '../support/client.js';
import { RunStage } from '../support/run-stage.js';
import { isSignedBy, startReceiver, type Receiver } from '../support/webhook-receiver.js';

const REAL: RunClock = { kind: 'real' };
const BOOTSTRAP = 'spec-bootstrap-key-0123456789abcdef';

describe('webhooks', () => {
  let app: NestFastifyApplication;
  let stage: RunStage;
  let receiver: Receiver;
  let secret: string;
  beforeAll(async () => {
    app = await createTestApp({ OUTBOX_POLL_MS: '60000' });
    jest.spyOn(app.get(RunSignals), 'kick').mockReturnValue();
    stage = new RunStage(app);
    receiver = await startReceiver();
    await stage.publish('hooks', { mode: 'parallel' });
    await stage.publish('hooks_until', { mode: 'parallel' }, { exitEvents: ['left'] });
    ({ secret } = await register('shop'));
  });
  afterAll(async () => {
    await app.close();
    await receiver.stop();
  });
  beforeEach(() => {
    receiver.received.length = 0;
    receiver.answerWith(204);
  });

  async function register(key: string, url = receiver.url()): Promise<{ secret: string }> {
    const made = await stage.api.post('/api/webhook-endpoints', { key, name: key, url });
    expect(made.status).toBe(201);
    return made.body;
  }
  let entries = 0;
  async function enter(userId: string, journey = 'hooks', more: object = {}) {
    entries += 1;
    return stage.enter(userId, journey, { entry_key: String(entries), ...more });
  }
  type More = { endpoint?: string; visit?: number; data?: object; clock?: RunClock };
  const attempt = (run: RunReference, more: More = {}): Promise<ActAnswer> =>
    app.get(Acts).run({
      run,
      stepId: 'tell_shop',
      visit: more.visit ?? 1,
      act: { kind: 'webhook', endpoint: more.endpoint ?? 'shop', data: (more.data ?? {}) as never },
      clock: more.clock ?? REAL,
    });
  async function send(run: RunReference, more: More = {}): Promise<boolean> {
    const { kind } = await attempt(run, more);
    if (kind === 'later') throw new Error('put off');
    return kind === 'done';
  }
  /** How long after an attempt the next one is due. */
  async function delayOf(run: RunReference): Promise<number> {
    const now = Date.now();
    const clock = jest.spyOn(Clock.prototype, 'now').mockReturnValue(now);
    const answer = await attempt(run);
    clock.mockRestore();
    if (answer.kind !== 'later') throw new Error(`not put off but ${answer.kind}`);
    return answer.until - now;
  }
  const result = async (run: RunReference): Promise<unknown> =>
    (await stage.query<{ result: unknown }>('select result from step_acts where run_key = $1', run.runKey))[0]?.result;
  const responses = (run: RunReference) =>
    stage.query('select step_id, response from run_responses where run_key = $1', run.runKey);

  describe('a message', () => {
    it('tells what happened to whom, signed, and nothing that an author adds takes the place of it', async () => {
      const user = await stage.api.user({ external_id: 'hooked-1', email: 'ada@example.org' });
      const run = await enter(user);
      expect(await send(run, { data: { coupon: 'SPRING', user_id: 'somebody else', step: 7 } })).toBe(true);
      const [hook] = receiver.received;
      if (hook === undefined) throw new Error('nothing came');
      expect(hook.headers['content-type']).toBe('application/json');
      expect(JSON.parse(hook.body)).toEqual({
        type: 'journey.webhook',
        timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
        data: {
          coupon: 'SPRING',
          user_id: user,
          external_id: 'hooked-1',
          journey: 'hooks',
          run_id: run.id,
          step: 'tell_shop',
        },
      });
      expect(await isSignedBy(secret, hook)).toBe(true);
      expect(await isSignedBy(secret, { ...hook, body: `${hook.body} ` })).toBe(false);
      expect(await isSignedBy(secret, { ...hook, headers: { ...hook.headers, 'webhook-id': 'msg_2' } })).toBe(false);
      expect(await isSignedBy((await register('other')).secret, hook)).toBe(false);
    });

    it('goes out once for a visit that was done, and keeps id and body over the attempts before', async () => {
      const run = await enter(await stage.api.user());
      receiver.answerWith(503);
      await delayOf(run);
      receiver.answerWith(200);
      expect(await send(run)).toBe(true);
      expect(await send(run)).toBe(true);
      expect(receiver.received).toHaveLength(2);
      const [first, second] = receiver.received;
      expect(second?.body).toBe(first?.body);
      expect(second?.headers['webhook-id']).toBe(first?.headers['webhook-id']);
      expect(await send(run, { visit: 2 })).toBe(true);
      expect(receiver.received[2]?.headers['webhook-id']).not.toBe(first?.headers['webhook-id']);
    });

    it('carries no word of the person but ids that are ours or the company’s', async () => {
      const user = await stage.api.user({ email: 'secret@example.org', name: 'Zebulon', attributes: { a: 'hidden' } });
      await send(await enter(user));
      expect(JSON.stringify(receiver.received)).not.toMatch(/secret@example|Zebulon|hidden/);
    });
  });

  describe('the answer', () => {
    it('is kept where it is JSON, of each step the last', async () => {
      const run = await enter(await stage.api.user());
      receiver.answerWith(200, { stock: 4 });
      await send(run);
      receiver.answerWith(202, { stock: 3 });
      await send(run, { visit: 2 });
      expect(await responses(run)).toEqual([{ step_id: 'tell_shop', response: { stock: 3 } }]);
    });

    it.each<[string, unknown, Readonly<Record<string, string>>]>([
      ['more than 16 KB', 'x'.repeat(16_384), {}],
      ['no JSON by its type', { a: 1 }, { 'content-type': 'text/html' }],
      ['text that cannot be stored', { a: 'a\u0000b' }, {}],
      ['half a surrogate pair', { a: '\ud800' }, {}],
      ['nested too deeply', JSON.parse(`${'['.repeat(2_000)}${']'.repeat(2_000)}`), {}],
    ])('counts, but is not kept: %s', async (_what, body, headers) => {
      const run = await enter(await stage.api.user());
      receiver.answerWith(200, body, headers);
      expect(await send(run)).toBe(true);
      expect(await responses(run)).toEqual([]);
    });

    it('goes with the person', async () => {
      const user = await stage.api.user();
      const run = await enter(user);
      receiver.answerWith(200, { name: 'Ada' });
      await send(run);
      expect(await responses(run)).toHaveLength(1);
      await stage.api.remove(`/api/users/${user}`);
      expect(await responses(run)).toEqual([]);
    });

    it.each([400, 401, 403, 404, 422])('%i is a no for good', async (status) => {
      const run = await enter(await stage.api.user());
      receiver.answerWith(status, { stock: 1 });
      expect(await send(run)).toBe(false);
      receiver.answerWith(200);
      expect(await send(run)).toBe(false);
      expect(receiver.received).toHaveLength(1);
      expect(await result(run)).toEqual({ isDone: false, because: `status_${status}` });
      expect(await responses(run)).toEqual([]);
    });

    it.each([302, 408, 409, 425, 429, 500, 502, 503, 504])('%i means later', async (status) => {
      const run = await enter(await stage.api.user());
      receiver.answerWith(status);
      const delay = await delayOf(run);
      expect(delay).toBeGreaterThanOrEqual(5_000);
      expect(delay).toBeLessThanOrEqual(5_500);
    });

    it('may say when to come back, but not after more than an hour', async () => {
      const run = await enter(await stage.api.user());
      receiver.answerWith(429, undefined, { 'retry-after': '600' });
      expect(await delayOf(run)).toBeGreaterThanOrEqual(600_000);
      receiver.answerWith(503, undefined, { 'retry-after': '999999' });
      const delay = await delayOf(run);
      expect(delay).toBeGreaterThanOrEqual(3_600_000);
      expect(delay).toBeLessThanOrEqual(3_960_000);
    });

    it('that never comes means later, a little longer each time', async () => {
      const run = await enter(await stage.api.user());
      receiver.answerBy('cut');
      const delays = [await delayOf(run), await delayOf(run), await delayOf(run)];
      // Each is lengthened by chance, by up to a tenth.
      for (const [index, shortest] of [5_000, 30_000, 120_000].entries()) {
        expect(delays[index]).toBeGreaterThanOrEqual(shortest);
        expect(delays[index]).toBeLessThanOrEqual(Math.ceil(shortest * 1.1));
      }
    });

    it('is waited for a day, and no longer', async () => {
      const run = await enter(await stage.api.user());
      receiver.answerWith(500);
      await delayOf(run);
      const back = (hours: string): Promise<unknown> =>
        stage.query(
          `update step_acts set started_at = date_trunc('milliseconds', clock_timestamp()) - $2::interval, attempts = 50 where run_key = $1`,
          run.runKey,
          hours,
        );
      await back('23 hours 59 minutes');
      expect(await delayOf(run)).toBeLessThanOrEqual(60_000);
      await back('24 hours');
      expect(await send(run)).toBe(false);
      expect(await result(run)).toEqual({ isDone: false, because: 'status_500' });
    });

    it('410 ends the endpoint, until somebody says that it is there again', async () => {
      await register('gone', receiver.url('/gone'));
      const [run, other] = [await enter(await stage.api.user()), await enter(await stage.api.user())];
      receiver.answerWith(410);
      expect(await send(run, { endpoint: 'gone' })).toBe(false);
      receiver.answerWith(200);
      expect(await send(other, { endpoint: 'gone' })).toBe(false);
      expect(receiver.received).toHaveLength(1);
      expect((await stage.api.get('/api/webhook-endpoints/gone')).body).toMatchObject({
        gone_at: expect.stringMatching(/Z$/),
      });
      await stage.api.put('/api/webhook-endpoints/gone', { name: 'back', url: receiver.url('/gone') });
      expect(await send(other, { endpoint: 'gone', visit: 2 })).toBe(true);
    });
  });

  describe('is not sent', () => {
    it('about a person who was erased, also where it was tried before', async () => {
      const user = await stage.api.user();
      const run = await enter(user);
      receiver.answerWith(503);
      await delayOf(run);
      await stage.api.remove(`/api/users/${user}`);
      receiver.answerWith(200);
      expect(await send(run)).toBe(false);
      expect(receiver.received).toHaveLength(1);
      expect(await result(run)).toEqual({ isDone: false, because: 'user_gone' });
    });

    it('for a run that is to end: by an operator, or by an exit that it has not heard of', async () => {
      const [run, left] = [await enter(await stage.api.user()), await enter(await stage.api.user(), 'hooks_until')];
      await stage.query(
        `update journey_entries set exit_requested_at = date_trunc('milliseconds', clock_timestamp()) where run_key = $1`,
        run.runKey,
      );
      await stage.event(left.userId, 'left');
      expect([await send(run), await send(left)]).toEqual([false, false]);
      expect(receiver.received).toEqual([]);
      expect(await result(left)).toEqual({ isDone: false, because: 'run_over' });
    });

    it('for a run of a journey that was stopped, before the run is told', async () => {
      await stage.publish('hooks_stopped', { mode: 'parallel' });
      const run = await enter(await stage.api.user(), 'hooks_stopped');
      expect((await stage.api.post('/api/journeys/templates/hooks_stopped/stop', { reason: 'spec' })).status).toBe(200);
      expect(await send(run)).toBe(false);
      expect(receiver.received).toEqual([]);
      expect(await result(run)).toEqual({ isDone: false, because: 'run_over' });
    });

    it('in virtual time, and counts as done', async () => {
      const run = await enter(await stage.api.user(), 'hooks', { clock_domain: 'spec' });
      expect(await send(run, { clock: { kind: 'virtual', domain: 'spec', now: Date.now() } })).toBe(true);
      expect(receiver.received).toEqual([]);
    });

    it('to an endpoint that does not exist, nor with more than 20 KB', async () => {
      const run = await enter(await stage.api.user());
      expect(await send(run, { endpoint: 'nowhere' })).toBe(false);
      const data = Object.fromEntries(Array.from({ length: 21 }, (_, index) => [`k${index}`, 'x'.repeat(1_000)]));
      expect(await send(run, { visit: 2, data })).toBe(false);
      expect(receiver.received).toEqual([]);
    });
  });

  describe('endpoints', () => {
    it('show their secret once, keep it sealed, and say who did what', async () => {
      const { secret: shown, ...view } = (await register('kept')) as { secret: string; key: string };
      expect(shown).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
      expect((await stage.api.get('/api/webhook-endpoints/kept')).body).toEqual(view);
      const listed = (await stage.api.get('/api/webhook-endpoints')).body as { data: { key: string }[] };
      expect(listed.data.map(({ key }) => key)).toContain('kept');
      expect(JSON.stringify(listed)).not.toContain('whsec_');
      const [row] = await stage.query<object>(`select * from webhook_endpoints where key = 'kept'`);
      expect(JSON.stringify(row)).not.toContain(shown.slice(6, 20));
      expect((await stage.api.remove('/api/webhook-endpoints/kept')).status).toBe(204);
      expect((await stage.api.remove('/api/webhook-endpoints/kept')).status).toBe(404);
      const trail = (await stage.api.get('/api/audit-log')).body as { data: { action: string; subject: string }[] };
      expect(trail.data.filter(({ subject }) => subject === 'kept').map(({ action }) => action)).toEqual([
        'webhook_endpoint.remove',
        'webhook_endpoint.create',
      ]);
    });

    it('sign with both secrets for a day after a rotation', async () => {
      const first = (await register('turned')).secret;
      const second = ((await stage.api.post('/api/webhook-endpoints/turned/rotate', {})).body as { secret: string })
        .secret;
      const run = await enter(await stage.api.user());
      await send(run, { endpoint: 'turned' });
      const last = () => receiver.received[receiver.received.length - 1] ?? { path: '', headers: {}, body: '' };
      expect([await isSignedBy(first, last()), await isSignedBy(second, last())]).toEqual([true, true]);
      await stage.query(
        `update webhook_endpoints set previous_until = date_trunc('milliseconds', clock_timestamp()) where key = 'turned'`,
      );
      await send(run, { endpoint: 'turned', visit: 2 });
      expect([await isSignedBy(first, last()), await isSignedBy(second, last())]).toEqual([false, true]);
      expect(await stage.api.post('/api/webhook-endpoints/none/rotate', {})).toMatchObject({ status: 404 });
    });

    it('have one key each, a bare URL, and are unknown otherwise', async () => {
      const body = { key: 'shop', name: 'shop', url: receiver.url() };
      expect(await stage.api.post('/api/webhook-endpoints', body)).toMatchObject({
        status: 409,
        body: { code: 'ENDPOINT_KEY_TAKEN' },
      });
      for (const url of ['ftp://example.com/', 'https://user:pass@example.com/', 'https://example.com/#a', 'shop']) {
        const refused = await stage.api.post('/api/webhook-endpoints', { ...body, key: 'wrong', url });
        expect(refused).toMatchObject({ status: 400, body: { errors: [{ path: 'url' }] } });
      }
      expect(await stage.api.get('/api/webhook-endpoints/none')).toMatchObject({ status: 404 });
      const replaced = await stage.api.put('/api/webhook-endpoints/none', { name: 'x', url: receiver.url() });
      expect(replaced).toMatchObject({ status: 404, body: { code: 'ENDPOINT_UNKNOWN' } });
    });
  });

  describe('on a server that others reach', () => {
    let guarded: NestFastifyApplication;
    const admin = () => clientOf(guarded, { authorization: `Bearer ${BOOTSTRAP}` });
    beforeAll(async () => {
      guarded = await createTestApp({ AUTH: 'required', BOOTSTRAP_API_KEY: BOOTSTRAP, OUTBOX_POLL_MS: '60000' });
      jest.spyOn(guarded.get(RunSignals), 'kick').mockReturnValue();
    });
    afterAll(() => guarded.close());

    it.each([
      'http://shop.example.com/',
      'https://127.0.0.1/',
      'https://10.1.2.3/',
      'https://[::1]/',
      'https://localhost/',
    ])('register no %s', async (url) => {
      const made = await admin().post('/api/webhook-endpoints', { key: 'inside', name: 'inside', url });
      expect(made).toMatchObject({ status: 400, body: { errors: [{ path: 'url' }] } });
    });

    it('call no name that leads inside', async () => {
      const made = await admin().post('/api/webhook-endpoints', {
        key: 'inside',
        name: 'inside',
        url: 'https://shop.example.com/',
      });
      expect(made.status).toBe(201);
      const url = `https://localhost:${receiver.port}/`;
      const database = guarded.get(Database);
      await database.query({ text: 'update webhook_endpoints set url = $1', values: [url] });
      const user = await admin().user();
      const steps = [{ kind: 'end', id: 'done' }];
      await admin().post('/api/journeys/templates', { key: 'inside', name: 'inside', steps });
      await admin().post('/api/journeys/templates/inside/publish', {});
      const entered = await admin().post(`/api/journeys/${user}/enroll`, { journey: 'inside' });
      const { run_key: runKey } = entered.body as { run_key: string };
      const done = await guarded.get(Acts).run({
        run: { runKey, userId: user, journeyKey: 'inside', journeyVersion: 1 },
        stepId: 'tell',
        visit: 1,
        act: { kind: 'webhook', endpoint: 'inside', data: {} },
        clock: REAL,
      });
      expect(done).toEqual({ kind: 'failed' });
      expect(receiver.received).toEqual([]);
      const [kept] = await database.query({ text: 'select result from step_acts' });
      expect(kept).toEqual({ result: { isDone: false, because: 'address_forbidden' } });
    });

    it('are shown to those alone who may see them', async () => {
      const made = await admin().post('/api/api-keys', { name: 'spec', scopes: ['webhooks:read'] });
      const reader = clientOf(guarded, { authorization: `Bearer ${(made.body as { secret: string }).secret}` });
      expect((await reader.get('/api/webhook-endpoints')).status).toBe(200);
      expect((await reader.post('/api/webhook-endpoints/inside/rotate', {})).status).toBe(403);
      expect((await reader.remove('/api/webhook-endpoints/inside')).status).toBe(403);
    });
  });
});
