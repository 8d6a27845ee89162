import { readFileSync } from 'node:fs';
import { BUCKETS, bucketOf } from './stable-hash.js';

interface Row {
  readonly salt: string;
  readonly unit: string;
  readonly fraction: number;
}
const table = new URL('../../../test/cases/growthbook-hash.json', import.meta.url);
const rows = JSON.parse(readFileSync(table, 'utf8')) as readonly Row[];

describe('bucketOf', () => {
  it.each(rows)('deals $unit under $salt out as published', ({ salt, unit, fraction }) => {
    expect(bucketOf({ salt, unit }) / BUCKETS).toBe(fraction);
  });

  it('deals users out evenly, under each salt anew', () => {
    const SIDES = 10;
    const UNITS = 10_000;
    const counts = Array.from({ length: SIDES * SIDES }, () => 0);
    for (let unit = 0; unit < UNITS; unit += 1) {
      const [one = 0, other = 0] = ['one', 'other'].map((salt) =>
        Math.floor((bucketOf({ salt, unit: `user-${unit}` }) * SIDES) / BUCKETS),
      );
      const cell = one * SIDES + other;
      counts[cell] = (counts[cell] ?? 0) + 1;
    }
    const expected = UNITS / counts.length;
    const chiSquare = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    // 99.9 % of fair deals into 100 cells stay below (99 degrees of freedom); the deal is the same every time.
    expect(chiSquare).toBeLessThan(148.2);
  });
});
