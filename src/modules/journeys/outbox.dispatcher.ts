import {
  Inject,
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { OutboxRepository, type OutboxMessage } from './outbox.repository.js';
import { RunGateway } from './run-gateway.js';

export const OUTBOX_POLL_MS = Symbol('OUTBOX_POLL_MS');
const BATCH_MAX = 100;
const DRAIN_MS_MAX = 3_000;

/**
 * Carries messages from the outbox to Temporal, at least once: a start is idempotent by workflow id, an event by its
 * message id, an exit by nature. Every API and worker process runs one; leases keep them out of each other's way.
 */
@Injectable()
export class OutboxDispatcher implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(OutboxDispatcher.name);
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;
  private isKicked = false;
  private isStopped = false;

  constructor(
    private readonly outbox: OutboxRepository,
    private readonly runs: RunGateway,
    @Inject(OUTBOX_POLL_MS) private readonly pollMs: number,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => this.kick(), this.pollMs);
    this.timer.unref();
  }

  /** Looks for due messages now; a call while a round is under way makes one more round. */
  kick(): void {
    if (this.isStopped) return;
    this.isKicked = true;
    this.running ??= this.drain().finally(() => (this.running = undefined));
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.isStopped = true;
    clearInterval(this.timer);
    // A call that hangs must not hold up the shutdown: its lease ends, and somebody else makes it again.
    await Promise.race([this.running, new Promise((resolve) => setTimeout(resolve, DRAIN_MS_MAX).unref())]);
  }

  private async drain(): Promise<void> {
    while (this.isKicked && !this.isStopped) {
      this.isKicked = false;
      try {
        const messages = await this.outbox.lease(BATCH_MAX);
        await this.deliverAll(messages);
        if (messages.length === BATCH_MAX) this.isKicked = true;
      } catch (error) {
        this.logger.warn({ err: error }, 'outbox round failed; the next poll tries again');
      }
    }
  }

  private async deliverAll(messages: readonly OutboxMessage[]): Promise<void> {
    const done = await Promise.all(messages.map((message) => this.deliver(message)));
    const ids = done.filter((id) => id !== null);
    if (ids.length > 0) await this.outbox.remove(ids);
  }

  /** The message's id when nothing is left to do for it, null when it must be tried again. */
  private async deliver(message: OutboxMessage): Promise<string | null> {
    try {
      await this.hand(message);
      return message.id;
    } catch (error) {
      await this.outbox.postpone(message.id, error instanceof Error ? error.message : String(error));
      return null;
    }
  }

  private async hand(message: OutboxMessage): Promise<void> {
    if (message.kind === 'start_run') {
      const start = await this.outbox.findStart(message.runKey);
      // An entry that ended before its start was delivered (erasure) has nothing to run.
      if (start !== null) await this.runs.start(start);
      return;
    }
    const isKnown =
      message.kind === 'signal_run'
        ? await this.runs.signal(message.runKey, message.payload.signal, message.payload.argument)
        : await this.runs.exit(message.runKey, message.payload.reason);
    if (!isKnown && (await this.outbox.isStartPending(message.runKey))) {
      throw new Error('the run has not been started yet');
    }
  }
}
