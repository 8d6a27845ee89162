import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { InstantMs } from '../../../core/kernel/instant.js';
import type { ProviderAccount } from '../../providers/index.js';
import type { CallbackContent } from '../callback-event.js';

/** A request as it came in, before anybody looked into it. */
export interface CallbackRequest {
  /** As the provider called it: public origin, path and query. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** What a signature is checked with. */
export type CallbackAccount = Pick<ProviderAccount, 'settings' | 'credentials'>;

/**
 * Whether a request is the provider's. `onceToken`: the request counts once, and any later one with this word has no
 * effect; null where events have ids of their own to be known again by.
 */
export type Verdict =
  { readonly kind: 'ok'; readonly onceToken: string | null } | { readonly kind: 'refused'; readonly detail: string };

/** How one provider signs its requests, and what it says in them. */
export interface CallbackScheme {
  /** Over the bytes as they came. Throws only when it cannot be told now, e.g. because a certificate cannot be fetched. */
  verify(request: CallbackRequest, account: CallbackAccount, now: InstantMs): Verdict | Promise<Verdict>;
  /** @throws MalformedCallback for a body that is not as the provider's documentation says */
  read(request: CallbackRequest, account: CallbackAccount): CallbackContent;
}

/** What was signed cannot be read. */
export class MalformedCallback extends Error {
  override readonly name = 'MalformedCallback';
}

export const OK: Verdict = { kind: 'ok', onceToken: null };
export const refused = (detail: string): Verdict => ({ kind: 'refused', detail });
export const NOT_SIGNED = refused('the request is not signed as this provider does');
export const WRONG = refused('the signature does not fit the request');

/** Compares in a time that tells nothing about where two texts differ. */
export function isSame(one: string, other: string): boolean {
  const hash = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(one), hash(other));
}

/** The one value of a header; null where there is none, or several. */
export function headerOf({ headers }: CallbackRequest, name: string): string | null {
  const value = headers[name];
  return typeof value === 'string' && value !== '' ? value : null;
}

/** Null for what nobody would write so: a decoder that forgives takes several texts for the same bytes. */
export function bytesOfBase64(text: string): Buffer | null {
  const bytes = Buffer.from(text, 'base64');
  return bytes.length > 0 && bytes.toString('base64') === text ? bytes : null;
}
