import { assert } from '../kernel/assert.js';
import type { DeliveryState } from '../kernel/delivery-state-name.js';

/** The type belongs to the kernel: caps count by it too. */
export type { DeliveryState } from '../kernel/delivery-state-name.js';

/** The state that a claim begins with. */
export const DELIVERY_STATE_INITIAL: DeliveryState = 'sending';

/**
 * What may follow what; an empty list marks an end. From `unknown` to `complained` each state may be followed by all that
 * come after it here, so that what is heard of a message ends in one state, in whatever order it is heard: a provider may
 * drop what it took (`failed`), and a bounce or a complaint comes even after delivery. Word of a message may also come
 * while its own attempt still waits for the provider's answer.
 */
export const DELIVERY_TRANSITIONS: Readonly<Record<DeliveryState, readonly DeliveryState[]>> = {
  sending: ['sent', 'failed', 'unknown', 'released', 'delivered', 'bounced', 'complained'],
  released: ['sending'],
  unknown: ['sent', 'failed', 'delivered', 'bounced', 'complained'],
  sent: ['failed', 'delivered', 'bounced', 'complained'],
  failed: ['delivered', 'bounced', 'complained'],
  delivered: ['bounced', 'complained'],
  bounced: ['complained'],
  complained: [],
};

/**
 * What an operator alone may do, beside the table above: a message that its provider refused is given back, so that it can
 * be claimed once more, and one that was given back and is not claimed again is a failure as before. Nothing that is heard
 * of a message leads this way, nor does a late answer: `statesBefore` knows nothing of it.
 */
export const REPLAY_TRANSITIONS = {
  released: { from: 'failed', to: 'released' },
  failedAgain: { from: 'released', to: 'failed' },
} as const satisfies Readonly<Record<string, { readonly from: DeliveryState; readonly to: DeliveryState }>>;

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
