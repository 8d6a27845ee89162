import { DAY_MS, type InstantMs } from '../kernel/instant.js';

/** How many may enter a journey, all users together; left out: as many as there are. */
export interface EntryLimits {
  /** Ever. */
  readonly total?: number | undefined;
  /** On one day of the calendar in UTC. */
  readonly per_day?: number | undefined;
  /** At the same time. */
  readonly running?: number | undefined;
}

/** How many have entered, as of the last entry. */
export interface EntryCounter {
  readonly total: number;
  /** The day of the last entry, as `dayOf`. */
  readonly day: number;
  /** On that day. */
  readonly today: number;
  readonly running: number;
}

/** A limit that leaves no room. */
export interface FullLimit {
  readonly limit: 'total' | 'per_day' | 'running';
  readonly max: number;
  /** When it makes room by itself; null: never, or whenever a run ends. */
  readonly freesAt: InstantMs | null;
}

/** Days since 1970-01-01 in UTC. */
export const dayOf = (at: InstantMs): number => Math.floor(at / DAY_MS);

/** The limit that keeps one more out, the most lasting one first; null where there is room. */
export function fullLimit({
  limits,
  counter,
  now,
}: {
  readonly limits: EntryLimits;
  readonly counter: EntryCounter;
  readonly now: InstantMs;
}): FullLimit | null {
  const { total, per_day: perDay, running } = limits;
  if (total !== undefined && counter.total >= total) return { limit: 'total', max: total, freesAt: null };
  // A clock that lags behind the one that counted opens no new day.
  const isSameDay = dayOf(now) <= counter.day;
  if (perDay !== undefined && isSameDay && counter.today >= perDay) {
    return { limit: 'per_day', max: perDay, freesAt: (counter.day + 1) * DAY_MS };
  }
  if (running !== undefined && counter.running >= running) return { limit: 'running', max: running, freesAt: null };
  return null;
}

/** `at most 10 a day may enter, the next ones from 2027-06-16T00:00:00.000Z on`. */
export function fullText({ limit, max, freesAt }: FullLimit): string {
  switch (limit) {
    case 'total':
      return `at most ${max} may ever enter`;
    case 'per_day':
      return `at most ${max} a day may enter, the next ones from ${new Date(freesAt ?? 0).toISOString()} on`;
    case 'running':
      return `at most ${max} may be in it at the same time, the next one when a run ends`;
  }
}
