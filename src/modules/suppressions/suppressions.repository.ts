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
  readonly reason: SuppressionReason;
  readonly source: string;
  readonly until: InstantMs | null;
}

export interface SuppressionRow extends NewSuppressionRow {
  readonly id: string;
  readonly since: InstantMs;
}

const ROW = `id, address_hash as "addressHash", user_id as "userId", channel, reason, source, since, until`;

/** The only writer of suppressions. */
@Injectable()
export class SuppressionsRepository {
  constructor(private readonly database: Database) {}

  /** In force from now. The same one again only moves its end, and never to an earlier time. */
  async put(transaction: Transaction, suppression: NewSuppressionRow): Promise<SuppressionRow> {
    const [row] = await transaction.query<SuppressionRow>({
      name: 'suppressions_put',
      text: `insert into suppressions as stored (address_hash, user_id, channel, reason, source, since, until)
        values ($1, $2, $3, $4, $5, clock_timestamp(), to_timestamp($6::float8 / 1000))
        on conflict (address_hash, user_id, channel, purpose, reason) do update
          set until = case when stored.until is null or excluded.until is null then null
            else greatest(stored.until, excluded.until) end
        returning ${ROW}`,
      values: [
        suppression.addressHash,
        suppression.userId,
        suppression.channel,
        suppression.reason,
        suppression.source,
        suppression.until,
      ],
    });
    if (row === undefined) throw new Error('a stored suppression was not returned');
    return row;
  }

  async find(id: string, queryable: Queryable = this.database): Promise<SuppressionRow | null> {
    const [row] = await queryable.query<SuppressionRow>({
      text: `select ${ROW} from suppressions where id = $1`,
      values: [id],
    });
    return row ?? null;
  }

  async remove(transaction: Transaction, id: string): Promise<void> {
    await transaction.query({ text: 'delete from suppressions where id = $1', values: [id] });
  }

  /** Newest first. */
  list(
    target: { addressHashes: readonly string[] | null; userId: string | null },
    page: PageRequest,
  ): Promise<readonly SuppressionRow[]> {
    return this.database.query<SuppressionRow>({
      text: `select ${ROW} from suppressions
        where ($1::text[] is null or address_hash = any ($1)) and ($2::uuid is null or user_id = $2)
          and ($3::uuid is null or id < $3)
        order by id desc limit $4`,
      values: [target.addressHashes, target.userId, page.after, page.limit],
    });
  }
}
