import { assert, unreachable } from '../../core/kernel/assert.js';
import type { InstantMs } from '../../core/kernel/instant.js';
import type { LegalBasis } from '../../core/kernel/legal-basis.js';
import { gateSuppression } from '../../core/suppression/gate-suppression.js';
import { REVIEW_SOURCE } from '../consents/index.js';
import type { PersonSuppressions, PersonalSuppression } from '../suppressions/index.js';

/**
 * Why nothing comes, as far as a person can do something else about it:
 * - `stop_by_text`: a STOP by text message, which START ends
 * - `review`: a text message that seemed to ask for an end, until somebody has read it
 * - `unsubscribe`: the person's own, which a new choice on the page undoes
 * - `unsubscribe_of_address`: the same of an address that somebody else has too; only an operator undoes it
 */
export type BlockKind =
  | 'stop_by_text'
  | 'stop'
  | 'hard_bounce'
  | 'soft_bounce'
  | 'complaint'
  | 'unsubscribe'
  | 'unsubscribe_of_address'
  | 'review'
  | 'manual'
  | 'erasure';

/** A suppression as it is told to the person. */
export interface Block {
  readonly suppressionId: string;
  readonly kind: BlockKind;
  /** First instant at which it does not hold any more; null: for good. */
  readonly until: InstantMs | null;
}

const TEXT_CHANNEL = 'sms';

/**
 * All that keeps messages of a purpose from a person on a channel, in the order in which the gate of each message names
 * it. There is something in it if and only if that gate refuses.
 *
 * @param subject.purpose null: whatever the purpose is, so that what is limited to one is left out
 */
export function blocksOf(
  standing: PersonSuppressions,
  subject: { readonly purpose: string | null; readonly channel: string; readonly legalBasis: LegalBasis },
): readonly Block[] {
  const { now, addresses } = standing;
  const { purpose, channel, legalBasis } = subject;
  const addressHash = isAddressed(channel, addresses) ? addresses[channel] : null;
  const question = { addressHash, channel, purpose: purpose ?? '', legalBasis, now };
  const blocks: Block[] = [];
  // The gate names one at a time: each is taken out of the way to see what lies behind it.
  const left = new Map(standing.suppressions.map((suppression) => [suppression.id, suppression]));
  while (left.size > 0) {
    const verdict = gateSuppression({ ...question, suppressions: [...left.values()] });
    if (verdict.kind === 'pass') break;
    const { suppressionId } = verdict;
    const named = left.get(suppressionId);
    assert(named !== undefined, 'the gate named a suppression that it was not asked about');
    blocks.push({ suppressionId, kind: kindOf(named), until: named.until });
    left.delete(suppressionId);
  }
  return blocks;
}

/** The suppressions that a new choice of the person undoes. */
export const liftableOf = (blocks: readonly Block[]): readonly string[] =>
  blocks.filter(({ kind }) => kind === 'unsubscribe').map(({ suppressionId }) => suppressionId);

const isAddressed = <Channels extends object>(
  channel: string,
  addresses: Channels,
): channel is keyof Channels & string => Object.hasOwn(addresses, channel);

function kindOf({ reason, addressHash, channel, source, isShared }: PersonalSuppression): BlockKind {
  switch (reason) {
    case 'stop':
      // What START lifts, and nothing wider.
      return addressHash !== null && channel === TEXT_CHANNEL ? 'stop_by_text' : 'stop';
    case 'unsubscribe':
      return isShared ? 'unsubscribe_of_address' : 'unsubscribe';
    case 'manual':
      return source === REVIEW_SOURCE ? 'review' : 'manual';
    case 'hard_bounce':
    case 'soft_bounce':
    case 'complaint':
    case 'erasure':
      return reason;
    default:
      return unreachable(reason);
  }
}
