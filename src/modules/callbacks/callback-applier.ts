import { setTimeout as pause } from 'node:timers/promises';
import { HttpException, Injectable } from '@nestjs/common';
import { DAY_MS, HOUR_MS, SECOND_MS } from '../../core/kernel/instant.js';
import { Clock } from '../../platform/clock/clock.js';
import { Rounds } from '../../platform/concurrency/rounds.js';
import { Semaphore } from '../../platform/concurrency/semaphore.js';
import { DeliveriesService } from '../deliveries/index.js';
import { OutcomesService, type HeardKind } from '../outcomes/index.js';
import { isHeard } from './callback-event.js';
import { CallbacksRepository, type DueCallback } from './callbacks.repository.js';

const EVERY_MS = SECOND_MS;
const BATCH_MAX = 500;
const GATHERING_MS = 50;
/** Each takes one connection; the requests that bring more need some too. */
const DELIVERIES_AT_ONCE_MAX = 4;
/** Until a message that is not known is looked for again: a callback may overtake our own record of it. */
const GAPS_MS = [1, 2, 5, 15, 60, 300, 900, 3_600].map((seconds) => seconds * SECOND_MS);
const LAST_GAP_MS = 6 * HOUR_MS;

/** What was told of one delivery, in the order in which it came. */
interface Told {
  readonly deliveryId: string;
  readonly callbacks: readonly DueCallback[];
}

/**
 * Folds what providers told into deliveries: each event once, those of one delivery one after the other, several
 * deliveries at a time. Every process runs one; whoever takes events has them for a minute, and whoever comes too late
 * finds them applied.
 */
@Injectable()
export class CallbackApplier extends Rounds {
  private readonly places = new Semaphore(DELIVERIES_AT_ONCE_MAX);

  constructor(
    private readonly callbacks: CallbacksRepository,
    private readonly deliveries: DeliveriesService,
    private readonly outcomes: OutcomesService,
    private readonly clock: Clock,
  ) {
    super(EVERY_MS, 'what providers told could not be applied');
  }

  protected async round(): Promise<void> {
    for (;;) {
      const due = await this.callbacks.lease(BATCH_MAX);
      await this.applyAll(due);
      if (due.length === 0 || this.isStopped) return;
      // In a burst the next ones are on their way: together they cost less.
      if (due.length < BATCH_MAX) await pause(GATHERING_MS);
    }
  }

  private async applyAll(due: readonly DueCallback[]): Promise<void> {
    if (due.length === 0) return;
    const deliveryIds = await this.deliveries.findByProviderMessage(due.map(wordOf));
    const told = new Map<string, DueCallback[]>();
    const unknown: DueCallback[] = [];
    for (const [index, callback] of due.entries()) {
      const deliveryId = deliveryIds[index] ?? null;
      if (deliveryId === null) unknown.push(callback);
      else told.set(deliveryId, [...(told.get(deliveryId) ?? []), callback]);
    }
    await this.putOff(unknown);
    await Promise.all(
      [...told].map(([deliveryId, callbacks]) => this.places.run(() => this.apply({ deliveryId, callbacks }))),
    );
  }

  private async apply({ deliveryId, callbacks }: Told): Promise<void> {
    for (const [kind, alike] of byKind(callbacks)) {
      // The rest ends with the lease, in another process.
      if (this.isStopped) return;
      try {
        await this.applyAlike(deliveryId, kind, alike);
      } catch (error) {
        // A delivery that is gone, or of which no message has left yet. Anything else is tried again when the lease ends,
        // for as long as a message is looked for.
        const [oldest] = alike;
        const isOver = oldest !== undefined && this.clock.now() - oldest.receivedAt > DAY_MS;
        if (error instanceof HttpException || isOver) await this.putOff(alike);
        else this.logger.warn('an event of a provider could not be applied; it is tried again', { deliveryId, error });
      }
    }
  }

  /** What was told of one delivery in one word is recorded once, at its first instant, and counted as often as it was told. */
  private async applyAlike(deliveryId: string, kind: HeardKind, alike: readonly DueCallback[]): Promise<void> {
    const at = Math.min(...alike.map((callback) => callback.at ?? callback.receivedAt));
    const detail = alike.find((callback) => callback.detail !== null)?.detail ?? null;
    await this.outcomes.record({ deliveryId, kind, at, detail }, async (transaction) => {
      const finished = await this.callbacks.finish(transaction, { ids: alike.map(({ id }) => id), deliveryId });
      const opens = finished.filter((each) => each === 'opened').length;
      const clicks = finished.filter((each) => each === 'clicked').length;
      if (opens + clicks > 0) await this.deliveries.count(transaction, { deliveryId, opens, clicks });
    });
  }

  private async putOff(callbacks: readonly DueCallback[]): Promise<void> {
    const byGap = Map.groupBy(callbacks, gapMsOf);
    for (const [gapMs, alike] of byGap)
      await this.callbacks.putOff(
        alike.map(({ id }) => id),
        gapMs,
      );
  }
}

/** Whoever sends Standard Webhooks tells of messages that others carried; all others tell of their own only. */
function wordOf({ accountKey, scheme, channel, deliveryId, providerMessageId }: DueCallback) {
  return { deliveryId, providerMessageId, channel, provider: scheme === 'standard_webhooks' ? null : accountKey };
}

function byKind(callbacks: readonly DueCallback[]): ReadonlyMap<HeardKind, readonly DueCallback[]> {
  const groups = new Map<HeardKind, DueCallback[]>();
  for (const callback of callbacks) {
    if (isHeard(callback.kind)) groups.set(callback.kind, [...(groups.get(callback.kind) ?? []), callback]);
  }
  return groups;
}

const gapMsOf = ({ attempts }: DueCallback): number => GAPS_MS[attempts - 1] ?? LAST_GAP_MS;
