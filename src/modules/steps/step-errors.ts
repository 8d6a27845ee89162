/** An earlier attempt may still hand its message over: come back when it no longer can. */
export class AttemptAliveError extends Error {
  override readonly name = 'AttemptAliveError';

  constructor(
    deliveryId: string,
    /** Milliseconds > 0. */
    readonly retryAfterMs: number,
  ) {
    super(`the attempt of delivery ${deliveryId} may still be alive`);
  }
}

/** What permitted a replay is gone: nothing was written, and nothing is sent. */
export class ReplayOverError extends Error {
  override readonly name = 'ReplayOverError';
}

/** Others changed the facts or took the place meanwhile: nothing was written, and the step may be asked again. */
export class ContendedError extends Error {
  override readonly name = 'ContendedError';
}
