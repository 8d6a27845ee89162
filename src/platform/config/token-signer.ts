import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Config } from './config.js';
import { keysOf, type KeyPurpose } from './derive-key.js';

const TOKEN = /^([A-Za-z0-9_-]{1,960})\.([A-Za-z0-9_-]{1,32})\.([A-Za-z0-9_-]{43})$/;

/**
 * Signs what goes into a link, and knows it again. A token is `<payload>.<key id>.<HMAC-SHA256>`, payload and signature in
 * base64url. It is readable by everybody: no address or name may be in it. One purpose's tokens mean nothing to another's.
 */
export class TokenSigner {
  private readonly keys: ReadonlyMap<string, Buffer>;

  constructor(
    private readonly secrets: Config['secrets'],
    purpose: KeyPurpose,
  ) {
    this.keys = keysOf(secrets, purpose);
  }

  /** @returns a token that needs no escaping in a URL; the same payload gives the same one until the secret changes */
  make(payload: Buffer): string {
    const { kid } = this.secrets.current;
    const text = payload.toString('base64url');
    return `${text}.${kid}.${this.sign(`${text}.${kid}`, kid).toString('base64url')}`;
  }

  /** The payload of a token; null for anything that we did not sign, whatever is wrong with it. */
  read(token: string): Buffer | null {
    const [, text = '', kid = '', signature = ''] = TOKEN.exec(token) ?? [];
    return this.verify(`${text}.${kid}`, kid, signature) ? Buffer.from(text, 'base64url') : null;
  }

  /** The key id and the signature (base64url) of a text that is not itself carried in a token. */
  signText(text: string): { readonly kid: string; readonly signature: string } {
    const { kid } = this.secrets.current;
    return { kid, signature: this.sign(text, kid).toString('base64url') };
  }

  /** Whether the key `kid` gave this text this signature. */
  verify(text: string, kid: string, signature: string): boolean {
    if (!this.keys.has(kid)) return false;
    const given = Buffer.from(signature, 'base64url');
    const expected = this.sign(text, kid);
    return given.length === expected.length && timingSafeEqual(given, expected);
  }

  private sign(text: string, kid: string): Buffer {
    return createHmac('sha256', this.keys.get(kid) ?? '')
      .update(text)
      .digest();
  }
}

const UUID_BYTES = 16;

/** The 16 bytes of a UUID. */
export const uuidBytes = (id: string): Buffer => Buffer.from(id.replaceAll('-', ''), 'hex');

/** The UUID in 16 bytes from `from` on. */
export function uuidText(bytes: Buffer, from = 0): string {
  const hex = bytes.toString('hex', from, from + UUID_BYTES);
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
