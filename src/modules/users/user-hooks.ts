import { Injectable } from '@nestjs/common';
import type { Transaction } from '../../platform/database/database.js';

/** A person who is to be forgotten, as far as the other features need to know. */
export interface Erasure {
  readonly userId: string;
  /** Addresses of the person, by channel: what must stay suppressed. */
  readonly addresses: readonly { readonly channel: string; readonly address: string }[];
}

type EraseHandler = (transaction: Transaction, erasure: Erasure) => Promise<void>;
type ChangeHandler = (transaction: Transaction, userIds: readonly string[], by: string | null) => Promise<void>;

/**
 * What other features do when a user changes or is erased. They sign up here when they start, so that users need not
 * know them. Handlers run in the transaction of the change, one after the other, in the order of signing up.
 */
@Injectable()
export class UserHooks {
  private readonly eraseHandlers: EraseHandler[] = [];
  private readonly changeHandlers: ChangeHandler[] = [];
  private readonly commitHandlers: (() => void)[] = [];

  /** `handler` deletes everything personal that the feature holds. The user's lock is held. */
  onErase(handler: EraseHandler): void {
    this.eraseHandlers.push(handler);
  }

  /**
   * `handler` hears of users whose profile became another one, and of the key of the run that made it so; to write the
   * same again tells nobody.
   */
  onChange(handler: ChangeHandler): void {
    this.changeHandlers.push(handler);
  }

  /** `handler` is called after each commit of a change or an erasure. */
  onCommitted(handler: () => void): void {
    this.commitHandlers.push(handler);
  }

  async erase(transaction: Transaction, erasure: Erasure): Promise<void> {
    for (const handler of this.eraseHandlers) await handler(transaction, erasure);
  }

  async change(transaction: Transaction, userIds: readonly string[], by: string | null = null): Promise<void> {
    for (const handler of this.changeHandlers) await handler(transaction, userIds, by);
  }

  committed(): void {
    for (const handler of this.commitHandlers) handler();
  }
}
