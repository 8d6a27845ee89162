import { createDecipheriv, createECDH, createPublicKey, hkdfSync, verify, type ECDH } from 'node:crypto';
import { readObject } from '../wire.js';

const TAG_BYTES = 16;
const LAST_RECORD = 2;

/**
 * What the browser reads (RFC 8291 over RFC 8188, one record).
 *
 * @returns null when the bytes are not for this subscription, or not what was encrypted
 */
export function decrypt(body: Buffer, ecdh: ECDH, auth: Buffer): Buffer | null {
  try {
    const salt = body.subarray(0, 16);
    const recordBytes = body.readUInt32BE(16);
    const keyBytes = body.readUInt8(20);
    const senderKey = body.subarray(21, 21 + keyBytes);
    const sealed = body.subarray(21 + keyBytes);
    if (sealed.length > recordBytes) return null;
    const info = Buffer.concat([Buffer.from('WebPush: info\0'), ecdh.getPublicKey(), senderKey]);
    const secret = Buffer.from(hkdfSync('sha256', ecdh.computeSecret(senderKey), auth, info, 32));
    const key = Buffer.from(hkdfSync('sha256', secret, salt, 'Content-Encoding: aes128gcm\0', 16));
    const nonce = Buffer.from(hkdfSync('sha256', secret, salt, 'Content-Encoding: nonce\0', 12));
    const decipher = createDecipheriv('aes-128-gcm', key, nonce);
    decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
    const padded = Buffer.concat([decipher.update(sealed.subarray(0, sealed.length - TAG_BYTES)), decipher.final()]);
    const end = padded.findLastIndex((byte) => byte !== 0);
    return padded[end] === LAST_RECORD ? padded.subarray(0, end) : null;
  } catch {
    return null;
  }
}

/**
 * A subscription's key pair.
 *
 * @param privateKey base64url; null makes a new one
 */
export function subscriptionKeys(privateKey: string | null): ECDH {
  const ecdh = createECDH('prime256v1');
  if (privateKey === null) ecdh.generateKeys();
  else ecdh.setPrivateKey(privateKey, 'base64url');
  return ecdh;
}

const DAY_S = 86_400;

/**
 * Who sends, by RFC 8292.
 *
 * @returns the application server's public key, or why not
 */
export function checkVapid(
  authorization: string,
  audience: string,
  nowS: number,
): { readonly key: string } | { readonly status: 401 | 403; readonly why: string } {
  const [, fields = ''] = /^vapid\s+(.+)$/i.exec(authorization) ?? [];
  const values = Object.fromEntries(fields.split(',').map((field) => field.trim().split(/=(.*)/s) as [string, string]));
  const { t: token = '', k: key = '' } = values;
  const [head = '', body = '', signature = ''] = token.split('.');
  const claims = readObject(Buffer.from(body, 'base64url'));
  if (claims === undefined || key === '') return { status: 401, why: 'no vapid authorization' };
  if (!isSigned(`${head}.${body}`, signature, key)) return { status: 403, why: 'the signature is wrong' };
  const { aud, exp, sub } = claims;
  if (aud !== audience) return { status: 403, why: `aud is not ${audience}` };
  if (typeof exp !== 'number' || exp <= nowS || exp > nowS + DAY_S)
    return { status: 403, why: 'exp is not within a day' };
  if (typeof sub !== 'string' || !/^(mailto:|https:)/.test(sub))
    return { status: 403, why: 'sub is no mailto: or https:' };
  return { key };
}

/** ES256 by an uncompressed point. */
function isSigned(text: string, signature: string, key: string): boolean {
  const point = Buffer.from(key, 'base64url');
  if (point.length !== 65 || point[0] !== 4) return false;
  const [x = '', y = ''] = [point.subarray(1, 33), point.subarray(33)].map((half) => half.toString('base64url'));
  try {
    const publicKey = createPublicKey({ key: { kty: 'EC', crv: 'P-256', x, y }, format: 'jwk' });
    const options = { key: publicKey, dsaEncoding: 'ieee-p1363' } as const;
    return verify('sha256', Buffer.from(text), options, Buffer.from(signature, 'base64url'));
  } catch {
    return false;
  }
}
