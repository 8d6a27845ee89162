import {
  Inject,
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { OutboxDelivery } from './outbox.delivery.js';
import { OutboxRepository, type OutboxMessage } from './outbox.repository.js';

export const OUTBOX_POLL_MS = Symbol('OUTBOX_POLL_MS');
const DELIVERIES_MAX = 50;

/**
 * Carries messages from the outbox to Temporal, at least once: a start is idempotent by workflow id, an event by its
 * message id, a command by nature. Every API and worker process runs one; leases keep them out of each other's way.
 * One message that hangs takes one place of many, and no more.
 */
@Injectable()
export class OutboxDispatcher implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(OutboxDispatcher.name);
  private readonly underWay = new Set<Promise<void>>();
  private timer: NodeJS.Timeout | undefined;
  private leasing: Promise<void> | undefined;
  /** Set when there may be more due messages than the last round could take. */
  private isWanted = false;
  private isStopped = false;

  constructor(
    private readonly outbox: OutboxRepository,
    private readonly delivery: OutboxDelivery,
    @Inject(OUTBOX_POLL_MS) private readonly pollMs: number,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => this.kick(), this.pollMs);
    this.timer.unref();
  }

  /** Looks for due messages now; a call while a round is under way makes one more round. */
  kick(): void {
    this.isWanted = true;
    if (this.isStopped) return;
    this.leasing ??= this.lease().finally(() => (this.leasing = undefined));
  }

  /** Every delivery has a deadline of its own, so this ends. */
  async beforeApplicationShutdown(): Promise<void> {
    this.isStopped = true;
    clearInterval(this.timer);
    await this.leasing;
    await Promise.all(this.underWay);
  }

  private async lease(): Promise<void> {
    while (this.isWanted && !this.isStopped && this.underWay.size < DELIVERIES_MAX) {
      this.isWanted = false;
      const free = DELIVERIES_MAX - this.underWay.size;
      try {
        const messages = await this.outbox.lease(free);
        for (const message of messages) this.follow(message);
        if (messages.length === free) this.isWanted = true;
      } catch (error) {
        this.logger.warn('the outbox could not be read; the next poll tries again', { error });
      }
    }
  }

  private follow(message: OutboxMessage): void {
    const delivery = this.deliver(message).finally(() => {
      this.underWay.delete(delivery);
      if (this.isWanted) this.kick();
    });
    this.underWay.add(delivery);
  }

  private async deliver(message: OutboxMessage): Promise<void> {
    try {
      await this.delivery.deliver(message);
      await this.outbox.remove(message.id);
      // Its run is to begin now, not at the next poll.
      if (message.kind === 'enter_journey') this.kick();
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      await this.outbox.postpone(message.id, text).catch(() => {
        this.logger.warn('a message could not be put off; its lease ends by itself', { id: message.id, error });
      });
    }
  }
}
