import { until } from '../../../test/support/until.js';
import { connectLazily } from './connection.js';

const CLOSED_PORT = '127.0.0.1:1';
/** Longer than the pause before the first repeat of a call that found no server. */
const REPEATING_MS = 60;
const DUE_MS_MAX = 30_000;

describe('a connection to Temporal', () => {
  it('can be closed while a failed call waits to be repeated', async () => {
    const { connection, close } = connectLazily(CLOSED_PORT);
    const calls = Array.from({ length: 5 }, () => connection.workflowService.getSystemInfo({}));
    const outcomes = Promise.allSettled(calls);
    const startedAt = performance.now();
    await until(
      () => performance.now() - startedAt > REPEATING_MS,
      DUE_MS_MAX,
      () => 'the first repeat',
    );
    await close();
    // A repeat on a closed channel would throw from a timer, which fails the whole file.
    expect((await outcomes).map(({ status }) => status)).toEqual(Array(5).fill('rejected'));
  });

  it('repeats nothing once it is being closed', async () => {
    const { connection, close } = connectLazily(CLOSED_PORT);
    const call = connection.workflowService.getSystemInfo({});
    const outcome = Promise.allSettled([call]);
    await close();
    expect((await outcome)[0].status).toBe('rejected');
  });
});
