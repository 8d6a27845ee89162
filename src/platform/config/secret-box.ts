import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { Config } from './config.js';
import { keysOf, type KeyPurpose } from './derive-key.js';

const ALGORITHM = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Keeps secrets that must be read again, such as those that we share with others, so that the database alone tells
 * nothing. A sealed text is `<key id>.<nonce, tag and ciphertext in base64url>` (AES-256-GCM). It opens only under the
 * name with which it was sealed: moved to another row it is worthless.
 */
export class SecretBox {
  private readonly keys: ReadonlyMap<string, Buffer>;

  constructor(
    private readonly secrets: Config['secrets'],
    purpose: KeyPurpose,
  ) {
    this.keys = keysOf(secrets, purpose);
  }

  /** @param name of the place where it is kept */
  seal(text: string, name: string): string {
    const { kid } = this.secrets.current;
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(ALGORITHM, this.keys.get(kid) ?? '', nonce).setAAD(Buffer.from(name));
    const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    return `${kid}.${Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64url')}`;
  }

  /** @throws Error when it was sealed with a secret that is no longer set, under another name, or was changed */
  open(sealed: string, name: string): string {
    const [kid = '', text = ''] = sealed.split('.');
    const key = this.keys.get(kid);
    if (key === undefined)
      throw new Error(`sealed with the key ${kid}, which neither SECRET_KEY nor its former values are`);
    const bytes = Buffer.from(text, 'base64url');
    const nonce = bytes.subarray(0, NONCE_BYTES);
    const tag = bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES);
    const decipher = createDecipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(Buffer.from(name)).setAuthTag(tag);
    return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]).toString('utf8');
  }
}
