import { Inject, Injectable } from '@nestjs/common';
import { SECOND_MS, type InstantMs } from '../../core/kernel/instant.js';
import { CONFIG } from '../../platform/config/config.module.js';
import type { Config } from '../../platform/config/config.js';
import { TokenSigner, uuidBytes, uuidText } from '../../platform/config/token-signer.js';

const EXPIRY_AT = 16;
const EXPIRY_BYTES = 6;

/**
 * Tokens with which the app of a person reads that person's inbox, and nothing else. Signed, and good for a short time:
 * they lie in browsers. Nothing is stored for one.
 */
@Injectable()
export class InboxTokens {
  private readonly signer: TokenSigner;

  constructor(@Inject(CONFIG) config: Pick<Config, 'secrets'>) {
    this.signer = new TokenSigner(config.secrets, 'inbox');
  }

  /** @param until taken down to the second */
  make(userId: string, until: InstantMs): string {
    const expiry = Buffer.alloc(EXPIRY_BYTES);
    expiry.writeUIntBE(Math.floor(until / SECOND_MS), 0, EXPIRY_BYTES);
    return this.signer.make(Buffer.concat([uuidBytes(userId), expiry]));
  }

  /** Whose inbox it opens at `now`; null for anything that we did not sign, and for what has expired. */
  read(token: string, now: InstantMs): string | null {
    const bytes = this.signer.read(token);
    if (bytes?.length !== EXPIRY_AT + EXPIRY_BYTES) return null;
    const isExpired = bytes.readUIntBE(EXPIRY_AT, EXPIRY_BYTES) * SECOND_MS <= now;
    return isExpired ? null : uuidText(bytes);
  }
}
