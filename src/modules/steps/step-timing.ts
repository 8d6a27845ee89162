import { HOUR_MS, SECOND_MS, type DurationMs } from '../../core/kernel/instant.js';

/** From the claim to the first byte of the content that the provider is handed: what is later than this is claimed anew. */
export const CLAIM_TO_SEND_MS_MAX: DurationMs = 500;

/**
 * How long an attempt may be alive after its claim. Longer than a send can take (every time-out of the
 * connector), so that nobody settles an attempt that may still hand its message over.
 */
export const ATTEMPT_ALIVE_MS: DurationMs = 90 * SECOND_MS;

/** How long after its wake a message that waited for an opening keeps its place before those that are worth less. */
export const PLACE_HELD_MS: DurationMs = 60 * SECOND_MS;

const RETRY_MIN_MS: DurationMs = 30 * SECOND_MS;
const RETRY_MAX_MS: DurationMs = HOUR_MS;

/** When to ask again after the provider could not take the n-th attempt: 30 s, doubling to an hour. */
export function retryAfterMs(attempt: number): DurationMs {
  return Math.min(RETRY_MIN_MS * 2 ** Math.min(attempt - 1, 10), RETRY_MAX_MS);
}
