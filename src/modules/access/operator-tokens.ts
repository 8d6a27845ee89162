import { Inject, Injectable, ServiceUnavailableException } from '@nestjs/common';
import { createRemoteJWKSet, errors, jwtVerify, SignJWT, type JWTPayload, type JWTVerifyGetKey } from 'jose';
import type { InstantMs } from '../../core/kernel/instant.js';
import { CONFIG } from '../../platform/config/config.module.js';
import type { Config } from '../../platform/config/config.js';
import { deriveKey } from '../../platform/config/derive-key.js';
import type { Principal } from '../../platform/http/principal.js';
import { toGrantableScope, type GrantableScope } from './scopes.js';

/** A symmetric algorithm is never accepted beside public keys: else a public key could be used to sign. */
const OWN_ALGORITHMS = ['HS256'];
const PROVIDER_ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA'];
const CLOCK_SKEW_SECONDS = 30;
const SUBJECT_CHARACTERS_MAX = 200;

type Settings = Pick<Config, 'auth' | 'secrets'>;

/** Tokens of operators: those that `tactful token` made, or those of the identity provider behind JWKS_URL. */
@Injectable()
export class OperatorTokens {
  private readonly key: JWTVerifyGetKey;
  private readonly algorithms: readonly string[];

  constructor(@Inject(CONFIG) private readonly config: Settings) {
    const { jwksUrl } = config.auth;
    this.key = jwksUrl === null ? ownKey(config) : createRemoteJWKSet(new URL(jwksUrl));
    this.algorithms = jwksUrl === null ? OWN_ALGORITHMS : PROVIDER_ALGORITHMS;
  }

  /**
   * Whose token this is; null for one that is forged, expired, for another audience, or no token at all.
   *
   * @throws ServiceUnavailableException when the identity provider's keys cannot be read
   */
  async recognise(token: string): Promise<Principal | null> {
    try {
      const { payload } = await jwtVerify(token, this.key, {
        issuer: this.config.auth.jwtIssuer,
        audience: this.config.auth.jwtAudience,
        algorithms: [...this.algorithms],
        requiredClaims: ['exp', 'sub'],
        clockTolerance: CLOCK_SKEW_SECONDS,
      });
      return toPrincipal(payload);
    } catch (error) {
      if (isRefusal(error)) return null;
      const detail = 'the identity provider cannot be reached';
      throw new ServiceUnavailableException({ code: 'IDENTITY_PROVIDER_UNAVAILABLE', detail }, { cause: error });
    }
  }
}

/** Makes a token of our own. */
export function makeOperatorToken(
  config: Settings,
  token: {
    readonly subject: string;
    readonly scopes: readonly GrantableScope[];
    readonly from: InstantMs;
    readonly until: InstantMs;
  },
): Promise<string> {
  return new SignJWT({ scope: token.scopes.join(' ') })
    .setProtectedHeader({ alg: 'HS256', kid: config.secrets.current.kid })
    .setIssuer(config.auth.jwtIssuer)
    .setAudience(config.auth.jwtAudience)
    .setSubject(token.subject)
    .setIssuedAt(new Date(token.from))
    .setExpirationTime(new Date(token.until))
    .sign(deriveKey(config.secrets.current, 'operator-token'));
}

/** The key that the token names, a former one too: a change of SECRET_KEY does not end everybody's day. */
function ownKey({ secrets }: Settings): JWTVerifyGetKey {
  const known = new Map([...secrets.previous, secrets.current].map((secret) => [secret.kid, secret]));
  return async ({ kid }) => {
    const secret = known.get(kid ?? '');
    if (secret === undefined) throw new errors.JWKSNoMatchingKey();
    return deriveKey(secret, 'operator-token');
  };
}

/** jose's own errors say what is wrong with the token; all others, what is wrong with the way to the keys. */
function isRefusal(error: unknown): boolean {
  return (
    error instanceof errors.JOSEError && !(error instanceof errors.JWKSTimeout) && error.code !== 'ERR_JOSE_GENERIC'
  );
}

function toPrincipal({ sub = '', scope, scp }: JWTPayload): Principal | null {
  if (sub === '' || sub.length > SUBJECT_CHARACTERS_MAX || !/^[\x21-\x7e]+$/.test(sub)) return null;
  const claimed = typeof scope === 'string' ? scope.split(' ') : Array.isArray(scp) ? scp.map(String) : [];
  const scopes = claimed.map(toGrantableScope).filter((known) => known !== null);
  return { name: `operator:${sub}`, scopes: new Set(scopes) };
}
