import { HttpException, Inject, Injectable, Logger, type BeforeApplicationShutdown } from '@nestjs/common';
import type { InstantMs } from '../../core/kernel/instant.js';
import { Semaphore } from '../../platform/concurrency/semaphore.js';
import { CONFIG } from '../../platform/config/config.module.js';
import type { Config } from '../../platform/config/config.js';
import { Metrics } from '../../platform/observability/metrics.js';
import { ConsentsService, OptOuts } from '../consents/index.js';
import { DeliveriesService, type DeliveredContact } from '../deliveries/index.js';
import { OutcomesService } from '../outcomes/index.js';
import { mayTrack } from './tracking-consent.js';
import type { TrackedMessage } from './tracking-tokens.js';

/** Somebody followed a link of a message, or looked at it. */
export interface Hit extends TrackedMessage {
  readonly kind: 'clicked' | 'opened';
  readonly at: InstantMs;
  /** The `Sec-GPC` header of the request. */
  readonly gpc: string | undefined;
}

/** `unwanted`: nobody may know of it. `unknown`: there is no such message. */
type HitResult = 'recorded' | 'unwanted' | 'unknown';

/** Each takes one connection. */
const AT_ONCE_MAX = 4;
/** What comes while so many wait is lost: a database that is away must not fill the memory. */
const WAITING_MAX = 10_000;

/**
 * Writes down clicks and openings, after the answer. Nobody waits for it, so it may lose some: those that come while the
 * database is away are counted as lost in the metrics, and nowhere else.
 */
@Injectable()
export class Hits implements BeforeApplicationShutdown {
  private readonly logger = new Logger(Hits.name);
  private readonly places = new Semaphore(AT_ONCE_MAX);
  private readonly underWay = new Set<Promise<void>>();

  constructor(
    private readonly deliveries: DeliveriesService,
    private readonly outcomes: OutcomesService,
    private readonly consents: ConsentsService,
    private readonly optOuts: OptOuts,
    private readonly metrics: Metrics,
    @Inject(CONFIG) private readonly config: Pick<Config, 'tracking'>,
  ) {}

  /** Returns at once, and never fails. */
  note(hit: Hit): void {
    if (this.underWay.size >= WAITING_MAX) {
      this.metrics.countHit(hit.kind, 'lost');
      return;
    }
    const work: Promise<void> = this.places.run(() => this.keep(hit)).finally(() => this.underWay.delete(work));
    this.underWay.add(work);
  }

  /** Ends when everything that was noted until now is written down or lost. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.underWay);
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.settled();
  }

  private async keep(hit: Hit): Promise<void> {
    try {
      this.metrics.countHit(hit.kind, await this.record(hit));
    } catch (error) {
      this.metrics.countHit(hit.kind, 'lost');
      this.logger.warn('somebody clicked or opened, and it could not be recorded', {
        deliveryId: hit.deliveryId,
        kind: hit.kind,
        error,
      });
    }
  }

  private async record({ deliveryId, brand, kind, at, gpc }: Hit): Promise<HitResult> {
    try {
      const contact = await this.deliveries.contactOf(deliveryId);
      // First, so that a signal that means this very purpose counts for this very request.
      await this.optOuts.note(gpc, [{ kind: 'id', id: contact.userId }]);
      if (!(await this.isWanted(contact, kind, brand))) return 'unwanted';
      const counted = { deliveryId, opens: kind === 'opened' ? 1 : 0, clicks: kind === 'clicked' ? 1 : 0 };
      await this.outcomes.record({ deliveryId, kind, at, detail: null }, (transaction) =>
        this.deliveries.count(transaction, counted),
      );
      return 'recorded';
    } catch (error) {
      if (error instanceof HttpException) return 'unknown';
      throw error;
    }
  }

  /** The message was tracked when it went out. Since then the person, or the installation, may have changed their mind. */
  private async isWanted(
    { userId, channel, address }: DeliveredContact,
    kind: Hit['kind'],
    brand: string,
  ): Promise<boolean> {
    const { purpose, links, opens } = this.config.tracking;
    const isErased = address === null;
    if (purpose === null || isErased || !(kind === 'clicked' ? links : opens)) return false;
    const { now, records } = await this.consents.said(userId);
    return mayTrack({ now, consents: records }, { purpose, channel, brand });
  }
}
