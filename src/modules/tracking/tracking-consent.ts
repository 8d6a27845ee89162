import type { ConsentRecord } from '../../core/consent/consent-record.js';
import { gateConsent } from '../../core/consent/gate-consent.js';
import type { InstantMs } from '../../core/kernel/instant.js';

/** What a person has said, at an instant. */
interface Said {
  readonly consents: readonly ConsentRecord[];
  readonly now: InstantMs;
}

/**
 * Whether a person has agreed to be tracked by messages of this channel and brand: tracking needs consent, as marketing
 * does, and nothing else permits it (Directive 2002/58/EC, art. 5 (3)).
 */
export const mayTrack = (
  { consents, now }: Said,
  subject: { readonly purpose: string; readonly channel: string; readonly brand: string },
): boolean => gateConsent({ ...subject, consents, now, legalBasis: 'consent' }).kind === 'pass';
