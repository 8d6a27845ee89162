import { Injectable } from '@nestjs/common';
import type { InstantMs } from '../../core/kernel/instant.js';
import { Database, type Transaction } from '../../platform/database/database.js';
import type { PageRequest } from '../../platform/http/paging.js';

/** What is to be sent again. */
interface NewReplay {
  readonly subscriptionId: string;
  /** Inclusive; null: from the first event that is kept. */
  readonly since: InstantMs | null;
  /** Exclusive; null, or later than now: what is recorded before now. */
  readonly until: InstantMs | null;
  /** Null: all within the time. */
  readonly eventIds: readonly string[] | null;
  readonly isDeadOnly: boolean;
}

export interface ReplayRow extends NewReplay {
  readonly id: string;
  readonly until: InstantMs;
  /** How many messages have been put back so far. */
  readonly queued: number;
  readonly startedAt: InstantMs;
  readonly finishedAt: InstantMs | null;
}

const ROW = `id, subscription_id as "subscriptionId", since, until, event_ids as "eventIds",
  is_dead_only as "isDeadOnly", queued, started_at as "startedAt", finished_at as "finishedAt"`;
const STEP_MAX = 1_000;

/** The only writer of stream_replays. */
@Injectable()
export class ReplaysRepository {
  constructor(private readonly database: Database) {}

  /** @throws DatabaseError on `stream_replays_open` while another one of the subscription is under way */
  async start(transaction: Transaction, replay: NewReplay): Promise<ReplayRow> {
    const [row] = await transaction.query<ReplayRow>({
      text: `insert into stream_replays (subscription_id, since, until, event_ids, is_dead_only)
        values ($1, to_timestamp($2::float8 / 1000), least(to_timestamp($3::float8 / 1000), clock_timestamp()), $4::uuid[],
          $5) returning ${ROW}`,
      values: [replay.subscriptionId, replay.since, replay.until, replay.eventIds, replay.isDeadOnly],
    });
    if (row === undefined) throw new Error('a replay that began was not returned');
    return row;
  }

  /**
   * Puts back the next messages of one replay: as new ones, with the ids of their events. Those that wait for an attempt
   * are left alone, and so is what was dropped.
   *
   * @returns false when no replay is under way that nobody else is at
   */
  async step(): Promise<boolean> {
    const stepped = await this.database.query({
      name: 'stream_replays_step',
      text: `with replay as (
          select * from stream_replays where finished_at is null order by id limit 1 for update skip locked
        ), chosen as (
          select message.subscription_id, message.event_id from replay join stream_messages message
            on message.subscription_id = replay.subscription_id
            and message.event_id > coalesce(replay.cursor, uuidv7_floor(coalesce(replay.since, 'epoch')))
            and message.event_id < uuidv7_floor(replay.until)
            and (replay.event_ids is null or message.event_id = any (replay.event_ids))
            and (message.state = 'dead' or message.state = 'delivered' and not replay.is_dead_only)
          order by message.event_id limit ${STEP_MAX} for update of message
        ), queued as (
          update stream_messages message set state = 'pending', attempts = 0, next_attempt_at = clock_timestamp(),
            settled_at = null, because = null
          from chosen where message.subscription_id = chosen.subscription_id and message.event_id = chosen.event_id
          returning message.event_id
        ), done as (select count(*)::int as n, max(event_id::text)::uuid as last from queued)
        update stream_replays set queued = stream_replays.queued + done.n, cursor = coalesce(done.last, stream_replays.cursor),
          finished_at = case when done.n < ${STEP_MAX} then clock_timestamp() end
        from done, replay where stream_replays.id = replay.id
        returning stream_replays.id`,
    });
    return stepped.length > 0;
  }

  /** Newest first. */
  list(subscriptionId: string, page: PageRequest): Promise<readonly ReplayRow[]> {
    return this.database.query<ReplayRow>({
      text: `select ${ROW} from stream_replays where subscription_id = $1 and ($2::uuid is null or id < $2)
        order by id desc limit $3`,
      values: [subscriptionId, page.after, page.limit],
    });
  }
}
