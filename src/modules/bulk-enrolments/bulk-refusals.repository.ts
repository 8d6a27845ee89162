import { Injectable } from '@nestjs/common';
import type { InstantMs } from '../../core/kernel/instant.js';
import { Database, type Transaction } from '../../platform/database/database.js';
import type { PageRequest } from '../../platform/http/paging.js';

export interface Refusal {
  readonly line: number | null;
  readonly userId: string | null;
  readonly code: string;
  readonly detail: string;
}

export interface RefusalRow extends Refusal {
  readonly id: string;
  readonly refusedAt: InstantMs;
}

/** The only writer of bulk_enrolment_refusals. */
@Injectable()
export class BulkRefusalsRepository {
  constructor(private readonly database: Database) {}

  /** In the order in which they happened. */
  list(id: string, page: PageRequest): Promise<readonly RefusalRow[]> {
    return this.database.query<RefusalRow>({
      text: `select id, line, user_id as "userId", code, detail, refused_at as "refusedAt"
        from bulk_enrolment_refusals where bulk_id = $1 and ($2::uuid is null or id > $2) order by id limit $3`,
      values: [id, page.after, page.limit],
    });
  }

  /** What was counted of them stays with the enrolment. @returns how many were deleted */
  async purge(before: InstantMs, limit: number): Promise<number> {
    const purged = await this.database.query({
      text: `delete from bulk_enrolment_refusals where id in (select id from bulk_enrolment_refusals
          where id < uuidv7_floor(to_timestamp($1::float8 / 1000)) order by id limit $2 for update skip locked)
        returning id`,
      values: [before, limit],
    });
    return purged.length;
  }

  async add(transaction: Transaction, id: string, refusals: readonly Refusal[]): Promise<void> {
    if (refusals.length === 0) return;
    await transaction.query({
      name: 'bulk_enrolments_add_refusals',
      text: `insert into bulk_enrolment_refusals (bulk_id, line, user_id, code, detail)
        select $1, line, user_id, code, detail
        from unnest($2::int[], $3::uuid[], $4::text[], $5::text[]) as item (line, user_id, code, detail)`,
      values: [
        id,
        refusals.map(({ line }) => line),
        refusals.map(({ userId }) => userId),
        refusals.map(({ code }) => code),
        refusals.map(({ detail }) => detail),
      ],
    });
  }
}
