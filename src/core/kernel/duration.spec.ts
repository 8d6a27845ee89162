import { parseDuration } from './duration.js';

describe('parseDuration', () => {
  it.each<[string, number | null]>([
    ['PT1S', 1_000],
    ['PT90M', 5_400_000],
    ['PT1H', 3_600_000],
    ['P1D', 86_400_000],
    ['P1W', 604_800_000],
    ['P1DT12H30M', 131_400_000],
    ['P3660D', 316_224_000_000],
    ['P3661D', null],
    ['PT0S', null],
    ['P', null],
    ['PT', null],
    ['P1DT', null],
    ['P1M', null],
    ['P1Y', null],
    ['-PT1H', null],
    ['1h', null],
    ['', null],
    ['PT1.5H', null],
  ])('%s is %s ms', (text, expected) => {
    expect(parseDuration(text)).toBe(expected);
  });
});
