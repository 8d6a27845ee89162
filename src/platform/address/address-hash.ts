import { createHmac } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG } from '../config/config.module.js';
import type { Config } from '../config/config.js';
import { deriveKey } from '../config/derive-key.js';
import { normaliseEmail, normalisePhone } from './normalise-address.js';

const EMAIL_CHANNEL = 'email';
/** No address: those are hashed with a line feed in them. */
const FINGERPRINT_TEXT = 'fingerprint';
const KEY_NAME_DIGITS = 16;

/**
 * Names an address without telling it: suppressions outlive the person whose address they hold.
 *
 * The key comes from the oldest secret that is known, not from the current one: a hash cannot be made anew when the
 * address behind it is gone, so a change of SECRET_KEY must not change it. With another oldest
 * secret no suppression would be found any more; `verifySuppressionKey` refuses to start then.
 */
@Injectable()
export class AddressHasher {
  private readonly key: Buffer;

  constructor(@Inject(CONFIG) { secrets }: Pick<Config, 'secrets'>) {
    this.key = deriveKey(secrets.previous.at(-1) ?? secrets.current, 'suppression');
  }

  /**
   * @param channel whose address it is: `email`, or `sms` for every telephone number
   * @returns 64 hex digits; the same for one address however it is written, see `normaliseEmail` and `normalisePhone`
   */
  hash(channel: string, address: string): string {
    const normalised =
      channel === EMAIL_CHANNEL
        ? (normaliseEmail(address) ?? address.trim().toLowerCase())
        : (normalisePhone(address) ?? address.trim());
    return this.hmac(`${channel}\n${normalised}`);
  }

  /** Tells whether two hashers hash alike, without telling the key. */
  fingerprint(): string {
    return this.hmac(FINGERPRINT_TEXT);
  }

  /** Names the key in files that hold hashes, so that hashes made with another key are not taken for ours. */
  keyName(): string {
    return this.fingerprint().slice(0, KEY_NAME_DIGITS);
  }

  private hmac(text: string): string {
    return createHmac('sha256', this.key).update(text).digest('hex');
  }
}
