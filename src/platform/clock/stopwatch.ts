/** Measures elapsed time by the monotonic clock: a wall clock that is set does not disturb it. */
export class Stopwatch {
  private readonly startedAt = performance.now();

  elapsedMs(): number {
    return performance.now() - this.startedAt;
  }
}
