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
