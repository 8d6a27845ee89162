import { Inject, Injectable, Logger } from '@nestjs/common';
import { CONFIG } from '../../platform/config/config.module.js';
import type { Config } from '../../platform/config/config.js';
import { Database } from '../../platform/database/database.js';
import { AuditLog } from '../access/index.js';
import type { Verdict } from './attempt-plan.js';
import { SubscriptionsRepository, type SubscriptionRow } from './subscriptions.repository.js';

/** Of fewer attempts nothing follows, however long they take: one event alone is tried ten times in three days. */
const FAILED_MIN = 20;

/** Pauses subscriptions whose receiver has taken nothing for too long. */
@Injectable()
export class FailingSubscribers {
  private readonly logger = new Logger(FailingSubscribers.name);

  constructor(
    private readonly database: Database,
    private readonly subscriptions: SubscriptionsRepository,
    private readonly audit: AuditLog,
    @Inject(CONFIG) private readonly config: Pick<Config, 'eventStream'>,
  ) {}

  /**
   * Takes note of attempts that were made at one time. What could not be sent for a fault of its own says nothing about
   * the receiver.
   */
  async note({ id, failingSince }: SubscriptionRow, verdicts: readonly Verdict[]): Promise<void> {
    if (verdicts.some(({ isDelivered }) => isDelivered)) {
      if (failingSince !== null) await this.subscriptions.recover(id);
      return;
    }
    const failed = verdicts.filter(({ isFinal }) => !isFinal).length;
    if (failed === 0) return;
    const row = await this.subscriptions.fail(id, failed);
    if (row === null || row.failedAttempts < FAILED_MIN || row.failingMs < this.config.eventStream.pauseAfterMs) return;
    await this.pause(id);
  }

  /** What it is owed waits, as when an operator pauses it. */
  private pause(id: string): Promise<void> {
    return this.database.transaction(async (transaction) => {
      const row = await this.subscriptions.pauseFailing(transaction, id);
      if (row === null) return;
      const { key: subject, reason, failingSince } = row;
      const detail = { reason, failing_since: failingSince === null ? null : new Date(failingSince).toISOString() };
      const action = 'event_subscription.pause';
      await this.audit.write(transaction, { principal: 'system', action, subject, detail });
      this.logger.warn('a subscription is paused', { subscription: subject, ...detail });
    });
  }
}
