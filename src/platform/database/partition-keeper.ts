import { Injectable, Logger, type BeforeApplicationShutdown } from '@nestjs/common';
import { Database } from './database.js';

const MONTHS_AHEAD = 3;
const EVERY_MS = 6 * 60 * 60 * 1_000;
const AGAIN_MS = 60_000;

/**
 * Makes the monthly partitions long before they are needed: without one an insert is refused. The API and the worker both
 * start one, since either may be the first to run after a long rest.
 */
@Injectable()
export class PartitionKeeper implements BeforeApplicationShutdown {
  private readonly logger = new Logger(PartitionKeeper.name);
  private timer: NodeJS.Timeout | undefined;
  private isStopped = false;

  constructor(private readonly database: Database) {}

  /** Resolves after the first round, whether or not it could make what is missing. */
  async start(): Promise<void> {
    const isKept = await this.keep();
    if (this.isStopped) return;
    this.timer = setTimeout(() => void this.start(), isKept ? EVERY_MS : AGAIN_MS);
    this.timer.unref();
  }

  beforeApplicationShutdown(): void {
    this.isStopped = true;
    clearTimeout(this.timer);
  }

  private async keep(): Promise<boolean> {
    try {
      await this.database.query({ text: 'select ensure_partitions($1)', values: [MONTHS_AHEAD] });
      return true;
    } catch (error) {
      this.logger.error('partitions could not be made; tried again in a minute', { error });
      return false;
    }
  }
}
