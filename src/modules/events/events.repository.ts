import { Injectable } from '@nestjs/common';
import type { InstantMs } from '../../core/kernel/instant.js';
import { Database, type Queryable, type Transaction } from '../../platform/database/database.js';
import type { PageRequest } from '../../platform/http/paging.js';

/** One event to store. */
export interface NewEventRow {
  readonly id: string;
  readonly userId: string;
  readonly messageId: string;
  readonly type: string;
  readonly name: string;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly context: Readonly<Record<string, unknown>>;
  readonly occurredAt: InstantMs;
  readonly receivedAt: InstantMs;
  readonly clockDomain: string;
}

export type EventRow = NewEventRow;

/** As much of an event as a run may see: what it returns goes into histories, which hold no personal data. */
export type FoundEventRow = Pick<EventRow, 'messageId' | 'name' | 'occurredAt'>;

/** An event whose properties are still to be looked at. */
type CandidateEventRow = FoundEventRow & Pick<EventRow, 'properties'>;

/** Which events of a user are looked for. A virtual domain also sees what really happened. */
export interface EventSearch {
  readonly userId: string;
  readonly names: readonly string[];
  /** Exclusive. */
  readonly after: InstantMs;
  /** Inclusive. */
  readonly until: InstantMs;
  readonly clockDomain: string;
}

const ROW = `id, user_id as "userId", message_id as "messageId", event_type as type, event_name as name, properties,
  context, occurred_at as "occurredAt", received_at as "receivedAt", clock_domain as "clockDomain"`;

/** The only writer of events and event_keys. */
@Injectable()
export class EventsRepository {
  constructor(private readonly database: Database) {}

  /**
   * Takes the message ids that nobody took before. A partitioned table cannot keep them unique by itself, so they have a
   * table of their own, written in the same transaction.
   *
   * @returns the ids of the events that are new
   */
  async takeKeys(transaction: Transaction, events: readonly NewEventRow[]): Promise<ReadonlySet<string>> {
    const rows = await transaction.query<{ id: string }>({
      name: 'event_keys_take',
      // In one order everywhere, so that two batches with the same ids cannot wait for each other.
      text: `insert into event_keys (message_id, event_id, received_at)
        select message_id, event_id, clock_timestamp()
        from unnest($1::text[], $2::uuid[]) as item (message_id, event_id) order by message_id
        on conflict (message_id) do nothing returning event_id as id`,
      values: [events.map(({ messageId }) => messageId), events.map(({ id }) => id)],
    });
    return new Set(rows.map(({ id }) => id));
  }

  async insert(transaction: Transaction, events: readonly NewEventRow[]): Promise<void> {
    await transaction.query({
      name: 'events_insert',
      text: `insert into events (id, user_id, message_id, event_type, event_name, properties, context, occurred_at,
          received_at, clock_domain)
        select id, user_id, message_id, type, name, properties, context, to_timestamp(occurred_at / 1000),
          to_timestamp(received_at / 1000), clock_domain
        from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::jsonb[], $7::jsonb[],
          $8::float8[], $9::float8[], $10::text[]) as item (id, user_id, message_id, type, name, properties, context,
          occurred_at, received_at, clock_domain)`,
      values: [
        events.map(({ id }) => id),
        events.map(({ userId }) => userId),
        events.map(({ messageId }) => messageId),
        events.map(({ type }) => type),
        events.map(({ name }) => name),
        events.map(({ properties }) => JSON.stringify(properties)),
        events.map(({ context }) => JSON.stringify(context)),
        events.map(({ occurredAt }) => occurredAt),
        events.map(({ receivedAt }) => receivedAt),
        events.map(({ clockDomain }) => clockDomain),
      ],
    });
  }

  /** Newest first. */
  list(
    filter: { readonly userId: string; readonly name: string | null },
    page: PageRequest,
  ): Promise<readonly EventRow[]> {
    return this.database.query<EventRow>({
      text: `select ${ROW} from events
        where user_id = $1 and ($2::text is null or event_name = $2) and ($3::uuid is null or id < $3)
        order by id desc limit $4`,
      values: [filter.userId, filter.name, page.after, page.limit],
    });
  }

  /** The first event of one of these names in (after, until], by the time at which it happened, then by message id. */
  async findFirst(queryable: Queryable, search: EventSearch): Promise<FoundEventRow | null> {
    const [row] = await queryable.query<FoundEventRow>({
      name: 'events_find_first',
      text: `select message_id as "messageId", event_name as name, occurred_at as "occurredAt" from events
        where user_id = $1 and event_name = any ($2) and occurred_at > to_timestamp($3::float8 / 1000)
          and occurred_at <= to_timestamp($4::float8 / 1000) and clock_domain in ('real', $5)
        order by occurred_at, message_id limit 1`,
      values: [search.userId, search.names, search.after, search.until, search.clockDomain],
    });
    return row ?? null;
  }

  /**
   * Events of some names in (after, until], by the time at which they happened, then by message id, with what conditions
   * read. A page of them: from the beginning, or behind the event `behind`.
   */
  async inOrder(
    queryable: Queryable,
    search: EventSearch,
    behind: FoundEventRow | null,
    limit: number,
  ): Promise<readonly CandidateEventRow[]> {
    return queryable.query<CandidateEventRow>({
      name: 'events_in_order',
      text: `select message_id as "messageId", event_name as name, occurred_at as "occurredAt", properties from events
        where user_id = $1 and event_name = any ($2) and occurred_at > to_timestamp($3::float8 / 1000)
          and occurred_at <= to_timestamp($4::float8 / 1000) and clock_domain in ('real', $5)
          and ($6::float8 is null or (occurred_at, message_id) > (to_timestamp($6 / 1000), $7::text))
        order by occurred_at, message_id limit $8`,
      values: [
        search.userId,
        search.names,
        search.after,
        search.until,
        search.clockDomain,
        behind?.occurredAt ?? null,
        behind?.messageId ?? null,
        limit,
      ],
    });
  }

  /** The keys stay: a late copy of an erased event must not come in as new. */
  async eraseUser(transaction: Transaction, userId: string): Promise<void> {
    await transaction.query({ text: 'delete from events where user_id = $1', values: [userId] });
  }
}
