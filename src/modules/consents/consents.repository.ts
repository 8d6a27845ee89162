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
  readonly clockDomain: string;
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
  clock_domain as "clockDomain"`;

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
            received_at, expires_at, source, text_version, evidence, clock_domain)
          select "userId", purpose, channel, brand, status, basis, jurisdiction,
            coalesce(to_timestamp("statedAt" / 1000), moment.now),
            case when "clockDomain" = 'real' then moment.now
              else coalesce(to_timestamp("statedAt" / 1000), moment.now) end,
            to_timestamp("expiresAt" / 1000), source, "textVersion", evidence, "clockDomain"
          from moment, rows from (jsonb_to_recordset($1::jsonb) as ("userId" uuid, purpose text, channel text,
            brand text, status text, basis text, jurisdiction text, "statedAt" float8, "expiresAt" float8,
            source text, "textVersion" text, evidence jsonb, "clockDomain" text)) with ordinality as item
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
    clockDomain: string,
    page: PageRequest,
    queryable: Queryable = this.database,
  ): Promise<readonly ConsentRow[]> {
    return queryable.query<ConsentRow>({
      name: 'consents_history',
      text: `select ${ROW} from consent_records
        where user_id = $1 and clock_domain in ('real', $2) and ($3::uuid is null or id < $3)
        order by id desc limit $4`,
      values: [userId, clockDomain, page.after, page.limit],
    });
  }

  /** Everything that a fold needs, and the database's clock to fold at. */
  async records(
    userId: string,
    clockDomain: string,
    queryable: Queryable = this.database,
  ): Promise<{ readonly now: InstantMs; readonly records: readonly ConsentRow[] }> {
    const [moment] = await queryable.query<{ now: InstantMs }>({
      name: 'consents_now',
      text: 'select clock_timestamp() as now',
    });
    const records = await this.history(userId, clockDomain, { after: null, limit: FOLDED_MAX }, queryable);
    return { now: moment?.now ?? 0, records };
  }

  async eraseUser(transaction: Transaction, userId: string): Promise<void> {
    await transaction.query({
      text: `update consent_records set evidence = '{}', source = 'erased', jurisdiction = null where user_id = $1`,
      values: [userId],
    });
  }
}
