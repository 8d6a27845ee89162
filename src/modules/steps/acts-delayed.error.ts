/** Cannot be done now: come back later. */
export class ActDelayedError extends Error {
  override readonly name = 'ActDelayedError';

  constructor(
    because: string,
    /** Milliseconds > 0. */
    readonly retryAfterMs: number,
  ) {
    super(because);
  }
}
