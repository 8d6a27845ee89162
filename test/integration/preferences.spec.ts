import { jest } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { RunSignals } from '../../src/modules/journeys/index.js';
import { MessageRenderer } from '../../src/modules/steps/message-renderer.js';
import { UnsubscribeTokens } from '../../src/modules/unsubscribe/index.js';
import { Database } from '../../src/platform/database/database.js';
import { createTestApp } from '../support/app.js';
import { clientOf, type Client } from '../support/client.js';
import { lockWaits } from '../support/concurrency.js';
import { candidate } from '../support/decision-input.js';
import { formOf, ticks } from '../support/preference-form.js';

/** A busy machine takes its time to make the tables and start the API. */
const START_MS_MAX = 120_000;

const KEY = 'spec-bootstrap-key-0123456789abcdef';
const FORM = 'application/x-www-form-urlencoded';
const EMAIL = 'marketing email default';
const SMS = 'marketing sms default';

interface Line {
  readonly purpose: string;
  readonly channel: string;
  readonly is_allowed: boolean;
  readonly reason: string | null;
}

describe('preference page', () => {
  let app: NestFastifyApplication;
  let api: Client;
  let id: string;
  let path: string;

  beforeAll(async () => {
    // With authentication on: the link must need none.
    app = await createTestApp({
      AUTH: 'required',
      BOOTSTRAP_API_KEY: KEY,
      OUTBOX_POLL_MS: '60000',
      COMPANY_NAME: 'Bobby <Tables> & Co',
    });
    jest.spyOn(app.get(RunSignals), 'kick').mockReturnValue();
    api = clientOf(app, { authorization: `Bearer ${KEY}` });
  }, START_MS_MAX);
  afterAll(async () => {
    await app.close();
  }, START_MS_MAX);
  beforeEach(async () => {
    id = await api.user();
    await grant('email');
    path = await linkOf(id);
  });

  const grant = (channel: string, more: object = {}) =>
    api.post('/api/consents', { user_id: id, channel, status: 'granted', source: 'signup', ...more });
  async function linkOf(user: string): Promise<string> {
    const made = await api.post(`/api/users/${user}/preference-link`, {});
    expect(made.status).toBe(201);
    return new URL((made.body as { url: string }).url).pathname;
  }
  const look = (headers: Record<string, string> = {}, url = path) => app.inject({ url, headers });
  const post = (payload: string, headers: Record<string, string> = {}, url = path) =>
    app.inject({ method: 'POST', url, payload, headers: { 'content-type': FORM, ...headers } });
  const save = async (ticked: readonly string[], isObjecting = false) =>
    post(formOf((await look()).body, ticked, isObjecting));
  const summary = async (): Promise<Line[]> =>
    ((await api.get(`/api/consents/${id}/summary`)).body as { consents: Line[] }).consents;
  const allowed = async (): Promise<string[]> =>
    (await summary()).filter(({ is_allowed }) => is_allowed).map(({ purpose, channel }) => `${purpose} ${channel}`);
  const history = async (): Promise<object[]> =>
    ((await api.get(`/api/consents/${id}`)).body as { data: object[] }).data;

  it('shows every choice on record and what templates send, names what is ticked, and changes nothing', async () => {
    await grant('sms', { status: 'withdrawn' });
    await grant('email', { purpose: 'newsletter', status: 'pending', brand: 'other' });
    const content = '{{ unsubscribe_url }} {{ company.address }}';
    const template = { key: 'tips', purpose: 'tips_and_tricks', subject: 'x', html: content, text: content };
    await api.post('/api/message-templates', template);
    const page = await look();
    expect(page.statusCode).toBe(200);
    expect(page.headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'content-security-policy': expect.stringContaining("default-src 'none'"),
    });
    expect(page.headers['set-cookie']).toBeUndefined();
    expect(ticks(page.body)).toEqual([EMAIL]);
    for (const words of [
      'News and offers by email',
      'News and offers by text message',
      'Newsletter by email',
      'from other; not confirmed yet',
      'Tips and tricks by email',
      'I object to all marketing',
      'Bobby &lt;Tables&gt; &amp; Co',
    ]) {
      expect(page.body).toContain(words);
    }
    expect(await history()).toHaveLength(3);
  });

  it('is a page that can be used without a script, by keyboard and by voice', async () => {
    await grant('sms');
    const { body } = await look();
    expect(body).toMatch(/^<!doctype html>\n<html lang="en">/);
    expect(body).not.toMatch(/<script|javascript:|\son\w+=/i);
    expect(body).toContain('<meta name="viewport"');
    expect([...body.matchAll(/<fieldset[^>]*><legend>\S/g)]).toHaveLength(3);
    const ids = [...body.matchAll(/<input type="checkbox" id="([^"]+)"/g)].map(([, name]) => name);
    expect(ids.length).toBeGreaterThanOrEqual(3);
    for (const name of ids) expect(body).toContain(`<label for="${name}">`);
    for (const [, note = ''] of body.matchAll(/aria-describedby="([^"]+)"/g)) expect(body).toContain(`id="${note}"`);
    expect(body).toContain(':focus-visible');
  });

  it('changes every choice at once, in force at once, and shows it', async () => {
    await grant('sms', { status: 'withdrawn' });
    const saved = await save([SMS]);
    expect(saved.statusCode).toBe(200);
    expect(saved.body).toContain('role="status">Saved. One kind of message is allowed.');
    expect(ticks(saved.body)).toEqual([SMS]);
    expect(await allowed()).toEqual(['marketing sms']);
    expect((await history()).slice(0, 2)).toMatchObject([
      { channel: 'sms', status: 'granted', source: 'preference_page', text_version: 'preference-page-3' },
      { channel: 'email', status: 'withdrawn', source: 'preference_page' },
    ]);
  });

  it('records nothing when nothing changes, however often and however many at once', async () => {
    await save([EMAIL]);
    expect(await history()).toHaveLength(1);
    await Promise.all(Array.from({ length: 8 }, () => save([])));
    expect(await history()).toHaveLength(2);
    await save([]);
    expect(await history()).toHaveLength(2);
  });

  it('withdraws what waits for its confirmation and what is to begin later', async () => {
    await grant('sms', { status: 'pending' });
    await grant('push', { stated_at: '2099-01-01T00:00:00Z' });
    await save([EMAIL]);
    const lines = (await summary()).map(({ channel, reason }) => [channel, reason]);
    expect(lines).toEqual([
      ['email', null],
      ['push', 'CONSENT_WITHDRAWN'],
      ['sms', 'CONSENT_WITHDRAWN'],
    ]);
  });

  it('objects to everything with one tick, which outweighs the others, and is lifted by a new choice', async () => {
    await grant('sms');
    const objected = await save([EMAIL, SMS], true);
    expect(objected.body).toContain('You get no marketing on any channel.');
    expect(ticks(objected.body)).toEqual(['yes']);
    expect(new Set((await summary()).map(({ reason }) => reason))).toEqual(new Set(['OBJECTION']));
    const before = (await history()).length;
    await save([], true);
    await save([]);
    expect((await history()).length).toBe(before);
    const lifted = await save([EMAIL]);
    expect(ticks(lifted.body)).toEqual([EMAIL]);
    expect(await allowed()).toEqual(['marketing email']);
    await save([], true);
    expect(await allowed()).toEqual([]);
  });

  it('shows what was permitted after an objection, and lets the person object to that as well', async () => {
    await api.post(`/api/consents/${id}/objection`, { source: 'call' });
    await grant('email', { purpose: 'service_news' });
    expect((await api.get(`/api/consents/${id}/summary`)).body).toMatchObject({ is_objecting: true });
    expect(ticks((await look()).body)).toEqual(['service_news email default']);
    const objected = await save(['service_news email default'], true);
    expect(ticks(objected.body)).toEqual(['yes']);
    expect(await allowed()).toEqual([]);
  });

  it('leaves alone what the page does not show', async () => {
    await grant('sms');
    const unseen = new URLSearchParams([
      ['form', 'preferences'],
      ['objecting', 'no'],
      ['shown', `${EMAIL} on -`],
    ]);
    await post(unseen.toString());
    expect(await allowed()).toEqual(['marketing sms']);
    const invented = new URLSearchParams([
      ['form', 'preferences'],
      ['objecting', 'no'],
      ['shown', 'gambling email default off -'],
      ['allow', 'gambling email default'],
    ]);
    expect((await post(invented.toString())).statusCode).toBe(200);
    expect(await allowed()).toEqual(['marketing sms']);
  });

  it.each([
    ['an empty body', ''],
    ['a one-click of a mail program', 'List-Unsubscribe=One-Click'],
    ['a foreign form', 'form=other&allow=marketing+email+default'],
    ['words that are none', 'form=preferences&objecting=no&shown=a%00+b+c+on+-'],
    ['a tick that was not shown', 'form=preferences&objecting=no&allow=marketing+email+default'],
    ['a choice without its state', 'form=preferences&objecting=no&shown=marketing+email+default'],
    ['a choice with another state', 'form=preferences&objecting=no&shown=marketing+email+default+maybe+-'],
    ['a choice by no record', 'form=preferences&objecting=no&shown=marketing+email+default+on+1'],
    ['a choice shown twice', `form=preferences&objecting=no${'&shown=marketing+email+default+on+-'.repeat(2)}`],
    ['a form that does not say whether it showed an objection', 'form=preferences&shown=marketing+email+default+on+-'],
    ['broken escapes', 'form=preferences&objecting=no&shown=%E0%A4%A'],
  ])('changes nothing and says so: %s', async (_what, payload) => {
    const answer = await post(payload);
    expect([answer.statusCode, answer.headers['content-type']]).toEqual([400, 'text/html; charset=utf-8']);
    expect(await history()).toHaveLength(1);
  });

  it('is for nobody but its person: forged, cut and foreign links, and those of erased people', async () => {
    const token = path.split('/').at(-1) ?? '';
    const other = new URL(
      app.get(UnsubscribeTokens).urlFor({
        userId: id,
        purpose: 'marketing',
        channel: 'email',
        brand: 'default',
        deliveryId: id,
      }),
    ).pathname;
    const erased = await api.user();
    const gone = await linkOf(erased);
    await api.remove(`/api/users/${erased}`);
    const form = new URLSearchParams([
      ['form', 'preferences'],
      ['objecting', 'no'],
      ['shown', `${EMAIL} on -`],
    ]).toString();
    for (const url of [
      `/preferences/${token.slice(0, -1)}`,
      `/preferences/B${token.slice(1)}`,
      other.replace('/unsubscribe/', '/preferences/'),
      gone,
    ]) {
      expect([url, (await look({}, url)).statusCode, (await post(form, {}, url)).statusCode]).toEqual([url, 404, 404]);
    }
    expect(await allowed()).toEqual(['marketing email']);
  });

  it('makes links for those who may write consents, and says in the audit trail who made one', async () => {
    const key = async (scopes: readonly string[]): Promise<Client> => {
      const { secret } = (await api.post('/api/api-keys', { name: 'spec', scopes })).body as { secret: string };
      return clientOf(app, { authorization: `Bearer ${secret}` });
    };
    const url = `/api/users/${id}/preference-link`;
    expect((await (await key(['consents:read', 'users:write'])).post(url, {})).status).toBe(403);
    expect((await (await key(['consents:write'])).post(url, {})).status).toBe(201);
    const trail = (await api.get('/api/audit-log')).body as { data: { action: string; subject: string }[] };
    const made = trail.data.filter(({ action, subject }) => action === 'preference_link.make' && subject === id);
    expect(made.length).toBeGreaterThanOrEqual(2);
  });

  it('is linked from messages whose template says preferences_url', async () => {
    const words = '{{ unsubscribe_url }} {{ company.address }} {{ preferences_url }}';
    const content = { key: 'linked', subject: 'x', html: words, text: words };
    expect((await api.post('/api/message-templates', content)).status).toBe(201);
    const rendered = await app.get(MessageRenderer, { strict: false }).render({
      candidate: candidate('linked', { template: 'linked' }),
      user: {},
      address: 'a@example.com',
      run: { runKey: 'r', userId: id, journeyKey: 'j', journeyVersion: 1 },
      deliveryId: id,
      stepId: 'hello',
      mayTrack: false,
    });
    expect(rendered).toMatchObject({ kind: 'message', message: { content: { text: expect.stringContaining(path) } } });
  });

  it('waits for the lock of the user that a claim holds, and wakes the runs with the same commit', async () => {
    const order: string[] = [];
    const database = app.get(Database);
    const wake = jest.spyOn(app.get(RunSignals), 'wake');
    let saving: Promise<unknown> | undefined;
    await database.transaction(async (transaction) => {
      await transaction.query({ text: 'select 1 from contact_state where user_id = $1 for update', values: [id] });
      saving = save([]).then(() => order.push('saved'));
      await lockWaits(database, 'contact_state');
      order.push('claim');
    });
    await saving;
    expect(order).toEqual(['claim', 'saved']);
    expect(wake.mock.calls.map(([, ids, because]) => [ids, because])).toEqual([[[id], 'consent_withdrawn']]);
    wake.mockRestore();
  });

  describe('Sec-GPC', () => {
    const OPT_OUTS = ['sale', 'sharing', 'targeting'];
    const optOuts = async (user = id): Promise<string[]> => {
      const { data } = (await api.get(`/api/consents/${user}`)).body as {
        data: { purpose: string; channel: string; brand: string; status: string; source: string }[];
      };
      return data
        .filter(({ source }) => source === 'sec-gpc')
        .map(({ purpose, channel, brand, status }) => {
          expect([channel, brand, status]).toEqual(['*', '*', 'withdrawn']);
          return purpose;
        })
        .sort();
    };
    const event = (user_id: string, headers: Record<string, string>, more: object = {}) =>
      api.post('/api/events', { user_id, event_name: 'page', ...more }, headers);

    it.each<[string, () => Promise<unknown>]>([
      ['the preference page', () => look({ 'sec-gpc': '1' })],
      ['its form', () => post('form=preferences&objecting=no', { 'sec-gpc': '1' })],
      ['the unsubscribe page', () => look({ 'sec-gpc': '1' }, unsubscribePath())],
      ['an event', () => event(id, { 'sec-gpc': '1' })],
    ])('opts out of sale, sharing and targeting once: %s', async (_where, request) => {
      await Promise.all(Array.from({ length: 6 }, request));
      expect(await optOuts()).toEqual(OPT_OUTS);
      await request();
      expect(await optOuts()).toEqual(OPT_OUTS);
      expect(await allowed()).toEqual(['marketing email']);
    });

    const unsubscribePath = (): string => {
      const subject = { purpose: 'marketing', channel: 'email', brand: 'default', deliveryId: id };
      return new URL(app.get(UnsubscribeTokens).urlFor({ ...subject, userId: id })).pathname;
    };

    it('is told on the page, and stops nothing that was asked for', async () => {
      const page = await look({ 'sec-gpc': '1' });
      expect(page.body).toContain('You have opted out of');
      expect(page.body).toContain('<li>Sale of your data</li>');
      expect(ticks(page.body)).toEqual([EMAIL]);
    });

    it.each(['0', '', 'true', '1, 1', '01', '1;'])('ignores the value %j', async (value) => {
      await look({ 'sec-gpc': value });
      await event(id, { 'sec-gpc': value });
      expect(await optOuts()).toEqual([]);
    });

    it('concerns every user of a batch, also where an event is a copy; nobody is made up for it', async () => {
      const other = await api.user({ external_id: 'gpc-other' });
      const events = [
        { user_id: id, event_name: 'page', message_id: `gpc-${id}` },
        { user_id: 'ext:gpc-other', event_name: 'page', timestamp: '2099-01-01T00:00:00Z' },
        { user_id: 'ext:gpc-nobody', event_name: 'page' },
        { user_id: '01890a5d-ac96-774b-bcce-b302099a8057', event_name: 'page' },
      ];
      await event(id, {}, { message_id: `gpc-${id}` });
      const { results } = (await api.post('/api/events', { events }, { 'sec-gpc': '1' })).body as {
        results: { status: string }[];
      };
      expect(results.map(({ status }) => status)).toEqual(['duplicate', 'refused', 'refused', 'refused']);
      expect([await optOuts(id), await optOuts(other)]).toEqual([OPT_OUTS, OPT_OUTS]);
    });

    it('is not taken from an event in virtual time', async () => {
      expect((await event(id, { 'sec-gpc': '1' }, { clock_domain: 'demo' })).status).toBe(201);
      expect(await optOuts()).toEqual([]);
    });

    it('leaves a later choice of the person for one channel in force', async () => {
      await look({ 'sec-gpc': '1' });
      await grant('web', { purpose: 'targeting' });
      await look({ 'sec-gpc': '1' });
      expect(await optOuts()).toEqual(OPT_OUTS);
      expect(await allowed()).toEqual(['marketing email', 'targeting web']);
    });
  });
});
