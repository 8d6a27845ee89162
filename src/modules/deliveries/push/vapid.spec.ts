import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { jest } from '@jest/globals';
import type { Clock } from '../../../platform/clock/clock.js';
import { Vapid } from './vapid.js';

const NOW = Date.parse('2027-06-15T12:00:00Z');
const clock: Clock = { now: () => NOW };
const ORIGIN = 'https://push.example.com';

function keys() {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { x = '', y = '', d = '' } = pair.privateKey.export({ format: 'jwk' });
  const point = Buffer.concat([Buffer.of(4), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]);
  return {
    publicKey: point.toString('base64url'),
    scalar: d,
    pem: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    sec1: pair.privateKey.export({ type: 'sec1', format: 'pem' }).toString(),
    verifier: createPublicKey(pair.privateKey),
  };
}

const own = keys();
const vapid = (privateKey = own.scalar, publicKey = own.publicKey): Vapid =>
  new Vapid({ subject: 'mailto:ops@example.org', publicKey, privateKey }, clock);

function claimsIn(header: string): { readonly isSigned: boolean; readonly key: string; readonly claims: object } {
  const [, head = '', body = '', signature = '', key = ''] =
    /^vapid t=([\w-]+)\.([\w-]+)\.([\w-]+), k=([\w-]+)$/.exec(header) ?? [];
  const options = { key: own.verifier, dsaEncoding: 'ieee-p1363' } as const;
  return {
    isSigned: verify('sha256', Buffer.from(`${head}.${body}`), options, Buffer.from(signature, 'base64url')),
    key,
    claims: JSON.parse(Buffer.from(body, 'base64url').toString() || '{}'),
  };
}

describe('who sends, as push services are told', () => {
  afterEach(() => jest.restoreAllMocks());

  it.each([
    ['32 bytes', own.scalar],
    ['PEM as openssl writes it', own.sec1],
    ['PEM by PKCS 8', own.pem],
    ['PEM on one line, as in JSON', own.pem.replaceAll('\n', '\\n')],
  ])('is signed with a key of %s, for the service and half a day', (_what, privateKey) => {
    expect(claimsIn(vapid(privateKey).headerFor(ORIGIN))).toEqual({
      isSigned: true,
      key: own.publicKey,
      claims: { aud: ORIGIN, exp: NOW / 1_000 + 43_200, sub: 'mailto:ops@example.org' },
    });
  });

  it('is signed once for each service, and again before it ends', () => {
    let now = 0;
    jest.spyOn(performance, 'now').mockImplementation(() => now);
    const by = vapid();
    const first = by.headerFor(ORIGIN);
    now = 6 * 3_600_000 - 1;
    expect(by.headerFor(ORIGIN)).toBe(first);
    expect(claimsIn(by.headerFor('https://other.example')).claims).toMatchObject({ aud: 'https://other.example' });
    now += 1;
    expect(by.headerFor(ORIGIN)).not.toBe(first);
  });

  it.each([
    ['none', 'nonsense'],
    ['that of another public key', keys().scalar],
  ])('is not told with a private key that is %s', (_what, privateKey) => {
    expect(() => vapid(privateKey).headerFor(ORIGIN)).toThrow();
  });
});
