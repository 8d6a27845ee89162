import { createHmac } from 'node:crypto';
import { connect } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import nodemailer from 'nodemailer';
import { startSandboxProcess, type SandboxProcess } from '../../support/sandbox.js';
import { until } from '../../support/until.js';
import { postWebhook } from './senders.js';

const CRLF = '\r\n';

interface Talk {
  /** Every line that the server said. */
  readonly replies: readonly string[];
  /** How the connection ended. */
  readonly end: string;
}

/** An SMTP client of a few lines, so that every byte is known; hangs up on what is no reply. */
function talk(url: string, to: string, content: string): Promise<Talk> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  const replies: string[] = [];
  const rest = ['EHLO spec', 'MAIL FROM:<shop@example.com>', `RCPT TO:<${to}>`, 'DATA', `${content}${CRLF}.`, 'QUIT'];
  let [buffered, end] = ['', 'closed'];
  socket.on('error', (error: NodeJS.ErrnoException) => (end = error.code ?? 'error'));
  socket.on('data', (chunk) => {
    const lines = (buffered + chunk.toString('latin1')).split(CRLF);
    buffered = lines.pop() ?? '';
    for (const line of lines) {
      replies.push(line);
      const command = /^\d{3} /.test(line) ? rest.shift() : undefined;
      if (command !== undefined) socket.write(command + CRLF);
      if (!/^\d{3}[ -]/.test(line)) socket.destroy();
    }
  });
  return new Promise((resolve) => socket.once('close', () => resolve({ replies, end })));
}

describe('SMTP of the sandbox', () => {
  let sandbox: SandboxProcess;
  let seen = 0;
  const fresh = (): string => `person-${(seen += 1)}@example.com`;
  const acceptedFor = (to: string) => sandbox.accepted(`provider=smtp&recipient=${to}`);
  const mail = { from: 'shop@example.com', subject: 'Grüße', text: 'Hello' };
  const clientFor = (more: object = {}) => {
    const { hostname, port } = new URL(sandbox.smtpUrl);
    return nodemailer.createTransport({
      host: hostname,
      port: Number(port),
      tls: { rejectUnauthorized: false },
      socketTimeout: 300,
      ...more,
    });
  };

  beforeAll(async () => {
    sandbox = await startSandboxProcess();
  });
  beforeEach(() => sandbox.faults([]));
  afterAll(() => sandbox.stop());

  it('keeps a message byte for byte, before it says so', async () => {
    const to = fresh();
    const content = [
      'Message-ID: <m-1@example.com>',
      'X-Delivery-Id: d-1',
      'Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=',
      '',
      'a\t b ',
      '..',
      '',
    ];
    const { replies } = await talk(sandbox.smtpUrl, to, content.join(CRLF));
    expect(replies.filter((reply) => reply.startsWith('250 queued'))).toHaveLength(1);
    const [entry] = await acceptedFor(to);
    const { raw_base64: raw } = entry?.body as { raw_base64: string };
    // The dot that the protocol doubles is one again.
    expect(Buffer.from(raw, 'base64').toString()).toBe(content.join(CRLF).replace('\r\n..', '\r\n.') + CRLF);
    expect(entry).toMatchObject({ key: 'd-1', custom: { message_id: '<m-1@example.com>', delivery_id: 'd-1' } });
  });

  it('takes a message by STARTTLS and with a password', async () => {
    const to = fresh();
    await clientFor({ requireTLS: true, auth: { user: 'sandbox', pass: 'sandbox' }, socketTimeout: 20_000 }).sendMail({
      ...mail,
      to,
    });
    expect((await acceptedFor(to))[0]?.body).toMatchObject({
      is_secure: true,
      user: 'sandbox',
      from: 'shop@example.com',
    });
  });

  it('refuses a wrong password, and whoever gives none where one is needed', async () => {
    const to = fresh();
    const wrong = clientFor({ auth: { user: 'sandbox', pass: 'other' }, socketTimeout: 20_000 }).sendMail({
      ...mail,
      to,
    });
    await expect(wrong).rejects.toMatchObject({ responseCode: 535 });
    await sandbox.accounts({ smtp: { needs_auth: true } });
    await expect(clientFor({ socketTimeout: 20_000 }).sendMail({ ...mail, to })).rejects.toMatchObject({
      responseCode: 530,
    });
    await sandbox.accounts({ smtp: { needs_auth: false } });
    expect(await acceptedFor(to)).toEqual([]);
  });

  it.each([
    [
      { kind: 'error', parameters: { status: 550, body: '5.1.1 no such user', at: 'rcpt' } },
      '550 5.1.1 no such user',
      0,
    ],
    [{ kind: 'error', parameters: { status: 451, at: 'rcpt' } }, '451 told to refuse', 0],
    [{ kind: 'error', parameters: { status: 554, body: '5.7.1 spam' } }, '554 5.7.1 spam', 0],
    [{ kind: 'rate_limited', parameters: { retry_after_s: 3 } }, '451 4.7.0 too many messages, again in 3 s', 0],
    [{ kind: 'malformed' }, 'this is no reply', 1],
    [{ kind: 'slow_drip', parameters: { bytes: 2, every_ms: 1 } }, '250-taken', 1],
  ])('does %j once', async (fault, reply, accepted) => {
    const to = fresh();
    await sandbox.faults([{ provider: 'smtp', count: 1, ...fault }]);
    expect((await talk(sandbox.smtpUrl, to, `Subject: x${CRLF}${CRLF}x`)).replies).toContain(reply);
    expect(await acceptedFor(to)).toHaveLength(accepted);
    await talk(sandbox.smtpUrl, to, `Subject: x${CRLF}${CRLF}x`);
    expect(await acceptedFor(to)).toHaveLength(accepted + 1);
  });

  it.each([
    ['reset_before', 0],
    ['reset_after', 1],
  ])('cuts the connection (%s)', async (kind, accepted) => {
    const to = fresh();
    await sandbox.faults([{ provider: 'smtp', kind, count: 1 }]);
    const { replies, end } = await talk(sandbox.smtpUrl, to, `Subject: x${CRLF}${CRLF}x`);
    expect(replies.at(-1)).toMatch(/^354 /);
    expect(end).toBe('ECONNRESET');
    expect((await acceptedFor(to)).map(({ fault }) => fault)).toEqual(accepted === 1 ? [kind] : []);
  });

  it.each([
    ['timeout_before', 0],
    ['timeout_after', 1],
  ])('says nothing (%s)', async (kind, accepted) => {
    const to = fresh();
    await sandbox.faults([{ provider: 'smtp', kind, count: 1 }]);
    await expect(clientFor({ ignoreTLS: true }).sendMail({ ...mail, to })).rejects.toMatchObject({ code: 'ETIMEDOUT' });
    await until(
      async () => (await acceptedFor(to)).length === accepted,
      60_000,
      () => 'the log',
    );
  });

  it('takes its time before it answers', async () => {
    const to = fresh();
    await sandbox.faults([{ provider: 'smtp', kind: 'delay', parameters: { ms: 150 } }]);
    await clientFor({ ignoreTLS: true, socketTimeout: 20_000 }).sendMail({ ...mail, to });
    const [entry] = await acceptedFor(to);
    expect(Date.parse(entry?.accepted_at ?? '') - Date.parse(entry?.started_at ?? '')).toBeGreaterThanOrEqual(149);
  });
});

describe('webhook receiver of the sandbox', () => {
  let sandbox: SandboxProcess;
  beforeAll(async () => {
    sandbox = await startSandboxProcess();
  });
  afterAll(() => sandbox.stop());

  /** By the specification of Standard Webhooks. */
  const signed = (secret: string, id: string, timestamp: string, body: string): string => {
    const key = Buffer.from(secret.replace('whsec_', ''), 'base64');
    return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
  };
  const now = (): string => String(Math.floor(Date.now() / 1_000));
  const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

  it('the check of this spec agrees with the published vector', () => {
    expect(signed(SECRET, 'msg_p5jXN8AQM9LWM0D4loKWxJek', '1614265330', '{"test": 2432232314}')).toBe(
      'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    );
  });

  it('takes a signed message and answers what it was told to', async () => {
    await sandbox.accounts({ webhooks: { secret: SECRET, response: { approved: true } } });
    const response = await postWebhook(sandbox, 'orders');
    expect([response.status, await response.json()]).toEqual([200, { approved: true }]);
    const [entry] = await sandbox.accepted('provider=webhooks');
    expect(entry).toMatchObject({ recipient: 'orders', key: entry?.id, body: '{"test": 2432232314}' });
  });

  it('takes one right signature among several', async () => {
    const [id, at] = ['msg_several', now()];
    const signatures = [signed('whsec_b3RoZXI=', id, at, '{}'), signed(SECRET, id, at, '{}')].join(' ');
    const headers = { 'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': signatures };
    const response = await fetch(`${sandbox.url}/webhooks/orders`, { method: 'POST', headers, body: '{}' });
    expect(response.status).toBe(200);
  });

  const at = now();
  const right = signed(SECRET, 'msg_1', at, '{}');
  it.each([
    ['another secret', { signature: signed('whsec_b3RoZXI=', 'msg_1', at, '{}') }],
    ['another id', { id: 'msg_2' }],
    ['another instant', { timestamp: String(Number(at) + 1) }],
    ['another body', { body: '{ }' }],
    ['another version', { signature: right.replace('v1,', 'v2,') }],
    ['an instant long ago', { timestamp: '1614265330', signature: signed(SECRET, 'msg_1', '1614265330', '{}') }],
    ['no signature', { signature: '' }],
  ])('refuses %s, and accepts nothing', async (_what, change) => {
    const before = (await sandbox.accepted('provider=webhooks')).length;
    const { id, timestamp, signature, body } = { id: 'msg_1', timestamp: at, signature: right, body: '{}', ...change };
    const headers = { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature };
    const response = await fetch(`${sandbox.url}/webhooks/orders`, { method: 'POST', headers, body });
    expect(response.status).toBe(401);
    expect((await sandbox.accepted('provider=webhooks')).length).toBe(before);
  });
});
