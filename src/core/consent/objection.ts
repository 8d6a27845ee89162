import type { InstantMs } from '../kernel/instant.js';
import { ALL, type ConsentRecord } from './consent-record.js';
import { foldConsent, isGrantValid } from './fold-consent.js';

/**
 * Whether the person objects to direct marketing as a whole (GDPR art. 21 (2), (3)): beyond messages, no marketing
 * score, audience or decision may be made for such a person.
 *
 * An objection stands until the person grants something again; from then on it stands for everything else, which
 * `gateConsent` tells for each purpose, channel and brand. A grant that expired, or was undone by a later statement,
 * lifts nothing.
 *
 * @returns true only if `gateConsent` refuses every message that rests on consent
 */
export function isObjecting({
  consents,
  now,
}: {
  readonly consents: readonly ConsentRecord[];
  readonly now: InstantMs;
}): boolean {
  const objection = foldConsent({
    consents: consents.filter((record) => record.isObjection),
    purpose: ALL,
    channel: ALL,
    brand: ALL,
    now,
  });
  if (objection === null) return false;
  return !consents.some(
    ({ status, purpose, channel, brand }) =>
      status === 'granted' && isGrantValid(foldConsent({ consents, purpose, channel, brand, now }), now),
  );
}
