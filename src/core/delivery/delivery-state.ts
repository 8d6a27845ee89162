import { assert } from '../kernel/assert.js';
import type { DeliveryState } from '../kernel/delivery-state-name.js';

/** The type belongs to the kernel: caps count by it too. */
export type { DeliveryState } from '../kernel/delivery-state-name.js';

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
