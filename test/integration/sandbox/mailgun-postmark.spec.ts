import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startSandboxProcess, type SandboxProcess } from '../../support/sandbox.js';
import { until } from '../../support/until.js';
import { startReceiver, type ReceivedHook, type Receiver } from '../../support/webhook-receiver.js';
import { basic, mailgunFields, postMailgun, postmarkMail, postPostmark } from './senders.js';

describe('Mailgun and Postmark of the sandbox', () => {
  let sandbox: SandboxProcess;
  let receiver: Receiver;
  let from = 0;
  const hooks = (): ReceivedHook[] => receiver.received.slice(from);
  const countOf = async (provider: string): Promise<number> => (await sandbox.accepted(`provider=${provider}`)).length;

  beforeAll(async () => {
    [sandbox, receiver] = await Promise.all([startSandboxProcess(), startReceiver()]);
    await sandbox.accounts({
      mailgun: { callback_url: receiver.url('/mailgun') },
      postmark: { callback_url: receiver.url('/postmark') },
      callbacks: { delay_ms: 30, retry_time_scale: 0 },
    });
  });
  beforeEach(async () => {
    await sandbox.settled();
    await sandbox.faults([]);
    receiver.answerWith(200);
    from = receiver.received.length;
  });
  afterAll(async () => {
    await receiver.stop();
    await sandbox.stop();
  });

  describe('Mailgun', () => {
    it.each(['urlencoded', 'multipart'])('accepts %s', async (kind) => {
      const form = new FormData();
      for (const [name, value] of Object.entries(mailgunFields('a@example.com'))) form.append(name, value);
      const multipart = { body: form, headers: { authorization: basic('api', 'key-sandbox') } };
      const response = await postMailgun(
        sandbox,
        mailgunFields('a@example.com'),
        kind === 'multipart' ? multipart : {},
      );
      expect(response.status).toBe(200);
      const answer = (await response.json()) as { id: string };
      expect(answer).toEqual({ id: expect.stringMatching(/^<.+@sandbox\.example>$/), message: 'Queued. Thank you.' });
      expect((await sandbox.accepted('provider=mailgun')).at(-1)).toMatchObject({
        id: answer.id,
        recipient: 'a@example.com',
        key: 'd-a@example.com',
      });
    });

    it.each([
      [{ to: '' }, 400],
      [{ to: 'nobody' }, 400],
      [{ from: '' }, 400],
    ])('refuses %j', async (change, status) => {
      const before = await countOf('mailgun');
      const response = await postMailgun(sandbox, { ...mailgunFields('a@example.com'), ...change });
      expect([response.status, await response.json()]).toEqual([status, { message: expect.any(String) }]);
      expect(await countOf('mailgun')).toBe(before);
    });

    it('refuses a message without content, another domain and another key', async () => {
      const { text: _, ...empty } = mailgunFields('a@example.com');
      expect((await postMailgun(sandbox, empty)).status).toBe(400);
      const forbidden = await postMailgun(sandbox, mailgunFields('a@example.com'), {}, basic('api', 'other'));
      expect([forbidden.status, await forbidden.text()]).toEqual([401, 'Forbidden']);
      const other = await fetch(`${sandbox.url}/mailgun/v3/other.example/messages`, {
        method: 'POST',
        headers: { authorization: basic('api', 'key-sandbox') },
        body: new URLSearchParams(mailgunFields('a@example.com')),
      });
      expect([other.status, await other.json()]).toEqual([404, { message: 'Domain not found: other.example' }]);
    });

    it('posts signed events with the variables of the message, each under a token of its own', async () => {
      await sandbox.faults([{ provider: 'mailgun', kind: 'hard_bounce' }]);
      const { id } = (await (await postMailgun(sandbox, mailgunFields('b@example.com'))).json()) as { id: string };
      await until(
        () => hooks().length === 2,
        60_000,
        () => 'two events',
      );
      const { mailgun } = await sandbox.accounts();
      const payloads = hooks().map(({ body }) => JSON.parse(body));
      for (const { signature } of payloads) {
        const right = createHmac('sha256', mailgun.signing_key)
          .update(signature.timestamp + signature.token)
          .digest('hex');
        expect(signature.signature).toBe(right);
        expect(signature.token).toMatch(/^[0-9a-f]{50}$/);
      }
      expect(new Set(payloads.map(({ signature }) => signature.token)).size).toBe(2);
      const failed = payloads.find(({ 'event-data': { event } }) => event === 'failed');
      expect(failed['event-data']).toMatchObject({
        severity: 'permanent',
        recipient: 'b@example.com',
        'user-variables': { delivery_id: 'd-b@example.com' },
        message: { headers: { 'message-id': id.slice(1, -1) } },
      });
    });

    it.each([
      [500, 7],
      [406, 1],
      [204, 7],
    ])('makes of an answer %d %d attempts', async (status, attempts) => {
      receiver.answerWith(status);
      const to = `retry-${status}@example.com`;
      await postMailgun(sandbox, mailgunFields(to));
      await until(
        () => hooks().length === 2 * attempts,
        60_000,
        () => `${hooks().length} attempts`,
      );
      await sandbox.settled();
      expect(hooks().length).toBe(2 * attempts);
    });
  });

  describe('Postmark', () => {
    it('accepts with the number 0', async () => {
      const response = await postPostmark(sandbox, postmarkMail('Ann <a@example.com>'));
      expect(response.status).toBe(200);
      const answer = (await response.json()) as { MessageID: string };
      expect(answer).toMatchObject({ To: 'Ann <a@example.com>', ErrorCode: 0, Message: 'OK' });
      expect((await sandbox.accepted('provider=postmark')).at(-1)).toMatchObject({
        id: answer.MessageID,
        recipient: 'a@example.com',
      });
    });

    it('finds what was sent by metadata, in the stream that is asked for, once it was accepted', async () => {
      const mail = { ...postmarkMail('found@example.com'), Metadata: { delivery_id: 'found' } };
      const sent = await postPostmark(sandbox, { ...mail, MessageStream: 'broadcast' });
      const { MessageID } = (await sent.json()) as { MessageID: string };
      await sandbox.faults([{ provider: 'postmark', kind: 'reset_before' }]);
      await expect(postPostmark(sandbox, mail)).rejects.toThrow();
      const search = async (query: string, token = 'sandbox') => {
        const headers = { 'x-postmark-server-token': token };
        const response = await fetch(`${sandbox.url}/postmark/messages/outbound?${query}`, { headers });
        return { status: response.status, body: await response.json() };
      };
      const page = 'count=10&offset=0&metadata_delivery_id=found';
      expect(await search(`${page}&messagestream=broadcast`)).toMatchObject({
        status: 200,
        body: { TotalCount: 1, Messages: [{ MessageID, Metadata: { delivery_id: 'found' } }] },
      });
      expect(await search(page)).toMatchObject({ body: { TotalCount: 0 } });
      expect(await search(`${page}x&messagestream=broadcast`)).toMatchObject({ body: { TotalCount: 0 } });
      expect(await search('count=10')).toMatchObject({ status: 422 });
      expect(await search(page, 'other')).toMatchObject({ status: 401, body: { ErrorCode: 10 } });
    });

    it.each([
      ['a wrong token', () => postPostmark(sandbox, postmarkMail('a@example.com'), {}, 'other'), 401, 10],
      ['no JSON', () => postPostmark(sandbox, '{'), 422, 402],
      ['no sender', () => postPostmark(sandbox, { ...postmarkMail('a@example.com'), From: 'x' }), 422, 300],
      ['no recipient', () => postPostmark(sandbox, postmarkMail('x')), 422, 300],
      ['no content', () => postPostmark(sandbox, { ...postmarkMail('a@example.com'), TextBody: '' }), 422, 300],
      [
        'too much metadata',
        () => postPostmark(sandbox, { ...postmarkMail('a@example.com'), Metadata: { a: 'x'.repeat(81) } }),
        422,
        300,
      ],
      ['over 10 MB', () => postPostmark(sandbox, 'x'.repeat(10 * 1024 * 1024 + 1)), 413, 301],
      [
        'another content type',
        () =>
          postPostmark(sandbox, '{}', {
            headers: { 'x-postmark-server-token': 'sandbox', 'content-type': 'text/plain' },
          }),
        415,
        409,
      ],
    ])('refuses %s', async (_what, send, status, code) => {
      const response = await send();
      expect([response.status, await response.json()]).toEqual([
        status,
        { ErrorCode: code, Message: expect.any(String) },
      ]);
    });

    it('tells of a bounce with Basic authentication, and refuses the recipient from then on', async () => {
      await sandbox.faults([{ provider: 'postmark', kind: 'hard_bounce', count: 1 }]);
      await postPostmark(sandbox, postmarkMail('gone@example.com'));
      await until(
        () => hooks().length === 1,
        60_000,
        () => 'the bounce',
      );
      const [hook] = hooks();
      expect(hook?.headers.authorization).toBe(basic('sandbox', 'sandbox'));
      expect(JSON.parse(hook?.body ?? '')).toMatchObject({
        RecordType: 'Bounce',
        Type: 'HardBounce',
        TypeCode: 1,
        Inactive: true,
        Email: 'gone@example.com',
        Metadata: { delivery_id: 'd-gone@example.com' },
      });
      const again = await postPostmark(sandbox, postmarkMail('gone@example.com'));
      expect([again.status, await again.json()]).toMatchObject([422, { ErrorCode: 406 }]);
    });

    it.each([
      [[], 500, 4],
      [[{ provider: 'postmark', kind: 'soft_bounce' }], 500, 11],
      [[], 403, 1],
    ])('posts again, longer for bounces (%j, %d)', async (faults, status, attempts) => {
      receiver.answerWith(status);
      await sandbox.faults(faults);
      await postPostmark(sandbox, postmarkMail(`retry-${status}-${attempts}@example.com`));
      await until(
        () => hooks().length === attempts,
        60_000,
        () => `${hooks().length} attempts`,
      );
      await sandbox.settled();
      expect(hooks().length).toBe(attempts);
    });
  });

  it('tells something of a message later, when asked to', async () => {
    await postPostmark(sandbox, postmarkMail('later@example.com'));
    await until(
      () => hooks().length === 1,
      60_000,
      () => 'delivered',
    );
    const id = (await sandbox.accepted('recipient=later@example.com'))[0]?.id;
    const tell = (what: object): Promise<unknown> => sandbox.ask('POST', '/admin/events', what);
    expect(await tell({ provider: 'postmark', id, event: 'complaint' })).toEqual({ is_told: true });
    expect(await tell({ provider: 'postmark', id: 'unknown', event: 'open' })).toEqual({ is_told: false });
    await until(
      () => hooks().length === 2,
      60_000,
      () => 'the complaint',
    );
    expect(JSON.parse(hooks()[1]?.body ?? '')).toMatchObject({ RecordType: 'SpamComplaint', MessageID: id });
  });
});
