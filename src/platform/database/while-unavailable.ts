import { setTimeout as wait } from 'node:timers/promises';
import { isUnavailable } from '../http/unavailable.js';

/** Waits between the calls: 6.3 s in all, about what a restart of the server or a broken connection takes. */
const WAITS_MS = [100, 200, 400, 800, 1_600, 3_200] as const;

/**
 * Calls `work` again, with growing waits and a few times at most, while the database cannot be reached.
 *
 * A connection that breaks does not tell whether its last statement was executed, so `work` must be one that may be
 * executed twice. It is for what only this process knows and nobody could find out later, such as a provider's answer;
 * everything else is better asked again from the top.
 *
 * @throws whatever `work` threw last; at once when the database did answer
 */
export async function repeatWhileUnavailable<T>(
  work: () => Promise<T>,
  waitsMs: readonly number[] = WAITS_MS,
): Promise<T> {
  for (const waitMs of waitsMs) {
    try {
      return await work();
    } catch (error) {
      if (!isUnavailable(error)) throw error;
      await wait(waitMs);
    }
  }
  return work();
}
