import { createHmac, timingSafeEqual } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG } from '../../platform/config/config.module.js';
import type { Config } from '../../platform/config/config.js';
import { deriveKey } from '../../platform/config/derive-key.js';

/** What one link withdraws, and from which message it comes. */
export interface UnsubscribeSubject {
  readonly userId: string;
  readonly purpose: string;
  readonly channel: string;
  readonly brand: string;
  readonly deliveryId: string;
}

const UUID_BYTES = 16;
const TOKEN = /^([A-Za-z0-9_-]{44,400})\.([A-Za-z0-9_-]{1,32})\.([A-Za-z0-9_-]{43})$/;
const WORDS = /^([a-z][a-z0-9_]*) ([a-z][a-z0-9_]*) ([a-z][a-z0-9_]*)$/;

/**
 * Links that withdraw a consent without any other proof (RFC 8058). A token is `<subject>.<key id>.<HMAC-SHA256>`, all
 * base64url; it holds no address and never expires, because old messages stay in mailboxes for years.
 */
@Injectable()
export class UnsubscribeTokens {
  private readonly keys: ReadonlyMap<string, Buffer>;

  constructor(@Inject(CONFIG) private readonly config: Pick<Config, 'secrets' | 'http'>) {
    const { previous, current } = config.secrets;
    this.keys = new Map([...previous, current].map((secret) => [secret.kid, deriveKey(secret, 'unsubscribe')]));
  }

  /** Absolute address for a message's List-Unsubscribe header and its visible link. */
  urlFor(subject: UnsubscribeSubject): string {
    return `${this.config.http.publicUrl}/unsubscribe/${this.make(subject)}`;
  }

  make(subject: UnsubscribeSubject): string {
    const { kid } = this.config.secrets.current;
    const payload = encode(subject);
    return `${payload}.${kid}.${this.sign(payload, kid).toString('base64url')}`;
  }

  /** What the token withdraws; null for anything that we did not sign, whatever is wrong with it. */
  read(token: string): UnsubscribeSubject | null {
    const [, payload = '', kid = '', signature = ''] = TOKEN.exec(token) ?? [];
    if (!this.keys.has(kid)) return null;
    const given = Buffer.from(signature, 'base64url');
    const expected = this.sign(payload, kid);
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return null;
    return decode(payload);
  }

  private sign(payload: string, kid: string): Buffer {
    return createHmac('sha256', this.keys.get(kid) ?? '')
      .update(`${payload}.${kid}`)
      .digest();
  }
}

function encode({ userId, deliveryId, purpose, channel, brand }: UnsubscribeSubject): string {
  const words = `${purpose} ${channel} ${brand}`;
  if (!WORDS.test(words)) throw new Error(`an unsubscribe link cannot be made for "${words}"`);
  const ids = [userId, deliveryId].map((id) => Buffer.from(id.replaceAll('-', ''), 'hex'));
  return Buffer.concat([...ids, Buffer.from(words)]).toString('base64url');
}

function decode(payload: string): UnsubscribeSubject | null {
  const bytes = Buffer.from(payload, 'base64url');
  const [, purpose, channel, brand] = WORDS.exec(bytes.subarray(2 * UUID_BYTES).toString('utf8')) ?? [];
  if (purpose === undefined || channel === undefined || brand === undefined) return null;
  return { userId: uuid(bytes, 0), deliveryId: uuid(bytes, UUID_BYTES), purpose, channel, brand };
}

function uuid(bytes: Buffer, from: number): string {
  const hex = bytes.toString('hex', from, from + UUID_BYTES);
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
