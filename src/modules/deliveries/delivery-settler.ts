import { Injectable, Logger, type BeforeApplicationShutdown } from '@nestjs/common';
import { DeliveriesRepository } from './deliveries.repository.js';
import { SlotsRepository } from './slots.repository.js';

const EVERY_MS = 15_000;
const BATCH_MAX = 500;

/** Looks for attempts whose process died, also where no run asks for them any more. Started by the worker only. */
@Injectable()
export class DeliverySettler implements BeforeApplicationShutdown {
  private readonly logger = new Logger(DeliverySettler.name);
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> = Promise.resolve();

  constructor(
    private readonly deliveries: DeliveriesRepository,
    private readonly slots: SlotsRepository,
  ) {}

  start(): void {
    this.timer = setInterval(() => {
      this.running = this.settle();
    }, EVERY_MS);
    this.timer.unref();
  }

  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await this.running;
  }

  private async settle(): Promise<void> {
    try {
      await this.slots.purge();
      const settled = await this.deliveries.settleOverdue({ id: null, limit: BATCH_MAX });
      if (settled > 0) this.logger.warn(`${settled} deliveries ended without an answer and are now unknown`);
    } catch (error) {
      this.logger.warn('overdue deliveries could not be settled; the next round tries again', { error });
    }
  }
}
