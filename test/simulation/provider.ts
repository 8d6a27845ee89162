import { HOUR_MS, SECOND_MS } from '../../src/core/kernel/instant.js';
import type { DeliveryRow } from './model.js';
import type { Random } from './random.js';

/** What the provider says in the end; `unknown` is a connection that broke or a time-out. */
type ProviderResult = 'accepted' | 'rejected' | 'unavailable' | 'unknown';

/** One message handed over to the provider. */
export interface Call {
  readonly idempotencyKey: string;
  readonly delivery: DeliveryRow;
  readonly at: number;
  readonly latencyMs: number;
  readonly result: ProviderResult;
  /** Whether the message is on its way, whatever the caller hears of it. */
  readonly isTaken: boolean;
}

/** The longest that a send can take, well below the time after which its attempt counts as dead. */
const TIMEOUT_MS = 60 * SECOND_MS;

/** A provider that fails, is slow, breaks off and goes down, as a seed decides. It keeps every call. */
export class Provider {
  readonly calls = new Map<string, Call[]>();
  readonly #random: Random;
  readonly #downUntil = new Map<string, number>();

  constructor(random: Random) {
    this.#random = random;
  }

  /** From now on the channel answers that it cannot take anything. */
  goDown(channel: string, now: number): void {
    this.#downUntil.set(channel, now + this.#random.int(60 * SECOND_MS, 4 * HOUR_MS));
  }

  /** The message leaves: from here on its fate no longer depends on the caller. */
  begin(delivery: DeliveryRow, now: number): Call {
    const isDown = (this.#downUntil.get(delivery.candidate.channel) ?? 0) > now;
    const result = isDown
      ? this.#random.weighted<ProviderResult>([
          ['unavailable', 9],
          ['unknown', 1],
        ])
      : this.#random.weighted<ProviderResult>([
          ['accepted', 85],
          ['rejected', 5],
          ['unavailable', 7],
          ['unknown', 3],
        ]);
    const isSlow = this.#random.chance(0.05);
    const call = {
      idempotencyKey: delivery.idempotencyKey,
      delivery,
      at: now,
      latencyMs: result === 'unknown' ? TIMEOUT_MS : this.#random.int(20, isSlow ? TIMEOUT_MS : 500),
      result,
      isTaken: result === 'accepted' || (result === 'unknown' && this.#random.chance(0.5)),
    };
    this.calls.set(call.idempotencyKey, [...(this.calls.get(call.idempotencyKey) ?? []), call]);
    return call;
  }
}
