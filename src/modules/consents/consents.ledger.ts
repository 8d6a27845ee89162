import { Injectable } from '@nestjs/common';
import type { InstantMs } from '../../core/kernel/instant.js';
import { Database, type Transaction } from '../../platform/database/database.js';
import { Metrics } from '../../platform/observability/metrics.js';
import { RunSignals } from '../journeys/index.js';
import { UsersService } from '../users/index.js';
import { ConsentsRepository, type ConsentRow, type NewConsentRow } from './consents.repository.js';

/** A statement that came in by itself, now: through a link in a message, a text message, a signal of a browser. */
export type Statement = Pick<NewConsentRow, 'purpose' | 'channel' | 'brand' | 'status' | 'source' | 'evidence'> &
  Partial<Pick<NewConsentRow, 'statedAt' | 'isObjection' | 'jurisdiction' | 'textVersion'>>;

/** What a person has said so far, at `now`. */
export interface Said {
  readonly now: InstantMs;
  readonly records: readonly ConsentRow[];
}

/**
 * The one way in which records come into the table: under the users' locks, with the runs woken that may now have another
 * answer.
 */
@Injectable()
export class ConsentLedger {
  constructor(
    private readonly database: Database,
    private readonly consents: ConsentsRepository,
    private readonly users: UsersService,
    private readonly signals: RunSignals,
    private readonly metrics: Metrics,
  ) {}

  /** Appends records of users whose locks the transaction holds. Call `committed` after the commit. */
  async append(transaction: Transaction, records: readonly NewConsentRow[]): Promise<readonly ConsentRow[]> {
    if (records.length === 0) return [];
    const added = await this.consents.append(transaction, records);
    const real = added.filter(({ clockDomain }) => clockDomain === 'real');
    const refused = new Set(real.filter(isRefusal).map(({ userId }) => userId));
    const others = new Set(real.map(({ userId }) => userId).filter((id) => !refused.has(id)));
    if (refused.size > 0) await this.signals.wake(transaction, [...refused], 'consent_withdrawn');
    if (others.size > 0) await this.signals.wake(transaction, [...others], 'consent_changed');
    return added;
  }

  committed(added: readonly ConsentRow[]): void {
    if (added.length === 0) return;
    this.signals.kick();
    for (const { status } of added) this.metrics.countConsent(status);
  }

  /**
   * Reads under the lock what a person has said, and appends what `answer` makes of it: nothing can come between.
   *
   * @param answer a function of what was said alone; it may be called more than once
   * @returns what was added; null when there is no such person (any more)
   */
  async amend(
    userId: string,
    answer: (said: Said) => readonly Statement[],
  ): Promise<{ readonly added: readonly ConsentRow[] } | null> {
    const added = await this.database.transaction(async (transaction) => {
      const known = await this.users.lock(transaction, [userId]);
      if (!known.has(userId)) return null;
      return this.amendLocked(transaction, userId, answer);
    });
    if (added === null) return null;
    this.committed(added);
    return { added };
  }

  /** The same inside a transaction that holds the user's lock. Call `committed` after the commit. */
  async amendLocked(
    transaction: Transaction,
    userId: string,
    answer: (said: Said) => readonly Statement[],
  ): Promise<readonly ConsentRow[]> {
    const said = await this.consents.records(userId, 'real', transaction);
    return this.append(
      transaction,
      answer(said).map((statement) => toRow(userId, statement)),
    );
  }
}

const isRefusal = ({ status }: ConsentRow): boolean => status === 'withdrawn' || status === 'denied';

function toRow(userId: string, statement: Statement): NewConsentRow {
  return {
    basis: 'consent',
    jurisdiction: null,
    statedAt: null,
    expiresAt: null,
    textVersion: null,
    isObjection: false,
    clockDomain: 'real',
    ...statement,
    userId,
  };
}
