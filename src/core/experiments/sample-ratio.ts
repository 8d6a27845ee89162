import { assert } from '../kernel/assert.js';
import { chiSquareTail } from './chi-square.js';

/** How many units came to an arm, and which share of them should have. */
export interface ArmCount {
  /** Relative to the other arms of the group; 0: nobody should come here. */
  readonly weight: number;
  readonly units: number;
}

/** Whether units came to the arms as they were meant to. */
export type SampleRatio =
  /** Too few units to tell: no group in which chance alone follows a chi-square distribution. */
  | { readonly kind: 'too_few' }
  | {
      readonly kind: 'tested';
      readonly chiSquare: number;
      readonly degreesOfFreedom: number;
      /** How often chance alone would be off so far or farther, 0 to 1. */
      readonly pValue: number;
      /** No difference between the arms can be believed as long as nobody knows why. */
      readonly isMismatch: boolean;
    };

/** Rules of the domain, 11. */
const MISMATCH_BELOW = 0.001;
/** The usual bound for Pearson's test (Cochran, 1954). */
const EXPECTED_MIN = 5;

/**
 * Tests for a sample ratio mismatch, by Pearson's chi-square test. Groups, such as versions with weights of their own,
 * are tested together: their statistics and degrees of freedom are added. A group in which some arm expects fewer than
 * five units is left out.
 *
 * @example testSampleRatio([[{ weight: 50, units: 520 }, { weight: 50, units: 480 }]]) // p = 0.206
 */
export function testSampleRatio(groups: readonly (readonly ArmCount[])[]): SampleRatio {
  let chiSquare = 0;
  let degreesOfFreedom = 0;
  for (const group of groups) {
    const statistic = statisticOf(group);
    if (statistic === null) continue;
    chiSquare += statistic.chiSquare;
    degreesOfFreedom += statistic.degreesOfFreedom;
  }
  if (degreesOfFreedom === 0) return { kind: 'too_few' };
  const pValue = chiSquareTail(chiSquare, degreesOfFreedom);
  return { kind: 'tested', chiSquare, degreesOfFreedom, pValue, isMismatch: pValue < MISMATCH_BELOW };
}

function statisticOf(
  group: readonly ArmCount[],
): Pick<Extract<SampleRatio, { kind: 'tested' }>, 'chiSquare' | 'degreesOfFreedom'> | null {
  assert(
    group.every(({ weight, units }) => weight >= 0 && Number.isInteger(units) && units >= 0),
    'weights and counts are not negative',
  );
  const open = group.filter(({ weight }) => weight > 0);
  const weights = sum(open.map(({ weight }) => weight));
  const units = sum(open.map((arm) => arm.units));
  const expected = open.map(({ weight }) => (units * weight) / weights);
  if (open.length < 2 || expected.some((each) => each < EXPECTED_MIN)) return null;
  const terms = open.map((arm, index) => {
    const wanted = expected[index] ?? 0;
    return (arm.units - wanted) ** 2 / wanted;
  });
  // Nobody should have come to an arm that is switched off: chance does not explain one who did.
  const hasStrays = group.some((arm) => arm.weight === 0 && arm.units > 0);
  return { chiSquare: hasStrays ? Infinity : sum(terms), degreesOfFreedom: open.length - 1 };
}

const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0);
