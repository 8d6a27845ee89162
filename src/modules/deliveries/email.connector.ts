import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import MailComposer from 'nodemailer/lib/mail-composer';
import type { Connector, OutboundMessage, ProviderLine, SendResult } from './connector.js';
import { classifySmtpError, isLineLost } from './smtp-errors.js';
import { SmtpLines, type HeldLine } from './smtp-lines.js';

export const EMAIL_OPTIONS = Symbol('EMAIL_OPTIONS');
export interface EmailOptions {
  readonly smtpUrl: string;
  readonly from: { readonly name: string; readonly address: string };
  /** Domain of Message-ID and List-Id. */
  readonly domain: string;
}

const LINES_MAX = 10;

/**
 * E-mail over SMTP. SMTP has no idempotency key and cannot be asked about a message later: once the message has begun
 * to leave and no answer came, the outcome is unknown for good.
 */
@Injectable()
export class EmailConnector implements Connector, OnApplicationShutdown {
  readonly provider = 'smtp';
  readonly sendsAtOnceMax = LINES_MAX;
  private readonly lines: SmtpLines;

  constructor(@Inject(EMAIL_OPTIONS) private readonly options: EmailOptions) {
    this.lines = new SmtpLines(options.smtpUrl);
  }

  async open(): Promise<ProviderLine> {
    try {
      const held = await this.lines.take();
      return {
        send: (message, startWithinMs) => this.send(held, message, startWithinMs),
        release: () => this.lines.give(held.line),
      };
    } catch (error) {
      const result = classifySmtpError(error, false);
      return { send: () => Promise.resolve(result), release: () => undefined };
    }
  }

  private async send(held: HeldLine, message: OutboundMessage, startWithinMs: number): Promise<SendResult> {
    const mail = new MailComposer(toMail(message, this.options)).compile();
    const handover = await held.line.send(mail.getEnvelope(), mail.createReadStream(), startWithinMs);
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

  onApplicationShutdown(): void {
    this.lines.close();
  }
}

function toMail(message: OutboundMessage, { from, domain }: EmailOptions) {
  return {
    from: { ...from },
    to: { name: '', address: message.to },
    subject: message.subject,
    html: message.html,
    text: message.text,
    messageId: `<${message.deliveryId}@${domain}>`,
    // Message content comes from templates: it must not be able to read files or fetch addresses of ours.
    disableFileAccess: true,
    disableUrlAccess: true,
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
