import { Injectable } from '@nestjs/common';
import { HOUR_MS, type DurationMs, type InstantMs } from '../../core/kernel/instant.js';
import { Clock } from '../clock/clock.js';
import { Rounds } from '../concurrency/rounds.js';

/** Rows that nobody needs any more once they are old. */
export interface Kept {
  readonly forMs: DurationMs;
  /** Deletes at most `limit` of what is older than `before`. @returns how many it were */
  purge(before: InstantMs, limit: number): Promise<number>;
}

/** A delete of so many is over before anybody has to wait for it. */
const PURGED_AT_ONCE_MAX = 2_000;

/**
 * Deletes what is too old, little by little, once an hour. Whoever writes a table says when its rows are old and how they
 * go. Every process runs one: they may be at it at the same time.
 */
@Injectable()
export class Retention extends Rounds {
  private readonly all: Kept[] = [];

  constructor(private readonly clock: Clock) {
    super(HOUR_MS, 'what is too old could not be deleted');
  }

  /** To be called when the process starts. */
  keep(kept: Kept): void {
    this.all.push(kept);
  }

  protected round(): Promise<void> {
    return this.purge();
  }

  /** Deletes all that is too old now. */
  async purge(): Promise<void> {
    const now = this.clock.now();
    for (const { forMs, purge } of this.all) {
      while (!this.isStopped && (await purge(now - forMs, PURGED_AT_ONCE_MAX)) === PURGED_AT_ONCE_MAX);
    }
  }
}
