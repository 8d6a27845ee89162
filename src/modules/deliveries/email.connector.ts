import type { Readable } from 'node:stream';
import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import DKIM from 'nodemailer/lib/dkim';
import MailComposer from 'nodemailer/lib/mail-composer';
import { assert } from '../../core/kernel/assert.js';
import type { Connector, OutboundMessage, ProviderLine, SendResult } from './connector.js';
import { mailHeaders } from './mail-headers.js';
import { classifySmtpError, isLineLost } from './smtp-errors.js';
import { SmtpLines, type HeldLine } from './smtp-lines.js';

export const EMAIL_OPTIONS = Symbol('EMAIL_OPTIONS');
export interface EmailOptions {
  readonly smtpUrl: string;
  readonly from: { readonly name: string; readonly address: string };
  /** Domain of Message-ID and List-Id. */
  readonly domain: string;
  /** Null: not signed by us. */
  readonly dkim: { readonly selector: string; readonly privateKey: string } | null;
}

const LINES_MAX = 10;
/** RFC 6376 section 5.4.1, and what RFC 8058 section 4 asks to be covered. */
const SIGNED_HEADERS = [
  ...['From', 'Sender', 'Reply-To', 'Subject', 'Date', 'Message-ID', 'To', 'MIME-Version', 'Content-Type'],
  ...['Content-Transfer-Encoding', 'List-Id', 'List-Unsubscribe', 'List-Unsubscribe-Post'],
].join(':');

/**
 * E-mail over SMTP. SMTP has no idempotency key and cannot be asked about a message later: once the message has begun
 * to leave and no answer came, the outcome is unknown for good.
 */
@Injectable()
export class EmailConnector implements Connector, OnApplicationShutdown {
  readonly provider = 'smtp';
  readonly sendsAtOnceMax = LINES_MAX;
  private readonly lines: SmtpLines;
  private readonly signer: DKIM | null;

  constructor(@Inject(EMAIL_OPTIONS) private readonly options: EmailOptions) {
    this.lines = new SmtpLines(options.smtpUrl);
    this.signer = signerOf(options);
  }

  async open(): Promise<ProviderLine> {
    try {
      const held = await this.lines.take();
      return {
        provider: this.provider,
        send: (message, startWithinMs) => this.send(held, message, startWithinMs),
        release: () => this.lines.give(held.line),
      };
    } catch (error) {
      const result = classifySmtpError(error, false);
      return { provider: this.provider, send: () => Promise.resolve(result), release: () => undefined };
    }
  }

  private async send(held: HeldLine, message: OutboundMessage, startWithinMs: number): Promise<SendResult> {
    const mail = new MailComposer(toMail(message, this.options)).compile();
    const handover = await held.line.send(mail.getEnvelope(), this.contentOf(mail), startWithinMs);
    switch (handover.kind) {
      case 'taken':
        return { kind: 'accepted', providerMessageId: mail.messageId() };
      case 'late':
        return { kind: 'late', detail: 'the mail server was not ready for the message in time' };
      case 'failed': {
        const { error, hasBegun } = handover;
        const result = classifySmtpError(error, hasBegun);
        // A server may hang up on an idle line just then. That says nothing about a new line.
        const isForgivable = held.isReused && !hasBegun && isLineLost(error);
        return isForgivable && result.kind === 'unavailable' ? { ...result, kind: 'late' } : result;
      }
    }
  }

  private contentOf(mail: ReturnType<MailComposer['compile']>): Readable {
    const content = mail.createReadStream();
    return this.signer === null ? content : this.signer.sign(content);
  }

  onApplicationShutdown(): void {
    this.lines.close();
  }
}

function signerOf({ from, dkim }: EmailOptions): DKIM | null {
  if (dkim === null) return null;
  const { selector: keySelector, privateKey } = dkim;
  const domainName = from.address.slice(from.address.lastIndexOf('@') + 1);
  return new DKIM({ domainName, keySelector, privateKey, headerFieldNames: SIGNED_HEADERS });
}

function toMail(message: OutboundMessage, { from, domain }: EmailOptions) {
  const { deliveryId, to, content } = message;
  assert(content.channel === 'email', 'a mail server takes e-mail');
  const { subject, html, text } = content;
  return {
    from: { ...from },
    to: { name: '', address: to },
    subject,
    html,
    text,
    messageId: `<${deliveryId}@${domain}>`,
    // Message content comes from templates: it must not be able to read files or fetch addresses of ours.
    disableFileAccess: true,
    disableUrlAccess: true,
    headers: prepared(mailHeaders(message, domain)),
  };
}

/** Folding could break the address, and some receivers do not unfold it. */
function prepared(headers: Readonly<Record<string, string>>): Record<string, { prepared: true; value: string }> {
  const entries = Object.entries(headers).map(([name, value]) => [name, { prepared: true, value }] as const);
  return Object.fromEntries(entries);
}
