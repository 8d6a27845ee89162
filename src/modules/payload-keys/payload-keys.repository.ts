import { Injectable } from '@nestjs/common';
import { Database, type Transaction } from '../../platform/database/database.js';

/** The only writer of payload_keys. */
@Injectable()
export class PayloadKeysRepository {
  constructor(private readonly database: Database) {}

  async find(userId: string): Promise<string | null> {
    const [row] = await this.database.query<{ sealed: string }>({
      name: 'payload_keys_find',
      text: 'select sealed_key as sealed from payload_keys where user_id = $1',
      values: [userId],
    });
    return row?.sealed ?? null;
  }

  /** Gives the user this key unless there is one. @returns null for a user who is not there, or is forgotten */
  async ensure(userId: string, sealed: string): Promise<string | null> {
    await this.database.query({
      name: 'payload_keys_ensure',
      text: `insert into payload_keys (user_id, sealed_key)
        select id, $2 from users where id = $1 and erased_at is null on conflict do nothing`,
      values: [userId, sealed],
    });
    return this.find(userId);
  }

  async doom(transaction: Transaction, userId: string): Promise<void> {
    await transaction.query({
      text: 'update payload_keys set doomed_at = clock_timestamp() where user_id = $1 and doomed_at is null',
      values: [userId],
    });
  }

  /**
   * Keys that nothing needs any more: every run of the user ended a while ago, or the key has been doomed for so long
   * that what still runs is to be given up.
   */
  due(
    limit: number,
    { settledSeconds, patienceSeconds }: { readonly settledSeconds: number; readonly patienceSeconds: number },
  ): Promise<readonly { readonly userId: string; readonly runKeys: readonly string[] }[]> {
    return this.database.query({
      name: 'payload_keys_due',
      text: `select payload_key.user_id as "userId",
          coalesce((select array_agg(run_key) from journey_entries entry where entry.user_id = payload_key.user_id), '{}')
            as "runKeys"
        from payload_keys payload_key
        where doomed_at is not null and (
          doomed_at < clock_timestamp() - make_interval(secs => $2)
          or not exists (
            select from journey_entries entry where entry.user_id = payload_key.user_id and (entry.ended_at is null
              or greatest(entry.ended_at, payload_key.doomed_at) > clock_timestamp() - make_interval(secs => $3))))
        order by doomed_at limit $1`,
      values: [limit, patienceSeconds, settledSeconds],
    });
  }

  async destroy(userId: string): Promise<void> {
    await this.database.query({
      text: 'delete from payload_keys where user_id = $1 and doomed_at is not null',
      values: [userId],
    });
  }
}
