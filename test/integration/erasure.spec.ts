import { jest } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { RunSignals } from '../../src/modules/journeys/index.js';
import { UserHooks } from '../../src/modules/users/index.js';
import { Database } from '../../src/platform/database/database.js';
import { IdempotencyRepository } from '../../src/platform/http/idempotency.repository.js';
import { createTestApp } from '../support/app.js';
import { clientOf, type Answer, type Client } from '../support/client.js';
import { lockWaits, stall } from '../support/concurrency.js';

const EMAIL = 'forget.me.7d1f@example.com';
const PHONE = '+12025550199';
const NAME = 'Zebulon Quibbleworth';
const MARKS = [EMAIL, EMAIL.toUpperCase(), PHONE, NAME, 'ext-forget-me', 'secret-property', 'secret-evidence'];

/** Every table whose rows, written as text, hold one of the words. */
async function placesIn(app: NestFastifyApplication, words: readonly string[]): Promise<readonly string[]> {
  const database = app.get(Database);
  const tables = await database.query<{ name: string }>({
    text: `select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')`,
  });
  const places: string[] = [];
  for (const { name } of tables) {
    const text = `select 1 from "${name}" as item where to_jsonb(item)::text ilike any ($1) limit 1`;
    if ((await database.query({ text, values: [words.map((word) => `%${word}%`)] })).length > 0) places.push(name);
  }
  return places;
}

/** Nothing carries the outbox away: these specs look at what is written, and have no Temporal. */
async function startApp(): Promise<NestFastifyApplication> {
  const app = await createTestApp({ OUTBOX_POLL_MS: '60000' });
  jest.spyOn(app.get(RunSignals), 'kick').mockReturnValue();
  return app;
}

describe('erasing a person', () => {
  let app: NestFastifyApplication;
  let api: Client;
  let id: string;
  let runKey: string;

  beforeAll(async () => {
    app = await startApp();
    api = clientOf(app);
    const created = await api.post(
      '/api/users',
      { external_id: 'ext-forget-me', email: EMAIL, phone: PHONE, name: NAME },
      { 'idempotency-key': 'erase-1' },
    );
    id = (created.body as { id: string }).id;
    const consent = {
      user_id: id,
      channel: 'email',
      status: 'granted',
      source: 'spec',
      evidence: { a: 'secret-evidence' },
    };
    await api.post('/api/consents', consent);
    const event = {
      user_id: id,
      event_name: 'bought',
      properties: { a: 'secret-property' },
      message_id: 'erased-message',
    };
    runKey = await enrolListener('bought');
    await api.post('/api/events', event);
    await refusedDelivery();
    expect(await placesOf(MARKS)).toEqual(expect.arrayContaining(['users', 'events', 'consent_records', 'deliveries']));
    expect(await outboxKinds()).toEqual(['signal_run', 'start_run']);
    expect((await api.remove('/api/users/ext:ext-forget-me')).status).toBe(204);
  });
  afterAll(async () => {
    await app.close();
  });

  /** A run of the person that reacts to the event. */
  async function enrolListener(event: string): Promise<string> {
    const [key, done] = ['forgets', { kind: 'end', id: 'done' }];
    const wait = { kind: 'wait_for', id: 'hold', event, timeout: 'P1D', on_event: 'done', on_timeout: 'done' };
    await api.post('/api/journeys/templates', { key, name: key, steps: [wait, done] });
    await api.post(`/api/journeys/templates/${key}/publish`, {});
    const entered = await api.post(`/api/journeys/${id}/enroll`, { journey: key });
    return (entered.body as { run_key: string }).run_key;
  }

  /** A delivery that the provider refused in words that repeat the address. */
  async function refusedDelivery(): Promise<void> {
    await app.get(Database).query({
      text: `insert into deliveries (id, idempotency_key, user_id, decision_id, run_key, step_id, visit, channel,
          provider, action, template, template_version, purpose, address, state, attempt_token, deadline_at, failure,
          claimed_at, settled_at)
        values (uuidv7(), 'refused', $1, uuidv7(), $2, 'hello', 1, 'email', 'smtp', 'hello', 'hello', 1, 'marketing',
          $3, 'failed', uuidv7(), clock_timestamp(), $4, clock_timestamp(), clock_timestamp())`,
      values: [id, runKey, EMAIL, `550 5.1.1 <${EMAIL}>: user unknown`],
    });
  }

  const outboxKinds = async (): Promise<string[]> => {
    const text = 'select kind from outbox where run_key = $1 order by kind';
    return (await app.get(Database).query<{ kind: string }>({ text, values: [runKey] })).map(({ kind }) => kind);
  };

  const placesOf = (words: readonly string[]): Promise<readonly string[]> => placesIn(app, words);

  it('leaves no personal word in any table', async () => {
    expect(await placesOf(MARKS)).toEqual([]);
  });

  it('keeps of a failed delivery that it was, and neither where it went nor what the provider said', async () => {
    const text = 'select state, address, failure from deliveries where user_id = $1';
    const kept = await app.get(Database).query({ text, values: [id] });
    expect(kept).toEqual([{ state: 'failed', address: null, failure: null }]);
  });

  it('ends the runs of the person with the same commit', async () => {
    const text = `select payload ->> 'reason' as reason from outbox
      where run_key = $1 and kind not in ('start_run', 'signal_run')`;
    const sent = await app.get(Database).query({ text, values: [runKey] });
    expect(sent).toEqual([{ reason: 'user_erased' }]);
  });

  it('answers 410 for the id, 404 for the external id, and takes nothing more in about the person', async () => {
    expect(await api.get(`/api/users/${id}`)).toMatchObject({ status: 410, body: { code: 'USER_ERASED' } });
    expect(await api.get('/api/users/ext:ext-forget-me')).toMatchObject({ status: 404 });
    expect(await api.put(`/api/users/${id}`, { email: EMAIL })).toMatchObject({ status: 410 });
    expect(await api.post('/api/events', { user_id: id, event_name: 'late' })).toMatchObject({ status: 404 });
    const consent = { user_id: id, channel: 'email', status: 'granted', source: 'late' };
    expect(await api.post('/api/consents', consent)).toMatchObject({ status: 404 });
    expect(await placesOf([EMAIL])).toEqual([]);
  });

  it('keeps both addresses suppressed for whoever comes back with them, and the suppression for good', async () => {
    for (const address of [EMAIL, PHONE]) {
      const found = (await api.get(`/api/suppressions?address=${encodeURIComponent(address)}`)).body as {
        data: { id: string; reason: string; channel: string | null }[];
      };
      expect(found.data).toMatchObject([{ reason: 'erasure', channel: null }]);
      const lifted = await api.remove(`/api/suppressions/${found.data[0]?.id ?? ''}`);
      expect(lifted).toMatchObject({ status: 409, body: { code: 'ERASURE_IS_FINAL' } });
    }
  });

  it('does not answer the request that made the user with what it said then', async () => {
    const again = await api.post(
      '/api/users',
      { external_id: 'ext-forget-me', email: EMAIL, phone: PHONE, name: NAME },
      { 'idempotency-key': 'erase-1' },
    );
    expect(again).toMatchObject({ status: 410, body: { code: 'USER_ERASED' } });
  });

  it('does not take a late copy of an erased event for a new one', async () => {
    const other = await api.user();
    const copy = await api.post('/api/events', { user_id: other, event_name: 'bought', message_id: 'erased-message' });
    expect(copy.body).toMatchObject({ status: 'duplicate' });
  });

  it('proves the erasure in the audit trail, once', async () => {
    expect((await api.remove(`/api/users/${id}`)).status).toBe(204);
    const trail = (await api.get('/api/audit-log')).body as { data: { action: string; subject: string }[] };
    expect(trail.data.filter(({ action }) => action === 'user.erase')).toMatchObject([{ subject: id }]);
  });
});

describe('erasing a person about whom something else is written at the same time', () => {
  const NEW_EMAIL = 'new.address.9c2e@example.com';
  const SECRET = 'secret-in-flight';
  let app: NestFastifyApplication;
  let api: Client;
  let id: string;
  let people = 0;

  beforeAll(async () => {
    app = await startApp();
    api = clientOf(app);
  });
  afterAll(async () => {
    await app.close();
  });
  beforeEach(async () => {
    people += 1;
    id = await api.user({ external_id: `raced-${people}`, email: EMAIL, name: NAME });
  });
  afterEach(async () => {
    await app.get(Database).query({ text: 'delete from suppressions' });
  });

  const suppressed = async (address: string): Promise<string[]> => {
    const found = await api.get(`/api/suppressions?address=${encodeURIComponent(address)}`);
    return (found.body as { data: { reason: string }[] }).data.map(({ reason }) => reason);
  };
  const event = () => api.post('/api/events', { user_id: id, event_name: 'late', properties: { a: SECRET } });
  const consent = (headers?: Readonly<Record<string, string>>) => {
    const evidence = { a: SECRET };
    return api.post(
      '/api/consents',
      { user_id: id, channel: 'email', status: 'granted', source: 'x', evidence },
      headers,
    );
  };
  const profile = () => api.put(`/api/users/${id}`, { email: NEW_EMAIL });
  const batch = () => api.post('/api/users/batch', { users: [{ external_id: `raced-${people}`, email: NEW_EMAIL }] });
  const stallSignals = (method: 'events' | 'wake') => {
    const signals = app.get(RunSignals);
    const stalled = method === 'events' ? stall(signals.events.bind(signals)) : stall(signals.wake.bind(signals));
    jest.spyOn(signals, method).mockImplementationOnce(stalled.call as never);
    return stalled;
  };

  it.each<[string, 'events' | 'wake', () => Promise<Answer>]>([
    ['an event', 'events', event],
    ['a consent', 'wake', consent],
    ['a profile', 'wake', profile],
    ['a batch of profiles', 'wake', batch],
  ])('lets %s that is not yet committed come first, and forgets it too', async (_what, method, write) => {
    const stalled = stallSignals(method);
    const writing = write();
    await stalled.arrived;
    const erasing = api.remove(`/api/users/${id}`);
    await lockWaits(app.get(Database), 'for update');
    stalled.goOn();
    expect((await writing).status).toBeLessThan(300);
    expect((await erasing).status).toBe(204);
    expect(await placesIn(app, [EMAIL, NEW_EMAIL, NAME, SECRET])).toEqual([]);
    expect(await suppressed(write === profile || write === batch ? NEW_EMAIL : EMAIL)).toEqual(['erasure']);
  });

  it('takes nothing in from writers that wait for it; an import makes somebody else, whom it may not write to', async () => {
    const hooks = app.get(UserHooks);
    const stalled = stall(hooks.erase.bind(hooks));
    jest.spyOn(hooks, 'erase').mockImplementationOnce(stalled.call);
    const erasing = api.remove(`/api/users/${id}`);
    await stalled.arrived;
    const imported = { external_id: `raced-${people}`, email: EMAIL };
    const writing = [event(), consent(), profile(), api.post('/api/users/batch', { users: [imported] })];
    await lockWaits(app.get(Database), '', writing.length);
    stalled.goOn();
    expect((await erasing).status).toBe(204);
    const answers = await Promise.all(writing);
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 410, 200]);
    expect(answers[3]?.body).toMatchObject({ results: [{ status: 'created' }] });
    const text = 'select email, external_id from users where id = $1';
    expect(await app.get(Database).query({ text, values: [id] })).toEqual([{ email: null, external_id: null }]);
    expect(await placesIn(app, [NEW_EMAIL, SECRET])).toEqual([]);
    expect(await suppressed(EMAIL)).toEqual(['erasure']);
    await api.remove(`/api/users/ext:raced-${people}`);
  });

  it('forgets the answer of a request whose answer is only stored afterwards', async () => {
    const repeatable = app.get(IdempotencyRepository);
    const stalled = stall(repeatable.store.bind(repeatable));
    jest.spyOn(repeatable, 'store').mockImplementationOnce(stalled.call);
    const writing = consent({ 'idempotency-key': 'in-flight' });
    await stalled.arrived;
    expect((await api.remove(`/api/users/${id}`)).status).toBe(204);
    stalled.goOn();
    expect((await writing).status).toBe(201);
    expect(await placesIn(app, [SECRET])).toEqual([]);
    const again = await consent({ 'idempotency-key': 'in-flight' });
    expect(again).toMatchObject({ status: 410, body: { code: 'USER_ERASED' } });
  });
});
