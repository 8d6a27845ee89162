import type { ListedMessage } from '../../../core/delivery/look-up.js';
import type { Clock } from '../../../platform/clock/clock.js';
import type { Exchanges } from '../../../platform/outbound/exchange.js';
import { ForbiddenAddressError } from '../../../platform/outbound/guarded-request.js';
import type { ProviderAccount, ProviderKind } from '../../providers/index.js';
import type { Connector, OutboundMessage, ProviderLine, SendResult, Sought } from '../connector.js';
import { ANSWER_LIMITS, parsed, resultOfExchange } from './exchange-result.js';
import type { Correspondence, HttpAnswer, HttpProtocol } from './http-protocol.js';
import { listedBy, type HttpQuestion, type LookUp } from './look-up.js';
import { mailgun } from './mailgun.js';
import { postmarkLookUp } from './postmark-look-up.js';
import { postmark } from './postmark.js';
import { sendgrid } from './sendgrid.js';
import { ses } from './ses.js';
import { twilioLookUp } from './twilio-look-up.js';
import { twilio } from './twilio.js';

const PROTOCOLS: Partial<Record<ProviderKind, HttpProtocol>> = { sendgrid, mailgun, postmark, ses, twilio };

/** Where it can be told for sure whether a message was taken. */
const LOOK_UPS: Partial<Record<ProviderKind, LookUp>> = { postmark: postmarkLookUp, twilio: twilioLookUp };

/** The kinds of accounts that can be asked after a message. */
export const ASKABLE_KINDS: readonly string[] = Object.keys(LOOK_UPS);

const SENDS_AT_ONCE_MAX = 50;
const LOOK_UP_LIMITS = { msMax: 10_000, answerBytesMax: 2_000_000 } as const;

/** Whether messages can be sent with an account of this kind. */
export const isHttpKind = (kind: ProviderKind): boolean => PROTOCOLS[kind] !== undefined;

/**
 * Messages by the HTTP API of a provider. None of them has an idempotency key: once a request has begun to leave and no
 * answer came that says what happened, the outcome is unknown, until a callback tells of the message or, of some, the
 * provider does when it is asked.
 */
export class HttpConnector implements Connector {
  readonly sendsAtOnceMax = SENDS_AT_ONCE_MAX;

  constructor(
    private readonly exchanges: Exchanges,
    private readonly correspondence: Correspondence,
    private readonly clock: Clock,
  ) {}

  get provider(): string {
    return this.correspondence.account.key;
  }

  /** The connection is made when the message is sent, and counts against its time: it is kept between messages. */
  open(): Promise<ProviderLine> {
    return Promise.resolve({
      provider: this.provider,
      canBeAsked: this.lookUp !== undefined,
      send: (message, startWithinMs) => this.send(message, startWithinMs),
      release: () => undefined,
    });
  }

  /** @returns null too where this kind of provider cannot be asked */
  async ask(sought: Sought): Promise<readonly ListedMessage[] | null> {
    const { lookUp } = this;
    return lookUp === undefined ? null : listedBy(lookUp, sought, this.correspondence, (asked) => this.answerTo(asked));
  }

  private get lookUp(): LookUp | undefined {
    return LOOK_UPS[this.correspondence.account.kind];
  }

  private async answerTo(question: HttpQuestion): Promise<HttpAnswer | null> {
    try {
      const { status, body } = await this.exchanges.get({ ...question, ...LOOK_UP_LIMITS });
      return { status, headers: {}, json: parsed(body) };
    } catch {
      // No answer, or a forbidden address: whatever it was, nobody knows more than before.
      return null;
    }
  }

  private async send(message: OutboundMessage, startWithinMs: number): Promise<SendResult> {
    const { account } = this.correspondence;
    const protocol = protocolOf(account);
    const unsigned = protocol.toRequest(message, this.correspondence);
    const request = protocol.sign?.(unsigned, account, this.clock.now()) ?? unsigned;
    try {
      const exchange = await this.exchanges.post({ ...request, ...ANSWER_LIMITS, startWithinMs });
      return resultOfExchange(exchange, (answer) => protocol.toResult(answer));
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
