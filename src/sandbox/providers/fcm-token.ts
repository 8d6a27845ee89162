import { randomBytes, verify } from 'node:crypto';
import type { Clock } from '../../platform/clock/clock.js';
import type { AccountBook } from '../accounts.js';
import type { Endpoint } from '../exchange.js';
import { isText, json, readObject, refused, type Answer, type WireRequest } from '../wire.js';

// https://developers.google.com/identity/protocols/oauth2/service-account

const GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const SCOPES = ['https://www.googleapis.com/auth/firebase.messaging', 'https://www.googleapis.com/auth/cloud-platform'];
const GOOGLE = 'https://oauth2.googleapis.com/token';
const LIFE_S = 3_599;
const ASSERTION_S_MAX = 3_600;
const SKEW_S = 60;

const refusal = (status: number, error: string, description: string): Answer =>
  json(status, { error, error_description: description });

/** Hands out access tokens for assertions that the service account signed, and knows them again. */
export class FcmTokens {
  private readonly endsAtMs = new Map<string, number>();

  constructor(
    private readonly book: AccountBook,
    private readonly clock: Clock,
    private readonly origin: () => string,
  ) {}

  isGood(token: string): boolean {
    return (this.endsAtMs.get(token) ?? 0) > this.clock.now();
  }

  endpoint(): Endpoint {
    return {
      desk: 'fcm_token',
      judge: (request) => {
        const fault = this.faultOf(request);
        if (fault !== undefined) return refused(fault);
        const token = `ya29.${randomBytes(48).toString('base64url')}`;
        this.endsAtMs.set(token, this.clock.now() + LIFE_S * 1_000);
        const answer = json(200, { access_token: token, expires_in: LIFE_S, token_type: 'Bearer' });
        return { kind: 'taken', messages: [], answer };
      },
      failure: (status) => refusal(status, status >= 500 ? 'internal_failure' : 'invalid_grant', 'told to fail'),
    };
  }

  private faultOf({ raw }: WireRequest): Answer | undefined {
    const form = new URLSearchParams(raw.toString('utf8'));
    if (form.get('grant_type') !== GRANT) return refusal(400, 'unsupported_grant_type', 'Invalid grant_type');
    const [head = '', body = '', signature = '', rest] = (form.get('assertion') ?? '').split('.');
    const header = readObject(Buffer.from(head, 'base64url'));
    const claims = readObject(Buffer.from(body, 'base64url'));
    if (header?.['alg'] !== 'RS256' || claims === undefined || rest !== undefined)
      return refusal(400, 'invalid_grant', 'Invalid JWT');
    const { public_key: key, client_email: email } = this.book.now.fcm;
    if (!verify('sha256', Buffer.from(`${head}.${body}`), key, Buffer.from(signature, 'base64url')))
      return refusal(400, 'invalid_grant', 'Invalid JWT Signature.');
    return this.faultOfClaims(claims, email);
  }

  private faultOfClaims(claims: Readonly<Record<string, unknown>>, email: string): Answer | undefined {
    const { iss, aud, iat, exp, scope } = claims;
    if (iss !== email) return refusal(400, 'invalid_grant', 'Invalid grant: account not found');
    if (aud !== GOOGLE && aud !== `${this.origin()}/fcm/token`)
      return refusal(400, 'invalid_grant', 'Invalid JWT: aud');
    const nowS = this.clock.now() / 1_000;
    const isTimely =
      typeof iat === 'number' &&
      typeof exp === 'number' &&
      iat <= nowS + SKEW_S &&
      exp > nowS &&
      exp - iat <= ASSERTION_S_MAX;
    if (!isTimely)
      return refusal(400, 'invalid_grant', 'Invalid JWT: iat and exp name no more than an hour around now');
    const asked = isText(scope) ? scope.split(' ') : [];
    return asked.some((name) => SCOPES.includes(name)) ? undefined : refusal(400, 'invalid_scope', 'No known scope');
  }
}
