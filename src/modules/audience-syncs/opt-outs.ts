import { ALL, type ConsentRecord } from '../../core/consent/consent-record.js';
import { foldConsent, isGrantValid } from '../../core/consent/fold-consent.js';
import { GPC_PURPOSES } from '../../core/consent/gpc.js';
import type { InstantMs } from '../../core/kernel/instant.js';

/**
 * Whether the person has opted out of what an upload to a platform is, whatever its own purpose: the sale or the sharing
 * of personal data, or advertising chosen by it (`Sec-GPC: 1` says all three).
 *
 * Only a refusal by the name of one of these purposes opts out; where nothing was said of them, nothing stands in the
 * way, and an objection to everything is judged with the purpose of the audience itself. What opts in again is a later
 * grant of the same purpose on the same channel, as long as it holds: a question that waits for its answer does not, nor
 * a grant that has ended or that an objection has undone.
 */
export function isOptedOut(asked: {
  readonly consents: readonly ConsentRecord[];
  readonly channel: string;
  readonly brand: string;
  readonly now: InstantMs;
}): boolean {
  return GPC_PURPOSES.some((purpose) => {
    const isRefused = asked.consents.some((record) => record.purpose === purpose && isRefusalOf(record, asked));
    return isRefused && !isGrantValid(foldConsent({ ...asked, purpose }), asked.now);
  });
}

function isRefusalOf(
  record: ConsentRecord,
  { channel, brand }: { readonly channel: string; readonly brand: string },
): boolean {
  const isAbout = [channel, ALL].includes(record.channel) && [brand, ALL].includes(record.brand);
  return isAbout && (record.status === 'withdrawn' || record.status === 'denied');
}
