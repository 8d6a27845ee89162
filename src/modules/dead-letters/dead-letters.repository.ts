import { Injectable } from '@nestjs/common';
import { Database, type Queryable } from '../../platform/database/database.js';
import type { PageRequest } from '../../platform/http/paging.js';
import {
  CLASS,
  DEAD_LETTER,
  DELIVERIES,
  filterValues,
  MEANT,
  type DeadLetterFilter,
  type DeadLetterRow,
  type FailureClass,
} from './dead-letter-rows.js';

/** Dead letters that are alike. */
export interface DeadLetterCount {
  readonly state: 'failed' | 'unknown';
  readonly failureClass: FailureClass;
  readonly provider: string;
  readonly channel: string;
  readonly failure: string | null;
  readonly deliveries: number;
  readonly replayable: number;
}

/** Reads deliveries that nobody sends any more; writes none. */
@Injectable()
export class DeadLettersRepository {
  constructor(private readonly database: Database) {}

  /** Newest first. */
  list(filter: DeadLetterFilter, page: PageRequest): Promise<readonly DeadLetterRow[]> {
    return this.database.query<DeadLetterRow>({
      text: `select ${DEAD_LETTER} from ${DELIVERIES} where ${MEANT} and ($12::uuid is null or delivery.id < $12)
        order by delivery.id desc limit $13`,
      values: [...filterValues(filter), page.after, page.limit],
    });
  }

  /** The most frequent first. */
  count(filter: DeadLetterFilter, limit: number): Promise<readonly DeadLetterCount[]> {
    return this.database.query<DeadLetterCount>({
      text: `select state, "failureClass", provider, channel, failure, count(*)::int as deliveries,
          (count(*) filter (where blocker is null))::int as replayable
        from (select ${DEAD_LETTER} from ${DELIVERIES} where ${MEANT}) dead
        group by state, "failureClass", provider, channel, failure
        order by deliveries desc, provider, channel, failure nulls first, "failureClass" limit $12`,
      values: [...filterValues(filter), limit],
    });
  }

  /** One that is a dead letter, or was one before it was replayed; null for any other delivery. */
  async find(id: string, queryable: Queryable = this.database): Promise<DeadLetterRow | null> {
    const [row] = await queryable.query<DeadLetterRow>({
      name: 'dead_letters_find',
      text: `select ${DEAD_LETTER} from ${DELIVERIES}
        where delivery.id = $1 and (${CLASS} is not null
          or exists (select from dead_letter_replays replay where replay.delivery_id = delivery.id))`,
      values: [id],
    });
    return row ?? null;
  }
}
