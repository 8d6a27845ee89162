import { Inject, Injectable } from '@nestjs/common';
import { CONFIG } from '../../platform/config/config.module.js';
import type { Config } from '../../platform/config/config.js';
import { TokenSigner, uuidBytes, uuidText } from '../../platform/config/token-signer.js';

const UUID_BYTES = 16;

/**
 * Links to a person's own page of choices. Who holds the link may see and change them; it says no address and no name,
 * and never expires, because old messages stay in mailboxes for years.
 */
@Injectable()
export class PreferenceTokens {
  private readonly signer: TokenSigner;

  constructor(@Inject(CONFIG) private readonly config: Pick<Config, 'secrets' | 'http'>) {
    this.signer = new TokenSigner(config.secrets, 'preferences');
  }

  /** Absolute address of the page. */
  urlFor(userId: string): string {
    return `${this.config.http.publicUrl}/preferences/${this.signer.make(uuidBytes(userId))}`;
  }

  /** Whose page it is; null for anything that we did not sign. */
  read(token: string): string | null {
    const bytes = this.signer.read(token);
    return bytes?.length === UUID_BYTES ? uuidText(bytes) : null;
  }
}
