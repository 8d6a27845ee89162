import type { IncomingMessage } from 'node:http';
import { SECOND_MS, type DurationMs } from '../../core/kernel/instant.js';
import { ForbiddenAddressError, guardedRequest } from '../../platform/outbound/guarded-request.js';
import { readBody } from '../../platform/outbound/post.js';
import type { Identifier } from './audience-hash.js';

/** Members to add to an audience or to take out of it: all known by the same kind of address. */
export interface AudienceBatch {
  readonly baseUrl: string;
  readonly audienceId: string;
  readonly accessToken: string;
  readonly act: 'add' | 'remove';
  readonly kind: Identifier;
  readonly hashes: readonly string[];
}

/** What the platform said to a batch. Whatever it said, to send the batch again does no harm. */
export type BatchResult =
  | { readonly kind: 'taken' }
  | { readonly kind: 'failed'; readonly because: string; readonly retryAfterMs: DurationMs | null };

const ANSWER_MS_MAX = 20 * SECOND_MS;
const ANSWER_BYTES_MAX = 100_000;
const RETRY_AFTER_S_MAX = 3_600;
const SCHEMA: Readonly<Record<Identifier, string>> = { email: 'EMAIL_SHA256', phone: 'PHONE_SHA256' };

/**
 * Sends one batch, as Meta's Custom Audiences take it: `POST` or `DELETE /<audience>/users` with a payload of schema and
 * data (https://developers.facebook.com/docs/marketing-api/audiences/guides/custom-audiences). Never throws for what the
 * platform did.
 *
 * @param isPrivateAllowed on one's own machine only
 */
export async function sendBatch(batch: AudienceBatch, isPrivateAllowed: boolean): Promise<BatchResult> {
  try {
    const answer = await exchange(batch, isPrivateAllowed);
    const body = await readBody(answer, ANSWER_BYTES_MAX);
    const { statusCode: status = 0, headers } = answer;
    if (status >= 200 && status < 300) return understood(body, batch.hashes.length);
    const seconds = /^\d{1,6}$/.test(headers['retry-after'] ?? '') ? Number(headers['retry-after']) : null;
    const retryAfterMs = seconds === null ? null : Math.min(seconds, RETRY_AFTER_S_MAX) * SECOND_MS;
    return { kind: 'failed', because: `status ${status}${codeOf(body)}`, retryAfterMs };
  } catch (error) {
    const { code } = error as { code?: unknown };
    const because = error instanceof ForbiddenAddressError ? 'address_forbidden' : 'no_answer';
    return { kind: 'failed', because: typeof code === 'string' ? code : because, retryAfterMs: null };
  }
}

function exchange(batch: AudienceBatch, isPrivateAllowed: boolean): Promise<IncomingMessage> {
  const { baseUrl, audienceId, accessToken, act, kind, hashes } = batch;
  const body = JSON.stringify({ payload: { schema: [SCHEMA[kind]], data: hashes.map((hash) => [hash]) } });
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const sent = guardedRequest(new URL(`${baseUrl}/${audienceId}/users`), isPrivateAllowed, {
    method: act === 'add' ? 'POST' : 'DELETE',
    headers: {
      authorization: `Bearer ${accessToken}`,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
    },
    agent: false,
    signal: AbortSignal.timeout(ANSWER_MS_MAX),
  });
  sent.on('response', resolve).on('error', reject);
  sent.end(body);
  return promise;
}

/** A success counts only where the platform says that it received every member. */
function understood(body: string | null, sent: number): BatchResult {
  const received = numberAt(body, 'num_received');
  if (received === sent) return { kind: 'taken' };
  return { kind: 'failed', because: `received ${received ?? 'an unknown number'} of ${sent}`, retryAfterMs: null };
}

function numberAt(body: string | null, name: string): number | null {
  const value = objectOf(body)[name];
  return typeof value === 'number' ? value : null;
}

/** The platform's own code, without its words. */
function codeOf(body: string | null): string {
  const { error } = objectOf(body);
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : null;
  return typeof code === 'number' ? `, code ${code}` : '';
}

function objectOf(body: string | null): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(body ?? '');
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}
