import { Inject, Injectable } from '@nestjs/common';
import { CONFIG } from '../../platform/config/config.module.js';
import type { Config } from '../../platform/config/config.js';
import { TokenSigner, uuidBytes, uuidText } from '../../platform/config/token-signer.js';

/** What one link withdraws, and from which message it comes. */
export interface UnsubscribeSubject {
  readonly userId: string;
  readonly purpose: string;
  readonly channel: string;
  readonly brand: string;
  readonly deliveryId: string;
}

const UUID_BYTES = 16;
const WORDS = /^([a-z][a-z0-9_]*) ([a-z][a-z0-9_]*) ([a-z][a-z0-9_]*)$/;

/**
 * Links that withdraw a consent without any other proof (RFC 8058). The token holds no address and never expires, because
 * old messages stay in mailboxes for years.
 */
@Injectable()
export class UnsubscribeTokens {
  private readonly signer: TokenSigner;

  constructor(@Inject(CONFIG) private readonly config: Pick<Config, 'secrets' | 'http'>) {
    this.signer = new TokenSigner(config.secrets, 'unsubscribe');
  }

  /** Absolute address for a message's List-Unsubscribe header and its visible link. */
  urlFor(subject: UnsubscribeSubject): string {
    return `${this.config.http.publicUrl}/unsubscribe/${this.make(subject)}`;
  }

  make(subject: UnsubscribeSubject): string {
    return this.signer.make(encode(subject));
  }

  /** What the token withdraws; null for anything that we did not sign, whatever is wrong with it. */
  read(token: string): UnsubscribeSubject | null {
    const payload = this.signer.read(token);
    return payload === null ? null : decode(payload);
  }
}

function encode({ userId, deliveryId, purpose, channel, brand }: UnsubscribeSubject): Buffer {
  const words = `${purpose} ${channel} ${brand}`;
  if (!WORDS.test(words)) throw new Error(`an unsubscribe link cannot be made for "${words}"`);
  return Buffer.concat([uuidBytes(userId), uuidBytes(deliveryId), Buffer.from(words)]);
}

function decode(bytes: Buffer): UnsubscribeSubject | null {
  const [, purpose, channel, brand] = WORDS.exec(bytes.subarray(2 * UUID_BYTES).toString('utf8')) ?? [];
  if (purpose === undefined || channel === undefined || brand === undefined) return null;
  return { userId: uuidText(bytes), deliveryId: uuidText(bytes, UUID_BYTES), purpose, channel, brand };
}
