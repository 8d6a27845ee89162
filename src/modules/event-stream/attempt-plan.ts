import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, type DurationMs, type InstantMs } from '../../core/kernel/instant.js';
import type { WebhookReply } from '../webhook-endpoints/index.js';

/** After the first attempt, the second and so on, as Standard Webhooks recommends; after the last there is none. */
const GAPS_MS: readonly DurationMs[] = [
  5 * SECOND_MS,
  5 * MINUTE_MS,
  30 * MINUTE_MS,
  2 * HOUR_MS,
  5 * HOUR_MS,
  10 * HOUR_MS,
  14 * HOUR_MS,
  20 * HOUR_MS,
  24 * HOUR_MS,
];
/** So that what failed together does not come back together. */
const SPREAD_PART = 0.1;
/** A receiver may ask for so long a rest. */
const ASKED_FOR_MS_MAX: DurationMs = DAY_MS;
const HOLD_MS_FIRST: DurationMs = 5 * SECOND_MS;
const HOLD_MS_MAX: DurationMs = 5 * MINUTE_MS;
const AT_ONCE_MAX = 8;
/** After so many rests in a row one message at a time is as slow as it gets. */
const SLOWED_MAX = Math.log2(AT_ONCE_MAX);
const GONE = 410;
/** The receiver, or what stands before it, has too much to do. */
const TOO_MUCH: ReadonlySet<number> = new Set([429, 502, 504]);
const ANSWER_CHARACTERS_MAX = 500;
/** Node's word for a request that was ended when its time was over. */
const ENDED = 'ABORT_ERR';
/** No message can reach the address as it stands. */
const UNREACHABLE: ReadonlySet<string> = new Set(['endpoint_unknown', 'endpoint_gone', 'address_forbidden']);

/** What one attempt means. */
export interface Verdict {
  readonly isDelivered: boolean;
  /** No further attempt can be any better. */
  readonly isFinal: boolean;
  /** The receiver wants less: all its messages rest. */
  readonly isTooMuch: boolean;
  /** The receiver wants nothing more, or can have nothing: why its subscription ends. */
  readonly disabledFor: string | null;
  /** Null where no answer came. */
  readonly status: number | null;
  /** Null when it was delivered. */
  readonly because: string | null;
  /** How the answer's body begins; null where there is none, or one too long to be read. */
  readonly answer: string | null;
  /** How long the receiver asked to be left alone. */
  readonly askedForMs: DurationMs | null;
}

const NOTHING: Verdict = {
  isDelivered: false,
  isFinal: false,
  isTooMuch: false,
  disabledFor: null,
  status: null,
  because: null,
  answer: null,
  askedForMs: null,
};

/**
 * What became of an attempt: only 2xx is a success, 410 ends the subscription, and 429, 502, 504 or a `Retry-After` slow
 * it down.
 */
export function judge(reply: WebhookReply, now: InstantMs): Verdict {
  switch (reply.kind) {
    case 'not_sent': {
      const isUnreachable = UNREACHABLE.has(reply.because);
      const disabledFor = isUnreachable ? reply.because : null;
      return { ...NOTHING, because: reply.because, disabledFor, isFinal: !isUnreachable };
    }
    case 'silent':
      return { ...NOTHING, because: reply.because === ENDED ? 'time_out' : reply.because };
    case 'answered': {
      const { status } = reply;
      const answer = reply.body?.slice(0, ANSWER_CHARACTERS_MAX).replaceAll('\u0000', '') || null;
      if (status >= 200 && status < 300) return { ...NOTHING, isDelivered: true, status, answer };
      const askedForMs = readRetryAfter(reply.headers['retry-after'], now);
      return {
        ...NOTHING,
        status,
        answer,
        askedForMs,
        because: `status_${status}`,
        isTooMuch: TOO_MUCH.has(status) || askedForMs !== null,
        disabledFor: status === GONE ? 'gone' : null,
      };
    }
  }
}

/** Seconds or a date (RFC 9110, 10.2.3), at most a day from now; null for anything else, and for what is over. */
export function readRetryAfter(text: string | undefined, now: InstantMs): DurationMs | null {
  if (text === undefined) return null;
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * SECOND_MS : Date.parse(text) - now;
  return ms > 0 ? Math.min(ms, ASKED_FOR_MS_MAX) : null;
}

/**
 * How long a message waits for its next attempt.
 *
 * @param input.attempts so far, from 1
 * @param input.spread in [0, 1)
 * @returns null after the tenth attempt: there is no other
 */
export function nextAttemptInMs(input: {
  readonly attempts: number;
  readonly askedForMs: DurationMs | null;
  readonly spread: number;
}): DurationMs | null {
  const gapMs = GAPS_MS[input.attempts - 1];
  if (gapMs === undefined) return null;
  return Math.round(Math.max(gapMs, input.askedForMs ?? 0) * (1 + SPREAD_PART * input.spread));
}

/**
 * How long all messages of a subscriber rest that has too much: as long as it asks for, else twice as long each time.
 *
 * @param input.slowed how often in a row it had too much before, from 0
 */
export function restMs(input: { readonly slowed: number; readonly askedForMs: DurationMs | null }): DurationMs {
  return input.askedForMs ?? Math.min(HOLD_MS_FIRST * 2 ** Math.min(input.slowed, 10), HOLD_MS_MAX);
}

/** How many messages a subscriber gets at one time: half as many after each rest, and more again with each success. */
export const atOnceMax = (slowed: number): number => AT_ONCE_MAX >> Math.min(slowed, SLOWED_MAX);
