import { SECOND_MS } from '../../../core/kernel/instant.js';
import type { RefusedFor, SendResult } from '../connector.js';
import type { HttpAnswer } from './http-protocol.js';

const BAD_REQUEST = 400;
const UNAUTHORIZED = 401;
const FORBIDDEN = 403;
const REQUEST_TIMEOUT = 408;
const TOO_MANY = 429;
const SERVER_ERROR = 500;
const UNAVAILABLE = 503;
/** Not taken, and may be later: we are unknown or not allowed there, it was too slow or too much, or it is being mended. */
const COME_BACK: ReadonlySet<number> = new Set([UNAUTHORIZED, FORBIDDEN, REQUEST_TIMEOUT, TOO_MANY, UNAVAILABLE]);
const RETRY_AFTER_S_MAX = 3_600;

/** Whether the provider says that it took the message. */
export const isTaken = ({ status }: HttpAnswer): boolean => status >= 200 && status < 300;

/**
 * What an answer that is no success says about the message. A refusal (4xx) is for good, but for those that may pass; a
 * redirect is not followed, so that nothing was taken. Of an error of the server (5xx) nobody knows what it did before:
 * only 503 says that it did nothing.
 *
 * @param detail codes of the provider, without words, which may repeat the address
 */
export function resultOfRefusal(
  { status, headers }: HttpAnswer,
  { detail, refusedFor = 'other' }: { readonly detail?: string; readonly refusedFor?: RefusedFor } = {},
): SendResult {
  const told = detail === undefined ? `status ${status}` : `status ${status}, ${detail}`;
  if (COME_BACK.has(status) && refusedFor === 'other')
    return { kind: 'unavailable', detail: told, ...retryAfter(headers) };
  if (status >= SERVER_ERROR) return { kind: 'unknown', detail: told };
  if (status >= BAD_REQUEST) return { kind: 'rejected', detail: told, refusedFor };
  return { kind: 'unavailable', detail: told };
}

/** Nothing was taken, for what is wrong with the account and not with the message. */
export const resultOfTrouble = ({ status, headers }: HttpAnswer, detail: string): SendResult => ({
  ...{ kind: 'unavailable', detail: `status ${status}, ${detail}` },
  ...retryAfter(headers),
});

/** A success that does not say which message it is about: it cannot be asked after, nor matched with its callbacks. */
export const resultWithoutId = ({ status }: HttpAnswer): SendResult => ({
  kind: 'unknown',
  detail: `status ${status} without a message id`,
});

function retryAfter({ 'retry-after': text }: HttpAnswer['headers']): { retryAfterMs?: number } {
  if (text === undefined || !/^\d{1,6}$/.test(text)) return {};
  return { retryAfterMs: Math.min(Number(text), RETRY_AFTER_S_MAX) * SECOND_MS };
}

/** A property of an answer that may be anything. */
export function textAt(json: unknown, ...path: readonly (string | number)[]): string | null {
  let value = json;
  for (const name of path) {
    if (typeof value !== 'object' || value === null) return null;
    value = (value as Record<string | number, unknown>)[name];
  }
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value !== '' ? value : null;
}
