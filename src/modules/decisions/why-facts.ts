import type { InstantMs } from '../../core/kernel/instant.js';
import { CONTACTS_READ_MAX, type Facts } from './facts.repository.js';
import type { Horizons } from './horizons.js';
import type { Moment } from './why.repository.js';

/**
 * Facts that were read with an instant in place of now, without what came after it: as a decision would have seen them
 * then. The state of contacts and the profile are as they are now.
 *
 * @returns null when so many contacts came since that those of then were not read
 */
export function factsAsOf(
  facts: Facts,
  {
    at,
    isKillSwitchOn,
    horizons,
  }: { readonly at: InstantMs; readonly horizons: Horizons } & Pick<Moment, 'isKillSwitchOn'>,
): Facts | null {
  const oldestAt = facts.contacts.at(-1)?.at ?? at;
  if (facts.contacts.length >= CONTACTS_READ_MAX && oldestAt > at - horizons.contactsMs) return null;
  return {
    ...facts,
    isKillSwitchOn,
    consents: facts.consents.filter(({ receivedAt }) => receivedAt <= at),
    suppressions: facts.suppressions
      .filter(({ since, liftedAt = null }) => since <= at && (liftedAt === null || at < liftedAt))
      .map(({ liftedAt: _liftedAt, ...suppression }) => suppression),
    contacts: facts.contacts.filter((contact) => contact.at <= at),
    outcomes: facts.outcomes.filter((outcome) => outcome.at <= at),
  };
}

/** What a reader must know of the facts behind an answer about an instant. */
export function asOfNotes({
  at,
  now,
  userCreatedAt,
}: { readonly at: InstantMs } & Omit<Moment, 'isKillSwitchOn'>): string[] {
  const always = 'No journey asks here: conflicts of journeys, and messages that wait beside, are not weighed.';
  if (at >= now) {
    return [
      'The facts of now at that instant: whatever is said, sent or changed until then may change the answer.',
      always,
    ];
  }
  return [
    'Consents count as far as they had been received by then.',
    'Suppressions, and a hold on the person, count from when they began until they ended or were lifted.',
    'A pause of the sending domain that lasts until now counts from when it began; one that is over is not known any more.',
    'Messages sent by then count with the state that is known of them now.',
    'Policies and the kill switch are those of then; actions, templates, accounts and the profile are as they are now.',
    always,
    ...(at < userCreatedAt ? ['The user was not known yet at that time.'] : []),
  ];
}
