import { Injectable, Logger, type BeforeApplicationShutdown } from '@nestjs/common';
import { SECOND_MS } from '../../core/kernel/instant.js';
import { Replayer } from './replayer.js';

const EVERY_MS = SECOND_MS;

/** Looks for replays whose turn it is, again and again. Started by the worker only: the API sends nothing. */
@Injectable()
export class ReplayKeeper implements BeforeApplicationShutdown {
  private readonly logger = new Logger(ReplayKeeper.name);
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;
  private isStopped = false;

  constructor(private readonly replayer: Replayer) {}

  start(): void {
    this.timer = setInterval(() => {
      this.running ??= this.work().finally(() => (this.running = undefined));
    }, EVERY_MS);
    this.timer.unref();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.isStopped = true;
    clearInterval(this.timer);
    await this.running;
  }

  private async work(): Promise<void> {
    try {
      while (!this.isStopped && (await this.replayer.round()) > 0);
    } catch (error) {
      this.logger.warn('dead letters could not be replayed; the next round tries again', { error });
    }
  }
}
