import { Inject, Injectable, Logger } from '@nestjs/common';
import { findingOf, type Finding, type ListedMessage } from '../../core/delivery/look-up.js';
import { MINUTE_MS, SECOND_MS, type DurationMs } from '../../core/kernel/instant.js';
import { Semaphore } from '../../platform/concurrency/semaphore.js';
import { CONFIG } from '../../platform/config/config.module.js';
import type { Config } from '../../platform/config/config.js';
import { Database, type Transaction } from '../../platform/database/database.js';
import { Metrics } from '../../platform/observability/metrics.js';
import { DeliveriesRepository } from './deliveries.repository.js';
import { ASKABLE_KINDS } from './http/http.connector.js';
import { LookUpsRepository, type Askable, type DueLookUp } from './look-ups.repository.js';
import { Outlets } from './outlets.js';

/** How often nothing must be found before it is believed that nothing was taken. */
const MISSES_MIN = 2;
const EVERY_MS_MAX = 15 * SECOND_MS;
/** What most questions take at most. */
const ANSWER_MS_MAX = 5 * SECOND_MS;
const AT_ONCE = 8;
const BATCH_MAX = 200;
/** An attempt of which nobody could tell for so long, and so often, is `unknown`. */
const DOUBT_MS_MAX = 15 * MINUTE_MS;
const ASKS_MIN = 3;

export const ASKABLE: Askable = { kinds: ASKABLE_KINDS, msMax: DOUBT_MS_MAX, asksMin: ASKS_MIN };

/**
 * Asks providers whether they took the message of an attempt that has no answer. What they took is `sent`; what they did
 * not take is given back, and its step asks anew. See docs/decisions/0028-what-a-provider-can-be-asked.md.
 */
@Injectable()
export class LookUps {
  private readonly logger = new Logger(LookUps.name);
  private readonly places = new Semaphore(AT_ONCE);

  constructor(
    private readonly database: Database,
    private readonly deliveries: DeliveriesRepository,
    private readonly lookUps: LookUpsRepository,
    private readonly outlets: Outlets,
    private readonly metrics: Metrics,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** @returns whether the attempt is still open */
  doubt(attempt: { readonly deliveryId: string; readonly attemptToken: string }, failure: string): Promise<boolean> {
    return this.lookUps.doubt({ ...attempt, failure, afterMs: this.afterMs });
  }

  /** How long until the next question about an attempt in doubt must have its answer. */
  async retryAfterMs(deliveryId: string): Promise<DurationMs> {
    const untilMs = await this.lookUps.untilAskMs(deliveryId, this.afterMs);
    return Math.max(untilMs, 0) + this.everyMs + Math.min(this.everyMs, ANSWER_MS_MAX);
  }

  /** How often it is looked for what is due. */
  get everyMs(): DurationMs {
    return Math.min(EVERY_MS_MAX, this.afterMs);
  }

  /** Asks about all that is due. @returns how many were asked about */
  async round(): Promise<number> {
    const due = await this.lookUps.take({ kinds: ASKABLE.kinds, afterMs: this.afterMs, limit: BATCH_MAX });
    await Promise.all(due.map((one) => this.places.run(() => this.lookUpSafely(one))));
    return due.length;
  }

  private get afterMs(): DurationMs {
    return this.config.lookUps.afterMs;
  }

  /** One that fails must not keep the others from being asked. */
  private async lookUpSafely(due: DueLookUp): Promise<void> {
    try {
      const outlet = await this.outlets.named(due.provider);
      // A provider that rests is asked later, as its messages are.
      if (outlet?.connector.ask === undefined || !outlet.circuit.isClosed) return;
      const listed = await outlet.connector.ask(due);
      if (listed !== null) await this.conclude(due, listed);
    } catch (error) {
      this.logger.warn(`delivery ${due.deliveryId} could not be asked about; it is asked again`, { error });
    }
  }

  private async conclude(due: DueLookUp, listed: readonly ListedMessage[]): Promise<void> {
    const state = await this.database.transaction(async (transaction) => {
      await this.lookUps.lock(transaction, due);
      const ids = listed.map(({ id }) => id);
      const owned = await this.lookUps.owned(transaction, due, ids);
      const rivals = await this.lookUps.rivals(transaction, due);
      return this.settle(transaction, due, findingOf({ listed, owned, rivals }));
    });
    if (state !== null) this.metrics.countDelivery(due.channel, state);
  }

  /** @returns the state that holds now; null while the doubt stays */
  private async settle(transaction: Transaction, due: DueLookUp, finding: Finding) {
    const { deliveryId, attemptToken } = due;
    const attempt = { deliveryId, attemptToken };
    switch (finding.kind) {
      case 'unsure':
        return null;
      case 'taken': {
        const { providerMessageId } = finding;
        return this.deliveries.settle({ ...attempt, state: 'sent', providerMessageId, failure: null }, transaction);
      }
      case 'not_taken': {
        if (!due.isListedByNow) return null;
        const misses = await this.lookUps.miss(transaction, due);
        if (misses === null || misses < MISSES_MIN) return null;
        const failure = 'the provider did not take it';
        return this.deliveries.settle({ ...attempt, state: 'released', providerMessageId: null, failure }, transaction);
      }
    }
  }
}
