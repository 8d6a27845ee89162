import { createECDH, createPrivateKey, createPublicKey, sign, type KeyObject } from 'node:crypto';
import { SECOND_MS } from '../../../core/kernel/instant.js';
import type { Clock } from '../../../platform/clock/clock.js';
import { Stopwatch } from '../../../platform/clock/stopwatch.js';

/** At most a day is allowed (RFC 8292 section 2); a clock may be set in between. */
const LIFE_S = 12 * 3_600;
const USED_MS = (LIFE_S / 2) * SECOND_MS;
/** There are a handful of push services; endpoints that name others come from nowhere good. */
const ORIGINS_MAX = 1_000;

/** Who sends, as push services are told. */
interface VapidAccount {
  /** `mailto:` or `https:`: whom a push service may ask. */
  readonly subject: string;
  /** The application server key, as browsers subscribe with it: 65 bytes in base64url. */
  readonly publicKey: string;
  /** 32 bytes in base64url, or PEM. */
  readonly privateKey: string;
}

/** Says to each push service who sends (RFC 8292). A signature serves for all messages of some hours. */
export class Vapid {
  private readonly headers = new Map<string, { readonly text: string; readonly since: Stopwatch }>();
  private key: KeyObject | null = null;

  constructor(
    private readonly account: VapidAccount,
    private readonly clock: Clock,
  ) {}

  /**
   * The header `Authorization` for a push service.
   *
   * @param origin of its endpoints
   * @throws Error when the private key is none, or not that of the public key
   */
  headerFor(origin: string): string {
    const known = this.headers.get(origin);
    if (known !== undefined && known.since.elapsedMs() < USED_MS) return known.text;
    const since = new Stopwatch();
    const text = `vapid t=${this.tokenFor(origin)}, k=${this.account.publicKey}`;
    if (this.headers.size >= ORIGINS_MAX) this.headers.clear();
    this.headers.set(origin, { text, since });
    return text;
  }

  private tokenFor(origin: string): string {
    this.key ??= privateKeyOf(this.account);
    const exp = Math.floor(this.clock.now() / SECOND_MS) + LIFE_S;
    const text = [
      { typ: 'JWT', alg: 'ES256' },
      { aud: origin, exp, sub: this.account.subject },
    ]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.');
    const signature = sign('sha256', Buffer.from(text), { key: this.key, dsaEncoding: 'ieee-p1363' });
    return `${text}.${signature.toString('base64url')}`;
  }
}

function privateKeyOf({ privateKey, publicKey }: VapidAccount): KeyObject {
  const isPem = privateKey.trimStart().startsWith('-----BEGIN');
  const key = isPem ? createPrivateKey(privateKey.replaceAll('\\n', '\n')) : fromScalar(privateKey);
  const { x = '', y = '' } = createPublicKey(key).export({ format: 'jwk' });
  const point = Buffer.concat([Buffer.of(4), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]);
  if (point.toString('base64url') !== publicKey) throw new Error('the private key is not that of the public key');
  return key;
}

function fromScalar(scalar: string): KeyObject {
  const pair = createECDH('prime256v1');
  pair.setPrivateKey(Buffer.from(scalar, 'base64url'));
  const point = pair.getPublicKey();
  const [x = '', y = ''] = [point.subarray(1, 33), point.subarray(33)].map((half) => half.toString('base64url'));
  return createPrivateKey({ key: { kty: 'EC', crv: 'P-256', d: scalar, x, y }, format: 'jwk' });
}
