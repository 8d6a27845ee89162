import { createVerify, X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startSandboxProcess, type SandboxProcess } from '../../support/sandbox.js';
import { until } from '../../support/until.js';
import { startReceiver, type ReceivedHook, type Receiver } from '../../support/webhook-receiver.js';
import { sesMail, signedSes } from './senders.js';

type Envelope = Readonly<Record<string, string>>;

describe('Amazon SES of the sandbox', () => {
  let sandbox: SandboxProcess;
  let receiver: Receiver;
  const post = ({ url, headers, body }: ReturnType<typeof signedSes>): Promise<Response> =>
    fetch(url, { method: 'POST', headers, body });
  const envelopeOf = ({ body }: ReceivedHook): Envelope => JSON.parse(body);
  const notifications = (): Envelope[] =>
    receiver.received.map(envelopeOf).filter(({ Type }) => Type === 'Notification');
  const certificateOf = async ({ SigningCertURL: url = '' }: Envelope): Promise<X509Certificate> =>
    new X509Certificate(await (await fetch(url)).text());

  /** By Amazon's documentation of SNS. */
  async function isSigned(envelope: Envelope): Promise<boolean> {
    const names =
      envelope['Type'] === 'Notification'
        ? ['Message', 'MessageId', 'Subject', 'Timestamp', 'TopicArn', 'Type']
        : ['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type'];
    const text = names.filter((name) => name in envelope).map((name) => `${name}\n${envelope[name]}\n`);
    return createVerify(envelope['SignatureVersion'] === '1' ? 'RSA-SHA1' : 'RSA-SHA256')
      .update(text.join(''))
      .verify((await certificateOf(envelope)).publicKey, envelope['Signature'] ?? '', 'base64');
  }

  beforeAll(async () => {
    [sandbox, receiver] = await Promise.all([startSandboxProcess(), startReceiver()]);
  });
  beforeEach(() => sandbox.faults([]));
  afterAll(async () => {
    await receiver.stop();
    await sandbox.stop();
  });

  it('accepts a signed request', async () => {
    const response = await post(signedSes(sandbox, sesMail('a@example.com')));
    const { MessageId: id } = (await response.json()) as { MessageId: string };
    expect([response.status, id]).toEqual([200, expect.stringMatching(/^[0-9a-f]{16}-[0-9a-f-]{36}-000000$/)]);
    expect((await sandbox.accepted('provider=ses')).at(-1)).toMatchObject({
      id,
      recipient: 'a@example.com',
      key: 'd-a@example.com',
      custom: { delivery_id: 'd-a@example.com' },
    });
  });

  it.each([
    ['another key', { access: 'AKIAOTHER' }, 'UnrecognizedClientException'],
    ['another secret', { secret: 'other' }, 'InvalidSignatureException'],
    ['another region', { region: 'us-east-1' }, 'InvalidSignatureException'],
    ['a signature of yesterday', { atMs: Date.now() - 86_400_000 }, 'InvalidSignatureException'],
  ])('refuses %s', async (_what, change, name) => {
    const response = await post(signedSes(sandbox, sesMail('a@example.com'), change));
    expect([response.status, response.headers.get('x-amzn-errortype')]).toEqual([403, name]);
    expect(await response.json()).toEqual({ message: expect.any(String) });
  });

  it('refuses a body that was not signed, a changed header, and no signature', async () => {
    const good = signedSes(sandbox, sesMail('a@example.com'));
    const nameOf = async (request: typeof good): Promise<string | null> =>
      (await post(request)).headers.get('x-amzn-errortype');
    expect(await nameOf({ ...good, body: `${good.body} ` })).toBe('InvalidSignatureException');
    const type = { ...good.headers, 'content-type': 'text/plain' };
    expect(await nameOf({ ...good, headers: type })).toBe('InvalidSignatureException');
    expect(await nameOf({ ...good, headers: {} })).toBe('MissingAuthenticationTokenException');
    const { 'x-amz-date': _, ...undated } = good.headers;
    expect(await nameOf({ ...good, headers: undated })).toBe('IncompleteSignatureException');
  });

  it.each([
    [{ FromEmailAddress: 'x' }],
    [{ Destination: {} }],
    [{ Destination: { ToAddresses: ['x'] } }],
    [{ Destination: { ToAddresses: Array.from({ length: 51 }, (_, index) => `a${index}@example.com`) } }],
    [{ Content: {} }],
    [{ Content: { Simple: {}, Raw: {} } }],
    [{ Content: { Raw: {} } }],
  ])('refuses %j', async (change) => {
    const before = (await sandbox.accepted('provider=ses')).length;
    const response = await post(signedSes(sandbox, { ...sesMail('a@example.com'), ...change }));
    expect([response.status, response.headers.get('x-amzn-errortype')]).toEqual([400, 'BadRequestException']);
    expect((await sandbox.accepted('provider=ses')).length).toBe(before);
  });

  it('says TooManyRequestsException when it has had too much', async () => {
    await sandbox.faults([{ provider: 'ses', kind: 'rate_limited', count: 1 }]);
    const { status, headers } = await post(signedSes(sandbox, sesMail('a@example.com')));
    expect([status, headers.get('x-amzn-errortype')]).toEqual([429, 'TooManyRequestsException']);
  });

  it('notifies only an address that has confirmed, by messages that are signed', async () => {
    await sandbox.accounts({ ses: { callback_url: receiver.url('/sns') }, callbacks: { delay_ms: 30 } });
    await until(
      () => receiver.received.length === 1,
      60_000,
      () => 'the question',
    );
    const [question] = receiver.received.map(envelopeOf);
    if (question === undefined) throw new Error('no question');
    expect(question).toMatchObject({ Type: 'SubscriptionConfirmation', SignatureVersion: '2' });
    expect(receiver.received[0]?.headers['x-amz-sns-message-type']).toBe('SubscriptionConfirmation');
    expect(await isSigned(question)).toBe(true);

    await post(signedSes(sandbox, sesMail('early@example.com')));
    await sandbox.settled();
    expect(notifications()).toEqual([]);

    expect((await fetch(question['SubscribeURL'] ?? '')).status).toBe(200);
    await post(signedSes(sandbox, sesMail('b@example.com')));
    await until(
      () => notifications().length === 2,
      60_000,
      () => 'two notifications',
    );
    for (const envelope of notifications()) {
      expect(await isSigned(envelope)).toBe(true);
      expect(await isSigned({ ...envelope, Message: `${envelope['Message']} ` })).toBe(false);
      expect(await isSigned({ ...envelope, TopicArn: 'arn:aws:sns:eu-west-1:1:other' })).toBe(false);
    }
    const told = notifications().map(({ Message: text = '' }) => JSON.parse(text) as { eventType: string });
    expect(told.toSorted((one, other) => (one.eventType < other.eventType ? -1 : 1))).toMatchObject([
      { eventType: 'Delivery', delivery: { recipients: ['b@example.com'] } },
      { eventType: 'Send', mail: { tags: { delivery_id: ['d-b@example.com'] } } },
    ]);
  });

  it('signs with a certificate that holds for its own address and for now', async () => {
    const [envelope] = notifications();
    if (envelope === undefined) throw new Error('no notification');
    const certificate = await certificateOf(envelope);
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect([certificate.checkIP('127.0.0.1'), certificate.checkHost('localhost')]).toEqual(['127.0.0.1', 'localhost']);
    expect(certificate.validFromDate.getTime()).toBeLessThan(Date.now());
    expect(certificate.validToDate.getTime()).toBeGreaterThan(Date.now());
  });

  it.each([
    ['hard_bounce', { eventType: 'Bounce', bounce: expect.objectContaining({ bounceType: 'Permanent' }) }],
    ['soft_bounce', { eventType: 'Bounce', bounce: expect.objectContaining({ bounceType: 'Transient' }) }],
    ['complaint', { eventType: 'Complaint' }],
    ['open', { eventType: 'Open' }],
    ['click', { eventType: 'Click' }],
  ])('tells of %s, in version 1 of the signature too', async (kind, expected) => {
    await sandbox.accounts({ ses: { signature_version: '1' } });
    await sandbox.faults([{ provider: 'ses', kind }]);
    const before = notifications().length;
    await post(signedSes(sandbox, sesMail('c@example.com')));
    await sandbox.settled();
    const told = notifications().slice(before);
    expect(told.map(({ Message: text = '' }) => JSON.parse(text))).toContainEqual(expect.objectContaining(expected));
    expect(told[0]?.['SignatureVersion']).toBe('1');
    expect(await Promise.all(told.map(isSigned))).not.toContain(false);
  });

  it.each([
    [500, 4],
    [429, 4],
    [404, 1],
  ])('makes of an answer %d %d attempts', async (status, attempts) => {
    await sandbox.accounts({ callbacks: { retry_time_scale: 0 } });
    receiver.answerWith(status);
    const before = (await sandbox.callbacks('provider=ses')).count;
    await post(signedSes(sandbox, sesMail('d@example.com')));
    await sandbox.settled();
    const posted = (await sandbox.callbacks('provider=ses')).items.slice(before);
    expect(posted).toHaveLength(2 * attempts);
    // The same message is posted again, not another one about the same.
    expect(new Set(posted.map(({ body }) => (JSON.parse(body) as Envelope)['MessageId'])).size).toBe(2);
    receiver.answerWith(200);
  });
});
