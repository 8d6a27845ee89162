import { assert } from '../kernel/assert.js';

/**
 * Where one message to one address stands.
 * - `sending`: claimed; an attempt may be alive.
 * - `released`: the attempt gave up before the first byte; the place under the caps is free again.
 * - `sent`: the provider took it. `failed`: the provider refused it for good.
 * - `unknown`: nobody can say whether it went out; it is never sent again by itself.
 * - `delivered`, `bounced`, `complained`: what was heard of it afterwards.
 */
export type DeliveryState =
  'sending' | 'released' | 'sent' | 'failed' | 'unknown' | 'delivered' | 'bounced' | 'complained';

/** The state that a claim begins with. */
export const DELIVERY_STATE_INITIAL: DeliveryState = 'sending';

/** What may follow what; an empty list marks an end. A complaint or a late bounce comes after delivery. */
export const DELIVERY_TRANSITIONS: Readonly<Record<DeliveryState, readonly DeliveryState[]>> = {
  sending: ['sent', 'failed', 'unknown', 'released'],
  released: ['sending'],
  sent: ['delivered', 'bounced', 'complained'],
  failed: [],
  unknown: ['sent', 'failed', 'delivered', 'bounced', 'complained'],
  delivered: ['bounced', 'complained'],
  bounced: [],
  complained: [],
};

/** A place under the caps is given back only when it is sure that nothing reached the provider's outbox. */
const HOLDS_CAP: Readonly<Record<DeliveryState, boolean>> = {
  sending: true,
  released: false,
  sent: true,
  failed: false,
  unknown: true,
  delivered: true,
  bounced: true,
  complained: true,
};

/** The states from which a delivery may come to `to`: what a statement that writes `to` must find. */
export function statesBefore(to: DeliveryState): readonly DeliveryState[] {
  const states = Object.keys(DELIVERY_TRANSITIONS) as DeliveryState[];
  return states.filter((from) => canTransition(from, to));
}

/** Whether a delivery may go from one state to the other. Staying where it is is no transition. */
export function canTransition(from: DeliveryState, to: DeliveryState): boolean {
  return DELIVERY_TRANSITIONS[from].includes(to);
}

/**
 * States that a transition is legal.
 *
 * @throws AssertionError if it is not: the caller read the row without its lock, or forgot a case
 */
export function assertTransition(from: DeliveryState, to: DeliveryState): void {
  assert(canTransition(from, to), `a delivery cannot go from ${from} to ${to}`);
}

/** Whether a delivery in this state counts as a contact: doubt counts, a bounce counts, a refusal does not. */
export function holdsCap(state: DeliveryState): boolean {
  return HOLDS_CAP[state];
}
