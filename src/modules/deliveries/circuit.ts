import { Stopwatch } from '../../platform/clock/stopwatch.js';

const FAILURES_MAX = 5;
const REST_MS = 30_000;

/**
 * Leaves a provider alone that could not take messages several times in a row. After a rest messages try again: the first
 * that goes through ends it, the first that fails begins it anew. Each process has its own.
 */
export class Circuit {
  private failures = 0;
  private rest: Stopwatch | null = null;

  /** Whether a message may be tried now. */
  get isClosed(): boolean {
    return this.rest === null || this.rest.elapsedMs() >= REST_MS;
  }

  /** @param isThrough whether the provider dealt with the message, whatever it thought of it */
  note(isThrough: boolean): void {
    this.failures = isThrough ? 0 : this.failures + 1;
    this.rest = this.failures >= FAILURES_MAX ? new Stopwatch() : null;
  }
}
