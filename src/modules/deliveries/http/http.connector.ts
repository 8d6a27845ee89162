import type { Exchanges, ExchangeResult } from '../../../platform/outbound/exchange.js';
import { ForbiddenAddressError } from '../../../platform/outbound/guarded-request.js';
import type { ProviderAccount, ProviderKind } from '../../providers/index.js';
import type { Connector, OutboundMessage, ProviderLine, SendResult } from '../connector.js';
import type { Correspondence, HttpAnswer, HttpProtocol } from './http-protocol.js';
import { mailgun } from './mailgun.js';
import { postmark } from './postmark.js';
import { sendgrid } from './sendgrid.js';
import { twilio } from './twilio.js';

const PROTOCOLS: Partial<Record<ProviderKind, HttpProtocol>> = { sendgrid, mailgun, postmark, twilio };

const SENDS_AT_ONCE_MAX = 50;
const ANSWER_MS_MAX = 15_000;
const ANSWER_BYTES_MAX = 100_000;

/** Whether messages can be sent with an account of this kind. */
export const isHttpKind = (kind: ProviderKind): boolean => PROTOCOLS[kind] !== undefined;

/**
 * Messages by the HTTP API of a provider. None of them has an idempotency key: once a request has begun to leave and no
 * answer came that says what happened, the outcome is unknown, until a callback tells of the message.
 */
export class HttpConnector implements Connector {
  readonly sendsAtOnceMax = SENDS_AT_ONCE_MAX;

  constructor(
    private readonly exchanges: Exchanges,
    private readonly correspondence: Correspondence,
  ) {}

  get provider(): string {
    return this.correspondence.account.key;
  }

  /** The connection is made when the message is sent, and counts against its time: it is kept between messages. */
  open(): Promise<ProviderLine> {
    return Promise.resolve({
      provider: this.provider,
      send: (message, startWithinMs) => this.send(message, startWithinMs),
      release: () => undefined,
    });
  }

  private async send(message: OutboundMessage, startWithinMs: number): Promise<SendResult> {
    const protocol = protocolOf(this.correspondence.account);
    const request = protocol.toRequest(message, this.correspondence);
    const limits = { startWithinMs, answerWithinMs: ANSWER_MS_MAX, answerBytesMax: ANSWER_BYTES_MAX };
    try {
      return resultOf(await this.exchanges.post({ ...request, ...limits }), protocol);
    } catch (error) {
      if (!(error instanceof ForbiddenAddressError)) throw error;
      return { kind: 'unavailable', detail: 'the address of the provider is not allowed' };
    }
  }
}

function protocolOf({ key, kind }: ProviderAccount): HttpProtocol {
  const protocol = PROTOCOLS[kind];
  if (protocol === undefined) throw new Error(`nothing is sent with ${key}, which is of the kind ${kind}`);
  return protocol;
}

function resultOf(exchange: ExchangeResult, protocol: HttpProtocol): SendResult {
  switch (exchange.kind) {
    case 'late':
      return { kind: 'late', detail: 'the provider was not ready for the message in time' };
    case 'failed':
      return { kind: exchange.hasBegun ? 'unknown' : 'unavailable', detail: exchange.code };
    case 'answered':
      return protocol.toResult(toAnswer(exchange));
  }
}

function toAnswer({ status, headers, body }: Extract<ExchangeResult, { kind: 'answered' }>): HttpAnswer {
  try {
    return { status, headers, json: JSON.parse(body ?? '') };
  } catch {
    return { status, headers, json: undefined };
  }
}
