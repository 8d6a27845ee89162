import type { Candidate } from '../../../src/core/decisions/types.js';
import type { SuppressionRow, UserRow } from '../model.js';

const STOPS_EVERYTHING: readonly string[] = ['erasure', 'stop', 'hard_bounce', 'manual'];

/**
 * The suppressions that forbid a message to this person, as their ids. One that is stored holds from its writing on:
 * a clock that was set back since then does not lift it for a second.
 */
export function suppressionsAgainst(
  suppressions: readonly SuppressionRow[],
  { id, addresses }: UserRow,
  { channel, purpose, legalBasis }: Candidate,
  now: number,
): readonly string[] {
  return suppressions
    .filter(({ userId, addressHash }) => (userId === id && addressHash === null) || addressHash === addresses[channel])
    .filter(({ channel: on, purpose: about }) => [null, channel].includes(on) && [null, purpose].includes(about))
    .filter(({ reason }) => legalBasis === 'consent' || STOPS_EVERYTHING.includes(reason))
    .filter(({ until }) => until === null || until > now)
    .map(({ id: suppressionId }) => suppressionId);
}
