import { Inject, Injectable } from '@nestjs/common';
import { CONFIG } from '../../platform/config/config.module.js';
import type { Config } from '../../platform/config/config.js';
import { UnsubscribeTokens, type UnsubscribeSubject } from './unsubscribe-tokens.js';
import { UnsubscribeService } from './unsubscribe.service.js';

/** A token as `TokenSigner` makes it, by itself among other words. */
const TOKEN = /(?<![A-Za-z0-9_.-])[A-Za-z0-9_-]{20,400}\.[A-Za-z0-9_-]{1,32}\.[A-Za-z0-9_-]{43}(?![A-Za-z0-9_.-])/;
/** Longer than a line of a mail. */
const SUBJECT_CHARACTERS_MAX = 1_000;

/**
 * Withdrawal by mail (RFC 2369). The token stands in the subject, since the part of an address before its `@` holds 64
 * characters at most (RFC 5321 section 4.5.3.1.1) and may lose its capitals on the way.
 */
@Injectable()
export class UnsubscribeMail {
  constructor(
    private readonly tokens: UnsubscribeTokens,
    private readonly unsubscribe: UnsubscribeService,
    @Inject(CONFIG) private readonly config: Pick<Config, 'email'>,
  ) {}

  /** The `mailto:` address of a message's List-Unsubscribe header (RFC 6068); null where no mail is taken. */
  addressFor(subject: UnsubscribeSubject): string | null {
    const { unsubscribeMailto } = this.config.email;
    if (unsubscribeMailto === null) return null;
    const to = unsubscribeMailto.replaceAll(/[^A-Za-z0-9@.+_-]/g, encodeURIComponent);
    return `mailto:${to}?subject=unsubscribe%20${this.tokens.make(subject)}`;
  }

  /**
   * Withdraws what the token in the subject of a mail says. Who sent it does not matter: a sender is easily forged, and a
   * mail may come from another address than the one that we wrote to.
   *
   * @returns false for a mail without a token of ours, from which nothing follows
   */
  async take(subjectLine: string): Promise<boolean> {
    const [token] = TOKEN.exec(subjectLine.slice(0, SUBJECT_CHARACTERS_MAX)) ?? [];
    return token !== undefined && (await this.unsubscribe.withdraw(token, 'mail')) !== null;
  }
}
