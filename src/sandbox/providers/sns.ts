import { createSign, randomBytes, randomUUID, type KeyObject } from 'node:crypto';
import { isSuccess, type Publisher } from '../publisher.js';
import type { Setting } from '../setting.js';
import { plain } from '../wire.js';

// https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html and …/sns-message-delivery-retries.html

const TIMEOUT_MS = 15_000;
const RETRIES = 3;
const RETRY_GAP_MS = 20_000;
const SIGNED = {
  Notification: ['Message', 'MessageId', 'Subject', 'Timestamp', 'TopicArn', 'Type'],
  SubscriptionConfirmation: ['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type'],
} as const;

interface Envelope {
  readonly Type: keyof typeof SIGNED;
  readonly MessageId: string;
  readonly [name: string]: string;
}

/** Signs and posts what SES tells; asks an address for its consent first, as SNS does. */
export class Sns {
  private readonly tokens = new Map<string, string>();
  private readonly confirmed = new Set<string>();
  /** A message that is posted again is the same message. */
  private readonly envelopes = new WeakMap<object, Envelope>();

  constructor(
    private readonly setting: Setting,
    private readonly identity: { readonly privateKey: KeyObject; readonly certificate: string },
  ) {
    const { app, callbacks } = setting;
    callbacks.publishBy(this.publisher());
    app.get('/ses/certificate.pem', (_request, reply) =>
      reply.header('content-type', 'application/x-pem-file').send(identity.certificate),
    );
    app.get('/ses/sns', (request, reply) => {
      const { Token: token = '' } = request.query as Readonly<Record<string, string>>;
      const url = this.tokens.get(token);
      if (url !== undefined) this.confirmed.add(url);
      const answer =
        url === undefined ? plain(400, 'the token is unknown') : plain(200, '<ConfirmSubscriptionResponse/>');
      return reply.code(answer.status).type('text/xml').send(answer.body);
    });
  }

  isConfirmed(url: string): boolean {
    return this.confirmed.has(url);
  }

  /** Notifications to the address are held back until it has visited the link in this message. */
  askForConsent(url: string): void {
    const token = randomBytes(64).toString('hex');
    this.tokens.set(token, url);
    const event = {
      Type: 'SubscriptionConfirmation',
      Token: token,
      Message: 'Visit the SubscribeURL to confirm the subscription.',
      SubscribeURL: `${this.setting.origin()}/ses/sns?Action=ConfirmSubscription&TopicArn=${this.setting.book.now.ses.topic_arn}&Token=${token}`,
    };
    this.setting.callbacks.post('ses', url, { id: token.slice(0, 16), name: 'subscription_confirmation', event });
  }

  private publisher(): Publisher {
    return {
      provider: 'ses',
      batchMax: 1,
      batchWaitMs: 0,
      timeoutMs: TIMEOUT_MS,
      render: ([event]) => {
        const envelope = this.envelope(event as Readonly<Record<string, unknown>>);
        const headers = {
          'content-type': 'text/plain; charset=UTF-8',
          'user-agent': 'Amazon Simple Notification Service Agent',
          'x-amz-sns-message-type': envelope.Type,
          'x-amz-sns-message-id': envelope.MessageId,
          'x-amz-sns-topic-arn': this.setting.book.now.ses.topic_arn,
        };
        return { headers, body: JSON.stringify(this.signed(envelope)) };
      },
      // What the address itself refuses (4xx but 429) is not told again.
      nextInMs: (attempt, { status }) => {
        const isOver = isSuccess(status) || (status !== null && status >= 400 && status < 500 && status !== 429);
        return isOver || attempt > RETRIES ? null : RETRY_GAP_MS;
      },
    };
  }

  private envelope(event: Readonly<Record<string, unknown>>): Envelope {
    const known = this.envelopes.get(event);
    if (known !== undefined) return known;
    const envelope = this.newEnvelope(event);
    this.envelopes.set(event, envelope);
    return envelope;
  }

  private newEnvelope(event: Readonly<Record<string, unknown>>): Envelope {
    const { book, clock } = this.setting;
    const common = {
      MessageId: randomUUID(),
      TopicArn: book.now.ses.topic_arn,
      Timestamp: new Date(clock.now()).toISOString(),
      SignatureVersion: book.now.ses.signature_version,
    };
    if (event['Type'] === 'SubscriptionConfirmation')
      return { ...common, ...(event as unknown as Envelope), MessageId: common.MessageId };
    return {
      ...common,
      Type: 'Notification',
      Subject: 'Amazon SES Email Event Notification',
      Message: JSON.stringify(event),
    };
  }

  private signed(envelope: Envelope): object {
    const text = SIGNED[envelope.Type].map((name) =>
      envelope[name] === undefined ? '' : `${name}\n${envelope[name]}\n`,
    );
    const digest = envelope['SignatureVersion'] === '1' ? 'RSA-SHA1' : 'RSA-SHA256';
    const signature = createSign(digest).update(text.join('')).sign(this.identity.privateKey, 'base64');
    return { ...envelope, Signature: signature, SigningCertURL: `${this.setting.origin()}/ses/certificate.pem` };
  }
}
