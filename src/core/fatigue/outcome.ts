import type { InstantMs } from '../kernel/instant.js';

/**
 * What became of a contact, as far as it tells how the person took it. The first ones come from the delivery itself,
 * the others from the person.
 */
export type OutcomeKind =
  | 'sent'
  | 'delivered'
  | 'failed'
  | 'bounced'
  | 'complained'
  | 'opened'
  | 'clicked'
  | 'converted'
  | 'dismissed'
  | 'ignored'
  | 'unsubscribed';

/** One thing that is known of one contact. A contact may have several, each kind counted once. */
export interface Outcome {
  readonly decisionId: string;
  readonly kind: OutcomeKind;
  readonly at: InstantMs;
  readonly channel: string;
  readonly purpose: string;
  readonly action: string;
  readonly group: string | null;
}

/**
 * The outcomes that count, oldest first: a kind that is told of one contact more than once counts at its first instant.
 */
export function distinctOutcomes(outcomes: readonly Outcome[]): readonly Outcome[] {
  const seen = new Set<string>();
  return [...outcomes].sort(oldestFirst).filter(({ decisionId, kind }) => {
    const isNew = !seen.has(`${kind} ${decisionId}`);
    seen.add(`${kind} ${decisionId}`);
    return isNew;
  });
}

function oldestFirst(left: Outcome, right: Outcome): number {
  return left.at - right.at || (left.decisionId < right.decisionId ? -1 : 1);
}
