import { Injectable } from '@nestjs/common';
import type { DurationMs, InstantMs } from '../../core/kernel/instant.js';
import { Database, type Transaction } from '../../platform/database/database.js';
import type { PageRequest } from '../../platform/http/paging.js';

type MessageState = 'pending' | 'delivered' | 'dead' | 'dropped';

/** A message whose turn it is. */
export interface DueMessage {
  readonly eventId: string;
  /** This one included. */
  readonly attempts: number;
  readonly type: string;
  readonly subject: string;
  readonly at: InstantMs;
  /** Null when the person was erased: nothing may be told any more. */
  readonly data: Readonly<Record<string, unknown>> | null;
}

/** One attempt and what came of it. */
export interface NewAttempt {
  readonly id: string;
  readonly subscriptionId: string;
  readonly eventId: string;
  readonly type: string;
  readonly attempt: number;
  readonly isDelivered: boolean;
  readonly status: number | null;
  readonly because: string | null;
  readonly durationMs: number;
  readonly answer: string | null;
}

export interface MessageRow {
  /** Of the event. */
  readonly id: string;
  readonly type: string;
  readonly subject: string;
  readonly at: InstantMs;
  readonly data: Readonly<Record<string, unknown>> | null;
  readonly state: MessageState;
  readonly attempts: number;
  readonly nextAttemptAt: InstantMs | null;
  readonly settledAt: InstantMs | null;
  readonly because: string | null;
}

export interface AttemptRow {
  readonly id: string;
  readonly eventId: string;
  readonly type: string;
  readonly attempt: number;
  readonly state: 'delivered' | 'failed';
  readonly status: number | null;
  readonly because: string | null;
  readonly durationMs: number;
  readonly answer: string | null;
  readonly at: InstantMs;
}

/** Which messages or attempts a list shows; null: all. */
export interface StreamFilter {
  readonly subscriptionId: string;
  readonly state: string | null;
  readonly type: string | null;
  /** Inclusive. */
  readonly since: InstantMs | null;
  /** Exclusive. */
  readonly until: InstantMs | null;
}

/** Several times as long as an attempt may take; then another process takes the message, and the receiver may get it twice. */
const LEASE_SECONDS = 60;

const ATTEMPT_COLUMNS = 'id, at, subscription_id, event_id, type, attempt, state, status, because, duration_ms, answer';
const ATTEMPT_ROW = `id, event_id as "eventId", type, attempt, state, status, because, duration_ms as "durationMs",
  answer, at`;
/** The page `$6`, `$7` of what a filter `$1` to `$5` lets through. */
const inPage = (id: string, type: string, state: string): string => `subscription_id = $1
  and ($2::text is null or ${state} = $2) and ($3::text is null or ${type} = $3)
  and ($4::float8 is null or ${id} >= uuidv7_floor(to_timestamp($4 / 1000)))
  and ($5::float8 is null or ${id} < uuidv7_floor(to_timestamp($5 / 1000)))
  and ($6::uuid is null or ${id} < $6) order by ${id} desc limit $7`;

const valuesOf = (filter: StreamFilter, page: PageRequest): readonly unknown[] => [
  filter.subscriptionId,
  filter.state,
  filter.type,
  filter.since,
  filter.until,
  page.after,
  page.limit,
];

/**
 * What is told to subscribers. Triggers on the tables of facts write stream_events and stream_messages; everything after
 * that is written here only.
 */
@Injectable()
export class MessagesRepository {
  constructor(private readonly database: Database) {}

  /** Takes messages whose turn it is, oldest first, out of the way of others for a minute. */
  async lease(subscriptionId: string, limit: number): Promise<readonly DueMessage[]> {
    return this.database.query<DueMessage>({
      name: 'stream_messages_lease',
      text: `with leased as (
          update stream_messages set attempts = attempts + 1,
            next_attempt_at = clock_timestamp() + interval '${LEASE_SECONDS} seconds'
          -- An array is looked up by the key, where a subquery would be joined with the whole table.
          where subscription_id = $1 and event_id = any (array(select event_id from stream_messages
            where subscription_id = $1 and next_attempt_at <= statement_timestamp()
            order by next_attempt_at, event_id limit $2 for update skip locked))
          returning event_id, attempts
        )
        select leased.event_id as "eventId", leased.attempts, event.type, event.subject, event.at,
          case when person.erased_at is null then event.data end as data
        from leased join stream_events event on event.id = leased.event_id
        left join users person on person.id = event.user_id
        order by leased.event_id`,
      values: [subscriptionId, limit],
    });
  }

  /**
   * Records an attempt and what follows for its message: delivered, another attempt, or none. To record the same attempt
   * again changes nothing. One that succeeded counts also where another process had taken the message meanwhile; one that
   * failed does not.
   *
   * @param inMs until the next attempt; null: there is none
   */
  async settle(attempt: NewAttempt, inMs: DurationMs | null): Promise<void> {
    await this.database.query({
      name: 'stream_messages_settle',
      text: `with attempt as (
          insert into stream_attempts (${ATTEMPT_COLUMNS})
          select $1, uuid_extract_timestamp($1), $2, $3, $4, $5,
            case when $6 then 'delivered' else 'failed' end, $7, $8, $9,
            -- What a receiver says may repeat what it was told of a person.
            case when exists (select from stream_events where id = $3 and data is not null) then $10 end
          on conflict (id) do nothing
        )
        update stream_messages set because = $8,
          state = case when $6 then 'delivered' when $11::float8 is null then 'dead' else 'pending' end,
          next_attempt_at = case when not $6 then clock_timestamp() + make_interval(secs => $11 / 1000) end,
          settled_at = case when $6 or $11 is null then clock_timestamp() end
        where subscription_id = $2 and event_id = $3 and state = 'pending' and ($6 or attempts = $5)`,
      values: [...attemptValues(attempt), inMs],
    });
  }

  /** Records an attempt that belongs to no message: a test. */
  async addAttempt(transaction: Transaction, attempt: NewAttempt): Promise<AttemptRow> {
    const [row] = await transaction.query<AttemptRow>({
      text: `insert into stream_attempts (${ATTEMPT_COLUMNS})
        values ($1, uuid_extract_timestamp($1), $2, $3, $4, $5, case when $6 then 'delivered' else 'failed' end,
          $7, $8, $9, $10)
        returning ${ATTEMPT_ROW}`,
      values: attemptValues(attempt),
    });
    if (row === undefined) throw new Error('a recorded attempt was not returned');
    return row;
  }

  /** Ends a message without an attempt. */
  async drop(subscriptionId: string, eventId: string, because: string): Promise<void> {
    await this.database.query({
      name: 'stream_messages_drop',
      text: `update stream_messages set state = 'dropped', next_attempt_at = null, settled_at = clock_timestamp(),
          because = $3, attempts = attempts - 1
        where subscription_id = $1 and event_id = $2 and state = 'pending'`,
      values: [subscriptionId, eventId, because],
    });
  }

  /** Newest first. */
  messages(filter: StreamFilter, page: PageRequest): Promise<readonly MessageRow[]> {
    return this.database.query<MessageRow>({
      text: `select event_id as id, type, subject, at, data, state, attempts, next_attempt_at as "nextAttemptAt",
          settled_at as "settledAt", because
        from stream_messages join stream_events event on event.id = event_id
        where ${inPage('event_id', 'type', 'state')}`,
      values: valuesOf(filter, page),
    });
  }

  /** Newest first. */
  attempts(filter: StreamFilter, page: PageRequest): Promise<readonly AttemptRow[]> {
    return this.database.query<AttemptRow>({
      text: `select ${ATTEMPT_ROW} from stream_attempts where ${inPage('id', 'type', 'state')}`,
      values: valuesOf(filter, page),
    });
  }

  /** That something was told stays, of whom and what is gone; what was not told yet never will be. */
  async eraseUser(transaction: Transaction, userId: string): Promise<void> {
    await transaction.query({
      text: `with erased as (update stream_events set data = null where user_id = $1 returning id)
        update stream_attempts set answer = null where event_id in (select id from erased)`,
      values: [userId],
    });
  }

  /** Deletes some of what is older than `before`, sent or not. @returns how many rows went */
  async purge(
    table: 'attempts' | 'messages' | 'events' | 'replays',
    before: InstantMs,
    limit: number,
  ): Promise<number> {
    const name = `stream_${table}`;
    const id = table === 'messages' ? 'event_id' : 'id';
    const key = table === 'messages' ? 'subscription_id, event_id' : 'id';
    const rows = await this.database.query({
      text: `delete from ${name} where (${key}) in (select ${key} from ${name}
          where ${id} < uuidv7_floor(to_timestamp($1::float8 / 1000)) limit $2 for update skip locked)
        returning ${id}`,
      values: [before, limit],
    });
    return rows.length;
  }
}

const attemptValues = (attempt: NewAttempt): readonly unknown[] => [
  attempt.id,
  attempt.subscriptionId,
  attempt.eventId,
  attempt.type,
  attempt.attempt,
  attempt.isDelivered,
  attempt.status,
  attempt.because,
  attempt.durationMs,
  attempt.answer,
];
