import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { UnsubscribeTokens } from '../../src/modules/unsubscribe/index.js';
import { createTestApp } from '../support/app.js';
import { clientOf, type Client } from '../support/client.js';

const DELIVERY = '01890a5d-ac96-774b-bcce-b302099a8058';
const FORM = 'application/x-www-form-urlencoded';
const MULTIPART = ['--b', 'Content-Disposition: form-data; name="List-Unsubscribe"', '', 'One-Click', '--b--', ''].join(
  '\r\n',
);

describe('unsubscribe links', () => {
  let app: NestFastifyApplication;
  let api: Client;
  let id: string;
  let path: string;

  beforeAll(async () => {
    // With authentication on: the link must need none.
    const key = 'spec-bootstrap-key-0123456789abcdef';
    app = await createTestApp({ AUTH: 'required', BOOTSTRAP_API_KEY: key, COMPANY_NAME: 'Bobby <Tables> & Co' });
    api = clientOf(app, { authorization: `Bearer ${key}` });
  });
  afterAll(async () => {
    await app.close();
  });
  beforeEach(async () => {
    id = await api.user();
    await api.post('/api/consents', { user_id: id, channel: 'email', status: 'granted', source: 'signup' });
    path = new URL(app.get(UnsubscribeTokens).urlFor({ ...SUBJECT, userId: id })).pathname;
  });

  const SUBJECT = { purpose: 'marketing', channel: 'email', brand: 'default', deliveryId: DELIVERY };
  const history = async (): Promise<{ status: string; source: string; evidence: unknown }[]> =>
    ((await api.get(`/api/consents/${id}`)).body as { data: { status: string; source: string; evidence: unknown }[] })
      .data;
  const summary = async (): Promise<object[]> =>
    ((await api.get(`/api/consents/${id}/summary`)).body as { consents: object[] }).consents;
  const post = (payload: string, type: string | null, url = path) =>
    app.inject({ method: 'POST', url, payload, ...(type === null ? {} : { headers: { 'content-type': type } }) });

  it.each<[string, string, string | null, string]>([
    ['urlencoded', 'List-Unsubscribe=One-Click', FORM, 'one_click'],
    ['multipart', MULTIPART, 'multipart/form-data; boundary=b', 'one_click'],
    ['the button on the page', 'confirm=yes', `${FORM}; charset=utf-8`, 'form'],
    ['an empty body', '', null, 'other'],
  ])('withdraw by one POST without keys or cookies: %s', async (_what, payload, type, method) => {
    const answer = await post(payload, type);
    expect(answer.statusCode).toBe(200);
    expect(answer.headers['set-cookie']).toBeUndefined();
    expect(answer.body).toContain('You are unsubscribed');
    expect(await history()).toMatchObject([
      { status: 'withdrawn', source: 'list_unsubscribe', evidence: { delivery_id: DELIVERY, method } },
      { status: 'granted' },
    ]);
    expect(await summary()).toMatchObject([{ is_allowed: false, reason: 'CONSENT_WITHDRAWN' }]);
  });

  it('withdraw once, however often and however many at once', async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => post('List-Unsubscribe=One-Click', FORM)));
    expect(answers.map(({ statusCode }) => statusCode)).toEqual(Array.from({ length: 10 }, () => 200));
    expect((await history()).map(({ status }) => status)).toEqual(['withdrawn', 'granted']);
  });

  it('withdraw anew after a new grant', async () => {
    await post('List-Unsubscribe=One-Click', FORM);
    await api.post('/api/consents', { user_id: id, channel: 'email', status: 'granted', source: 'came back' });
    await post('List-Unsubscribe=One-Click', FORM);
    expect((await history()).map(({ status }) => status)).toEqual(['withdrawn', 'granted', 'withdrawn', 'granted']);
  });

  it('withdraw what a late import of an older withdrawal left granted', async () => {
    const late = { user_id: id, channel: 'email', status: 'withdrawn', stated_at: '2020-01-01T00:00:00Z' };
    await api.post('/api/consents', { ...late, source: 'import' });
    expect(await summary()).toMatchObject([{ is_allowed: true }]);
    await post('List-Unsubscribe=One-Click', FORM);
    expect(await summary()).toMatchObject([{ is_allowed: false, reason: 'CONSENT_WITHDRAWN' }]);
    await post('List-Unsubscribe=One-Click', FORM);
    expect((await history()).map(({ status }) => status)).toEqual(['withdrawn', 'withdrawn', 'granted']);
  });

  it('withdraw also a grant that is dated in the future and would begin to count later', async () => {
    await post('List-Unsubscribe=One-Click', FORM);
    const coming = { user_id: id, channel: 'email', status: 'granted', stated_at: '2099-01-01T00:00:00Z' };
    await api.post('/api/consents', { ...coming, source: 'import' });
    expect(await summary()).toMatchObject([{ is_allowed: false, reason: 'CONSENT_WITHDRAWN' }]);
    await post('List-Unsubscribe=One-Click', FORM);
    await post('List-Unsubscribe=One-Click', FORM);
    expect((await history()).map(({ status }) => status)).toEqual(['withdrawn', 'granted', 'withdrawn', 'granted']);
  });

  it('change nothing when they are only looked at', async () => {
    const page = await app.inject({ url: path });
    expect(page.statusCode).toBe(200);
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(page.headers['content-security-policy']).toContain("default-src 'none'");
    expect(page.body).toContain('<form method="post">');
    expect(page.body).toContain('Bobby &lt;Tables&gt; &amp; Co');
    await app.inject({ method: 'HEAD', url: path });
    expect((await history()).map(({ status }) => status)).toEqual(['granted']);
  });

  it('change nothing when they are forged, cut, or for nobody', async () => {
    const token = path.split('/').at(-1) ?? '';
    const other = token.slice(0, 5) + (token[5] === 'A' ? 'B' : 'A') + token.slice(6);
    for (const forged of [other, token.slice(0, -1), 'x', `${token}/x`, '%00']) {
      for (const answer of [
        await post('List-Unsubscribe=One-Click', FORM, `/unsubscribe/${forged}`),
        await app.inject({ url: `/unsubscribe/${forged}` }),
      ]) {
        expect([400, 404]).toContain(answer.statusCode);
      }
    }
    expect((await history()).map(({ status }) => status)).toEqual(['granted']);
    const erased = await api.user();
    const link = new URL(app.get(UnsubscribeTokens).urlFor({ ...SUBJECT, userId: erased })).pathname;
    await api.remove(`/api/users/${erased}`);
    expect((await post('List-Unsubscribe=One-Click', FORM, link)).statusCode).toBe(200);
  });

  it('withdraw their own purpose and channel, and no other', async () => {
    await api.post('/api/consents', { user_id: id, channel: 'sms', status: 'granted', source: 'signup' });
    await api.post('/api/consents', {
      user_id: id,
      channel: 'email',
      purpose: 'newsletter',
      status: 'granted',
      source: 'signup',
    });
    await post('List-Unsubscribe=One-Click', FORM);
    expect(await summary()).toMatchObject([
      { purpose: 'marketing', channel: 'email', is_allowed: false },
      { purpose: 'marketing', channel: 'sms', is_allowed: true },
      { purpose: 'newsletter', channel: 'email', is_allowed: true },
    ]);
  });
});
