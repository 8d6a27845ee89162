import { Injectable } from '@nestjs/common';
import { SECOND_MS } from '../../core/kernel/instant.js';
import { Rounds } from '../../platform/concurrency/rounds.js';
import { StreamSender } from './stream-sender.js';
import { SubscriptionsRepository } from './subscriptions.repository.js';

const EVERY_MS = SECOND_MS;

/**
 * Brings events to subscribers, each in a lane of its own: a slow one holds up nobody else. Every process runs one;
 * leases keep them out of each other's way.
 */
@Injectable()
export class StreamDispatcher extends Rounds {
  private readonly lanes = new Map<string, Promise<void>>();

  constructor(
    private readonly subscriptions: SubscriptionsRepository,
    private readonly sender: StreamSender,
  ) {
    super(EVERY_MS, 'events could not be brought to subscribers');
  }

  /** The requests under way end by their own time-outs. */
  override async beforeApplicationShutdown(): Promise<void> {
    await super.beforeApplicationShutdown();
    await Promise.all(this.lanes.values());
  }

  protected async round(): Promise<void> {
    for (const id of await this.subscriptions.due()) {
      if (this.lanes.has(id)) continue;
      const lane = this.drain(id)
        .catch((error: unknown) =>
          this.logger.warn('events could not be sent; they are tried again', { subscription: id, error }),
        )
        .finally(() => this.lanes.delete(id));
      this.lanes.set(id, lane);
    }
  }

  private async drain(id: string): Promise<void> {
    while (!this.isStopped && (await this.sender.sendSome(id)));
  }
}
