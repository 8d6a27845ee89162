import { createHash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG } from '../../platform/config/config.module.js';
import type { Config } from '../../platform/config/config.js';
import { TokenSigner, uuidBytes } from '../../platform/config/token-signer.js';

/**
 * Links by which a person confirms a consent. The token is made anew from our secret when the mail is written, so that it
 * stands in the mail and nowhere else: the database holds its hash only.
 */
@Injectable()
export class ConfirmationTokens {
  private readonly signer: TokenSigner;

  constructor(@Inject(CONFIG) private readonly config: Pick<Config, 'secrets' | 'http'>) {
    this.signer = new TokenSigner(config.secrets, 'confirmation');
  }

  make(confirmationId: string): { readonly url: string; readonly hash: Buffer } {
    const token = this.signer.make(uuidBytes(confirmationId));
    return { url: `${this.config.http.publicUrl}/confirm/${token}`, hash: this.hash(token) };
  }

  hash(token: string): Buffer {
    return createHash('sha256').update(token).digest();
  }
}
