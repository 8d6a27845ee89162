import type { DeliveryState } from '../kernel/delivery-state-name.js';
import type { Contact } from './cap-rule.js';
import type { Outcome, OutcomeKind } from './outcome.js';

const KIND_OF: Readonly<Record<DeliveryState, OutcomeKind | null>> = {
  sending: null,
  released: null,
  unknown: null,
  sent: 'sent',
  delivered: 'sent',
  bounced: 'sent',
  complained: 'sent',
  failed: 'failed',
};

/**
 * What the state of a contact tells of how it went, at the instant of the contact; null when it tells nothing. Whatever
 * was reported of the same contact under the same kind stands in its place.
 */
export function outcomeOfState(contact: Omit<Contact, 'journeyKey' | 'tags'>): Outcome | null {
  const { decisionId, at, channel, purpose, action, group, state } = contact;
  const kind = KIND_OF[state];
  return kind === null ? null : { decisionId, kind, at, channel, purpose, action, group };
}
