import { Injectable } from '@nestjs/common';
import type { Condition } from '../../core/audiences/condition.js';
import type { InstantMs } from '../../core/kernel/instant.js';
import { Database, type Queryable, type Transaction } from '../../platform/database/database.js';
import type { PageRequest } from '../../platform/http/paging.js';
import type { Identifier } from './audience-hash.js';

export interface AudienceSyncRow {
  readonly id: string;
  readonly key: string;
  readonly name: string;
  readonly baseUrl: string;
  readonly audienceId: string;
  /** Under seal. */
  readonly accessToken: string;
  readonly purpose: string;
  readonly brand: string;
  readonly identifiers: readonly Identifier[];
  readonly condition: Condition;
  readonly state: 'active' | 'paused' | 'ending';
  readonly cursor: string | null;
  readonly roundStartedAt: InstantMs | null;
  readonly roundEndedAt: InstantMs | null;
  readonly nextAt: InstantMs;
  readonly failures: number;
  readonly failure: string | null;
  readonly createdAt: InstantMs;
  readonly updatedAt: InstantMs;
}

type NewSync = Pick<
  AudienceSyncRow,
  'key' | 'name' | 'baseUrl' | 'audienceId' | 'accessToken' | 'purpose' | 'brand' | 'identifiers' | 'condition'
>;

/** What may change of a sync; what is left out stays. */
export type SyncChange = Partial<Pick<NewSync, 'name' | 'accessToken' | 'condition'>> & {
  readonly state?: AudienceSyncRow['state'];
};

const ROW = `id, key, name, base_url as "baseUrl", audience_id as "audienceId", access_token as "accessToken", purpose, brand,
  identifiers, condition, state, cursor, round_started_at as "roundStartedAt", round_ended_at as "roundEndedAt",
  next_at as "nextAt", failures, failure, created_at as "createdAt", updated_at as "updatedAt"`;

/** The only writer of audience_syncs. Tokens come in and go out sealed. */
@Injectable()
export class AudienceSyncsRepository {
  constructor(private readonly database: Database) {}

  /** @throws DatabaseError on `audience_syncs_key_key` when the key is taken */
  async insert(transaction: Transaction, sync: NewSync): Promise<AudienceSyncRow> {
    const [row] = await transaction.query<AudienceSyncRow>({
      text: `insert into audience_syncs (key, name, base_url, audience_id, access_token, purpose, brand, identifiers, condition)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning ${ROW}`,
      values: [
        ...[sync.key, sync.name, sync.baseUrl, sync.audienceId, sync.accessToken, sync.purpose, sync.brand],
        ...[sync.identifiers, sync.condition],
      ],
    });
    if (row === undefined) throw new Error('an inserted sync was not returned');
    return row;
  }

  /** It begins a new round at once. @returns null when there is none, or it is ending */
  async change(transaction: Transaction, key: string, change: SyncChange): Promise<AudienceSyncRow | null> {
    const [row] = await transaction.query<AudienceSyncRow>({
      text: `update audience_syncs set name = coalesce($2, name), access_token = coalesce($3, access_token),
          condition = coalesce($4, condition), state = coalesce($5, state), cursor = null, round_started_at = null,
          next_at = least(next_at, clock_timestamp()), updated_at = clock_timestamp()
        where key = $1 and state <> 'ending' returning ${ROW}`,
      values: [key, change.name, change.accessToken, change.condition, change.state],
    });
    return row ?? null;
  }

  async find(key: string, queryable: Queryable = this.database): Promise<AudienceSyncRow | null> {
    const [row] = await queryable.query<AudienceSyncRow>({
      text: `select ${ROW} from audience_syncs where key = $1`,
      values: [key],
    });
    return row ?? null;
  }

  /** Newest first. */
  list(page: PageRequest): Promise<readonly AudienceSyncRow[]> {
    return this.database.query<AudienceSyncRow>({
      text: `select ${ROW} from audience_syncs where $1::uuid is null or id < $1 order by id desc limit $2`,
      values: [page.after, page.limit],
    });
  }

  /** Takes the sync that is due for longest, for `forMs`: nobody else works on it until then. */
  async take(forMs: number): Promise<AudienceSyncRow | null> {
    const [row] = await this.database.query<AudienceSyncRow>({
      name: 'audience_syncs_take',
      text: `update audience_syncs set next_at = clock_timestamp() + make_interval(secs => $1::float8 / 1000),
          round_started_at = coalesce(round_started_at, clock_timestamp())
        where id = (select id from audience_syncs where next_at <= clock_timestamp()
          order by next_at limit 1 for update skip locked)
        returning ${ROW}`,
      values: [forMs],
    });
    return row ?? null;
  }

  /** Notes how far the round is, and keeps it. A sync that was changed meanwhile begins anew, and answers null. */
  async advance(sync: AudienceSyncRow, cursor: string | null, forMs: number): Promise<AudienceSyncRow | null> {
    const [row] = await this.database.query<AudienceSyncRow>({
      name: 'audience_syncs_advance',
      text: `update audience_syncs set cursor = $2, next_at = clock_timestamp() + make_interval(secs => $3::float8 / 1000)
        where id = $1 and updated_at = to_timestamp($4::float8 / 1000) returning ${ROW}`,
      values: [sync.id, cursor, forMs, sync.updatedAt],
    });
    return row ?? null;
  }

  /** Ends a round, and says when the next one is due; one that was changed meanwhile is due now. */
  async finish(
    sync: AudienceSyncRow,
    { nextInMs, failure }: { readonly nextInMs: number; readonly failure: string | null },
  ): Promise<void> {
    await this.database.query({
      name: 'audience_syncs_finish',
      text: `update audience_syncs set cursor = null, round_started_at = null, round_ended_at = clock_timestamp(),
          failures = case when $3::text is null then 0 else failures + 1 end, failure = $3,
          next_at = case when updated_at = to_timestamp($4::float8 / 1000)
            then clock_timestamp() + make_interval(secs => $2::float8 / 1000) else clock_timestamp() end
        where id = $1`,
      values: [sync.id, nextInMs, failure, sync.updatedAt],
    });
  }

  /** Forgets an ending sync of whose members none is left at the platform. @returns whether it is gone */
  async removeEnded(id: string): Promise<boolean> {
    const rows = await this.database.query({
      name: 'audience_syncs_remove_ended',
      text: `delete from audience_syncs where id = $1 and state = 'ending'
          and not exists (select from audience_members where sync_id = $1) returning id`,
      values: [id],
    });
    return rows.length > 0;
  }
}
