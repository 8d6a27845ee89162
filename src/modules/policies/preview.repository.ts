import { Injectable } from '@nestjs/common';
import type { Contact } from '../../core/fatigue/cap-rule.js';
import type { Outcome, OutcomeKind } from '../../core/fatigue/outcome.js';
import type { InstantMs } from '../../core/kernel/instant.js';
import { Database, type Transaction } from '../../platform/database/database.js';

/** One past contact, and with whom it was. */
export interface PastContact extends Contact {
  readonly userId: string;
}

/** What was reported of a contact, also of one that rests on a contract or lies before the first that is read. */
export interface PastOutcome extends Outcome {
  readonly userId: string;
  /** That of a contact says how it stands. */
  readonly state: null;
}

/** Cheap to read, a million times over: the instant is a number, and most contacts have no tag. */
interface ContactRow extends Omit<PastContact, 'tags'> {
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
  /** Outcomes of the same time that are read too. */
  readonly outcomes: readonly OutcomeKind[];
}

/** What is handed over at once: of each user contacts and outcomes together, both newest first. */
export interface Past {
  readonly entries: readonly (PastContact | PastOutcome)[];
  readonly whereabouts: ReadonlyMap<string, Whereabouts>;
}

/** A few milliseconds of work: decisions of the same process must not wait for longer. */
const ROWS_READ_AT_ONCE = 1_000;
const STATEMENT_SECONDS_MAX = 15;
/** A share is so many of these. */
const SHARES = 65_536;

const PAST = `clock_domain = 'real'
    and at > to_timestamp($1::float8 / 1000) and at <= to_timestamp($2::float8 / 1000)
    and ($3::float8 >= 1 or hashtextextended(user_id::text, 0) & ${SHARES - 1} < $3 * ${SHARES})`;
const CONTACTS = (more: string): string => `select user_id as "userId", decision_id as "decisionId",
    extract(epoch from at)::float8 * 1000 as at, channel, purpose, action, action_group as "group",
    journey_key as "journeyKey", nullif(tags, '{}') as tags, state${more}
  from contact_ledger where state <> 'released' and ${PAST}`;
const CONTACTS_AND_OUTCOMES = `${CONTACTS(', null as kind')}
  union all select user_id, decision_id, extract(epoch from at)::float8 * 1000, channel, purpose, action, action_group,
    null, null, null, kind
  from contact_outcomes where kind = any ($4::text[]) and ${PAST}`;

/** Reads the ledger, what became of its contacts, and where its users are; writes nothing. */
@Injectable()
export class PreviewRepository {
  constructor(private readonly database: Database) {}

  async now(): Promise<InstantMs> {
    const [row] = await this.database.query<{ now: InstantMs }>({ text: 'select clock_timestamp() as now' });
    if (row === undefined) throw new Error('the clock of the database gave no answer');
    return row.now;
  }

  /**
   * Hands over the real contacts, and outcomes where they are asked for, user by user, in parts of bounded size: all of
   * one user come one after the other, newest first. The next part is read when the one before has been dealt with.
   */
  async read({ from, until, share, outcomes }: PastQuery, take: (past: Past) => void): Promise<void> {
    const hasOutcomes = outcomes.length > 0;
    await this.database.transaction(async (transaction) => {
      await transaction.query({ text: `set local statement_timeout = '${STATEMENT_SECONDS_MAX}s'` });
      await transaction.query({
        text: `declare past no scroll cursor for
          ${hasOutcomes ? CONTACTS_AND_OUTCOMES : CONTACTS('')} order by "userId", at desc`,
        values: [from, until, share, ...(hasOutcomes ? [outcomes] : [])],
      });
      for (;;) {
        const rows = await transaction.query<ContactRow | PastOutcome>({
          text: `fetch ${ROWS_READ_AT_ONCE} from past`,
        });
        take({ entries: rows.map(toEntry), whereabouts: await this.whereabouts(transaction, rows) });
        if (rows.length < ROWS_READ_AT_ONCE) return;
      }
    });
  }

  private async whereabouts(
    transaction: Transaction,
    rows: readonly (ContactRow | PastOutcome)[],
  ): Promise<ReadonlyMap<string, Whereabouts>> {
    const users = await transaction.query<Whereabouts>({
      text: `select id, timezone, context_timezone as "contextTimezone", phone, jurisdiction from users
        where id = any($1)`,
      values: [[...new Set(rows.map(({ userId }) => userId))]],
    });
    return new Map(users.map((user) => [user.id, user]));
  }
}

function toEntry(row: ContactRow | PastOutcome): PastContact | PastOutcome {
  const at = Math.round(row.at);
  return row.state === null ? { ...row, at } : { ...row, at, tags: row.tags ?? [] };
}
