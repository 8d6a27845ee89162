import type { Readable } from 'node:stream';
import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import nodemailer from 'nodemailer';
import type { Connector, OutboundMessage, SendResult } from './connector.js';
import { classifySmtpError } from './smtp-errors.js';

export const EMAIL_OPTIONS = Symbol('EMAIL_OPTIONS');
export interface EmailOptions {
  readonly smtpUrl: string;
  readonly from: { readonly name: string; readonly address: string };
  /** Domain of Message-ID and List-Id. */
  readonly domain: string;
}

const CONNECTIONS_MAX = 10;
const MESSAGES_PER_CONNECTION_MAX = 100;
const CONNECT_MS_MAX = 5_000;
const SILENCE_MS_MAX = 15_000;

/** Rides along with one message through the pool, to learn whether any of it has left. */
interface Attempt {
  stream: Readable | null;
}

/**
 * E-mail over SMTP. SMTP has no idempotency key and cannot be asked about a message later: once the message has begun
 * to leave and no answer came, the outcome is unknown for good.
 */
@Injectable()
export class EmailConnector implements Connector, OnApplicationShutdown {
  readonly provider = 'smtp';
  readonly sendsAtOnceMax = CONNECTIONS_MAX;
  private readonly transporter: ReturnType<typeof createPool>;

  constructor(@Inject(EMAIL_OPTIONS) private readonly options: EmailOptions) {
    this.transporter = createPool(options.smtpUrl);
    this.transporter.use('stream', (mail, done) => {
      const { attempt } = mail.data as { attempt?: Attempt };
      mail.message.processFunc((stream: Readable) => {
        if (attempt !== undefined) attempt.stream = stream;
        return stream;
      });
      done();
    });
  }

  async send(message: OutboundMessage): Promise<SendResult> {
    const attempt: Attempt = { stream: null };
    try {
      const mail = { ...toMail(message, this.options), attempt };
      const sent = await this.transporter.sendMail(mail);
      return { kind: 'accepted', providerMessageId: sent.messageId };
    } catch (error) {
      return classifySmtpError(error, attempt.stream?.readableDidRead ?? false);
    }
  }

  onApplicationShutdown(): void {
    this.transporter.close();
  }
}

const createPool = (url: string) =>
  nodemailer.createTransport({
    pool: true,
    url,
    maxConnections: CONNECTIONS_MAX,
    maxMessages: MESSAGES_PER_CONNECTION_MAX,
    connectionTimeout: CONNECT_MS_MAX,
    greetingTimeout: CONNECT_MS_MAX,
    socketTimeout: SILENCE_MS_MAX,
    // Message content comes from templates: it must not be able to read files or fetch addresses of ours.
    disableFileAccess: true,
    disableUrlAccess: true,
  });

function toMail(message: OutboundMessage, { from, domain }: EmailOptions) {
  return {
    from: { ...from },
    to: { name: '', address: message.to },
    subject: message.subject,
    html: message.html,
    text: message.text,
    messageId: `<${message.deliveryId}@${domain}>`,
    headers: { ...listHeaders(message.unsubscribeUrl, domain), 'X-Delivery-Id': message.deliveryId },
  };
}

/** RFC 2919 and RFC 8058: where to withdraw, and that one POST there is enough. */
function listHeaders(unsubscribeUrl: string | null, domain: string): Record<string, { prepared: true; value: string }> {
  if (unsubscribeUrl === null) return {};
  // Prepared: folding could break the address, and some receivers do not unfold it.
  const header = (value: string): { prepared: true; value: string } => ({ prepared: true, value });
  return {
    'List-Id': header(`<marketing.${domain}>`),
    'List-Unsubscribe': header(`<${unsubscribeUrl}>`),
    'List-Unsubscribe-Post': header('List-Unsubscribe=One-Click'),
  };
}
