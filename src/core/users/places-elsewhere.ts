import type { InstantMs } from '../kernel/instant.js';
import { zoneSpan } from '../kernel/zone.js';
import { zonesOfPlace } from './zones-of.js';

/** Two clocks that agree from the first to the second of these are one clock under two names, an old one and a new. */
const COMPARED_FROM: InstantMs = Date.parse('2027-01-01T00:00:00Z');
const COMPARED_UNTIL: InstantMs = Date.parse('2029-01-01T00:00:00Z');

/**
 * Of the places whose law may protect a person, those that have none of the person's clocks, each with its own ones. The
 * profile may say New York and the telephone number Texas: then the law of Texas is read on the clocks of Texas too.
 *
 * Where one of the person's clocks is a clock of the place, that one says when it is night there for this person: who is
 * known to be in New York is not kept waiting for the morning of Honolulu by a law of the United States.
 *
 * @param input.zones IANA zones in one of which the person is; each must exist
 * @param input.jurisdictions ISO 3166 codes
 * @returns in the order of `jurisdictions`; no place of which no zone is known
 * @example `{ zones: ['America/New_York'], jurisdictions: ['US-NY', 'US-TX'] }` ->
 *   `[{ place: 'US-TX', zones: ['America/Chicago', 'America/Denver'] }]`
 */
export function placesElsewhere(input: {
  readonly zones: readonly string[];
  readonly jurisdictions: readonly string[];
}): readonly { readonly place: string; readonly zones: readonly string[] }[] {
  return input.jurisdictions
    .map((place) => ({ place, zones: zonesOfPlace(place) }))
    .filter(({ zones }) => zones.length > 0 && !zones.some((zone) => isClockOf(input.zones, zone)));
}

function isClockOf(zones: readonly string[], zone: string): boolean {
  return zones.includes(zone) || zones.some((own) => isSameClock(own, zone));
}

function isSameClock(left: string, right: string): boolean {
  let at = COMPARED_FROM;
  while (at < COMPARED_UNTIL) {
    const [one, other] = [zoneSpan(left, at), zoneSpan(right, at)];
    if (one.offsetMs !== other.offsetMs) return false;
    at = Math.min(one.until, other.until);
  }
  return true;
}
