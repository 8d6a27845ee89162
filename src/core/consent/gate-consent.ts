import { unreachable } from '../kernel/assert.js';
import type { InstantMs } from '../kernel/instant.js';
import type { LegalBasis } from '../kernel/legal-basis.js';
import type { ReasonCode } from '../kernel/reasons.js';
import type { ConsentBasis, ConsentRecord } from './consent-record.js';
import { foldConsent, isGrantValid, nextGrantAt, type ConsentQuestion } from './fold-consent.js';

/** Whether a contact may go out by law, and on what that rests. */
export type ConsentVerdict =
  | { readonly kind: 'pass'; readonly basis: ConsentBasis; readonly recordId: string | null }
  | {
      readonly kind: 'refuse';
      readonly reason: ReasonCode;
      /** The record that decided; null when there is none. */
      readonly recordId: string | null;
      /** When a grant that is dated in the future begins to count, if it will decide. */
      readonly until: InstantMs | null;
    };

/**
 * May this purpose use this channel for this brand at `now`?
 *
 * Marketing needs a grant that holds at this very instant: no record means no. A message that rests on a contract
 * needs none and passes with that basis (GDPR art. 6 (1) b).
 *
 * @param input.legalBasis of the message, from its template or action
 */
export function gateConsent(input: ConsentQuestion & { readonly legalBasis: LegalBasis }): ConsentVerdict {
  if (input.legalBasis === 'contract') return { kind: 'pass', basis: 'contract', recordId: null };
  const record = foldConsent(input);
  if (record !== null && isGrantValid(record, input.now)) {
    return { kind: 'pass', basis: record.basis, recordId: record.id };
  }
  return { kind: 'refuse', reason: refusal(record), recordId: record?.id ?? null, until: nextGrantAt(input) };
}

function refusal(record: ConsentRecord | null): ReasonCode {
  if (record === null) return 'CONSENT_MISSING';
  switch (record.status) {
    case 'granted':
      return 'CONSENT_EXPIRED';
    case 'pending':
      return 'CONSENT_PENDING';
    case 'denied':
      return 'CONSENT_DENIED';
    case 'withdrawn':
      return record.isObjection ? 'OBJECTION' : 'CONSENT_WITHDRAWN';
    default:
      return unreachable(record.status);
  }
}
