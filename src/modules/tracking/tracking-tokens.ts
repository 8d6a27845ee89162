import { Inject, Injectable } from '@nestjs/common';
import { isWebAddress } from '../../core/content/track-content.js';
import { CONFIG } from '../../platform/config/config.module.js';
import type { Config } from '../../platform/config/config.js';
import { TokenSigner, uuidBytes, uuidText } from '../../platform/config/token-signer.js';

/** Which message, and for whose brand it was: what consent is asked about again when somebody comes by. */
export interface TrackedMessage {
  readonly deliveryId: string;
  readonly brand: string;
}

/** A link of a message that leads over us. */
export interface TrackedLink extends TrackedMessage {
  /** Counts the links of the message, from 0. */
  readonly index: number;
  readonly url: string;
}

const LINK = 1;
const OPEN = 2;
const INDEX_AT = 17;
const BRAND_AT = 19;
const BRAND = /^[a-z][a-z0-9_]*$/;
/** A part of a path takes no more (see the HTTP adapter): an address of some 650 bytes. */
const TOKEN_CHARACTERS_MAX = 1_000;

/**
 * Addresses that count clicks and openings. The target of a link stands in its token, signed: nobody but us can make a link
 * that leads from here to somewhere, and nothing has to be stored for one. It holds no address or name of a person, and
 * never expires, because a link of an old message must go on to lead where it led.
 */
@Injectable()
export class TrackingTokens {
  private readonly signer: TokenSigner;

  constructor(@Inject(CONFIG) private readonly config: Pick<Config, 'secrets' | 'http'>) {
    this.signer = new TokenSigner(config.secrets, 'tracking');
  }

  /** @returns null for what is too long, or no address that a browser could be sent to */
  linkUrl({ deliveryId, brand, index, url }: TrackedLink): string | null {
    if (!isWebAddress(url) || !URL.canParse(url)) return null;
    const head = Buffer.alloc(2);
    head.writeUInt16BE(index);
    const token = this.signer.make(
      Buffer.concat([Buffer.of(LINK), uuidBytes(deliveryId), head, Buffer.from(`${brand} ${url}`)]),
    );
    return token.length > TOKEN_CHARACTERS_MAX ? null : `${this.config.http.publicUrl}/l/${token}`;
  }

  pixelUrl({ deliveryId, brand }: TrackedMessage): string {
    const token = this.signer.make(Buffer.concat([Buffer.of(OPEN), uuidBytes(deliveryId), Buffer.from(brand)]));
    return `${this.config.http.publicUrl}/o/${token}.gif`;
  }

  /** The link of a token; null for anything that we did not sign, whatever is wrong with it. */
  readLink(token: string): TrackedLink | null {
    const bytes = this.signer.read(token);
    if (bytes === null || bytes[0] !== LINK || bytes.length <= BRAND_AT) return null;
    const text = bytes.toString('utf8', BRAND_AT);
    const [brand, url] = [text.slice(0, text.indexOf(' ')), text.slice(text.indexOf(' ') + 1)];
    if (!BRAND.test(brand) || !isWebAddress(url)) return null;
    return { deliveryId: uuidText(bytes, 1), index: bytes.readUInt16BE(INDEX_AT), brand, url };
  }

  /** The message of a picture's name, which ends in `.gif`; null for anything that we did not sign. */
  readOpen(file: string): TrackedMessage | null {
    const bytes = file.endsWith('.gif') ? this.signer.read(file.slice(0, -'.gif'.length)) : null;
    if (bytes === null || bytes[0] !== OPEN) return null;
    const brand = bytes.toString('utf8', INDEX_AT);
    return BRAND.test(brand) ? { deliveryId: uuidText(bytes, 1), brand } : null;
  }
}

/** An address as it may stand in a header: what is not ASCII as browsers write it (punycode, percent-encoding). */
export const locationOf = (url: string): string => (/^[\x21-\x7e]+$/.test(url) ? url : new URL(url).href);
