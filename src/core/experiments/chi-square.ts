import { assert } from '../kernel/assert.js';

/** Both expansions converge within a few times the square root of their arguments; more is a fault. */
const TERMS_MAX = 10_000;
const PRECISION = 1e-15;
/** Keeps the continued fraction away from a division by zero. */
const TINY = 1e-300;
/** Lanczos' approximation with g = 7 and nine terms (Godfrey, 2001): relative error below 1e-14 for arguments from 0.5 on. */
const LANCZOS_G = 7;
const LANCZOS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
] as const;

/**
 * The probability that a chi-square variable is at least so large: the regularised upper incomplete gamma function
 * Q(df / 2, x / 2), by its series or its continued fraction (Abramowitz and Stegun, 6.5.29 and 6.5.31, the latter after
 * Lentz).
 *
 * @param chiSquare >= 0; infinity gives 0
 * @param degreesOfFreedom a whole number from 1 on
 * @returns 0 to 1, the relative error below 1e-9 as long as the value is above 1e-300
 */
export function chiSquareTail(chiSquare: number, degreesOfFreedom: number): number {
  assert(chiSquare >= 0, `chi-square is ${chiSquare}`);
  assert(Number.isInteger(degreesOfFreedom) && degreesOfFreedom >= 1, `${degreesOfFreedom} degrees of freedom`);
  if (chiSquare === 0) return 1;
  if (chiSquare === Infinity) return 0;
  const [a, x] = [degreesOfFreedom / 2, chiSquare / 2];
  const scale = Math.exp(a * Math.log(x) - x - logGamma(a));
  const tail = x < a + 1 ? 1 - scale * lowerSeries(a, x) : scale * upperFraction(a, x);
  return Math.min(1, Math.max(0, tail));
}

function lowerSeries(a: number, x: number): number {
  let term = 1 / a;
  let sum = term;
  for (let n = 1; n <= TERMS_MAX; n += 1) {
    term *= x / (a + n);
    sum += term;
    if (term < sum * PRECISION) return sum;
  }
  throw new Error(`the series does not converge for ${a} and ${x}`);
}

function upperFraction(a: number, x: number): number {
  let b = x + 1 - a;
  let c = 1 / TINY;
  let d = 1 / b;
  let value = d;
  for (let n = 1; n <= TERMS_MAX; n += 1) {
    const numerator = -n * (n - a);
    b += 2;
    d = 1 / awayFromZero(numerator * d + b);
    c = awayFromZero(b + numerator / c);
    const factor = c * d;
    value *= factor;
    if (Math.abs(factor - 1) < PRECISION) return value;
  }
  throw new Error(`the continued fraction does not converge for ${a} and ${x}`);
}

const awayFromZero = (value: number): number => (Math.abs(value) < TINY ? TINY : value);

/** @param z >= 0.5 */
function logGamma(z: number): number {
  const [first, ...rest] = LANCZOS;
  const series = rest.reduce((sum, coefficient, index) => sum + coefficient / (z + index), first as number);
  const base = z + LANCZOS_G - 0.5;
  return 0.5 * Math.log(2 * Math.PI) + (z - 0.5) * Math.log(base) - base + Math.log(series);
}
