import { Injectable } from '@nestjs/common';
import type { ConsentBasis, ConsentRecord, ConsentStatus } from '../../core/consent/consent-record.js';
import type { InstantMs } from '../../core/kernel/instant.js';
import { Database, type Queryable, type Transaction } from '../../platform/database/database.js';
import type { PageRequest } from '../../platform/http/paging.js';

/** One record to append. */
export interface NewConsentRow {
  readonly userId: string;
  readonly purpose: string;
  readonly channel: string;
  readonly brand: string;
  readonly status: ConsentStatus;
  readonly basis: ConsentBasis;
  readonly jurisdiction: string | null;
  /** Null: now, by the database's clock. */
  readonly statedAt: InstantMs | null;
  readonly expiresAt: InstantMs | null;
  readonly source: string;
  readonly textVersion: string | null;
  readonly evidence: Readonly<Record<string, unknown>>;
  readonly isObjection: boolean;
  readonly clockDomain: string;
}

/** Which of a user's records a list shows; null: all. A record about every purpose or channel belongs to each of them. */
export interface HistoryFilter {
  readonly clockDomain: string;
  readonly purpose: string | null;
  readonly channel: string | null;
}

export interface ConsentRow extends ConsentRecord {
  readonly userId: string;
  readonly jurisdiction: string | null;
  readonly source: string;
  readonly textVersion: string | null;
  readonly evidence: Readonly<Record<string, unknown>>;
  readonly clockDomain: string;
}

const ROW = `id, user_id as "userId", purpose, channel, brand, status, basis, jurisdiction, stated_at as "statedAt",
  received_at as "receivedAt", expires_at as "expiresAt", source, text_version as "textVersion", evidence,
  is_objection as "isObjection", clock_domain as "clockDomain"`;

/** Folded at most this many records at a time; a person states something a few times a year. */
const FOLDED_MAX = 10_000;

/** The only writer of consent_records, which are only ever added to (erasure of a person excepted). */
@Injectable()
export class ConsentsRepository {
  constructor(private readonly database: Database) {}

  /**
   * Appends records in their order, in one statement. In a virtual clock domain a record is received when it is stated:
   * the wall clock means nothing there.
   */
  append(transaction: Transaction, records: readonly NewConsentRow[]): Promise<readonly ConsentRow[]> {
    return transaction.query<ConsentRow>({
      name: 'consents_append',
      text: `with moment as (select date_trunc('milliseconds', clock_timestamp()) as now),
        added as (
          insert into consent_records (user_id, purpose, channel, brand, status, basis, jurisdiction, stated_at,
            received_at, expires_at, source, text_version, evidence, is_objection, clock_domain)
          select "userId", purpose, channel, brand, status, basis, jurisdiction,
            coalesce(to_timestamp("statedAt" / 1000), moment.now),
            case when "clockDomain" = 'real' then moment.now
              else coalesce(to_timestamp("statedAt" / 1000), moment.now) end,
            to_timestamp("expiresAt" / 1000), source, "textVersion", evidence, "isObjection",
            "clockDomain"
          from moment, rows from (jsonb_to_recordset($1::jsonb) as ("userId" uuid, purpose text, channel text,
            brand text, status text, basis text, jurisdiction text, "statedAt" float8, "expiresAt" float8,
            source text, "textVersion" text, evidence jsonb, "isObjection" boolean, "clockDomain" text)) with ordinality as item
          order by item.ordinality
          returning *
        )
        select ${ROW} from added order by id`,
      values: [JSON.stringify(records)],
    });
  }

  /** Newest first: the records of one clock domain, and the real ones that it also sees. */
  history(
    userId: string,
    filter: HistoryFilter,
    page: PageRequest,
    queryable: Queryable = this.database,
  ): Promise<readonly ConsentRow[]> {
    return queryable.query<ConsentRow>({
      name: 'consents_history',
      text: `select ${ROW} from consent_records
        where user_id = $1 and clock_domain in ('real', $2) and ($3::uuid is null or id < $3)
          and ($5::text is null or purpose in ($5, '*')) and ($6::text is null or channel in ($6, '*'))
        order by id desc limit $4`,
      values: [userId, filter.clockDomain, page.after, page.limit, filter.purpose, filter.channel],
    });
  }

  /** Everything that a fold needs, and the database's clock to fold at. */
  async records(
    userId: string,
    clockDomain: string,
    queryable: Queryable = this.database,
  ): Promise<{ readonly now: InstantMs; readonly records: readonly ConsentRow[] }> {
    const now = await this.now(queryable);
    const everything = { clockDomain, purpose: null, channel: null };
    const records = await this.history(userId, everything, { after: null, limit: FOLDED_MAX }, queryable);
    return { now, records };
  }

  /** The database's clock, which also dates the records. */
  async now(queryable: Queryable): Promise<InstantMs> {
    const [moment] = await queryable.query<{ now: InstantMs }>({
      name: 'consents_now',
      text: `select date_trunc('milliseconds', clock_timestamp()) as now`,
    });
    if (moment === undefined) throw new Error('the database told no time');
    return moment.now;
  }

  /** The places of these people's profiles, ISO 3166; those of whom none is known are left out. */
  async homes(transaction: Transaction, userIds: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const rows = await transaction.query<{ id: string; home: string }>({
      name: 'consents_homes',
      text: 'select id, jurisdiction as home from users where id = any ($1) and jurisdiction is not null',
      values: [userIds],
    });
    return new Map(rows.map(({ id, home }) => [id, home]));
  }

  async find(id: string, queryable: Queryable = this.database): Promise<ConsentRow | null> {
    const [row] = await queryable.query<ConsentRow>({
      name: 'consents_find',
      text: `select ${ROW} from consent_records where id = $1`,
      values: [id],
    });
    return row ?? null;
  }

  /**
   * Those of `userIds` who have not yet withdrawn every one of `purposes` on all channels and for all brands. Nothing
   * lifts such a withdrawal as a whole (a grant is always for one channel), so one record of each is enough for good.
   */
  async notOptedOut(userIds: readonly string[], purposes: readonly string[]): Promise<readonly string[]> {
    const rows = await this.database.query<{ id: string }>({
      name: 'consents_not_opted_out',
      text: `select users.id from users where id = any ($1) and erased_at is null and exists (
          select from unnest($2::text[]) as wanted (purpose) where not exists (
            select from consent_records record where record.user_id = users.id and record.purpose = wanted.purpose
              and record.channel = '*' and record.brand = '*' and record.status = 'withdrawn'
              and record.clock_domain = 'real'))`,
      values: [userIds, purposes],
    });
    return rows.map(({ id }) => id);
  }

  async eraseUser(transaction: Transaction, userId: string): Promise<void> {
    await transaction.query({
      text: `update consent_records set evidence = '{}', source = 'erased', jurisdiction = null where user_id = $1`,
      values: [userId],
    });
  }
}
