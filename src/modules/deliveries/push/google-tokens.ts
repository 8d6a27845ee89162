import { createPrivateKey, sign } from 'node:crypto';
import { SECOND_MS, type DurationMs } from '../../../core/kernel/instant.js';
import type { Clock } from '../../../platform/clock/clock.js';
import { Stopwatch } from '../../../platform/clock/stopwatch.js';
import type { Exchanges, ExchangeResult } from '../../../platform/outbound/exchange.js';
import { toAnswer } from '../http/exchange-result.js';
import { textAt } from '../http/http-result.js';

const GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const SCOPE = 'https://www.googleapis.com/auth/firebase.messaging';
const OK = 200;
const BAD_REQUEST = 400;
const TOO_MANY = 429;
const SERVER_ERROR = 500;
const ASSERTION_S = 3_600;
/** A token is not used in its last minute: a message may be on its way for a while. */
const MARGIN_S = 60;
const LIMITS = { startWithinMs: 5_000, answerWithinMs: 5_000, answerBytesMax: 20_000 };

/** A service account, and the desk that hands out tokens for its signature. */
interface ServiceAccount {
  readonly tokenUrl: string;
  readonly clientEmail: string;
  /** PKCS 8, PEM; line ends may be written as `\n`, as in Google's JSON files. */
  readonly privateKey: string;
}

/** What FCM wants to see with each message. */
export interface AccessToken {
  readonly kind: 'token';
  readonly text: string;
  /** Set once FCM has dealt with a message by it. */
  isProven: boolean;
}

/** No token is to be had now; `detail` holds codes only. */
interface NoToken {
  readonly kind: 'none';
  readonly detail: string;
  /** Whether that is because of the account, and would be the same another time. */
  readonly isRefused: boolean;
}

/**
 * Access tokens of one service account, kept until shortly before they end. Whoever needs one while it is fetched waits
 * for the same one.
 *
 * @see https://developers.google.com/identity/protocols/oauth2/service-account#httprest
 */
export class GoogleTokens {
  private held: { readonly token: AccessToken; readonly since: Stopwatch; readonly lifeMs: DurationMs } | null = null;
  private fetching: Promise<AccessToken | NoToken> | null = null;

  constructor(
    private readonly exchanges: Exchanges,
    private readonly account: ServiceAccount,
    private readonly clock: Clock,
  ) {}

  /** Never throws. */
  get(): Promise<AccessToken | NoToken> {
    const { held } = this;
    if (held !== null && held.since.elapsedMs() < held.lifeMs) return Promise.resolve(held.token);
    this.fetching ??= this.fetch().finally(() => {
      this.fetching = null;
    });
    return this.fetching;
  }

  /** Nobody gets this token any more. */
  drop(token: AccessToken): void {
    if (this.held?.token === token) this.held = null;
  }

  private async fetch(): Promise<AccessToken | NoToken> {
    const since = new Stopwatch();
    try {
      const exchange = await this.exchanges.post({
        ...LIMITS,
        url: this.account.tokenUrl,
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({ grant_type: GRANT, assertion: this.assertion() }).toString(),
      });
      return this.keep(exchange, since);
    } catch {
      // The key is none, or the address leads where no request may go: the words of such errors could hold either.
      return { kind: 'none', detail: 'no access token: the account is not as it should be', isRefused: true };
    }
  }

  private keep(exchange: ExchangeResult, since: Stopwatch): AccessToken | NoToken {
    if (exchange.kind !== 'answered') {
      const why = exchange.kind === 'late' ? 'no connection in time' : exchange.code;
      return { kind: 'none', detail: `no access token: ${why}`, isRefused: false };
    }
    const { status, json } = toAnswer(exchange);
    const text = textAt(json, 'access_token');
    const lifeS = Number(textAt(json, 'expires_in'));
    if (status !== OK || text === null || !(lifeS > 0)) {
      const isRefused = status >= BAD_REQUEST && status < SERVER_ERROR && status !== TOO_MANY;
      return { kind: 'none', detail: `no access token: status ${status}`, isRefused };
    }
    const token: AccessToken = { kind: 'token', text, isProven: false };
    this.held = { token, since, lifeMs: (lifeS - MARGIN_S) * SECOND_MS };
    return token;
  }

  /** RFC 7523: a JWT by the account's own key. */
  private assertion(): string {
    const { clientEmail, tokenUrl, privateKey } = this.account;
    const at = Math.floor(this.clock.now() / SECOND_MS);
    const claims = { iss: clientEmail, scope: SCOPE, aud: tokenUrl, iat: at, exp: at + ASSERTION_S };
    const text = [{ alg: 'RS256', typ: 'JWT' }, claims]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.');
    const key = createPrivateKey(privateKey.replaceAll('\\n', '\n'));
    return `${text}.${sign('sha256', Buffer.from(text), key).toString('base64url')}`;
  }
}
