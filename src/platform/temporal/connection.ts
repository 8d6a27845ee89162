import { Connection, defaultGrpcRetryOptions, makeGrpcRetryInterceptor } from '@temporalio/client';

const CONNECT_MS_MAX = 4_000;
/** Why a timer of the SDK may still fire: it fires at the millisecond, this waits for the next one. */
const RETRY_MARGIN_MS = 10;

/** A connection whose calls can be cut off at any moment. */
export interface ClosableConnection {
  readonly connection: Connection;
  /** Cuts off what is still asked. Settles when no timer of a repeated call is left. */
  close(): Promise<void>;
}

/**
 * A connection to Temporal that opens with its first call.
 *
 * The SDK repeats a failed call by a timer, and throws from it, where nobody can catch, when the channel was closed
 * meanwhile: a process that shuts down while a call fails would die of it. So nothing is repeated any more once the
 * connection is being closed, and the channel stays open until the repeats under way have begun.
 */
export function connectLazily(address: string): ClosableConnection {
  const usual = defaultGrpcRetryOptions();
  let isClosing = false;
  let lastRetryAt = 0;
  const retry = makeGrpcRetryInterceptor({
    retryableDecider: (attempt, status) => !isClosing && usual.retryableDecider(attempt, status),
    delayFunction: (attempt, status) => {
      const delayMs = usual.delayFunction(attempt, status);
      lastRetryAt = Math.max(lastRetryAt, performance.now() + delayMs);
      return delayMs;
    },
  });
  const connection = Connection.lazy({ address, connectTimeout: CONNECT_MS_MAX, interceptors: [retry] });
  return {
    connection,
    async close() {
      isClosing = true;
      const pendingMs = lastRetryAt - performance.now();
      if (pendingMs > 0) await new Promise((resolve) => setTimeout(resolve, pendingMs + RETRY_MARGIN_MS));
      await connection.close();
    },
  };
}
