import { createPublicKey, verify } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startSandboxProcess, type SandboxProcess } from '../../support/sandbox.js';
import { until } from '../../support/until.js';
import { startReceiver, type ReceivedHook, type Receiver } from '../../support/webhook-receiver.js';
import { postSendgrid, sendgridMail } from './senders.js';

/** By SendGrid's documentation: ECDSA over the timestamp and the body as it came. */
function isSignedBySendgrid(key: string, timestamp: string, body: string, signature: string): boolean {
  const publicKey = createPublicKey({ key: Buffer.from(key, 'base64'), format: 'der', type: 'spki' });
  return verify('sha256', Buffer.from(timestamp + body), publicKey, Buffer.from(signature, 'base64'));
}

describe('SendGrid of the sandbox', () => {
  let sandbox: SandboxProcess;
  let receiver: Receiver;
  let from = 0;
  const hooks = (): ReceivedHook[] => receiver.received.slice(from);
  const countOf = async (provider: string): Promise<number> => (await sandbox.accepted(`provider=${provider}`)).length;

  beforeAll(async () => {
    [sandbox, receiver] = await Promise.all([startSandboxProcess(), startReceiver()]);
    await sandbox.accounts({
      sendgrid: { callback_url: receiver.url('/sendgrid') },
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

  type Event = Record<string, unknown>;
  const events = (): Event[] => hooks().flatMap(({ body }) => JSON.parse(body) as Event[]);

  it('the check of this spec agrees with the published vector', () => {
    const key =
      'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEEDr2LjtURuePQzplybdC+u4CwrqDqBaWjcMMsTbhdbcwHBcepxo7yAQGhHPTnlvFYPAZFceEu/1FwCM/QmGUhA==';
    const body = '{"category":"example_payload","event":"test_event","message_id":"message_id"}';
    const signature =
      'MEUCIQCtIHJeH93Y+qpYeWrySphQgpNGNr/U+UyUlBkU6n7RAwIgJTz2C+8a8xonZGi6BpSzoQsbVRamr2nlxFDWYNH2j/0=';
    expect(isSignedBySendgrid(key, '1588788367', body, signature)).toBe(true);
    expect(isSignedBySendgrid(key, '1588788368', body, signature)).toBe(false);
  });

  it('accepts without a body, with the id in a header', async () => {
    const response = await postSendgrid(sandbox, sendgridMail('a@example.com'));
    expect([response.status, await response.text()]).toEqual([202, '']);
    const id = response.headers.get('x-message-id');
    const [entry] = await sandbox.accepted('provider=sendgrid');
    expect(entry).toMatchObject({ id, recipient: 'a@example.com', key: 'd-a@example.com' });
  });

  it('is one message for each recipient of each personalization', async () => {
    const before = await countOf('sendgrid');
    const personalizations = [
      { to: [{ email: 'one@example.com' }, { email: 'two@example.com' }], custom_args: { delivery_id: 'first' } },
      { to: [{ email: 'three@example.com' }], custom_args: { delivery_id: 'second' } },
    ];
    await postSendgrid(sandbox, sendgridMail('', { personalizations }));
    const entries = (await sandbox.accepted('provider=sendgrid')).slice(before);
    expect(entries.map(({ recipient, key }) => [recipient, key])).toEqual([
      ['one@example.com', 'first'],
      ['two@example.com', 'first'],
      ['three@example.com', 'second'],
    ]);
  });

  it.each([
    [{ personalizations: [] }, 'personalizations'],
    [
      { personalizations: Array.from({ length: 1_001 }, () => ({ to: [{ email: 'a@example.com' }] })) },
      'personalizations',
    ],
    [{ personalizations: [{}] }, 'personalizations.0.to'],
    [{ personalizations: [{ to: [{ email: 'nobody' }] }] }, 'personalizations.0.to.0.email'],
    [
      { personalizations: [{ to: [{ email: 'a@example.com' }], cc: [{ email: 'A@example.com' }] }] },
      'personalizations.0',
    ],
    [{ from: undefined }, 'from'],
    [{ from: { email: 'x' } }, 'from.email'],
    [{ subject: '' }, 'subject'],
    [{ content: undefined }, 'content'],
    [
      {
        content: [
          { type: 'text/html', value: 'a' },
          { type: 'text/plain', value: 'b' },
        ],
      },
      'content',
    ],
    [
      {
        content: [
          { type: 'text/plain', value: 'a' },
          { type: 'text/plain', value: 'b' },
        ],
      },
      'content',
    ],
    [{ content: [{ type: 'text/plain', value: '' }] }, 'content.0.value'],
    [{ headers: { 'DKIM-Signature': 'x' } }, 'headers'],
    [{ custom_args: { n: 1 } }, 'custom_args.n'],
    [{ custom_args: { n: 'x'.repeat(10_001) } }, 'custom_args'],
  ])('refuses and names the field (%#: %j)', async (change, field) => {
    const before = await countOf('sendgrid');
    const response = await postSendgrid(sandbox, sendgridMail('a@example.com', change));
    expect(response.status).toBe(400);
    const { errors } = (await response.json()) as { errors: object[] };
    expect(errors).toContainEqual({ message: expect.any(String), field, help: expect.stringContaining('#message.') });
    expect(await countOf('sendgrid')).toBe(before);
  });

  it.each([
    ['a wrong key', () => postSendgrid(sandbox, sendgridMail('a@example.com'), {}, 'SG.other'), 401],
    ['no JSON', () => postSendgrid(sandbox, '{'), 400],
    ['more than 30 MB', () => postSendgrid(sandbox, 'x'.repeat(30 * 1024 * 1024 + 1)), 413],
    [
      'another content type',
      () =>
        postSendgrid(sandbox, '{}', {
          headers: { authorization: 'Bearer SG.sandbox', 'content-type': 'text/plain' },
        }),
      415,
    ],
  ])('refuses %s', async (_what, send, status) => {
    const response = await send();
    expect(response.status).toBe(status);
    expect(await response.json()).toEqual({ errors: [{ message: expect.any(String), field: null, help: null }] });
  });

  it('tells its limits when it has had too much', async () => {
    await sandbox.faults([{ provider: 'sendgrid', kind: 'rate_limited', count: 1 }]);
    const { status, headers } = await postSendgrid(sandbox, sendgridMail('a@example.com'));
    expect([status, headers.get('x-ratelimit-remaining')]).toEqual([429, '0']);
    expect(Number(headers.get('x-ratelimit-reset'))).toBeGreaterThan(Date.now() / 1_000);
    expect(headers.get('x-ratelimit-limit')).toBe('600');
  });

  it('posts signed batches of events that carry the custom arguments', async () => {
    const response = await postSendgrid(
      sandbox,
      sendgridMail('b@example.com', { custom_args: { delivery_id: 'mine' } }),
    );
    const id = response.headers.get('x-message-id');
    await until(
      () => events().length === 2,
      60_000,
      () => 'two events',
    );
    expect(new Set(events().map(({ event }) => event))).toEqual(new Set(['processed', 'delivered']));
    for (const event of events()) {
      expect(event).toMatchObject({ email: 'b@example.com', delivery_id: 'mine', timestamp: expect.any(Number) });
      expect(String(event['sg_message_id']).split('.')[0]).toBe(id);
    }
    expect(new Set(events().map(({ sg_event_id: eventId }) => eventId)).size).toBe(2);
    const { sendgrid } = await sandbox.accounts();
    for (const { headers, body } of hooks()) {
      const [signature, timestamp] = ['signature', 'timestamp'].map((name) =>
        String(headers[`x-twilio-email-event-webhook-${name}`]),
      );
      const check = (text: string): boolean =>
        isSignedBySendgrid(sendgrid.callback_public_key, timestamp ?? '', text, signature ?? '');
      expect([check(body), check(body.trimEnd()), check(`${body} `)]).toEqual([true, false, false]);
    }
  });

  it('gathers the events of many messages in few requests', async () => {
    const personalizations = Array.from({ length: 50 }, (_, index) => ({ to: [{ email: `m${index}@example.com` }] }));
    await postSendgrid(sandbox, sendgridMail('', { personalizations }));
    await until(
      () => events().length === 100,
      60_000,
      () => `${events().length} events`,
    );
    expect(hooks().length).toBeLessThan(20);
  });

  it('repeats an event under its id when it is duplicated', async () => {
    await sandbox.faults([{ provider: 'sendgrid', kind: 'callbacks_duplicated' }]);
    await postSendgrid(sandbox, sendgridMail('twice@example.com'));
    await until(
      () => events().length === 4,
      60_000,
      () => 'four events',
    );
    expect(new Set(events().map(({ sg_event_id: id }) => id)).size).toBe(2);
  });

  it.each([
    ['hard_bounce', { event: 'bounce', type: 'bounce', status: '5.1.1' }],
    ['soft_bounce', { event: 'deferred' }],
    ['open', { event: 'open' }],
    ['click', { event: 'click', url: expect.any(String) }],
    ['complaint', { event: 'spamreport' }],
    ['unsubscribe', { event: 'unsubscribe' }],
  ])('tells of %s', async (kind, expected) => {
    await sandbox.faults([{ provider: 'sendgrid', kind }]);
    await postSendgrid(sandbox, sendgridMail('c@example.com'));
    await until(
      () => events().some(({ event }) => event === expected.event),
      60_000,
      () => kind,
    );
    expect(events()).toContainEqual(expect.objectContaining(expected));
  });

  it('posts again until it is heard', async () => {
    // Far enough apart that it is heard before the last attempt, however fast the machine.
    await sandbox.accounts({ callbacks: { retry_time_scale: 0.002 } });
    receiver.answerWith(500);
    await postSendgrid(sandbox, sendgridMail('deaf@example.com'));
    await until(
      () => hooks().length >= 4,
      60_000,
      () => 'attempts',
    );
    receiver.answerWith(204);
    await sandbox.settled();
    const heard = (await sandbox.callbacks('provider=sendgrid')).items.filter(({ body }) => body.includes('deaf@'));
    expect(heard.filter(({ status }) => status === 204).length).toBeGreaterThan(0);
    expect(
      heard.filter(({ status }) => status === 500).every(({ next_in_ms: next }) => next !== null && next >= 60_000),
    ).toBe(true);
  });
});
