import { createHmac } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG } from '../config/config.module.js';
import type { Config } from '../config/config.js';
import { deriveKey } from '../config/derive-key.js';

/** Channels whose address is an e-mail address; all others are reached by telephone number. */
const EMAIL_CHANNEL = 'email';
/** No address: those are hashed with a line feed in them. */
const FINGERPRINT_TEXT = 'fingerprint';

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

  /** @returns 64 hex digits; the same for addresses that differ in case or surrounding space only */
  hash(channel: string, address: string): string {
    const normalised = channel === EMAIL_CHANNEL ? address.trim().toLowerCase() : address.trim();
    return this.hmac(`${channel}\n${normalised}`);
  }

  /** Tells whether two hashers hash alike, without telling the key. */
  fingerprint(): string {
    return this.hmac(FINGERPRINT_TEXT);
  }

  private hmac(text: string): string {
    return createHmac('sha256', this.key).update(text).digest('hex');
  }
}
