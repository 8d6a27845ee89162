import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createTransport } from 'nodemailer';
import { startMailbox } from '../../tools/mailbox/mailbox.js';
import type { Mailbox } from '../../tools/mailbox/mailbox.js';

interface Listed {
  readonly id: string;
  readonly to: readonly string[];
  readonly subject: string;
}

const folder = mkdtempSync(path.join(tmpdir(), 'mailbox-test-'));
let mailbox: Mailbox;

const start = (): Promise<Mailbox> => startMailbox({ smtpPort: 0, httpPort: 0, dataDir: folder });
const fetchInbox = (where: string, init?: RequestInit): Promise<Response> => fetch(`${mailbox.inboxUrl}${where}`, init);
const list = async (query = ''): Promise<{ items: Listed[]; next_cursor: string | null }> =>
  (await (await fetchInbox(`/api/messages${query}`)).json()) as { items: Listed[]; next_cursor: string | null };

async function send(to: string, subject: string, html = '<p>Hello</p>'): Promise<void> {
  const transport = createTransport(mailbox.smtpUrl);
  await transport.sendMail({
    from: '"<img src=x>" <shop@example.com>',
    to,
    subject,
    text: 'Hello',
    html,
    headers: { 'X-Run': 'r1' },
  });
  transport.close();
}

beforeEach(async () => {
  mailbox = await start();
  await fetchInbox('/api/messages', { method: 'DELETE' });
});
afterEach(() => mailbox.stop());
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('mailbox', () => {
  it('gives back over HTTP what was sent over SMTP', async () => {
    await send('jane@example.com', 'Grüße');
    const { items } = await list();
    expect(items).toEqual([
      expect.objectContaining({ subject: 'Grüße', from: 'shop@example.com', to: ['jane@example.com'] }),
    ]);
    const message = (await (await fetchInbox(`/api/messages/${items[0]?.id}`)).json()) as Record<string, unknown>;
    expect(message).toMatchObject({
      html: expect.stringContaining('<p>Hello</p>'),
      text: expect.stringContaining('Hello'),
    });
    expect(message['headers']).toContainEqual({ name: 'X-Run', value: 'r1' });
    const source = await (await fetchInbox(`/messages/${items[0]?.id}/source`)).text();
    expect(source).toMatch(/^X-Run: r1\r$/m);
  });

  it('lists the newest first, by recipient and in pages', async () => {
    for (const number of [1, 2, 3]) await send('Jane@example.com', `for jane ${number}`);
    await send('joe@example.com', 'for joe');
    const first = await list('?to=jane@&limit=2');
    expect(first.items.map(({ subject }) => subject)).toEqual(['for jane 3', 'for jane 2']);
    const second = await list(`?to=jane@&limit=2&cursor=${first.next_cursor}`);
    expect(second).toMatchObject({ items: [{ subject: 'for jane 1' }], next_cursor: null });
    expect(await (await fetchInbox('/api/messages/count?to=joe')).json()).toEqual({ count: 1 });
  });

  it('keeps its messages over a restart, and past a line that a crash cut off', async () => {
    await send('jane@example.com', 'before');
    await mailbox.stop();
    appendFileSync(path.join(folder, 'index.jsonl'), '{"kind":"message","mess');
    mailbox = await start();
    await send('jane@example.com', 'after');
    await mailbox.stop();
    mailbox = await start();
    expect((await list()).items.map(({ subject }) => subject)).toEqual(['after', 'before']);
  });

  it('loses none of many messages at once', async () => {
    const transport = createTransport(`${mailbox.smtpUrl}?pool=true&maxConnections=10`);
    const addresses = Array.from({ length: 200 }, (_, index) => `user${index}@example.com`);
    await Promise.all(
      addresses.map((to) => transport.sendMail({ from: 'shop@example.com', to, subject: to, text: to })),
    );
    transport.close();
    const { items } = await list('?limit=500');
    expect(items.map(({ subject }) => subject).sort()).toEqual([...addresses].sort());
    expect(new Set(items.map(({ id }) => id)).size).toBe(200);
  });

  it('shows hostile text as text', async () => {
    const hostile = `<script>alert(1)</script>"'&`;
    await send('jane@example.com', hostile);
    const { items } = await list();
    expect(items[0]?.subject).toBe(hostile);
    for (const where of ['/', `/messages/${items[0]?.id}`, `/?to=${encodeURIComponent('"><script>')}`]) {
      const response = await fetchInbox(where);
      expect(await response.text()).not.toMatch(/<script|<img/);
      expect(response.headers.get('content-security-policy')).toMatch(/^default-src 'none'/);
    }
  });

  it('frames a message so that it runs nothing and loads nothing', async () => {
    await send('jane@example.com', 'pixel', '<script>alert(1)</script><img src="https://example.com/pixel">');
    const { items } = await list();
    const policy = (await fetchInbox(`/messages/${items[0]?.id}/html`)).headers.get('content-security-policy');
    expect(policy).toMatch(/default-src 'none'/);
    expect(policy).toMatch(/sandbox/);
    expect(policy).not.toMatch(/allow-scripts|allow-same-origin|script-src|https?:/);
    expect(await (await fetchInbox(`/messages/${items[0]?.id}`)).text()).toMatch(/<iframe sandbox="allow-popups /);
  });

  it('deletes for its own pages, not for those of another site', async () => {
    await send('jane@example.com', 'kept');
    const foreign = await fetchInbox('/delete', { method: 'POST', headers: { 'sec-fetch-site': 'cross-site' } });
    expect(foreign.status).toBe(403);
    expect((await list()).items).toHaveLength(1);
    const own = await fetchInbox('/delete', { method: 'POST', redirect: 'manual' });
    expect(own.status).toBe(303);
    expect((await list()).items).toEqual([]);
  });

  it('answers no name but its own, lest a foreign page read the mail through one that it points here', async () => {
    const status = await new Promise((resolve, reject) => {
      const call = request(mailbox.inboxUrl, { headers: { host: 'evil.example' } }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      call.once('error', reject).end();
    });
    expect(status).toBe(403);
  });

  it.each([
    ['/api/messages?limit=0', 'GET', 400],
    ['/api/messages?limit=x', 'GET', 400],
    ['/api/messages/404', 'GET', 404],
    ['/messages/404/html', 'GET', 404],
    ['/messages/..%2f..%2findex.jsonl/source', 'GET', 404],
    ['/api/messages', 'PUT', 405],
  ])('refuses %s by %s with %d', async (where, method, status) => {
    expect((await fetchInbox(where, { method })).status).toBe(status);
  });
});
