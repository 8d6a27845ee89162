import { assert } from '../kernel/assert.js';
import { isValidZone } from '../kernel/zone.js';
import { zonesOfPhone, zonesOfPlace } from './zones-of.js';

/** Who says where the person is; in the order in which they are believed. */
type ZoneSource = 'profile' | 'device' | 'phone' | 'place' | 'workspace_default';

/** What is known about where a person is; null for what is not. */
export interface ZoneHints {
  /** IANA zone of the profile. */
  readonly profileZone: string | null;
  /** IANA zone that the person's device gave with an event. */
  readonly contextZone: string | null;
  /** With its country code, `+13055550100`. */
  readonly phone: string | null;
  /** ISO 3166, `US` or `US-FL`. */
  readonly jurisdiction: string | null;
  /** IANA zone of the company: for people of whom nothing is known. */
  readonly workspaceZone: string;
}

/** Where a person may be, and who says so. */
export interface ResolvedZones {
  /** IANA zones, never none; with more than one, a moment must be right in all of them. */
  readonly zones: readonly string[];
  readonly source: ZoneSource;
  /** Some zone that was given is none: a fault in the data that somebody should hear of. */
  readonly isInvalid: boolean;
}

/**
 * The zones in one of which a person is. The first source that names any decides: the profile, the device, the phone
 * number, the place, at last the workspace. What cannot be read, or is no zone by the time zone data of this process, is
 * passed over, whoever says it; the person is never without a zone, so doubt never means "no quiet hours".
 *
 * @throws AssertionError if the workspace's zone is none: the settings check it
 */
export function resolveZones(hints: ZoneHints): ResolvedZones {
  const { profileZone, contextZone, phone, jurisdiction, workspaceZone } = hints;
  const isInvalid = [profileZone, contextZone].flatMap(given).some((zone) => !isValidZone(zone));
  const sources: readonly (readonly [ZoneSource, () => readonly string[]])[] = [
    ['profile', () => given(profileZone)],
    ['device', () => given(contextZone)],
    ['phone', () => (phone === null ? [] : zonesOfPhone(phone))],
    ['place', () => (jurisdiction === null ? [] : zonesOfPlace(jurisdiction))],
  ];
  for (const [source, zonesOf] of sources) {
    const zones = zonesOf().filter(isValidZone);
    if (zones.length > 0) return { zones, source, isInvalid };
  }
  assert(isValidZone(workspaceZone), `no such time zone: ${workspaceZone}`);
  return { zones: [workspaceZone], source: 'workspace_default', isInvalid };
}

const given = (zone: string | null): readonly string[] => (zone === null ? [] : [zone]);
