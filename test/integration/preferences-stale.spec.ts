import { jest } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { RunSignals } from '../../src/modules/journeys/index.js';
import { UnsubscribeTokens } from '../../src/modules/unsubscribe/index.js';
import { createTestApp } from '../support/app.js';
import { clientOf, type Client } from '../support/client.js';
import { formOf, ticks } from '../support/preference-form.js';

/** A busy machine takes its time to make the tables and start the API. */
const START_MS_MAX = 120_000;

const EMAIL = 'marketing email default';
const SMS = 'marketing sms default';

interface Line {
  readonly purpose: string;
  readonly channel: string;
  readonly is_allowed: boolean;
  readonly reason: string | null;
}

describe('a preference page that was loaded before something else happened', () => {
  let app: NestFastifyApplication;
  let api: Client;
  let id: string;
  let path: string;

  beforeAll(async () => {
    app = await createTestApp({ OUTBOX_POLL_MS: '60000' });
    jest.spyOn(app.get(RunSignals), 'kick').mockReturnValue();
    api = clientOf(app);
  }, START_MS_MAX);
  afterAll(async () => {
    await app.close();
  }, START_MS_MAX);
  beforeEach(async () => {
    id = await api.user();
    await state('granted');
    const made = await api.post(`/api/users/${id}/preference-link`, {});
    path = new URL((made.body as { url: string }).url).pathname;
  });

  /** Something that is said elsewhere, about marketing by e-mail unless it says otherwise. */
  const state = (status: string, more: object = {}) =>
    api.post('/api/consents', { user_id: id, channel: 'email', status, source: 'elsewhere', ...more });
  const loaded = async (): Promise<string> => (await app.inject({ url: path })).body;
  const post = (payload: string, url = path) =>
    app.inject({
      method: 'POST',
      url,
      payload,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
  const save = async (ticked: readonly string[]) => post(formOf(await loaded(), ticked));
  const summary = async (): Promise<Line[]> =>
    ((await api.get(`/api/consents/${id}/summary`)).body as { consents: Line[] }).consents;
  const allowed = async (): Promise<string[]> =>
    (await summary()).filter(({ is_allowed }) => is_allowed).map(({ purpose, channel }) => `${purpose} ${channel}`);
  const history = async (): Promise<object[]> =>
    ((await api.get(`/api/consents/${id}`)).body as { data: object[] }).data;

  it('does not grant again what was withdrawn since, and records the box that was changed', async () => {
    await state('withdrawn', { channel: 'sms' });
    const page = await loaded();
    const subject = { userId: id, purpose: 'marketing', channel: 'email', brand: 'default', deliveryId: id };
    const link = new URL(app.get(UnsubscribeTokens).urlFor(subject)).pathname;
    expect((await post('List-Unsubscribe=One-Click', link)).statusCode).toBe(200);
    const saved = await post(formOf(page, [EMAIL, SMS]));
    expect(ticks(saved.body)).toEqual([SMS]);
    expect(await allowed()).toEqual(['marketing sms']);
    expect(await history()).toHaveLength(4);
  });

  it('does not withdraw what was permitted since', async () => {
    await state('granted', { channel: 'sms' });
    await state('withdrawn');
    const page = await loaded();
    await state('granted');
    await post(formOf(page, []));
    expect(await allowed()).toEqual(['marketing email']);
  });

  it.each<[string, readonly string[]]>([
    ['as it was', [EMAIL]],
    ['with another box ticked', [EMAIL, SMS]],
    ['with every box cleared', []],
  ])('lifts no objection that was made since: %s', async (_how, ticked) => {
    await state('withdrawn', { channel: 'sms' });
    const page = await loaded();
    await api.post(`/api/consents/${id}/objection`, { source: 'call' });
    const saved = await post(formOf(page, ticked));
    expect(saved.body).toContain('You get no marketing on any channel.');
    expect(await allowed()).toEqual([]);
    expect(await history()).toHaveLength(3);
    await save([SMS]);
    expect(await allowed()).toEqual(['marketing sms']);
  });

  it('grants once: the same form sent again after a withdrawal grants nothing', async () => {
    await state('withdrawn');
    const form = formOf(await loaded(), [EMAIL]);
    await post(form);
    expect(await allowed()).toEqual(['marketing email']);
    await state('withdrawn');
    await post(form);
    await post(form);
    expect(await allowed()).toEqual([]);
  });

  it('does not object again where the objection that it showed was lifted since', async () => {
    await api.post(`/api/consents/${id}/objection`, { source: 'call' });
    const page = await loaded();
    await state('granted');
    await post(formOf(page, [], true));
    expect(await allowed()).toEqual(['marketing email']);
  });

  it('does not void a question that was asked since, lets a tick answer it, and withdraws one that it showed', async () => {
    for (const more of [{ channel: 'sms' }, { purpose: 'newsletter' }]) await state('withdrawn', more);
    const before = await loaded();
    for (const more of [{ channel: 'sms' }, { purpose: 'newsletter' }]) await state('pending', more);
    await post(formOf(before, [EMAIL, SMS]));
    const reasons = async () => (await summary()).map(({ purpose, channel, reason }) => [purpose, channel, reason]);
    const granted = [
      ['marketing', 'email', null],
      ['marketing', 'sms', null],
    ];
    expect(await reasons()).toEqual([...granted, ['newsletter', 'email', 'CONSENT_PENDING']]);
    await save([EMAIL, SMS]);
    expect(await reasons()).toEqual([...granted, ['newsletter', 'email', 'CONSENT_WITHDRAWN']]);
  });
});
