import { createHash } from 'node:crypto';
import type { InstantMs } from '../../../core/kernel/instant.js';
import { MalformedCallback } from './scheme.js';

const ID_CHARACTERS_MAX = 300;
const NAME_CHARACTERS_MAX = 100;
const DETAIL_CHARACTERS_MAX = 500;
const YEAR_LAST = Date.UTC(2200, 0, 1);
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const ADDRESS = /[^\s<>"'(),:;]+@[^\s<>"'(),:;]+/g;
/** E.164 with its plus; a code of an error is no number of a person. */
const NUMBER = /\+\d[\d ().-]{6,}\d/g;

/** A JSON object of somebody else's, of which anything may be missing. */
export type Fields = Readonly<Record<string, unknown>>;

/** @throws MalformedCallback */
export function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(utf8Of(body));
  } catch {
    throw new MalformedCallback('the body is not JSON');
  }
}

/** @throws TypeError for bytes that are no UTF-8: forgiven, they would stand for other ones than were signed */
export const utf8Of = (bytes: Buffer): string => new TextDecoder('utf-8', { fatal: true }).decode(bytes);

/** No fields at all where the value is no object. */
export const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};

/** A text or a number, as one that can be stored; null for anything else and for the empty text. */
export function textOf(value: unknown): string | null {
  if (typeof value === 'number') return String(value);
  if (typeof value !== 'string') return null;
  const text = value.toWellFormed().replaceAll('\u0000', '');
  return text === '' ? null : text;
}

/** An id that can be stored and compared: one that is too long is stood for by its hash. */
export function idOf(value: unknown): string | null {
  const text = textOf(value);
  return text === null || text.length <= ID_CHARACTERS_MAX ? text : hashOf(text);
}

/** A provider's word for an event. */
export const nameOf = (value: unknown): string =>
  textOf(value)?.slice(0, NAME_CHARACTERS_MAX).toWellFormed() ?? 'unknown';

/** A message id without the angle brackets that some providers put around it, and others take away. */
export const messageIdOf = (value: unknown): string | null => idOf(textOf(value)?.replace(/^<(.*)>$/, '$1'));

/** One of our ids that a provider carried back; null for anything else. */
export function deliveryIdOf(value: unknown): string | null {
  const text = textOf(value);
  return text !== null && UUID.test(text) ? text.toLowerCase() : null;
}

/** What makes an event this one and no other, as one short id. */
export const hashOf = (...parts: readonly (string | null)[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('base64url');

/**
 * Whether a mail server says that the mailbox cannot take anything for now: switched off or full (RFC 3463, 4.2.1 and
 * 4.2.2). Whatever else it puts off, it puts off because of the sender, the network or the hour.
 */
export const isMailboxAtFault = (detail: string | null): boolean => /\b4\.2\.[12]\b/.test(detail ?? '');

/** Seconds since 1970, with or without a fraction, or an ISO 8601 text; null for anything else. */
export function instantOf(value: unknown): InstantMs | null {
  const text = textOf(value);
  if (text === null) return null;
  const at = Math.round(/^\d+(\.\d+)?$/.test(text) ? Number(text) * 1_000 : Date.parse(text));
  return at >= 0 && at < YEAR_LAST ? at : null;
}

/** What a provider says about an event, without the addresses and numbers of persons; null where it says nothing. */
export function detailOf(...parts: readonly unknown[]): string | null {
  const words = parts.map(textOf).filter((part) => part !== null);
  const text = words.join(' ').replace(ADDRESS, '…').replace(NUMBER, '…');
  return text === '' ? null : text.slice(0, DETAIL_CHARACTERS_MAX).toWellFormed();
}
