import type { Candidate, DecisionInput } from '../../../src/core/decisions/types.js';

const PRIME = 0x01000193n;
const BASIS = 0x811c9dc5n;
const SPACE = 2n ** 32n;
const HASHES_MAX = 10_000;

/** P x C x V x L without the factors that are switched off. */
export function priorityOf(
  { propensity, contextFactor, value, leverFactor }: Candidate,
  factors: DecisionInput['factors'],
): number {
  const used = [
    factors.propensity ? propensity : 1,
    factors.context ? contextFactor : 1,
    factors.value ? value : 1,
    factors.levers ? leverFactor : 1,
  ];
  return used.reduce((product, factor) => product * factor, 1);
}

/** The priority, less the channel's cost and the cost of fatigue. */
export function netValue(candidate: Candidate, factors: DecisionInput['factors'], fatigueCost: number): number {
  const { channelCost, legalBasis } = candidate;
  return priorityOf(candidate, factors) - channelCost - (legalBasis === 'consent' ? fatigueCost : 0);
}

/** Whether a person belongs to the share that is left alone: FNV-1a over salt and person, twice, as the docs say. */
export function isHeldOut({ salt, share }: { readonly salt: string; readonly share: number }, userId: string): boolean {
  return Number(fnv(`${fnv(`${salt}:${userId}`)}:${salt}`)) < share * Number(SPACE);
}

const hashes = new Map<string, bigint>();

function fnv(text: string): bigint {
  const known = hashes.get(text);
  if (known !== undefined) return known;
  let hash = BASIS;
  for (const byte of Buffer.from(text, 'utf16le')) hash = ((hash ^ BigInt(byte)) * PRIME) % SPACE;
  if (hashes.size >= HASHES_MAX) hashes.clear();
  hashes.set(text, hash);
  return hash;
}
