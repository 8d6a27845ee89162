import type { InstantMs } from '../kernel/instant.js';
import type { LegalBasis } from '../kernel/legal-basis.js';
import type { ReasonCode } from '../kernel/reasons.js';
import type { Suppression, SuppressionReason } from './suppression.js';

/** What each reason is called in a record, how grave it is, and whether it also stops what rests on a contract. */
const EFFECTS: Readonly<
  Record<SuppressionReason, { readonly code: ReasonCode; readonly gravity: number; readonly blocksContract: boolean }>
> = {
  erasure: { code: 'SUPPRESSED_ERASURE', gravity: 7, blocksContract: true },
  stop: { code: 'SUPPRESSED_STOP', gravity: 6, blocksContract: true },
  hard_bounce: { code: 'SUPPRESSED_HARD_BOUNCE', gravity: 5, blocksContract: true },
  manual: { code: 'SUPPRESSED_MANUAL', gravity: 4, blocksContract: true },
  complaint: { code: 'SUPPRESSED_COMPLAINT', gravity: 3, blocksContract: false },
  unsubscribe: { code: 'SUPPRESSED_UNSUBSCRIBE', gravity: 2, blocksContract: false },
  // A full mailbox may take a password mail tomorrow; and what a person said is named before what a server said.
  soft_bounce: { code: 'SUPPRESSED_SOFT_BOUNCE', gravity: 1, blocksContract: false },
};

/** Whether an address or a user is suppressed for this contact. */
export type SuppressionVerdict =
  | { readonly kind: 'pass' }
  | {
      readonly kind: 'refuse';
      readonly reason: ReasonCode;
      readonly suppressionId: string;
      /** First instant at which none of the known suppressions holds; null when one holds for good. */
      readonly until: InstantMs | null;
    };

/** One contact, as far as suppression is concerned with it. */
export interface SuppressionQuestion {
  /** Of this user and of any address of this user. */
  readonly suppressions: readonly Suppression[];
  /** Keyed hash of the address that would be used; null when there is none. */
  readonly addressHash: string | null;
  readonly channel: string;
  readonly purpose: string;
  readonly legalBasis: LegalBasis;
  readonly now: InstantMs;
}

/**
 * Is this address or user shut off at `now` (`since <= now < until`)?
 *
 * Erasure, STOP, hard bounce and a manual entry stop everything in their scope; complaint, unsubscribe and repeated
 * soft bounces stop what needs consent. Of several, the gravest is named (then the one that holds longest, then the smallest id).
 */
export function gateSuppression(question: SuppressionQuestion): SuppressionVerdict {
  const inScope = question.suppressions.filter((suppression) => isInScope(suppression, question));
  const [gravest] = inScope.filter((suppression) => isHeld(suppression, question.now)).sort(compareGravity);
  if (gravest === undefined) return { kind: 'pass' };
  return {
    kind: 'refuse',
    reason: EFFECTS[gravest.reason].code,
    suppressionId: gravest.id,
    until: freeFrom(inScope, question.now),
  };
}

function isInScope(suppression: Suppression, question: SuppressionQuestion): boolean {
  const hitsAddress = suppression.addressHash === null || suppression.addressHash === question.addressHash;
  const hitsChannel = suppression.channel === null || suppression.channel === question.channel;
  const hitsPurpose = suppression.purpose === null || suppression.purpose === question.purpose;
  const hitsBasis = question.legalBasis === 'consent' || EFFECTS[suppression.reason].blocksContract;
  return hitsAddress && hitsChannel && hitsPurpose && hitsBasis;
}

function isHeld(suppression: Suppression, now: InstantMs): boolean {
  return suppression.since <= now && now < endOf(suppression);
}

function endOf(suppression: Suppression): InstantMs {
  return suppression.until ?? Number.POSITIVE_INFINITY;
}

function compareGravity(left: Suppression, right: Suppression): number {
  const byGravity = EFFECTS[right.reason].gravity - EFFECTS[left.reason].gravity;
  if (byGravity !== 0) return byGravity;
  const [leftEnd, rightEnd] = [endOf(left), endOf(right)];
  if (leftEnd !== rightEnd) return leftEnd > rightEnd ? -1 : 1;
  return left.id < right.id ? -1 : 1;
}

/** Walks from end to end, because another suppression may begin before the first one ends. */
function freeFrom(suppressions: readonly Suppression[], now: InstantMs): InstantMs | null {
  let at = now;
  for (const next of [...suppressions].sort((left, right) => left.since - right.since)) {
    if (isHeld(next, at)) at = endOf(next);
  }
  return Number.isFinite(at) ? at : null;
}
