import { Logger, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';

/**
 * Work that a process does again and again beside everything else, one round at a time, from when it is told to until its
 * end. A round that fails is logged, and the next one tries again; the shutdown waits for the round under way.
 */
export abstract class RoundsOnDemand implements BeforeApplicationShutdown {
  /** Set once the process shuts down: a long round then ends early. */
  protected isStopped = false;
  protected readonly logger = new Logger(this.constructor.name);
  private timer: NodeJS.Timeout | undefined;
  private underWay: Promise<void> | undefined;

  /** @param failure what is logged of a round that fails, without its error */
  constructor(
    private readonly everyMs: number,
    private readonly failure: string,
  ) {}

  start(): void {
    this.timer = setInterval(() => this.kick(), this.everyMs);
    this.timer.unref();
  }

  /** Begins a round now, unless one is under way. */
  kick(): void {
    if (this.isStopped) return;
    this.underWay ??= this.round()
      .catch((error: unknown) => this.logger.warn(`${this.failure}; the next round tries again`, { error }))
      .finally(() => (this.underWay = undefined));
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.isStopped = true;
    clearInterval(this.timer);
    await this.underWay;
  }

  protected abstract round(): Promise<void>;
}

/** The same in every process, API and worker, from its start. */
export abstract class Rounds extends RoundsOnDemand implements OnApplicationBootstrap {
  onApplicationBootstrap(): void {
    this.start();
  }
}
