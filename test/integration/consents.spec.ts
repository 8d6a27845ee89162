import { jest } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { RunSignals } from '../../src/modules/journeys/index.js';
import { Database } from '../../src/platform/database/database.js';
import { createTestApp } from '../support/app.js';
import { clientOf, type Client } from '../support/client.js';
import { lockWaits } from '../support/concurrency.js';

/** A busy machine takes its time to make the tables and start the API. */
const START_MS_MAX = 120_000;

const UNKNOWN_ID = '01890a5d-ac96-774b-bcce-b302099a8057';

describe('consents', () => {
  let app: NestFastifyApplication;
  let api: Client;
  beforeAll(async () => {
    // Nothing carries the outbox away: this spec looks at what is written, and has no Temporal.
    app = await createTestApp({ OUTBOX_POLL_MS: '60000' });
    jest.spyOn(app.get(RunSignals), 'kick').mockReturnValue();
    api = clientOf(app);
  }, START_MS_MAX);
  afterAll(async () => {
    await app.close();
  }, START_MS_MAX);

  const state = async (id: string): Promise<unknown> =>
    ((await api.get(`/api/consents/${id}/summary`)).body as { consents: unknown }).consents;

  it('records a statement with its defaults and what proves it', async () => {
    const id = await api.user();
    const recorded = await api.post('/api/consents', {
      user_id: id,
      channel: 'email',
      status: 'granted',
      source: 'signup',
      jurisdiction: 'DE',
      text_version: '2027-01',
      evidence: { ip: '192.0.2.1' },
    });
    expect(recorded).toMatchObject({
      status: 201,
      body: {
        user_id: id,
        purpose: 'marketing',
        brand: 'default',
        basis: 'consent',
        clock_domain: 'real',
        evidence: { ip: '192.0.2.1' },
      },
    });
    const { stated_at, received_at } = recorded.body as { stated_at: string; received_at: string };
    expect(stated_at).toBe(received_at);
    expect((await api.get(`/api/consents/${id}`)).body).toMatchObject({ data: [recorded.body], next_cursor: null });
  });

  it('takes the external id, and denies what nobody ever spoke of', async () => {
    const id = await api.user({ external_id: 'consent-ext' });
    expect(await state(id)).toEqual([]);
    await api.post('/api/consents', { user_id: 'ext:consent-ext', channel: 'email', status: 'granted', source: 'a' });
    expect(await state('ext:consent-ext')).toMatchObject([
      { purpose: 'marketing', channel: 'email', is_allowed: true, reason: null, basis: 'consent' },
    ]);
  });

  it('folds by when it was said: a late grant does not undo a newer withdrawal', async () => {
    const id = await api.user();
    const statement = { user_id: id, channel: 'email', source: 'spec' };
    await api.post('/api/consents', { ...statement, status: 'granted', stated_at: '2026-01-01T00:00:00Z' });
    await api.post('/api/consents', { ...statement, status: 'withdrawn', stated_at: '2026-03-01T00:00:00Z' });
    await api.post('/api/consents', { ...statement, status: 'granted', stated_at: '2026-02-01T00:00:00Z' });
    expect(await state(id)).toMatchObject([{ is_allowed: false, reason: 'CONSENT_WITHDRAWN' }]);
  });

  it('tells an expired grant from a missing one', async () => {
    const id = await api.user();
    const grant = {
      user_id: id,
      channel: 'email',
      source: 'spec',
      status: 'granted',
      stated_at: '2026-01-01T00:00:00Z',
    };
    await api.post('/api/consents', { ...grant, expires_at: '2026-01-02T00:00:00Z' });
    expect(await state(id)).toMatchObject([{ is_allowed: false, reason: 'CONSENT_EXPIRED' }]);
  });

  it('keeps to a standing grant behind one that expired, and to a refusal before a sale', async () => {
    const id = await api.user();
    const grant = { user_id: id, channel: 'email', source: 'spec', status: 'granted' };
    await api.post('/api/consents', { ...grant, stated_at: '2026-01-01T00:00:00Z' });
    const sale = { basis: 'soft_opt_in', evidence: { sale_id: 'S-1' } };
    const over = { stated_at: '2026-02-01T00:00:00Z', expires_at: '2026-03-01T00:00:00Z' };
    await api.post('/api/consents', { ...grant, ...sale, ...over });
    expect(await state(id)).toMatchObject([{ is_allowed: true, basis: 'consent', expires_at: null }]);
    await api.post(`/api/consents/${id}/objection`, { source: 'call' });
    expect((await api.post('/api/consents', { ...grant, ...sale })).status).toBe(201);
    expect((await api.get(`/api/consents/${id}/summary`)).body).toMatchObject({
      is_objecting: true,
      consents: [{ channel: '*' }, { channel: 'email', is_allowed: false, reason: 'OBJECTION' }],
    });
  });

  it('stores a batch whole or not at all, and names each unknown user', async () => {
    const [one, two] = [await api.user(), await api.user()];
    const statement = { channel: 'email', status: 'granted', source: 'import' };
    const consents = [one, two, one].map((user_id) => ({ ...statement, user_id }));
    const stored = await api.post('/api/consents/batch', { consents });
    expect(stored.status).toBe(201);
    expect((stored.body as { data: { user_id: string }[] }).data.map(({ user_id }) => user_id)).toEqual([
      one,
      two,
      one,
    ]);
    const broken = [...consents, { ...statement, user_id: UNKNOWN_ID }, { ...statement, user_id: 'ext:nobody-at-all' }];
    expect(await api.post('/api/consents/batch', { consents: broken })).toMatchObject({
      status: 404,
      body: { errors: [{ path: 'consents[3].user_id' }, { path: 'consents[4].user_id' }] },
    });
    expect(((await api.get(`/api/consents/${one}`)).body as { data: unknown[] }).data).toHaveLength(2);
  });

  it('keeps a virtual clock apart: its records are received when they are stated, and the real fold never sees them', async () => {
    const id = await api.user();
    const statement = { user_id: id, channel: 'email', source: 'spec', status: 'granted' };
    const virtual = await api.post('/api/consents', {
      ...statement,
      clock_domain: 'demo',
      stated_at: '2031-05-01T00:00:00Z',
    });
    expect(virtual.body).toMatchObject({ clock_domain: 'demo', received_at: '2031-05-01T00:00:00.000Z' });
    expect(await state(id)).toEqual([]);
    expect(((await api.get(`/api/consents/${id}`)).body as { data: unknown[] }).data).toEqual([]);
    const inDomain = (await api.get(`/api/consents/${id}?clock_domain=demo`)).body as { data: unknown[] };
    expect(inDomain.data).toHaveLength(1);
  });

  it('sums up expiry, jurisdiction and brand of what decides, and every jurisdiction that was named', async () => {
    const id = await api.user();
    const statement = { user_id: id, channel: 'email', status: 'granted', source: 'spec' };
    const older = { stated_at: '2026-01-01T00:00:00Z', expires_at: '2090-01-01T00:00:00Z' };
    await api.post('/api/consents', { ...statement, jurisdiction: 'DE', ...older });
    await api.post('/api/consents', { ...statement, jurisdiction: 'AT', expires_at: '2091-01-01T00:00:00Z' });
    await api.post('/api/consents', { ...statement, brand: 'other', status: 'denied' });
    expect((await api.get(`/api/consents/${id}/summary`)).body).toMatchObject({
      is_objecting: false,
      jurisdictions: ['AT', 'DE'],
      consents: [
        {
          brand: 'default',
          is_allowed: true,
          expires_at: '2091-01-01T00:00:00.000Z',
          jurisdiction: 'AT',
          is_objection: false,
        },
        { brand: 'other', is_allowed: false, reason: 'CONSENT_DENIED', expires_at: null, jurisdiction: null },
      ],
    });
  });

  it('lists the history of one purpose and channel, with what was said about all of them', async () => {
    const id = await api.user();
    const statement = { user_id: id, source: 'spec', status: 'withdrawn' };
    for (const more of [
      { channel: 'email' },
      { channel: 'sms' },
      { channel: 'email', purpose: 'sale' },
      { channel: '*', purpose: 'marketing' },
    ]) {
      expect((await api.post('/api/consents', { ...statement, ...more })).status).toBe(201);
    }
    const listed = async (query: string): Promise<string[]> =>
      (
        (await api.get(`/api/consents/${id}?${query}`)).body as { data: { purpose: string; channel: string }[] }
      ).data.map(({ purpose, channel }) => `${purpose} ${channel}`);
    expect(await listed('')).toHaveLength(4);
    expect(await listed('purpose=marketing&channel=email')).toEqual(['marketing *', 'marketing email']);
    expect(await listed('channel=sms')).toEqual(['marketing *', 'marketing sms']);
    expect(await listed('purpose=sale')).toEqual(['sale email']);
    const first = (await api.get(`/api/consents/${id}?channel=email&limit=1`)).body as { next_cursor: string };
    expect(await listed(`channel=email&cursor=${first.next_cursor}`)).toEqual(['sale email', 'marketing email']);
  });

  it.each<[string, object, string]>([
    ['a grant for every channel', { channel: '*', status: 'granted' }, 'channel'],
    ['a pending consent for every purpose', { channel: 'email', purpose: '*', status: 'pending' }, 'purpose'],
    ['a grant for every brand', { channel: 'email', brand: '*', status: 'granted' }, 'brand'],
    ['an objection that grants', { channel: 'email', status: 'granted', is_objection: true }, 'is_objection'],
    [
      'an objection to one channel',
      { channel: 'email', purpose: '*', brand: '*', status: 'withdrawn', is_objection: true },
      'is_objection',
    ],
    [
      'a double opt-in of what is granted',
      { channel: 'email', status: 'granted', double_opt_in: true },
      'double_opt_in',
    ],
    ['a double opt-in by text message', { channel: 'sms', status: 'pending', double_opt_in: true }, 'double_opt_in'],
  ])('refuses %s', async (_what, more, path) => {
    const id = await api.user();
    expect(await api.post('/api/consents', { user_id: id, source: 'spec', ...more })).toMatchObject({
      status: 400,
      body: { errors: [{ path }] },
    });
    expect(((await api.get(`/api/consents/${id}`)).body as { data: unknown[] }).data).toEqual([]);
  });

  it('lets the database refuse a grant for everything, whoever writes it', async () => {
    const id = await api.user();
    const text = `insert into consent_records (user_id, purpose, channel, brand, status, basis, stated_at, received_at,
        source) values ($1, 'marketing', '*', 'default', 'granted', 'consent', now(), now(), 'spec')`;
    await expect(app.get(Database).query({ text, values: [id] })).rejects.toThrow(
      'consent_records_grants_are_specific',
    );
  });

  describe('an objection', () => {
    const object = (id: string, more: object = {}) =>
      api.post(`/api/consents/${id}/objection`, { source: 'call', ...more });
    const grant = (id: string, channel: string) =>
      api.post('/api/consents', { user_id: id, channel, status: 'granted', source: 'spec' });

    it('stops everything that needs consent, and is lifted by a later grant for that one only', async () => {
      const id = await api.user({ external_id: 'objector' });
      await grant(id, 'email');
      await grant(id, 'sms');
      const recorded = await object('ext:objector', { evidence: { ticket: 7 } });
      expect(recorded).toMatchObject({
        status: 201,
        body: {
          purpose: '*',
          channel: '*',
          brand: '*',
          status: 'withdrawn',
          is_objection: true,
          evidence: { ticket: 7 },
        },
      });
      expect((await api.get(`/api/consents/${id}/summary`)).body).toMatchObject({ is_objecting: true });
      expect(await state(id)).toMatchObject([
        { channel: '*', is_allowed: false, reason: 'OBJECTION', is_objection: true },
        { channel: 'email', is_allowed: false, reason: 'OBJECTION', is_objection: true },
        { channel: 'sms', is_allowed: false, reason: 'OBJECTION' },
      ]);
      await grant(id, 'email');
      expect(await state(id)).toMatchObject([
        { channel: '*', is_allowed: false },
        { channel: 'email', is_allowed: true, reason: null, is_objection: false },
        { channel: 'sms', is_allowed: false, reason: 'OBJECTION' },
      ]);
      expect((await api.get(`/api/consents/${id}/summary`)).body).toMatchObject({ is_objecting: false });
    });

    it('comes in a batch too, and wakes the runs of the user', async () => {
      const id = await api.user();
      await runOf(id);
      const everything = { purpose: '*', channel: '*', brand: '*' };
      const imported = { user_id: id, ...everything, status: 'withdrawn', is_objection: true, source: 'import' };
      expect((await api.post('/api/consents/batch', { consents: [imported] })).status).toBe(201);
      expect(await state(id)).toMatchObject([{ reason: 'OBJECTION' }]);
      const text = 'select from outbox where run_key = $1';
      expect(await app.get(Database).query({ text, values: [`run:${id}`] })).toHaveLength(1);
    });

    it('is decided about by the gates as everywhere: no marketing, and transactional goes on', async () => {
      const id = await api.user({ email: 'objects@example.com' });
      await grant(id, 'email');
      await object(id);
      const content = { subject: 'x', html: '{{ company.address }} {{ unsubscribe_url }}' };
      for (const [key, legal_basis] of [
        ['offer', 'consent'],
        ['receipt', 'contract'],
      ]) {
        const template = { ...content, text: content.html, key, legal_basis };
        expect((await api.post('/api/message-templates', template)).status).toBe(201);
        const action = { key, name: key, channel: 'email', template: key, value: key === 'offer' ? 9 : 1 };
        expect((await api.post('/api/actions', action)).status).toBe(201);
      }
      const decided = await api.post('/api/decisions/next-best-action', { user_id: id, dry_run: true });
      expect(decided.body).toMatchObject({ outcome: 'act', action: 'receipt' });
      expect(JSON.stringify(decided.body)).toContain('OBJECTION');
    });
  });

  it('waits for the lock of the user that a claim holds', async () => {
    const id = await api.user();
    const order: string[] = [];
    const database = app.get(Database);
    let withdrawal: Promise<unknown> | undefined;
    await database.transaction(async (transaction) => {
      await transaction.query({ text: 'select 1 from contact_state where user_id = $1 for update', values: [id] });
      const statement = { user_id: id, channel: 'email', status: 'withdrawn', source: 'spec' };
      withdrawal = api.post('/api/consents', statement).then(() => order.push('withdrawal'));
      await lockWaits(database, 'contact_state');
      order.push('claim');
    });
    await withdrawal;
    expect(order).toEqual(['claim', 'withdrawal']);
  });

  it('wakes the running runs of the user, with the same commit', async () => {
    const id = await api.user();
    const run = await runOf(id);
    await api.post('/api/consents', { user_id: id, channel: 'email', status: 'withdrawn', source: 'spec' });
    const outbox = `select payload from outbox where run_key = $1`;
    const sent = await app.get(Database).query<{ payload: unknown }>({ text: outbox, values: [run] });
    expect(sent).toMatchObject([
      { payload: { signal: 'wake', argument: { because: 'consent_withdrawn', isUrgent: true } } },
    ]);
  });

  it('wakes once for a whole batch, each running run one time, however often its user is spoken of', async () => {
    const ids = [await api.user(), await api.user()];
    const runs = [await runOf(ids[0] ?? ''), await runOf(ids[1] ?? '')];
    const wake = jest.spyOn(app.get(RunSignals), 'wake');
    const consents = [...ids, ...ids].map((user_id) => ({
      user_id,
      channel: 'email',
      status: 'granted',
      source: 'import',
    }));
    try {
      expect((await api.post('/api/consents/batch', { consents })).status).toBe(201);
      expect(wake).toHaveBeenCalledTimes(1);
    } finally {
      wake.mockRestore();
    }
    const text = 'select run_key as run from outbox where run_key = any ($1) order by run_key';
    const woken = await app.get(Database).query<{ run: string }>({ text, values: [runs] });
    expect(woken.map(({ run }) => run)).toEqual([...runs].sort());
  });

  /** A running run, as the enrolment of another feature leaves it. */
  async function runOf(userId: string): Promise<string> {
    const database = app.get(Database);
    const [journey] = await database.query<{ id: string }>({
      text: `insert into journeys (key, name, definition) values ('j' || floor(random() * 1e9), 'j', '{}') returning id`,
    });
    await database.query({
      text: `insert into journey_versions (journey_id, version, definition, plan, content_hash) values ($1, 1, '{}', '{}', '')`,
      values: [journey?.id],
    });
    await database.query({
      text: `insert into journey_entries (run_key, journey_id, version, user_id, entry_key, source)
        values ($2, $1, 1, $3, 'once', 'spec')`,
      values: [journey?.id, `run:${userId}`, userId],
    });
    return `run:${userId}`;
  }
});

describe('virtual time in production', () => {
  it('is refused for consents and events, and nothing is stored', async () => {
    const app = await createTestApp({
      NODE_ENV: 'production',
      AUTH: 'required',
      SECRET_KEY: Buffer.alloc(32, 1).toString('base64'),
      PUBLIC_URL: 'https://journeys.example.com',
      SMTP_URL: 'smtp://127.0.0.1:1',
      EMAIL_FROM: 'hello@example.com',
      COMPANY_NAME: 'Spec',
      COMPANY_ADDRESS: 'Spec street 1',
      BOOTSTRAP_API_KEY: 'k'.repeat(40),
    });
    try {
      const api = clientOf(app, { authorization: `Bearer ${'k'.repeat(40)}` });
      const user_id = await api.user();
      const consent = { user_id, channel: 'email', status: 'granted', source: 'spec', clock_domain: 'demo' };
      const event = { user_id, event_name: 'x', clock_domain: 'demo' };
      for (const refused of [await api.post('/api/consents', consent), await api.post('/api/events', event)]) {
        expect(refused).toMatchObject({ status: 403, body: { code: 'VIRTUAL_TIME_REFUSED' } });
      }
    } finally {
      await app.close();
    }
  });
});
