import { repeatWhileUnavailable } from './while-unavailable.js';

const lost = (): Error => Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
const NO_WAITS = [0, 0, 0];

/** Fails so many times, then succeeds with the number of the call. */
function failing(times: number, failure: () => Error): { work: () => Promise<number>; calls: () => number } {
  let calls = 0;
  const work = (): Promise<number> => {
    calls += 1;
    return calls <= times ? Promise.reject(failure()) : Promise.resolve(calls);
  };
  return { work, calls: () => calls };
}

describe('repeatWhileUnavailable', () => {
  it.each([0, 1, 3])('succeeds after %s lost connections', async (times) => {
    const { work } = failing(times, lost);
    expect(await repeatWhileUnavailable(work, NO_WAITS)).toBe(times + 1);
  });

  it('gives up with the last failure when the waits are used up', async () => {
    const { work, calls } = failing(4, lost);
    await expect(repeatWhileUnavailable(work, NO_WAITS)).rejects.toThrow('ECONNRESET');
    expect(calls()).toBe(4);
  });

  it('repeats nothing that the database answered', async () => {
    const { work, calls } = failing(1, () => Object.assign(new Error('duplicate key'), { code: '23505' }));
    await expect(repeatWhileUnavailable(work, NO_WAITS)).rejects.toThrow('duplicate key');
    expect(calls()).toBe(1);
  });
});
