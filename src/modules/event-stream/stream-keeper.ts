import { Inject, Injectable } from '@nestjs/common';
import { HOUR_MS, SECOND_MS, type InstantMs } from '../../core/kernel/instant.js';
import { Clock } from '../../platform/clock/clock.js';
import { Rounds } from '../../platform/concurrency/rounds.js';
import { CONFIG } from '../../platform/config/config.module.js';
import type { Config } from '../../platform/config/config.js';
import { MessagesRepository } from './messages.repository.js';
import { ReplaysRepository } from './replays.repository.js';

const EVERY_MS = SECOND_MS;
const PURGE_EVERY_MS = HOUR_MS;
const PURGED_AT_ONCE_MAX = 5_000;
/** Messages before the events that they tell of. */
const PURGED = ['attempts', 'messages', 'events', 'replays'] as const;

/** Puts back what is to be sent again, and deletes what is too old, both little by little. Every process runs one. */
@Injectable()
export class StreamKeeper extends Rounds {
  private purgedAt: InstantMs = 0;

  constructor(
    private readonly replays: ReplaysRepository,
    private readonly messages: MessagesRepository,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Pick<Config, 'eventStream'>,
  ) {
    super(EVERY_MS, 'the event stream could not be looked after');
  }

  protected async round(): Promise<void> {
    while (!this.isStopped && (await this.replays.step()));
    await this.purge();
  }

  private async purge(): Promise<void> {
    const now = this.clock.now();
    if (now - this.purgedAt < PURGE_EVERY_MS) return;
    this.purgedAt = now;
    const { keptMs } = this.config.eventStream;
    for (const table of PURGED) {
      while (!this.isStopped && (await this.messages.purge(table, keptMs, PURGED_AT_ONCE_MAX)) === PURGED_AT_ONCE_MAX);
    }
  }
}
