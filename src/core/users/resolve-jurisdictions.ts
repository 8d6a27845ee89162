import { placesOfPhone } from './zones-of.js';

/** ISO 3166-1 country, or 3166-2 subdivision of one. */
const ISO_3166 = /^[A-Z]{2}(-[A-Z0-9]{1,3})?$/;

/**
 * Codes of every place whose law may protect a person: the profile may say one, the phone number another, and then both
 * do. A country gives way to a state within it: who is in `US-FL` is in `US`, and no rule is lost.
 *
 * @param input.profileJurisdiction ISO 3166, `US` or `US-FL`; anything else counts as unknown
 * @param input.phone with its country code, `+13055550100`
 * @returns sorted codes; none when nothing is known
 * @example `{ profileJurisdiction: 'US-NY', phone: '+13055550100' }` -> `['US-FL', 'US-NY']`
 */
export function resolveJurisdictions(input: {
  readonly profileJurisdiction: string | null;
  readonly phone: string | null;
}): readonly string[] {
  const { phone } = input;
  const ofProfile = input.profileJurisdiction?.toUpperCase() ?? null;
  const codes = new Set(phone === null ? [] : placesOfPhone(phone));
  if (ofProfile !== null && ISO_3166.test(ofProfile)) codes.add(ofProfile);
  const all = [...codes];
  return all.filter((code) => !all.some((other) => other.startsWith(`${code}-`))).sort();
}
