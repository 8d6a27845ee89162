import { Injectable } from '@nestjs/common';
import type { Contact } from '../../core/fatigue/cap-rule.js';
import type { InstantMs } from '../../core/kernel/instant.js';
import { Database, type Transaction } from '../../platform/database/database.js';

/** One past contact, and with whom it was. */
export interface PastContact extends Omit<Contact, 'action'> {
  readonly userId: string;
}

/** Cheap to read, a million times over: the instant is a number, and most contacts have no tag. */
interface PastRow extends Omit<PastContact, 'tags'> {
  readonly tags: readonly string[] | null;
}

/** What tells where a user is today. */
export interface Whereabouts {
  readonly id: string;
  readonly timezone: string | null;
  readonly contextTimezone: string | null;
  readonly phone: string | null;
  readonly jurisdiction: string | null;
}

/** Which past contacts to read: after `from`, up to `until`, of this share of the users. */
export interface PastQuery {
  readonly from: InstantMs;
  readonly until: InstantMs;
  readonly share: number;
}

/** A few milliseconds of work: decisions of the same process must not wait for longer. */
const ROWS_READ_AT_ONCE = 1_000;
const STATEMENT_SECONDS_MAX = 15;
/** A share is so many of these. */
const SHARES = 65_536;

/** Reads the ledger and where its users are; writes nothing. */
@Injectable()
export class PreviewRepository {
  constructor(private readonly database: Database) {}

  async now(): Promise<InstantMs> {
    const [row] = await this.database.query<{ now: InstantMs }>({ text: 'select clock_timestamp() as now' });
    if (row === undefined) throw new Error('the clock of the database gave no answer');
    return row.now;
  }

  /**
   * Hands over the real contacts user by user, in parts of bounded size: all of one user come one after the other, newest
   * first. The next part is read when the one before has been dealt with.
   */
  async read(
    query: PastQuery,
    take: (contacts: readonly PastContact[], whereabouts: ReadonlyMap<string, Whereabouts>) => void,
  ): Promise<void> {
    await this.database.transaction(async (transaction) => {
      await transaction.query({ text: `set local statement_timeout = '${STATEMENT_SECONDS_MAX}s'` });
      await transaction.query({
        text: `declare past_contacts no scroll cursor for
          select user_id as "userId", decision_id as "decisionId", extract(epoch from at)::float8 * 1000 as at, channel,
            purpose, journey_key as "journeyKey", action_group as "group", nullif(tags, '{}') as tags, state
          from contact_ledger
          where clock_domain = 'real' and state <> 'released'
            and at > to_timestamp($1::float8 / 1000) and at <= to_timestamp($2::float8 / 1000)
            and ($3::float8 >= 1 or hashtextextended(user_id::text, 0) & ${SHARES - 1} < $3 * ${SHARES})
          order by user_id, at desc`,
        values: [query.from, query.until, query.share],
      });
      for (;;) {
        const rows = await transaction.query<PastRow>({ text: `fetch ${ROWS_READ_AT_ONCE} from past_contacts` });
        const contacts = rows.map((row): PastContact => ({ ...row, at: Math.round(row.at), tags: row.tags ?? [] }));
        take(contacts, await this.whereabouts(transaction, contacts));
        if (rows.length < ROWS_READ_AT_ONCE) return;
      }
    });
  }

  private async whereabouts(
    transaction: Transaction,
    contacts: readonly PastContact[],
  ): Promise<ReadonlyMap<string, Whereabouts>> {
    const users = await transaction.query<Whereabouts>({
      text: `select id, timezone, context_timezone as "contextTimezone", phone, jurisdiction from users
        where id = any($1)`,
      values: [[...new Set(contacts.map(({ userId }) => userId))]],
    });
    return new Map(users.map((user) => [user.id, user]));
  }
}
