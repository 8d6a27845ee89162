/**
 * 32-bit FNV-1a over the UTF-16 code units of `text`, low byte first. The same text gives the same number on every
 * machine and in every version: spreads and jitters may depend on it, secrets must not.
 *
 * @see http://www.isthe.com/chongo/tech/comp/fnv/ for the constants
 * @returns an integer in [0, 2^32)
 */
function stableHash(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    hash = Math.imul(hash ^ (unit & 0xff), 0x01000193);
    hash = Math.imul(hash ^ (unit >>> 8), 0x01000193);
  }
  return hash >>> 0;
}

/** A fixed fraction in [0, 1) that belongs to `text`. */
export function stableFraction(text: string): number {
  return stableHash(text) / 2 ** 32;
}

/**
 * Where a unit stands in an assignment with this salt: uniform over units, independent between salts. Hashed twice,
 * because one round of FNV-1a leaves units whose names differ only at their end close to each other.
 *
 * @returns a fraction in [0, 1) that belongs to (salt, unit)
 */
export function assignmentFraction(salt: string, unit: string): number {
  return stableHash(`${stableHash(`${salt}:${unit}`)}:${salt}`) / 2 ** 32;
}

/** How many buckets units are dealt into. */
export const BUCKETS = 10_000;

/**
 * The bucket of a unit under this salt, by the hash that GrowthBook publishes as version 2: users who are dealt out by
 * it here and there come to the same side. Its SDK for JavaScript hashes whole UTF-16 code units, unlike `stableHash`;
 * other languages agree with it on ASCII.
 *
 * @see https://docs.growthbook.io/lib/build-your-own for the algorithm
 * @returns an integer in [0, BUCKETS)
 */
export function bucketOf({ salt, unit }: { readonly salt: string; readonly unit: string }): number {
  return hashOfUnits(String(hashOfUnits(salt + unit))) % BUCKETS;
}

function hashOfUnits(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash >>> 0;
}
