import { Injectable } from '@nestjs/common';
import type { InstantMs } from '../../core/kernel/instant.js';
import type { SuppressionReason } from '../../core/suppression/suppression.js';
import { Database, type Queryable, type Transaction } from '../../platform/database/database.js';
import type { PageRequest } from '../../platform/http/paging.js';

/** Whom or what a suppression covers: an address by its keyed hash, or a user whatever the address. */
export interface SuppressionTarget {
  readonly addressHash: string | null;
  readonly userId: string | null;
}

export interface NewSuppressionRow extends SuppressionTarget {
  /** Null: every channel. */
  readonly channel: string | null;
  /** Null: every purpose. */
  readonly purpose: string | null;
  readonly reason: SuppressionReason;
  readonly source: string;
  /** Null: now, by the database's clock. A later time than now counts as now. */
  readonly since: InstantMs | null;
  readonly until: InstantMs | null;
}

export interface SuppressionRow extends NewSuppressionRow {
  readonly id: string;
  readonly since: InstantMs;
  /** From here on it does not hold any more; null while nobody lifted it. */
  readonly liftedAt: InstantMs | null;
}

/** A suppression that was made, or whose end was moved. */
export interface ChangedRow extends SuppressionRow {
  readonly isNew: boolean;
}

export interface SuppressionQuery extends SuppressionTarget {
  readonly reason: string | null;
  /** `*` for those of every channel. */
  readonly channel: string | null;
  /** `*` for those of every purpose. */
  readonly purpose: string | null;
  readonly since: InstantMs | null;
  /** Those that were lifted, instead of those that were not. */
  readonly isLifted: boolean;
}

const ROW = `id, address_hash as "addressHash", user_id as "userId", channel, purpose, reason, source, since, until,
  lifted_at as "liftedAt"`;
/** Cut to the column's milliseconds: rounded up, a suppression would begin a moment after the next check. */
const NOW = `date_trunc('milliseconds', clock_timestamp())`;
const ITEM = `jsonb_to_recordset($1::jsonb) as item ("addressHash" text, "userId" uuid, channel text, purpose text,
  reason text, source text, since float8, until float8)`;
/** Whether a stored suppression, which ends some time, would last longer with the other's end. */
const EXTENDS = (stored: string, other: string): string =>
  `${stored} is not null and (${other} is null or ${other} > ${stored})`;

/** The only writer of suppressions. What is lifted stays, and is another one than what is made again afterwards. */
@Injectable()
export class SuppressionsRepository {
  constructor(private readonly database: Database) {}

  /**
   * In force from now. A suppression that is there already only moves its end, and never to an earlier time; one that was
   * over begins anew.
   *
   * @param suppressions no two for the same target, scope and reason
   * @returns those that are new or last longer now
   */
  putMany(transaction: Transaction, suppressions: readonly NewSuppressionRow[]): Promise<readonly ChangedRow[]> {
    return transaction.query<ChangedRow>({
      name: 'suppressions_put',
      text: `insert into suppressions as stored (address_hash, user_id, channel, purpose, reason, source, since, until)
        select "addressHash", "userId", channel, purpose, reason, source,
          least(coalesce(to_timestamp(since / 1000), ${NOW}), ${NOW}),
          to_timestamp(until / 1000)
        from ${ITEM}
        order by "addressHash", "userId", channel, purpose, reason
        on conflict (address_hash, user_id, channel, purpose, reason) where lifted_at is null
        do update set until = excluded.until,
          since = case when stored.until <= ${NOW} then ${NOW} else stored.since end
        where ${EXTENDS('stored.until', 'excluded.until')}
        returning ${ROW}, old.id is null as "isNew"`,
      values: [JSON.stringify(suppressions)],
    });
  }

  /** One suppression, as it holds afterwards. */
  async put(transaction: Transaction, suppression: NewSuppressionRow): Promise<SuppressionRow> {
    const [changed] = await this.putMany(transaction, [suppression]);
    if (changed !== undefined) return changed;
    const [row] = await transaction.query<SuppressionRow>({
      name: 'suppressions_find_same',
      text: `select ${ROW} from suppressions
        where address_hash is not distinct from $1 and user_id is not distinct from $2::uuid
          and channel is not distinct from $3 and purpose is not distinct from $4 and reason = $5
          and (address_hash = $1 or user_id = $2) and lifted_at is null`,
      values: [
        suppression.addressHash,
        suppression.userId,
        suppression.channel,
        suppression.purpose,
        suppression.reason,
      ],
    });
    if (row === undefined) throw new Error('a stored suppression was not found');
    return row;
  }

  /** What `putMany` would do, without doing it. */
  async countChanges(
    queryable: Queryable,
    suppressions: readonly NewSuppressionRow[],
  ): Promise<{ readonly added: number; readonly extended: number }> {
    const [row] = await queryable.query<{ added: number; extended: number }>({
      name: 'suppressions_count_changes',
      text: `select count(*) filter (where stored.id is null) as added,
          count(*) filter (where stored.id is not null
            and ${EXTENDS('stored.until', 'to_timestamp(item.until / 1000)')}) as extended
        from ${ITEM} left join lateral (
          select id, until from suppressions known
          where (known.address_hash = item."addressHash" or known.user_id = item."userId")
            and known.channel is not distinct from item.channel and known.purpose is not distinct from item.purpose
            and known.reason = item.reason and known.lifted_at is null
        ) stored on true`,
      values: [JSON.stringify(suppressions)],
    });
    return row ?? { added: 0, extended: 0 };
  }

  /** The database's clock, by which suppressions begin and end. */
  async now(queryable: Queryable): Promise<InstantMs> {
    const [moment] = await queryable.query<{ now: InstantMs }>({
      name: 'suppressions_now',
      text: `select ${NOW} as now`,
    });
    if (moment === undefined) throw new Error('the database told no time');
    return moment.now;
  }

  /** Null too for one that was lifted. */
  async find(id: string, queryable: Queryable = this.database): Promise<SuppressionRow | null> {
    const [row] = await queryable.query<SuppressionRow>({
      text: `select ${ROW} from suppressions where id = $1 and lifted_at is null`,
      values: [id],
    });
    return row ?? null;
  }

  /** @returns whether it held until now */
  async lift(transaction: Transaction, id: string): Promise<boolean> {
    const text = `update suppressions set lifted_at = ${NOW} where id = $1 and lifted_at is null returning id`;
    return (await transaction.query({ text, values: [id] })).length > 0;
  }

  /** All suppressions of one address, channel and reason, whatever the purpose. @returns their ids */
  async liftOf(
    transaction: Transaction,
    scope: { readonly addressHash: string; readonly channel: string; readonly reason: SuppressionReason },
  ): Promise<readonly string[]> {
    const lifted = await transaction.query<{ id: string }>({
      text: `update suppressions set lifted_at = ${NOW}
        where address_hash = $1 and channel = $2 and reason = $3 and lifted_at is null returning id`,
      values: [scope.addressHash, scope.channel, scope.reason],
    });
    return lifted.map(({ id }) => id);
  }

  /** Those of `ids` that came of unsubscribing; any other stays. @returns the ids of those that held until now */
  async liftUnsubscribed(transaction: Transaction, ids: readonly string[]): Promise<readonly string[]> {
    const lifted = await transaction.query<{ id: string }>({
      text: `update suppressions set lifted_at = ${NOW}
        where id = any ($1) and reason = 'unsubscribe' and lifted_at is null returning id`,
      values: [ids],
    });
    return lifted.map(({ id }) => id);
  }

  list(
    query: SuppressionQuery,
    page: PageRequest,
    order: 'newest_first' | 'oldest_first' = 'newest_first',
  ): Promise<readonly SuppressionRow[]> {
    const [beyond, direction] = order === 'newest_first' ? ['<', 'desc'] : ['>', 'asc'];
    return this.database.query<SuppressionRow>({
      text: `select ${ROW} from suppressions
        where ($1::text is null or address_hash = $1) and ($2::uuid is null or user_id = $2)
          and ($3::text is null or reason = $3) and ($4::text is null or coalesce(channel, '*') = $4)
          and ($5::text is null or coalesce(purpose, '*') = $5)
          and ($6::float8 is null or since >= to_timestamp($6::float8 / 1000))
          and lifted_at is ${query.isLifted ? 'not null' : 'null'} and ($7::uuid is null or id ${beyond} $7)
        order by id ${direction} limit $8`,
      values: [
        query.addressHash,
        query.userId,
        query.reason,
        query.channel,
        query.purpose,
        query.since,
        page.after,
        page.limit,
      ],
    });
  }
}
