import { Injectable } from '@nestjs/common';
import type { InstantMs } from '../../core/kernel/instant.js';
import { Database, type Transaction } from '../../platform/database/database.js';
import type { PageRequest } from '../../platform/http/paging.js';
import type { DeadLetterFilter } from './dead-letter-rows.js';
import type { ReplayState } from './replay-outcome.js';

/** Replays that were ordered together, and how far they are. */
export interface BulkRow {
  readonly id: string;
  readonly filter: DeadLetterFilter;
  readonly reason: string;
  readonly orderedBy: string;
  readonly replaysMax: number;
  readonly chosen: number;
  readonly createdAt: InstantMs;
  readonly cancelledAt: InstantMs | null;
  /** How many replays there are of each state; left out: none. */
  readonly counts: Partial<Readonly<Record<ReplayState, number>>>;
}

const ROW = `id, filter, reason, ordered_by as "orderedBy", replays_max as "replaysMax", chosen,
  created_at as "createdAt", cancelled_at as "cancelledAt", coalesce((
    select json_object_agg(state, replays) from (
      select state, count(*)::int as replays from dead_letter_replays where bulk_id = bulk.id group by state) counted
  ), '{}') as counts`;

/** The only writer of dead_letter_bulks. */
@Injectable()
export class BulksRepository {
  constructor(private readonly database: Database) {}

  async insert(
    transaction: Transaction,
    bulk: Pick<BulkRow, 'filter' | 'reason' | 'orderedBy' | 'replaysMax'>,
  ): Promise<string> {
    const [row] = await transaction.query<{ id: string }>({
      text: `insert into dead_letter_bulks (filter, reason, ordered_by, replays_max) values ($1, $2, $3, $4) returning id`,
      values: [JSON.stringify(bulk.filter), bulk.reason, bulk.orderedBy, bulk.replaysMax],
    });
    if (row === undefined) throw new Error('an order of replays that was stored was not returned');
    return row.id;
  }

  async noteChosen(transaction: Transaction, id: string, chosen: number): Promise<void> {
    await transaction.query({
      text: 'update dead_letter_bulks set chosen = $2 where id = $1',
      values: [id, chosen],
    });
  }

  /** @returns false for one that does not exist, or was cancelled before */
  async cancel(transaction: Transaction, id: string, by: string): Promise<boolean> {
    const rows = await transaction.query({
      text: `update dead_letter_bulks set cancelled_at = clock_timestamp(), cancelled_by = $2
        where id = $1 and cancelled_at is null returning id`,
      values: [id, by],
    });
    return rows.length > 0;
  }

  async find(id: string): Promise<BulkRow | null> {
    const [row] = await this.database.query<BulkRow>({
      text: `select ${ROW} from dead_letter_bulks bulk where id = $1`,
      values: [id],
    });
    return row ?? null;
  }

  /** Newest first. */
  list(page: PageRequest): Promise<readonly BulkRow[]> {
    return this.database.query<BulkRow>({
      text: `select ${ROW} from dead_letter_bulks bulk where $1::uuid is null or id < $1 order by id desc limit $2`,
      values: [page.after, page.limit],
    });
  }

  /** Of those without any replay. @returns how many were deleted */
  async purge(before: InstantMs, limit: number): Promise<number> {
    const purged = await this.database.query({
      text: `delete from dead_letter_bulks where id in (select id from dead_letter_bulks bulk
          where created_at < to_timestamp($1::float8 / 1000)
            and not exists (select from dead_letter_replays where bulk_id = bulk.id)
          order by id limit $2 for update skip locked)
        returning id`,
      values: [before, limit],
    });
    return purged.length;
  }
}
