import { PUSH_BYTES_MAX } from '../../../core/content/content-faults.js';
import { readPushAddress } from '../../../core/delivery/push-address.js';
import { assert } from '../../../core/kernel/assert.js';
import type { Clock } from '../../../platform/clock/clock.js';
import type { ExchangeResult, Exchanges } from '../../../platform/outbound/exchange.js';
import { ForbiddenAddressError } from '../../../platform/outbound/guarded-request.js';
import type { ProviderAccount } from '../../providers/index.js';
import { Circuit } from '../circuit.js';
import type { Connector, OutboundMessage, ProviderLine, SendResult } from '../connector.js';
import { ANSWER_LIMITS, resultOfExchange } from '../http/exchange-result.js';
import { Vapid } from './vapid.js';
import { ENCRYPTION_BYTES, encryptForBrowser } from './web-push-encryption.js';
import { toBrowserText, toPushHeaders, toPushResult } from './web-push.js';

const SENDS_AT_ONCE_MAX = 50;
const SERVICES_MAX = 1_000;
const SERVER_ERROR = 500;
const TOO_MANY = 429;

/**
 * Notifications to browsers (RFC 8030, 8291, 8292). The browser says where its messages go, so the address is a
 * stranger's: each push service has a health of its own, and one that fails keeps nobody else's messages back.
 */
export class WebPushConnector implements Connector {
  readonly sendsAtOnceMax = SENDS_AT_ONCE_MAX;
  readonly watchesItself = true;
  private readonly vapid: Vapid;
  private readonly circuits = new Map<string, Circuit>();

  constructor(
    private readonly exchanges: Exchanges,
    private readonly account: ProviderAccount,
    clock: Clock,
  ) {
    const { subject = '', public_key: publicKey = '' } = account.settings;
    this.vapid = new Vapid({ subject, publicKey, privateKey: account.credentials['private_key'] ?? '' }, clock);
  }

  get provider(): string {
    return this.account.key;
  }

  takes(address: string): boolean {
    return readPushAddress(address)?.platform === 'webpush';
  }

  /** Which push service it will be only the message tells; the connection counts against its time. */
  open(): Promise<ProviderLine> {
    return Promise.resolve({
      provider: this.provider,
      send: (message, startWithinMs) => this.send(message, startWithinMs),
      release: () => undefined,
    });
  }

  private async send(message: OutboundMessage, startWithinMs: number): Promise<SendResult> {
    const address = readPushAddress(message.to);
    assert(address?.platform === 'webpush', 'web push reaches browsers');
    const { origin } = new URL(address.endpoint);
    const circuit = this.circuitOf(origin);
    if (!circuit.isClosed) return { kind: 'unavailable', detail: 'the push service failed several times in a row' };
    const text = toBrowserText(message);
    const bytes = text.length + ENCRYPTION_BYTES;
    if (bytes > PUSH_BYTES_MAX) {
      return { kind: 'rejected', detail: `${bytes} bytes of at most ${PUSH_BYTES_MAX}`, refusedFor: 'other' };
    }
    const authorization = this.authorizationFor(origin);
    if (authorization === null) return { kind: 'unavailable', detail: 'the VAPID keys are not as they should be' };
    try {
      const exchange = await this.exchanges.post({
        ...{ ...ANSWER_LIMITS, startWithinMs },
        url: address.endpoint,
        headers: { ...toPushHeaders(message), authorization },
        body: encryptForBrowser(text, address),
      });
      circuit.note(isWell(exchange));
      return resultOfExchange(exchange, (answer) => toPushResult(answer, message.deliveryId));
    } catch (error) {
      if (!(error instanceof ForbiddenAddressError)) throw error;
      return { kind: 'rejected', detail: 'the address is not public', refusedFor: 'recipient' };
    }
  }

  private circuitOf(origin: string): Circuit {
    const known = this.circuits.get(origin);
    if (known !== undefined) return known;
    if (this.circuits.size >= SERVICES_MAX) this.circuits.clear();
    const circuit = new Circuit();
    this.circuits.set(origin, circuit);
    return circuit;
  }

  private authorizationFor(origin: string): string | null {
    try {
      return this.vapid.headerFor(origin);
    } catch {
      return null;
    }
  }
}

/** A refusal is about one subscription, or about us: the service itself is there. */
const isWell = (exchange: ExchangeResult): boolean =>
  exchange.kind === 'answered' && exchange.status < SERVER_ERROR && exchange.status !== TOO_MANY;
