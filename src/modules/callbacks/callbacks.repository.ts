import { Injectable } from '@nestjs/common';
import type { InstantMs } from '../../core/kernel/instant.js';
import { Database, type Transaction } from '../../platform/database/database.js';
import type { PageRequest } from '../../platform/http/paging.js';
import type { ProviderKind } from '../providers/index.js';
import { isHeard, type CallbackEvent, type CallbackKind } from './callback-event.js';

type CallbackState = 'received' | 'applied' | 'unmatched' | 'ignored';

/** Where events came in. */
export interface CallbackSource {
  readonly accountKey: string;
  readonly scheme: ProviderKind;
  readonly channel: string;
}

/** An event whose turn it is. */
export interface DueCallback extends CallbackSource {
  readonly id: string;
  readonly kind: CallbackKind;
  readonly deliveryId: string | null;
  readonly providerMessageId: string | null;
  /** When it happened, by the provider; null where it does not say. */
  readonly at: InstantMs | null;
  readonly detail: string | null;
  readonly receivedAt: InstantMs;
  /** This one included. */
  readonly attempts: number;
}

export interface CallbackRow extends Omit<DueCallback, 'attempts'> {
  readonly providerEventId: string;
  readonly name: string;
  readonly state: CallbackState;
  readonly attempts: number;
  readonly appliedAt: InstantMs | null;
  readonly nextAttemptAt: InstantMs | null;
}

export interface CallbackFilter {
  readonly accountKey: string | null;
  readonly state: string | null;
  readonly kind: string | null;
  readonly deliveryId: string | null;
}

const COLUMNS = `id, account_key as "accountKey", scheme, channel, kind, delivery_id as "deliveryId",
  provider_message_id as "providerMessageId", at, payload ->> 'detail' as detail, received_at as "receivedAt", attempts`;

/** How long whoever took an event may be at it before somebody else takes it. */
const LEASE_SECONDS = 60;
/** A delivery that is not known a day after is not going to be. */
const KEPT_FOR = `interval '1 day'`;

/** The only writer of provider_callbacks and callback_tokens. */
@Injectable()
export class CallbacksRepository {
  constructor(private readonly database: Database) {}

  /**
   * Stores all events of one request that are not known yet, in one statement.
   *
   * @param onceToken makes a request with the same word store nothing; null: the ids of the events do
   * @param isDone nothing more is to be done about them
   * @returns how many were new
   */
  async store(
    source: CallbackSource,
    events: readonly CallbackEvent[],
    { onceToken, isDone }: { readonly onceToken: string | null; readonly isDone: boolean },
  ): Promise<number> {
    const stored = await this.database.query({
      name: 'callbacks_store',
      text: `with token as (
          insert into callback_tokens (account_key, token) select $1, $4 where $4::text is not null
          on conflict do nothing returning 1
        )
        insert into provider_callbacks (account_key, scheme, channel, provider_event_id, kind, delivery_id,
          provider_message_id, at, payload, state, next_attempt_at, applied_at)
        select $1, $2, $3, id, kind, delivery_id, message_id, to_timestamp(at / 1000), payload, state,
          case when state = 'received' then date_trunc('milliseconds', clock_timestamp()) end, case when state = 'applied' then clock_timestamp() end
        from unnest($5::text[], $6::text[], $7::uuid[], $8::text[], $9::float8[], $10::jsonb[], $11::text[])
          as event (id, kind, delivery_id, message_id, at, payload, state)
        where $4::text is null or exists (select from token)
        on conflict (account_key, provider_event_id) do nothing
        returning id`,
      values: [
        source.accountKey,
        source.scheme,
        source.channel,
        onceToken,
        events.map(({ id }) => id),
        events.map(({ kind }) => kind),
        events.map(({ deliveryId }) => deliveryId),
        events.map(({ providerMessageId }) => providerMessageId),
        events.map(({ at }) => at),
        events.map(({ name, detail }) => JSON.stringify({ name, ...(detail === null ? {} : { detail }) })),
        events.map((event) => (isDone ? 'applied' : stateAtFirst(event))),
      ],
    });
    return stored.length;
  }

  /** Takes events whose turn it is, in the order in which they came, out of the way of others for a minute. */
  async lease(limit: number): Promise<readonly DueCallback[]> {
    const leased = await this.database.query<DueCallback>({
      name: 'callbacks_lease',
      text: `update provider_callbacks set attempts = attempts + 1,
          next_attempt_at = clock_timestamp() + interval '${LEASE_SECONDS} seconds'
        -- An array is looked up by the key, where a subquery would be joined with the whole table.
        where id = any (array(select id from provider_callbacks where next_attempt_at <= statement_timestamp()
          order by next_attempt_at, id limit $1 for update skip locked))
        returning ${COLUMNS}`,
      values: [limit],
    });
    return leased.toSorted((one, other) => (one.id < other.id ? -1 : 1));
  }

  /**
   * Marks events as applied, together with what follows from them. The reason is not needed any more: the delivery has it.
   *
   * @returns the kind of each that nobody had applied before
   */
  async finish(
    transaction: Transaction,
    { ids, deliveryId }: { readonly ids: readonly string[]; readonly deliveryId: string },
  ): Promise<readonly CallbackKind[]> {
    const finished = await transaction.query<{ kind: CallbackKind }>({
      name: 'callbacks_finish',
      text: `update provider_callbacks set state = 'applied', delivery_id = $2, next_attempt_at = null,
          applied_at = clock_timestamp(), payload = payload - 'detail'
        where id = any ($1) and state in ('received', 'unmatched') returning kind`,
      values: [ids, deliveryId],
    });
    return finished.map(({ kind }) => kind);
  }

  /** Nobody knows the message yet: they are tried again after `gapMs`, unless their day is over. */
  async putOff(ids: readonly string[], gapMs: number): Promise<void> {
    await this.database.query({
      name: 'callbacks_put_off',
      text: `update provider_callbacks set state = 'unmatched', next_attempt_at = case
          when clock_timestamp() + make_interval(secs => $2::float8 / 1000) < received_at + ${KEPT_FOR}
          then clock_timestamp() + make_interval(secs => $2::float8 / 1000) end
        where id = any ($1) and state in ('received', 'unmatched')`,
      values: [ids, gapMs],
    });
  }

  /** Newest first. */
  list(filter: CallbackFilter, page: PageRequest): Promise<readonly CallbackRow[]> {
    return this.database.query<CallbackRow>({
      text: `select ${COLUMNS}, provider_event_id as "providerEventId", payload ->> 'name' as name, state,
          applied_at as "appliedAt", next_attempt_at as "nextAttemptAt"
        from provider_callbacks
        where ($1::text is null or account_key = $1) and ($2::text is null or state = $2)
          and ($3::text is null or kind = $3) and ($4::uuid is null or delivery_id = $4)
          and ($5::uuid is null or id < $5)
        order by id desc limit $6`,
      values: [filter.accountKey, filter.state, filter.kind, filter.deliveryId, page.after, page.limit],
    });
  }

  /** Of those with which nothing more is to be done. @returns how many were deleted */
  async purge(before: InstantMs, limit: number): Promise<number> {
    const purged = await this.database.query({
      text: `delete from provider_callbacks where id in (select id from provider_callbacks
          where id < uuidv7_floor(to_timestamp($1::float8 / 1000)) and next_attempt_at is null order by id limit $2 for update skip locked)
        returning id`,
      values: [before, limit],
    });
    return purged.length;
  }

  /** @returns how many were deleted */
  async purgeTokens(before: InstantMs, limit: number): Promise<number> {
    const purged = await this.database.query({
      text: `delete from callback_tokens where (account_key, token) in (select account_key, token from callback_tokens
          where seen_at < to_timestamp($1::float8 / 1000) order by seen_at limit $2 for update skip locked)
        returning token`,
      values: [before, limit],
    });
    return purged.length;
  }
}

/** What names no message can never be matched with one, and is there to be seen only. */
function stateAtFirst({ kind, deliveryId, providerMessageId }: CallbackEvent): CallbackState {
  if (!isHeard(kind)) return 'ignored';
  return deliveryId === null && providerMessageId === null ? 'unmatched' : 'received';
}
