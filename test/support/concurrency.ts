import type { Database } from '../../src/platform/database/database.js';
import { until } from './until.js';

/** Below the lock time-out of the database, so that a wait that never comes is told as such. */
const WAIT_MS_MAX = 4_000;

/**
 * Resolves once sessions of this database wait for a lock.
 *
 * @param part words of the statement that waits; empty for any
 * @param sessions how many must wait
 */
export async function lockWaits(database: Database, part: string, sessions = 1): Promise<void> {
  const text = `select from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock' and strpos(query, $1) > 0 and pid <> pg_backend_pid()`;
  const isSo = async (): Promise<boolean> => (await database.query({ text, values: [part] })).length >= sessions;
  await until(isSo, WAIT_MS_MAX, () => `${sessions} sessions wait for a lock in "${part}"`);
}

/** A call that stands still, as in a slow process, between its arrival and the word to go on. */
interface StalledCall<Arguments extends unknown[], Result> {
  readonly call: (...args: Arguments) => Promise<Result>;
  /** Resolves once somebody has called. */
  readonly arrived: Promise<void>;
  goOn(): void;
}

/**
 * Makes a stalled form of `call`.
 *
 * @example jest.spyOn(signals, 'events').mockImplementationOnce(stalled.call)
 */
export function stall<Arguments extends unknown[], Result>(
  call: (...args: Arguments) => Promise<Result>,
): StalledCall<Arguments, Result> {
  const arrival = Promise.withResolvers<void>();
  const departure = Promise.withResolvers<void>();
  return {
    async call(...args) {
      arrival.resolve();
      await departure.promise;
      return call(...args);
    },
    arrived: arrival.promise,
    goOn: () => departure.resolve(),
  };
}
