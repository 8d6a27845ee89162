import { delayBeforeNextMs } from './acts-timing.js';

const delay = (attempts: number, askedForMs: number | null = null, spread = 0): number =>
  delayBeforeNextMs({ attempts, askedForMs, spread });

describe('the time between two attempts', () => {
  it('grows to a quarter of an hour and no further: an endpoint that is back waits no longer', () => {
    expect([1, 2, 3, 4, 5, 6, 500].map((attempts) => delay(attempts) / 1_000)).toEqual([
      5, 30, 120, 300, 900, 900, 900,
    ]);
  });

  it('is as long as the endpoint asks for, but never shorter than ours', () => {
    expect(delay(1, 60_000)).toBe(60_000);
    expect(delay(5, 60_000)).toBe(900_000);
  });

  it('differs by up to a tenth between those that failed together', () => {
    expect(delay(5, null, 0.999)).toBeCloseTo(989_910, -3);
  });
});
