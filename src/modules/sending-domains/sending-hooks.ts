import { Injectable } from '@nestjs/common';
import type { Transaction } from '../../platform/database/database.js';

type ResumeHandler = (transaction: Transaction) => Promise<void>;

/**
 * What other features do when marketing goes out again. They sign up here when they start, so that sending domains need
 * not know them. Handlers run in the transaction of the change.
 */
@Injectable()
export class SendingHooks {
  private readonly resumeHandlers: ResumeHandler[] = [];

  /** `handler` hears that a domain is paused no more, by an operator or by its health. */
  onResume(handler: ResumeHandler): void {
    this.resumeHandlers.push(handler);
  }

  async resume(transaction: Transaction): Promise<void> {
    for (const handler of this.resumeHandlers) await handler(transaction);
  }
}
