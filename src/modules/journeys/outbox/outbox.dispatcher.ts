import {
  Inject,
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { EVENT_SIGNAL, type EventSignal } from '../../../../workflows/messages.js';
import { SECOND_MS, type InstantMs } from '../../../core/kernel/instant.js';
import { Stopwatch } from '../../../platform/clock/stopwatch.js';
import { OutboxDelivery } from './outbox.delivery.js';
import { LEASE_SECONDS, OutboxRepository, type OutboxMessage } from './outbox.repository.js';

export const OUTBOX_POLL_MS = Symbol('OUTBOX_POLL_MS');
const DELIVERIES_MAX = 50;
/** Half of a lease: even one that waits for its deadline, after one that waited for locks, ends before the lease does. */
const BEGUN_WITHIN_MS = (LEASE_SECONDS / 2) * SECOND_MS;

/**
 * Carries messages from the outbox to Temporal, at least once: a start is idempotent by workflow id, an event by its
 * message id, a command by nature. Every API and worker process runs one; leases keep them out of each other's way.
 * The messages of one run go one after the other, those of several runs side by side: one that hangs takes one place of
 * many, and no more.
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
        const leased = new Stopwatch();
        const messages = await this.outbox.lease(free);
        for (const chain of chainsOf(messages)) this.follow(chain, leased);
        if (messages.length >= free) this.isWanted = true;
      } catch (error) {
        this.logger.warn('the outbox could not be read; the next poll tries again', { error });
      }
    }
  }

  private follow(chain: readonly OutboxMessage[], leased: Stopwatch): void {
    const delivery = this.deliverInTurn(chain, leased).finally(() => {
      this.underWay.delete(delivery);
      if (this.isWanted) this.kick();
    });
    this.underWay.add(delivery);
  }

  /** What cannot be begun while the lease surely lasts is given back: nobody else may have it at the same time. */
  private async deliverInTurn(chain: readonly OutboxMessage[], leased: Stopwatch): Promise<void> {
    const mayBegin = (): boolean => !this.isStopped && leased.elapsedMs() < BEGUN_WITHIN_MS;
    let left = chain;
    while (left === chain || mayBegin()) {
      const [message, ...behind] = left;
      if (message === undefined) return;
      left = await this.deliver(message, behind);
    }
    const ids = left.map(({ id }) => id);
    if (ids.length === 0) return;
    // Where that fails their lease ends by itself.
    await this.outbox.giveBack(ids).catch(() => undefined);
    this.kick();
  }

  /** @returns what of the messages behind it is to follow now */
  private async deliver(message: OutboxMessage, behind: readonly OutboxMessage[]): Promise<readonly OutboxMessage[]> {
    const signals = behind.filter(isSignal);
    try {
      await this.delivery.deliver(message);
      const mayFree = message.kind === 'start_run' || (isSignal(message) && signals.length === 0);
      const isAnyFree = mayFree ? await this.outbox.removeLast(message.id) : await this.outbox.remove(message.id);
      // A run is to begin, or to hear what waited for its turn, now and not at the next poll.
      if (isAnyFree === true || message.kind === 'enter_journey') this.kick();
      return behind;
    } catch (error) {
      const isHolding = await this.postpone(message, error, isSignal(message) ? signals : []);
      return isHolding && isSignal(message) ? behind.filter((each) => !isSignal(each)) : behind;
    }
  }

  /** @returns whether those behind it wait for it */
  private async postpone({ id }: OutboxMessage, error: unknown, behind: readonly OutboxMessage[]): Promise<boolean> {
    const text = error instanceof Error ? error.message : String(error);
    const ids = behind.map((each) => each.id);
    try {
      return await this.outbox.postpone(id, text, ids);
    } catch {
      this.logger.warn('a message could not be put off; its lease ends by itself', { id, error });
      return true;
    }
  }
}

const isSignal = ({ kind }: OutboxMessage): boolean => kind === 'signal_run';

/** Those whose order says something to the run. */
const IN_TURN: ReadonlySet<OutboxMessage['kind']> = new Set(['signal_run', 'enter_journey']);

/**
 * What is to be delivered one after the other, in the order of the ids, and events by their time: two of one request
 * may have been written in any order. A start and a command stand alone: nothing holds them up, and what waits for a
 * start is tried again after it.
 */
function chainsOf(messages: readonly OutboxMessage[]): readonly (readonly OutboxMessage[])[] {
  const ordered = [...messages].sort((a, b) => (a.id < b.id ? -1 : 1));
  const chains = Map.groupBy(ordered, ({ kind, runKey, id }) => (IN_TURN.has(kind) ? runKey : id));
  return [...chains.values()].map(byEventTime);
}

/** Everything else keeps its place. */
function byEventTime(chain: readonly OutboxMessage[]): readonly OutboxMessage[] {
  const events = chain.filter((each) => occurredAtOf(each) !== null);
  const sorted = events.toSorted((a, b) => (occurredAtOf(a) ?? 0) - (occurredAtOf(b) ?? 0)).values();
  return chain.map((each) => (occurredAtOf(each) === null ? each : (sorted.next().value ?? each)));
}

function occurredAtOf(message: OutboxMessage): InstantMs | null {
  if (message.kind !== 'signal_run' || message.payload.signal !== EVENT_SIGNAL) return null;
  const { occurredAt } = message.payload.argument as Partial<EventSignal>;
  return occurredAt ?? null;
}
