import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database.js';
import type { ProfileFacts } from '../users/index.js';

/** A user with what conditions and time zones ask about. */
export interface Candidate extends ProfileFacts {
  readonly id: string;
  readonly contextTimezone: string | null;
}

const CANDIDATE = `id, external_id as "externalId", email, name, phone, lifecycle_stage as "lifecycleStage", timezone,
  context_timezone as "contextTimezone", locale, jurisdiction,
  preferred_channel as "preferredChannel", attributes`;

/** Reads the users among whom an enrolment chooses; writes nothing. */
@Injectable()
export class BulkUsers {
  constructor(private readonly database: Database) {}

  /** Who was not erased, by id, which is the order in which they were made; `last` is the last one that counts. */
  after(after: string | null, last: string, limit: number): Promise<readonly Candidate[]> {
    return this.database.query<Candidate>({
      name: 'bulk_users_after',
      text: `select ${CANDIDATE} from users
        where erased_at is null and ($1::uuid is null or id > $1) and id <= $2 order by id limit $3`,
      values: [after, last, limit],
    });
  }

  /** By id. */
  async named(ids: readonly string[]): Promise<ReadonlyMap<string, Candidate>> {
    const rows = await this.database.query<Candidate>({
      name: 'bulk_users_named',
      text: `select ${CANDIDATE} from users where id = any ($1) and erased_at is null`,
      values: [ids],
    });
    return new Map(rows.map((row) => [row.id, row]));
  }
}
