import { createCipheriv, createECDH, hkdfSync, randomBytes, type ECDH } from 'node:crypto';

const CURVE = 'prime256v1';
const SALT_BYTES = 16;
const TAG_BYTES = 16;
const POINT_BYTES = 65;
/** Salt, size of a record, length of the key, key (RFC 8188 section 2.1). */
const HEADER_BYTES = SALT_BYTES + 4 + 1 + POINT_BYTES;
const RECORD_BYTES = 4_096;
/** Ends the last record, which has no padding here. */
const LAST_RECORD = 2;

/** What a message of so many bytes takes more when it is encrypted. */
export const ENCRYPTION_BYTES = HEADER_BYTES + 1 + TAG_BYTES;

/** The two values that are drawn for each message. */
interface Drawn {
  /** A key pair of P-256 of its own. */
  readonly own: ECDH;
  /** 16 bytes. */
  readonly salt: Buffer;
}

function draw(): Drawn {
  const own = createECDH(CURVE);
  own.generateKeys();
  return { own, salt: randomBytes(SALT_BYTES) };
}

/**
 * Encrypts a message so that only the browser can read it (RFC 8291: `aes128gcm` of RFC 8188, one record).
 *
 * @param keys of the subscription, in base64url
 * @param drawn only for a message that must come out the same: two messages must never share them
 * @throws Error when `p256dh` is no point of P-256
 */
export function encryptForBrowser(
  text: Buffer,
  keys: { readonly p256dh: string; readonly auth: string },
  { own, salt }: Drawn = draw(),
): Buffer {
  const theirs = Buffer.from(keys.p256dh, 'base64url');
  const ownPoint = own.getPublicKey();
  const info = Buffer.concat([Buffer.from('WebPush: info\0'), theirs, ownPoint]);
  const secret = derive(own.computeSecret(theirs), Buffer.from(keys.auth, 'base64url'), info, 32);
  const key = derive(secret, salt, 'Content-Encoding: aes128gcm\0', 16);
  const nonce = derive(secret, salt, 'Content-Encoding: nonce\0', 12);
  const cipher = createCipheriv('aes-128-gcm', key, nonce);
  const sealed = [cipher.update(Buffer.concat([text, Buffer.of(LAST_RECORD)])), cipher.final(), cipher.getAuthTag()];
  const recordBytes = Buffer.alloc(4);
  recordBytes.writeUInt32BE(RECORD_BYTES);
  return Buffer.concat([salt, recordBytes, Buffer.of(ownPoint.length), ownPoint, ...sealed]);
}

const derive = (secret: Buffer, salt: Buffer, info: string | Buffer, bytes: number): Buffer =>
  Buffer.from(hkdfSync('sha256', secret, salt, info, bytes));
