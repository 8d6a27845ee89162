import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { chiSquareTail } from './chi-square.js';
import { testSampleRatio, type ArmCount } from './sample-ratio.js';

interface Row {
  readonly groups: readonly (readonly ArmCount[])[];
  readonly chi_square: number | null;
  readonly degrees_of_freedom: number;
  readonly p_value: number | null;
}

const rows = JSON.parse(readFileSync('test/cases/sample-ratio.json', 'utf8')) as readonly Row[];
const even = (first: number, second: number): readonly ArmCount[] => [
  { weight: 1, units: first },
  { weight: 1, units: second },
];
const RELATIVE_ERROR_MAX = 1e-9;

describe('the sample ratio', () => {
  it('is tested as other code tests it, by chi-square and p-value', () => {
    expect(rows.length).toBeGreaterThan(50);
    for (const { groups, chi_square, degrees_of_freedom, p_value } of rows) {
      const tested = testSampleRatio(groups);
      if (chi_square === null || p_value === null) {
        expect(tested).toEqual({ kind: 'too_few' });
        continue;
      }
      if (tested.kind !== 'tested') throw new Error(JSON.stringify(groups));
      expect(tested.degreesOfFreedom).toBe(degrees_of_freedom);
      expect(Math.abs(tested.chiSquare - chi_square)).toBeLessThanOrEqual(chi_square * RELATIVE_ERROR_MAX);
      expect(Math.abs(tested.pValue - p_value)).toBeLessThanOrEqual(p_value * RELATIVE_ERROR_MAX);
      expect(tested.isMismatch).toBe(p_value < 0.001);
    }
  });

  it('is no mismatch for as long as chance explains it: published quantiles of the distribution', () => {
    // Abramowitz and Stegun, table 26.8.
    for (const [chiSquare, degreesOfFreedom, p] of [
      [3.84146, 1, 0.05],
      [10.828, 1, 0.001],
      [18.307, 10, 0.05],
      [29.588, 10, 0.001],
      [124.342, 100, 0.05],
    ] as const) {
      expect(chiSquareTail(chiSquare, degreesOfFreedom)).toBeCloseTo(p, 5);
    }
    expect([chiSquareTail(0, 3), chiSquareTail(Infinity, 3)]).toEqual([1, 0]);
  });

  it('is a mismatch when somebody came to an arm that is switched off', () => {
    const group = [...even(5_000, 5_000), { weight: 0, units: 1 }];
    expect(testSampleRatio([group])).toMatchObject({ chiSquare: Infinity, pValue: 0, isMismatch: true });
    const without = testSampleRatio([[...even(5_000, 5_000), { weight: 0, units: 0 }]]);
    expect(without).toEqual(testSampleRatio([even(5_000, 5_000)]));
  });

  it('cannot be told of one arm alone, or of nobody', () => {
    expect(testSampleRatio([])).toEqual({ kind: 'too_few' });
    expect(testSampleRatio([[{ weight: 1, units: 100 }]])).toEqual({ kind: 'too_few' });
    expect(testSampleRatio([even(0, 0)])).toEqual({ kind: 'too_few' });
  });

  it('is the less likely the farther off it is, and does not depend on the order of arms', () => {
    const counts = fc.integer({ min: 100, max: 100_000 });
    fc.assert(
      fc.property(counts, fc.nat(50), fc.integer({ min: 1, max: 50 }), (half, off, more) => {
        const p = (by: number): number => {
          const tested = testSampleRatio([even(half + by, half - by)]);
          const mirrored = testSampleRatio([even(half - by, half + by)]);
          expect(mirrored).toEqual(tested);
          return tested.kind === 'tested' ? tested.pValue : NaN;
        };
        expect(p(off + more)).toBeLessThan(p(off));
      }),
    );
  });

  it('finds mismatches in groups that outweigh each other', () => {
    expect(testSampleRatio([even(5_300, 4_700), even(4_700, 5_300)])).toMatchObject({
      degreesOfFreedom: 2,
      isMismatch: true,
    });
  });
});
