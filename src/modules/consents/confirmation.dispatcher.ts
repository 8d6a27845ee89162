import {
  Inject,
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { CONFIG } from '../../platform/config/config.module.js';
import type { Config } from '../../platform/config/config.js';
import { ConfirmationSender } from './confirmation.sender.js';
import { ConfirmationsRepository } from './confirmations.repository.js';

const AT_ONCE_MAX = 10;

/**
 * Brings confirmations to their mail, also those whose process died. Every API and worker process runs one; leases keep
 * them out of each other's way, and the claim of the delivery decides.
 */
@Injectable()
export class ConfirmationDispatcher implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(ConfirmationDispatcher.name);
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;
  /** Set when there may be due confirmations that the round under way did not see. */
  private isWanted = false;
  private isStopped = false;

  constructor(
    private readonly confirmations: ConfirmationsRepository,
    private readonly sender: ConfirmationSender,
    @Inject(CONFIG) private readonly config: Pick<Config, 'outbox'>,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => this.kick(), this.config.outbox.pollMs);
    this.timer.unref();
  }

  /** Looks for due confirmations now. Call it after the commit of one. */
  kick(): void {
    this.isWanted = true;
    if (this.isStopped) return;
    this.running ??= this.rounds().finally(() => {
      this.running = undefined;
      // Called after the last look and before this: nobody else would hear it until the next poll.
      if (this.isWanted) this.kick();
    });
  }

  /** Every delivery has a deadline of its own, so this ends. */
  async beforeApplicationShutdown(): Promise<void> {
    this.isStopped = true;
    clearInterval(this.timer);
    await this.running;
  }

  private async rounds(): Promise<void> {
    while (this.isWanted && !this.isStopped) {
      this.isWanted = false;
      try {
        const ids = await this.confirmations.lease(AT_ONCE_MAX);
        await Promise.all(ids.map((id) => this.send(id)));
        if (ids.length === AT_ONCE_MAX) this.isWanted = true;
      } catch (error) {
        this.logger.warn('due confirmations could not be read; the next poll tries again', { error });
      }
    }
  }

  private async send(id: string): Promise<void> {
    try {
      await this.sender.send(id);
    } catch (error) {
      this.logger.warn('a confirmation could not be sent now; it is tried again', { id, error });
      await this.confirmations.postpone(id, null).catch(() => undefined);
    }
  }
}
