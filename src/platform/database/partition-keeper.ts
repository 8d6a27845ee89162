import { Injectable, Logger, type BeforeApplicationShutdown } from '@nestjs/common';
import { Database } from './database.js';

const MONTHS_AHEAD = 3;
const EVERY_MS = 6 * 60 * 60 * 1_000;

/** Makes the monthly partitions long before they are needed: without one an insert is refused. Started by the worker. */
@Injectable()
export class PartitionKeeper implements BeforeApplicationShutdown {
  private readonly logger = new Logger(PartitionKeeper.name);
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly database: Database) {}

  async start(): Promise<void> {
    await this.keep();
    this.timer = setInterval(() => void this.keep(), EVERY_MS);
    this.timer.unref();
  }

  beforeApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  private async keep(): Promise<void> {
    try {
      await this.database.query({ text: 'select ensure_partitions($1)', values: [MONTHS_AHEAD] });
    } catch (error) {
      this.logger.error({ err: error }, 'partitions could not be made; the next round tries again');
    }
  }
}
