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
