import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { jest } from '@jest/globals';
import type { Email } from 'postal-mime';
import { DeliveriesService } from '../../src/modules/deliveries/index.js';
import { StepsService } from '../../src/modules/steps/index.js';
import { Hits } from '../../src/modules/tracking/hits.service.js';
import { Database } from '../../src/platform/database/database.js';
import { Metrics } from '../../src/platform/observability/metrics.js';
import { createTestApp } from '../support/app.js';
import { clientOf, type Client } from '../support/client.js';
import { messageRequest } from '../support/contact-stage.js';
import { startSmtp, type TestSmtp } from '../support/smtp.js';

jest.setTimeout(300_000);

const PAGE = `<html><body><p>Hello <a href="https://shop.example/?a=1&amp;b=2#top">Shop</a>
<a href='https://shop.example/two'>Two</a> <a href="https://help.example/" data-track="off">Help</a>
<a href="mailto:us@shop.example">Mail</a> <a href="{{ unsubscribe_url }}">Unsubscribe</a>
<a href="{{ preferences_url }}">Choose</a> {{ company.address }}</p></body></html>`;
const TEXT = 'Hello https://shop.example/?a=1 {{ unsubscribe_url }} {{ company.address }}';
const TRACKING = { links: true, opens: true, utm: { campaign: 'spring sale' } };
const TARGET =
  'https://shop.example/?a=1&b=2&utm_source=default&utm_medium=email&utm_campaign=spring%20sale&utm_content=tracked#top';

interface Delivery {
  readonly id: string;
  readonly state: string;
  readonly tracking: string;
  readonly open_count: number;
  readonly click_count: number;
}

describe('tracking of messages', () => {
  let app: NestFastifyApplication;
  let api: Client;
  let smtp: TestSmtp;
  let origin: string;
  let people = 0;
  let runs = 0;

  beforeAll(async () => {
    smtp = await startSmtp();
    app = await createTestApp({
      ...{ SMTP_URL: smtp.url, OUTBOX_POLL_MS: '60000', TRACKING_PURPOSE: 'tracking' },
      UNSUBSCRIBE_MAILTO: 'out@in.example.org',
    });
    await app.listen(0, '127.0.0.1');
    origin = await app.getUrl();
    api = clientOf(app);
    await template('tracked', { tracking: TRACKING });
    await template('plain');
    const steps = [
      { kind: 'message', id: 'hello', channel: 'email', template: 'tracked' },
      { kind: 'end', id: 'done' },
    ];
    const journey = { key: 'mails', name: 'mails', entry: { mode: 'parallel' }, steps };
    expect((await api.post('/api/journeys/templates', journey)).status).toBe(201);
    expect((await api.post('/api/journeys/templates/mails/publish', {})).status).toBe(200);
  });
  afterAll(async () => {
    await app.close();
    await smtp.stop();
  });
  afterEach(() => void jest.restoreAllMocks());

  async function template(key: string, more: object = {}): Promise<void> {
    const content = { subject: 'Hello', html: PAGE, text: TEXT };
    const { status, body } = await api.post('/api/message-templates', { key, ...content, ...more });
    if (status !== 201) throw new Error(JSON.stringify(body));
  }
  const say = (id: string, purpose: string, status: string) =>
    api.post('/api/consents', { user_id: id, purpose, channel: 'email', status, source: 'spec' });

  /** Somebody who wants the mails, and says something, or nothing, about being tracked. */
  async function person(about: 'granted' | 'denied' | null, profile: object = {}) {
    const email = `tracked-${(people += 1)}@example.org`;
    const id = await api.user({ email, ...profile });
    await say(id, 'marketing', 'granted');
    if (about !== null) await say(id, 'tracking', about);
    return { id, email };
  }
  async function send(userId: string, key = 'tracked'): Promise<string> {
    const runKey = `mails:${userId}:${(runs += 1)}`;
    await app.get(Database).query({
      text: `insert into journey_entries (run_key, journey_id, version, user_id, entry_key, source)
        select $1, id, 1, $2, $1, 'spec' from journeys where key = 'mails'`,
      values: [runKey, userId],
    });
    const answer = await app.get(StepsService).run(messageRequest({ runKey, userId, journeyKey: 'mails' }, key));
    if (answer.kind !== 'sent') throw new Error(JSON.stringify(answer));
    return answer.deliveryId;
  }
  async function mailTo(email: string): Promise<Email> {
    const mail = (await smtp.mailsTo(email)).at(-1);
    if (mail === undefined) throw new Error('no mail');
    return mail;
  }
  /** Sends a mail and reads it as its recipient's program does. */
  async function mailed(who: { readonly id: string; readonly email: string }, key = 'tracked') {
    const delivery = await send(who.id, key);
    const mail = await mailTo(who.email);
    const html = mail.html ?? '';
    const links = [...html.matchAll(/href=["']([^"']*)["']/g)].map(([, url = '']) => url.replaceAll('&amp;', '&'));
    const [, pixel = ''] = /<img src="([^"]*)"/.exec(html) ?? [];
    return { delivery, mail, html, links, pixel, tracked: links.filter((url) => url.includes('/l/')) };
  }
  async function follow(url = '', init: RequestInit = {}): Promise<Response> {
    const answer = await fetch(`${origin}${new URL(url).pathname}`, { redirect: 'manual', ...init });
    await app.get(Hits).settled();
    return answer;
  }
  const delivered = async (id: string): Promise<Delivery> => (await api.get(`/api/deliveries/${id}`)).body;
  const counts = async (id: string): Promise<readonly [opens: number, clicks: number]> => {
    const { open_count, click_count } = await delivered(id);
    return [open_count, click_count];
  };
  const kinds = async (id: string): Promise<string[]> =>
    ((await api.get(`/api/deliveries/${id}/outcomes`)).body as { data: { kind: string }[] }).data.map(
      ({ kind }) => kind,
    );
  /** The page without what is another for each mail. */
  const alike = (html: string): string => html.replaceAll(/\/(unsubscribe|preferences)\/[A-Za-z0-9._-]+/g, '/$1/…');

  it('lead links over us, and nothing else, for who agreed to it', async () => {
    const { delivery, mail, links, tracked, pixel, html } = await mailed(await person('granted'));
    expect(links).toEqual([
      expect.stringMatching(/^http:\/\/127\.0\.0\.1:8000\/l\/[A-Za-z0-9._-]+$/),
      expect.stringMatching(/^http:\/\/127\.0\.0\.1:8000\/l\/[A-Za-z0-9._-]+$/),
      'https://help.example/',
      'mailto:us@shop.example',
      expect.stringContaining('/unsubscribe/'),
      expect.stringContaining('/preferences/'),
    ]);
    expect(new Set(tracked).size).toBe(2);
    expect(pixel).toMatch(/^http:\/\/127\.0\.0\.1:8000\/o\/[A-Za-z0-9._-]+\.gif$/);
    expect(html).toMatch(/<img [^>]*><\/body>/);
    expect(mail.text).toContain('https://shop.example/?a=1 ');
    expect(mail.text).not.toMatch(/\/l\/|utm_/);
    expect(await delivered(delivery)).toMatchObject({ tracking: 'links_and_opens', open_count: 0, click_count: 0 });
  });

  it.each([null, 'denied'] as const)('get exactly what is not tracked when %s was said about it', async (about) => {
    const [who, other] = [await person(about), await person('granted')];
    const { delivery, html, mail } = await mailed(who);
    const untracked = await mailed(other, 'plain');
    expect(alike(html)).toBe(alike(untracked.html));
    expect(alike(mail.text ?? '')).toBe(alike(untracked.mail.text ?? ''));
    expect(html).not.toMatch(/\/l\/|\/o\/|utm_|<img/);
    expect((await delivered(delivery)).tracking).toBe('no_consent');
    expect((await delivered(untracked.delivery)).tracking).toBe('not_asked');
  });

  it('lead on to the target with its labels, and count each click once', async () => {
    const { delivery, tracked } = await mailed(await person('granted'));
    const answer = await follow(tracked[0]);
    expect([answer.status, answer.headers.get('location')]).toEqual([302, TARGET]);
    expect(answer.headers.get('referrer-policy')).toBe('no-referrer');
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('set-cookie')).toBeNull();
    expect(await answer.text()).toBe('');
    expect(await delivered(delivery)).toMatchObject({ state: 'delivered', open_count: 0, click_count: 1 });
    await Promise.all(Array.from({ length: 20 }, (_, index) => follow(tracked[index % 2])));
    expect(await counts(delivery)).toEqual([0, 21]);
    expect(await kinds(delivery)).toEqual(['clicked']);
  });

  it('show the picture to everybody, on pages of other sites too, and count each look once', async () => {
    const { delivery, pixel } = await mailed(await person('granted'));
    const answer = await follow(pixel);
    const picture = Buffer.from(await answer.arrayBuffer());
    expect([answer.status, answer.headers.get('content-type'), picture.length]).toEqual([200, 'image/gif', 43]);
    expect(picture.toString('latin1')).toMatch(/^GIF89a\x01\x00\x01\x00[^]*;$/);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('cross-origin-resource-policy')).toBe('cross-origin');
    await Promise.all(Array.from({ length: 5 }, () => follow(pixel)));
    expect(await counts(delivery)).toEqual([6, 0]);
    expect(await kinds(delivery)).toEqual(['opened']);
  });

  it('count no program that only looks ahead', async () => {
    const { delivery, tracked, pixel } = await mailed(await person('granted'));
    for (const url of [tracked[0], pixel]) {
      const inits: readonly RequestInit[] = [
        { method: 'HEAD' },
        { headers: { 'sec-purpose': 'prefetch;prerender' } },
        { headers: { purpose: 'prefetch' } },
        { headers: { 'x-purpose': 'preview' } },
        { headers: { 'x-moz': 'prefetch' } },
      ];
      for (const init of inits) expect((await follow(url, init)).status).toBe(url === pixel ? 200 : 302);
    }
    expect(await counts(delivery)).toEqual([0, 0]);
    expect(await kinds(delivery)).toEqual([]);
  });

  it('go on to lead on, and count nothing, once the person does not agree any more', async () => {
    const who = await person('granted');
    const { delivery, tracked, pixel } = await mailed(who);
    await follow(tracked[0]);
    await say(who.id, 'tracking', 'withdrawn');
    expect((await follow(tracked[0])).headers.get('location')).toBe(TARGET);
    expect((await follow(pixel)).status).toBe(200);
    expect(await counts(delivery)).toEqual([0, 1]);
    await say(who.id, 'tracking', 'granted');
    await follow(tracked[0]);
    expect(await counts(delivery)).toEqual([0, 2]);
    await api.post(`/api/consents/${who.id}/objection`, { source: 'spec' });
    await follow(tracked[0]);
    expect(await counts(delivery)).toEqual([0, 2]);
  });

  it('go on to lead on, and count nothing, once the person is erased', async () => {
    const who = await person('granted');
    const { delivery, tracked, pixel } = await mailed(who);
    await api.remove(`/api/users/${who.id}`);
    expect((await follow(tracked[0])).headers.get('location')).toBe(TARGET);
    expect((await follow(pixel)).status).toBe(200);
    expect(await counts(delivery)).toEqual([0, 0]);
  });

  it('are not tracked when the person withdraws between the rendering and the claim', async () => {
    const who = await person('granted');
    const deliveries = app.get(DeliveriesService);
    const inTurn = deliveries.inTurn.bind(deliveries) as (...given: unknown[]) => Promise<unknown>;
    jest.spyOn(deliveries, 'inTurn').mockImplementationOnce((async (...given: unknown[]) => {
      await say(who.id, 'tracking', 'withdrawn');
      return inTurn(...given);
    }) as never);
    const { delivery, tracked, pixel } = await mailed(who);
    expect([tracked, pixel]).toEqual([[], '']);
    expect((await delivered(delivery)).tracking).toBe('no_consent');
    expect(await smtp.mailsTo(who.email)).toHaveLength(1);
  });

  it('take note of Global Privacy Control', async () => {
    const who = await person('granted');
    const { delivery, tracked } = await mailed(who);
    await follow(tracked[0], { headers: { 'sec-gpc': '1' } });
    const { consents } = (await api.get(`/api/consents/${who.id}/summary`)).body as { consents: { purpose: string }[] };
    expect(consents.map(({ purpose }) => purpose)).toEqual(expect.arrayContaining(['sale', 'sharing', 'targeting']));
    // It says nothing of the purpose that is asked here.
    expect(await counts(delivery)).toEqual([0, 1]);
  });

  it('lead nowhere and count nothing when they are forged', async () => {
    const { delivery, tracked, pixel } = await mailed(await person('granted'));
    const [token, file] = [tracked[0] ?? '', pixel].map((url) => new URL(url).pathname.split('/').at(-1) ?? '');
    const changed = (text = ''): string => text.slice(0, 30) + (text[30] === 'A' ? 'B' : 'A') + text.slice(31);
    const wrong = [
      ...[`/l/${changed(token)}`, `/l/${token?.slice(0, -2)}`, `/l/${file}`, `/l/${file?.replace('.gif', '')}`],
      ...[`/o/${changed(file)}`, `/o/${token}.gif`, `/o/${file?.replace('.gif', '')}`, `/o/${file}.png`],
      ...['/l/x', '/o/x.gif', `/l/${encodeURIComponent('https://evil.example')}`, '/l/..%2f..%2fx'],
    ];
    for (const path of wrong) {
      const answer = await follow(`http://any.example${path}`);
      expect([path, answer.status, answer.headers.get('location')]).toEqual([path, 404, null]);
      expect(await answer.text()).toContain('This link is not valid');
    }
    expect(await counts(delivery)).toEqual([0, 0]);
  });

  it('never carry a second header or a script out of what people are called', async () => {
    const html = `<p><a href="https://shop.example/?n={{ user.name }}">x</a> ${PAGE}</p>`;
    await template('named', { html, tracking: { links: true } });
    const names = ['a\r\nset-cookie: b=c', 'a\u2028b', `"><script>alert(1)</script>`, 'javascript:alert(1)', 'ü\u0000'];
    for (const name of names) {
      const made = await api.post('/api/users', { email: `named-${(people += 1)}@example.org`, name });
      if (made.status !== 201) continue;
      const who = made.body as { id: string; email: string };
      await say(who.id, 'marketing', 'granted');
      await say(who.id, 'tracking', 'granted');
      const { html: page, tracked } = await mailed(who, 'named');
      expect(page).not.toContain('<script>');
      for (const url of tracked) {
        const answer = await follow(url);
        expect(answer.status).toBe(302);
        expect(answer.headers.get('location')).toMatch(/^https:\/\/shop\.example\/[\x21-\x7e]*$/);
        expect(answer.headers.get('set-cookie')).toBeNull();
      }
    }
  });

  it('name a mail beside the link, by which one may withdraw', async () => {
    const { mail } = await mailed(await person(null));
    const header = mail.headers.find(({ key }) => key === 'list-unsubscribe')?.value ?? '';
    expect(header).toMatch(
      /^<http[^>]*\/unsubscribe\/[^>]+>, <mailto:out@in\.example\.org\?subject=unsubscribe%20[^>]+>$/,
    );
  });

  it('belong to a version of their template', async () => {
    const input = { subject: 'x', html: PAGE, text: TEXT };
    await template('versions', { ...input, tracking: { links: true } });
    const put = (more: object) => api.put('/api/message-templates/versions', { ...input, ...more });
    const full = { links: true, opens: false, text: false, utm: null };
    expect((await put({ tracking: { links: true } })).body).toMatchObject({ version: 1, tracking: full });
    const utm = { source: '{brand}', medium: null, campaign: 'x', term: null, content: '{template}' };
    const labelled = await put({ tracking: { utm: { medium: null, campaign: 'x' } } });
    expect(labelled.body).toMatchObject({ version: 2, tracking: { links: false, utm } });
    expect((await put({})).body).toMatchObject({ version: 3, tracking: { ...full, links: false } });
    const sms = { key: 'short', channel: 'sms', text: '{{ company.name }} STOP', tracking: { links: true } };
    expect((await api.post('/api/message-templates', sms)).body).toMatchObject({ tracking: { ...full, text: true } });
  });

  it.each([
    ['a label with an unknown place', { tracking: { utm: { source: '{user}' } } }, 'tracking.utm.source'],
    ['a label with a line break', { tracking: { utm: { source: 'a\nb' } } }, 'tracking.utm.source'],
    ['an empty label', { tracking: { utm: { term: '' } } }, 'tracking.utm.term'],
    ['an unknown label', { tracking: { utm: { id: 'x' } } }, 'tracking.utm.id'],
    ['an unknown wish', { tracking: { everything: true } }, 'tracking.everything'],
    ['a wish that is no yes or no', { tracking: { links: 'yes' } }, 'tracking.links'],
    ['openings of a text message', { channel: 'sms', text: 'x', tracking: { opens: true } }, 'tracking.opens'],
    [
      'links of a notification',
      { channel: 'push', title: 'x', body: 'x', tracking: { links: true } },
      'tracking.links',
    ],
  ])('are refused with %s', async (_what, more, path) => {
    const parts = 'channel' in more ? {} : { subject: 'x', html: PAGE, text: TEXT };
    const refused = await api.post('/api/message-templates', { key: 'wrong', ...parts, ...more });
    expect(refused).toMatchObject({ status: 400, body: { code: 'INVALID_INPUT' } });
    const { errors } = refused.body as { errors: { path: string }[] };
    expect(errors.map((error) => error.path)).toContainEqual(path);
  });

  it('lead on while the database is away, and tell what was lost', async () => {
    const { delivery, tracked, pixel } = await mailed(await person('granted'));
    const gone = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    const database = app.get(Database);
    jest.spyOn(database, 'query').mockRejectedValue(gone);
    jest.spyOn(database, 'transaction').mockRejectedValue(gone);
    const answer = await follow(tracked[0]);
    expect([answer.status, answer.headers.get('location')]).toEqual([302, TARGET]);
    expect((await follow(pixel)).status).toBe(200);
    jest.restoreAllMocks();
    const { text } = await app.get(Metrics).render();
    expect(text).toContain('tactful_tracking_hits_total{kind="clicked",result="lost"} 1\n');
    expect(text).toContain('tactful_tracking_hits_total{kind="opened",result="lost"} 1\n');
    await follow(tracked[0]);
    expect(await counts(delivery)).toEqual([0, 1]);
  });

  it('answer before anything is written down', async () => {
    const { delivery, tracked } = await mailed(await person('granted'));
    let open: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (open = resolve));
    const deliveries = app.get(DeliveriesService);
    const contactOf = deliveries.contactOf.bind(deliveries);
    jest.spyOn(deliveries, 'contactOf').mockImplementationOnce(async (...given) => {
      await held;
      return contactOf(...given);
    });
    const url = `${origin}${new URL(tracked[0] ?? '').pathname}`;
    expect((await fetch(url, { redirect: 'manual' })).status).toBe(302);
    expect(await counts(delivery)).toEqual([0, 0]);
    open();
    await app.get(Hits).settled();
    expect(await counts(delivery)).toEqual([0, 1]);
  });
});

describe('tracking of messages where no purpose is set', () => {
  it('does not happen, whatever people and templates say', async () => {
    const smtp = await startSmtp();
    const app = await createTestApp({ SMTP_URL: smtp.url, OUTBOX_POLL_MS: '60000' });
    try {
      const api = clientOf(app);
      await api.post('/api/message-templates', {
        key: 'mail',
        subject: 'x',
        html: PAGE,
        text: TEXT,
        tracking: TRACKING,
      });
      const steps = [
        { kind: 'message', id: 'hello', channel: 'email', template: 'mail' },
        { kind: 'end', id: 'done' },
      ];
      await api.post('/api/journeys/templates', { key: 'mails', name: 'mails', entry: { mode: 'parallel' }, steps });
      await api.post('/api/journeys/templates/mails/publish', {});
      const userId = await api.user({ email: 'ada@example.org' });
      for (const purpose of ['marketing', 'tracking']) {
        await api.post('/api/consents', {
          user_id: userId,
          purpose,
          channel: 'email',
          status: 'granted',
          source: 'spec',
        });
      }
      await app.get(Database).query({
        text: `insert into journey_entries (run_key, journey_id, version, user_id, entry_key, source)
          select 'run', id, 1, $1, 'x', 'spec' from journeys`,
        values: [userId],
      });
      const request = messageRequest({ runKey: 'run', userId, journeyKey: 'mails' }, 'mail');
      expect(await app.get(StepsService).run(request)).toMatchObject({ kind: 'sent' });
      const [mail] = await smtp.mailsTo('ada@example.org');
      expect(mail?.html).toContain('https://shop.example/two');
      expect(mail?.html).not.toMatch(/\/l\/|\/o\/|utm_/);
      const { data } = (await api.get('/api/deliveries')).body as { data: Delivery[] };
      expect(data).toMatchObject([{ tracking: 'switched_off' }]);
      const header = mail?.headers.find(({ key }) => key === 'list-unsubscribe')?.value;
      expect(header).toMatch(/^<http[^>]*>$/);
    } finally {
      await app.close();
      await smtp.stop();
    }
  });
});
