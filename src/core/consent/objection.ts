import type { InstantMs } from '../kernel/instant.js';
import { ALL, type ConsentRecord } from './consent-record.js';
import { foldConsent, isGrantValid } from './fold-consent.js';

/** The purpose of advertising as such. Other purposes may need consent too; to permit one of them is no word about it. */
const MARKETING = 'marketing';

/**
 * Whether the person objects to direct marketing as a whole (GDPR art. 21 (2), (3)): beyond messages, no marketing
 * score, audience or decision may be made for such a person.
 *
 * An objection stands until the person grants marketing again, on whatever channel and for whatever brand; from then on
 * it stands for everything else, which `gateConsent` tells for each purpose, channel and brand. A grant of another
 * purpose (`service_news`) permits that one and leaves the objection in force. A grant that expired, that was undone by
 * a later statement, or that rests on anything but the person's own word, lifts nothing.
 *
 * @returns true only if `gateConsent` refuses every message of the purpose `marketing` that rests on consent
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
  // Asked about marketing alone: a grant of another purpose finds the objection.
  return !consents.some(
    ({ status, channel, brand }) =>
      status === 'granted' && isGrantValid(foldConsent({ consents, purpose: MARKETING, channel, brand, now }), now),
  );
}
