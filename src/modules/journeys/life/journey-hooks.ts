import { Injectable } from '@nestjs/common';
import type { Transaction } from '../../../platform/database/database.js';

type ResumeHandler = (transaction: Transaction, journeyKey: string) => Promise<void>;

/**
 * What other features do when a journey changes. They sign up here when they start, so that journeys need not know them.
 * Handlers run in the transaction of the change.
 */
@Injectable()
export class JourneyHooks {
  private readonly resumeHandlers: ResumeHandler[] = [];

  /** `handler` hears of journeys whose messages may go out again after a pause. */
  onResume(handler: ResumeHandler): void {
    this.resumeHandlers.push(handler);
  }

  async resume(transaction: Transaction, journeyKey: string): Promise<void> {
    for (const handler of this.resumeHandlers) await handler(transaction, journeyKey);
  }
}
