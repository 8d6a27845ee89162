import { Injectable } from '@nestjs/common';
import type { DurationMs, InstantMs } from '../../core/kernel/instant.js';
import { Database, type Queryable, type Transaction } from '../../platform/database/database.js';
import type { PageRequest } from '../../platform/http/paging.js';
import type { EventFormat } from './event-message.js';

type SubscriptionState = 'active' | 'paused' | 'disabled';

interface SubscriptionFields {
  readonly name: string;
  /** Key of the webhook endpoint that has the address and the secret. */
  readonly endpoint: string;
  readonly types: readonly string[];
  readonly format: EventFormat;
}

export interface SubscriptionRow extends SubscriptionFields {
  readonly id: string;
  readonly key: string;
  readonly state: SubscriptionState;
  /** Why it is disabled, or was paused by nobody. */
  readonly reason: string | null;
  /** Since when every attempt failed; null: the last one succeeded, or there was none. */
  readonly failingSince: InstantMs | null;
  /** Null once the rest is over. */
  readonly heldUntil: InstantMs | null;
  /** How often in a row the receiver had too much. */
  readonly slowed: number;
  readonly createdAt: InstantMs;
  readonly updatedAt: InstantMs;
}

const ROW = `id, key, name, endpoint, types, format, state, reason, slowed, failing_since as "failingSince",
  case when held_until > statement_timestamp() then held_until end as "heldUntil",
  created_at as "createdAt", updated_at as "updatedAt"`;

/** Write what is to be told; off until somebody wants to be told of anything. */
const TRIGGERS = [
  'decisions_told',
  'deliveries_told_first',
  'deliveries_told',
  'contact_outcomes_told',
  'consent_records_told',
];

/** Whether what failed so far says nothing about what comes: of an update of a subscription to the state $6. */
const IS_ANEW = `($6 = 'active' and state <> 'active' or endpoint <> $3)`;

/** Whether its messages may leave now. */
const IS_SENDABLE = `state = 'active' and (held_until is null or held_until <= statement_timestamp())`;

/** The only writer of event_subscriptions. */
@Injectable()
export class SubscriptionsRepository {
  constructor(private readonly database: Database) {}

  /**
   * Makes sure that facts are told from now on, at the latest when this resolves. The first time this waits, table by
   * table, for the transactions that write facts just then; never two tables at once, so that nobody waits in a circle.
   *
   * @throws DatabaseError when a transaction keeps a table for too long
   */
  async listen(): Promise<void> {
    const silent = await this.database.query<{ table: string; trigger: string }>({
      text: `select tgrelid::regclass::text as table, quote_ident(tgname) as trigger from pg_trigger
        where tgname = any ($1) and tgenabled = 'D' and tgparentid = 0`,
      values: [TRIGGERS],
    });
    for (const { table, trigger } of silent) {
      await this.database.query({ text: `alter table ${table} enable trigger ${trigger}` });
    }
  }

  /**
   * @param max how many there may be in all; each makes every fact a little dearer
   * @returns null when there are as many already
   * @throws DatabaseError on `event_subscriptions_key_key` when the key is taken
   */
  async insert(
    transaction: Transaction,
    { key, name, endpoint, types, format }: SubscriptionFields & { readonly key: string },
    max: number,
  ): Promise<SubscriptionRow | null> {
    const [row] = await transaction.query<SubscriptionRow>({
      text: `insert into event_subscriptions (key, name, endpoint, types, format)
        select $1, $2, $3, $4, $5 where (select count(*) from event_subscriptions) < $6 returning ${ROW}`,
      values: [key, name, endpoint, types, format, max],
    });
    return row ?? null;
  }

  async lock(transaction: Transaction, key: string): Promise<SubscriptionRow | null> {
    const [row] = await transaction.query<SubscriptionRow>({
      text: `select ${ROW} from event_subscriptions where key = $1 for update`,
      values: [key],
    });
    return row ?? null;
  }

  /** A subscription that is made active begins without a rest; it and a new address begin without a failure. */
  async update(
    transaction: Transaction,
    id: string,
    fields: SubscriptionFields & { readonly state: SubscriptionState; readonly reason: string | null },
  ): Promise<SubscriptionRow> {
    const [row] = await transaction.query<SubscriptionRow>({
      text: `update event_subscriptions set name = $2, endpoint = $3, types = $4, format = $5, state = $6, reason = $7,
          held_until = case when $6 = 'active' and state <> 'active' then null else held_until end,
          slowed = case when $6 = 'active' and state <> 'active' then 0 else slowed end,
          failing_since = case when ${IS_ANEW} then null else failing_since end,
          failed_attempts = case when ${IS_ANEW} then 0 else failed_attempts end,
          updated_at = clock_timestamp()
        where id = $1 returning ${ROW}`,
      values: [id, fields.name, fields.endpoint, fields.types, fields.format, fields.state, fields.reason],
    });
    if (row === undefined) throw new Error('a locked subscription was not returned');
    return row;
  }

  /** What it was owed is sent no more, and goes when its time is over. */
  async remove(transaction: Transaction, key: string): Promise<boolean> {
    const rows = await transaction.query({
      text: 'delete from event_subscriptions where key = $1 returning id',
      values: [key],
    });
    return rows.length > 0;
  }

  async find(key: string, queryable: Queryable = this.database): Promise<SubscriptionRow | null> {
    const [row] = await queryable.query<SubscriptionRow>({
      text: `select ${ROW} from event_subscriptions where key = $1`,
      values: [key],
    });
    return row ?? null;
  }

  /** Newest first. */
  list(page: PageRequest): Promise<readonly SubscriptionRow[]> {
    return this.database.query<SubscriptionRow>({
      text: `select ${ROW} from event_subscriptions where $1::uuid is null or id < $1 order by id desc limit $2`,
      values: [page.after, page.limit],
    });
  }

  /** Those for which something is to be sent now. */
  async due(): Promise<readonly string[]> {
    const rows = await this.database.query<{ id: string }>({
      name: 'event_subscriptions_due',
      text: `select id from event_subscriptions subscription where ${IS_SENDABLE} and exists (
          select from stream_messages message where message.subscription_id = subscription.id
            and message.next_attempt_at <= statement_timestamp())`,
    });
    return rows.map(({ id }) => id);
  }

  /** @returns null when nothing of it may leave now */
  async findSendable(id: string): Promise<SubscriptionRow | null> {
    const [row] = await this.database.query<SubscriptionRow>({
      name: 'event_subscriptions_sendable',
      text: `select ${ROW} from event_subscriptions where id = $1 and ${IS_SENDABLE}`,
      values: [id],
    });
    return row ?? null;
  }

  /** Lets all its messages rest. @param slowed as it was when they were sent: attempts made at one time count once */
  async rest(id: string, { slowed, forMs }: { readonly slowed: number; readonly forMs: DurationMs }): Promise<void> {
    await this.database.query({
      name: 'event_subscriptions_rest',
      text: `update event_subscriptions set slowed = $2 + 1, held_until = greatest(held_until,
          clock_timestamp() + make_interval(secs => $3::float8 / 1000)) where id = $1`,
      values: [id, slowed, forMs],
    });
  }

  /** Takes back one rest: the receiver can have a little more. */
  async ease(id: string): Promise<void> {
    await this.database.query({
      name: 'event_subscriptions_ease',
      text: 'update event_subscriptions set slowed = slowed - 1 where id = $1 and slowed > 0',
      values: [id],
    });
  }

  /** Every attempt failed just now. @returns since how long, and how often; null when it is gone */
  async fail(
    id: string,
    attempts: number,
  ): Promise<{ readonly failingMs: DurationMs; readonly failedAttempts: number } | null> {
    const [row] = await this.database.query<{ failingMs: DurationMs; failedAttempts: number }>({
      name: 'event_subscriptions_fail',
      text: `update event_subscriptions set failing_since = coalesce(failing_since, clock_timestamp()),
          failed_attempts = failed_attempts + $2
        where id = $1
        returning (extract(epoch from clock_timestamp() - failing_since) * 1000)::float8 as "failingMs",
          failed_attempts as "failedAttempts"`,
      values: [id, attempts],
    });
    return row ?? null;
  }

  /** An attempt succeeded. */
  async recover(id: string): Promise<void> {
    await this.database.query({
      name: 'event_subscriptions_recover',
      text: 'update event_subscriptions set failing_since = null, failed_attempts = 0 where id = $1',
      values: [id],
    });
  }

  /** @returns null when it has recovered, or is not active any more */
  async pauseFailing(transaction: Transaction, id: string): Promise<SubscriptionRow | null> {
    const [row] = await transaction.query<SubscriptionRow>({
      text: `update event_subscriptions set state = 'paused', reason = 'failing', updated_at = clock_timestamp()
        where id = $1 and state = 'active' and failing_since is not null returning ${ROW}`,
      values: [id],
    });
    return row ?? null;
  }

  /** @param because a code; nobody but an operator makes it active again */
  async disable(id: string, because: string): Promise<void> {
    await this.database.query({
      name: 'event_subscriptions_disable',
      text: `update event_subscriptions set state = 'disabled', reason = $2, updated_at = clock_timestamp()
        where id = $1 and state <> 'disabled'`,
      values: [id, because],
    });
  }
}
