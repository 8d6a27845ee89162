import { PUSH_BYTES_MAX } from '../../../core/content/content-faults.js';
import { readPushAddress } from '../../../core/delivery/push-address.js';
import { assert } from '../../../core/kernel/assert.js';
import type { Clock } from '../../../platform/clock/clock.js';
import type { Exchanges } from '../../../platform/outbound/exchange.js';
import { ForbiddenAddressError } from '../../../platform/outbound/guarded-request.js';
import type { ProviderAccount } from '../../providers/index.js';
import type { Connector, OutboundMessage, ProviderLine, SendResult } from '../connector.js';
import { ANSWER_LIMITS, resultOfExchange } from '../http/exchange-result.js';
import type { HttpAnswer } from '../http/http-protocol.js';
import { isTokenRefused, toFcmRequest, toFcmResult } from './fcm.js';
import { GoogleTokens, type AccessToken } from './google-tokens.js';

const BASE_URL = 'https://fcm.googleapis.com';
const TOKEN_URL = 'https://oauth2.googleapis.com/token';
const SENDS_AT_ONCE_MAX = 50;

/** Where messages of the account are sent. */
export function fcmAddressOf({ settings }: ProviderAccount): string {
  const { base_url: base = BASE_URL, project_id: project = '' } = settings;
  return `${base}/v1/projects/${project}/messages:send`;
}

/** The access tokens of the account. */
export function fcmTokensOf(exchanges: Exchanges, account: ProviderAccount, clock: Clock): GoogleTokens {
  const { client_email: clientEmail = '', private_key: privateKey = '' } = account.credentials;
  return new GoogleTokens(
    exchanges,
    { tokenUrl: account.settings['token_url'] ?? TOKEN_URL, clientEmail, privateKey },
    clock,
  );
}

/**
 * Notifications by Firebase Cloud Messaging, HTTP v1. It has no idempotency key and cannot be asked about a message.
 */
export class FcmConnector implements Connector {
  readonly sendsAtOnceMax = SENDS_AT_ONCE_MAX;
  private readonly tokens: GoogleTokens;

  constructor(
    private readonly exchanges: Exchanges,
    private readonly account: ProviderAccount,
    private readonly clock: Clock,
  ) {
    this.tokens = fcmTokensOf(exchanges, account, clock);
  }

  get provider(): string {
    return this.account.key;
  }

  takes(address: string): boolean {
    return readPushAddress(address)?.platform === 'fcm';
  }

  /** Has the access token ready, so that fetching it lies before the claim. */
  async open(): Promise<ProviderLine> {
    const token = await this.tokens.get();
    return {
      provider: this.provider,
      send: (message, startWithinMs) =>
        token.kind === 'token'
          ? this.send(token, message, startWithinMs)
          : Promise.resolve({ kind: 'unavailable', detail: token.detail }),
      release: () => undefined,
    };
  }

  private async send(token: AccessToken, message: OutboundMessage, startWithinMs: number): Promise<SendResult> {
    const address = readPushAddress(message.to);
    assert(address?.platform === 'fcm', 'FCM reaches its own devices');
    const { body, payloadBytes } = toFcmRequest(message, { token: address.token, now: this.clock.now() });
    if (payloadBytes > PUSH_BYTES_MAX) {
      return { kind: 'rejected', detail: `${payloadBytes} bytes of at most ${PUSH_BYTES_MAX}`, refusedFor: 'other' };
    }
    try {
      const exchange = await this.exchanges.post({
        ...{ ...ANSWER_LIMITS, startWithinMs, body },
        url: fcmAddressOf(this.account),
        headers: { authorization: `Bearer ${token.text}`, 'content-type': 'application/json' },
      });
      return resultOfExchange(exchange, (answer) => this.toResult(answer, token));
    } catch (error) {
      if (!(error instanceof ForbiddenAddressError)) throw error;
      return { kind: 'unavailable', detail: 'the address of the provider is not allowed' };
    }
  }

  /**
   * A token that did its work until now has ended before its time: nothing was taken, and the claim is made anew with
   * another token. One that never did any is not the fault of its age.
   */
  private toResult(answer: HttpAnswer, token: AccessToken): SendResult {
    if (!isTokenRefused(answer)) {
      token.isProven = true;
      return toFcmResult(answer);
    }
    this.tokens.drop(token);
    return token.isProven ? { kind: 'late', detail: 'the access token had ended' } : toFcmResult(answer);
  }
}
