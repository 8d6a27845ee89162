import type { DecisionInput } from '../../core/decisions/types.js';
import { placesElsewhere } from '../../core/users/places-elsewhere.js';
import { resolveJurisdictions } from '../../core/users/resolve-jurisdictions.js';
import { resolveZones } from '../../core/users/resolve-zones.js';
import type { UserFacts } from './facts.repository.js';

/** What places are worked out from; nothing is known of somebody who is not there. */
type Hints = Pick<UserFacts, 'timezone' | 'contextTimezone' | 'phone' | 'jurisdiction'>;
const NO_HINTS: Hints = { timezone: null, contextTimezone: null, phone: null, jurisdiction: null };

/**
 * Where a person may be: time zones, how they were found, jurisdictions, and those of these that lie
 * elsewhere. A stored value that is no zone (any more) is
 * passed over for the next source, and the record says so: `<source>_after_invalid`.
 */
export function placeOf(
  user: Hints | null,
  workspaceZone: string,
): Pick<DecisionInput['user'], 'zones' | 'zoneSource' | 'jurisdictions' | 'placesElsewhere'> {
  const { timezone: profileZone, contextTimezone: contextZone, phone, jurisdiction } = user ?? NO_HINTS;
  const { zones, source, isInvalid } = resolveZones({ profileZone, contextZone, phone, jurisdiction, workspaceZone });
  const jurisdictions = resolveJurisdictions({ profileJurisdiction: jurisdiction, phone });
  return {
    zones,
    zoneSource: isInvalid ? `${source}_after_invalid` : source,
    jurisdictions,
    placesElsewhere: placesElsewhere({ zones, jurisdictions }),
  };
}
