import { DAY_MS, MINUTE_MS, SECOND_MS, type DurationMs } from '../../core/kernel/instant.js';

/** An endpoint that takes nothing for so long will not take this message. */
export const GIVEN_UP_AFTER_MS: DurationMs = DAY_MS;

/** After the first attempt, the second and so on. An endpoint that is back waits no longer than the last of them. */
const DELAYS_MS: readonly DurationMs[] = [5 * SECOND_MS, 30 * SECOND_MS, 2 * MINUTE_MS, 5 * MINUTE_MS];
const DELAY_MS_MAX: DurationMs = 15 * MINUTE_MS;
/** So that runs that failed together do not come back together. */
const SPREAD_PART = 0.1;

/**
 * How long to wait before the next attempt.
 *
 * @param input.attempts so far, from 1
 * @param input.askedForMs by the endpoint; a shorter wait than ours is not taken up
 * @param input.spread in [0, 1)
 * @returns at most a tenth more than 15 min, or than was asked for
 */
export function delayBeforeNextMs(input: {
  readonly attempts: number;
  readonly askedForMs: DurationMs | null;
  readonly spread: number;
}): DurationMs {
  const { attempts, askedForMs, spread } = input;
  const own = DELAYS_MS[attempts - 1] ?? DELAY_MS_MAX;
  return Math.round(Math.max(own, askedForMs ?? 0) * (1 + SPREAD_PART * spread));
}
