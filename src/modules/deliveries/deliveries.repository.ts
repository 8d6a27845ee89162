import { Injectable } from '@nestjs/common';
import { statesBefore, type DeliveryState } from '../../core/delivery/delivery-state.js';
import type { TrackingResult } from '../../core/content/tracking.js';
import type { InstantMs } from '../../core/kernel/instant.js';
import { Database, type Queryable, type Transaction } from '../../platform/database/database.js';
import { DELIVERY_COLUMNS } from './delivery-columns.js';
import type { Askable } from './look-ups.repository.js';

export interface NewClaim {
  readonly deliveryId: string;
  /** Hash of (run key, step, visit): one delivery for each, however often it is asked for. */
  readonly idempotencyKey: string;
  readonly userId: string;
  readonly decisionId: string;
  readonly runKey: string;
  readonly stepId: string;
  readonly visit: number;
  readonly journeyKey: string;
  readonly channel: string;
  readonly provider: string;
  readonly action: string;
  readonly template: string;
  readonly templateVersion: number;
  readonly purpose: string;
  readonly tags: readonly string[];
  /** Whether it uses up quota: what rests on a contract does not. */
  readonly isCounted: boolean;
  /** Group of the action at the time of the contact. */
  readonly actionGroup: string | null;
  readonly address: string;
  readonly attemptToken: string;
  /** How long the attempt may be alive, by the database's clock. */
  readonly aliveMs: number;
  readonly clockDomain: string;
  readonly claimedAt: InstantMs;
  /** Of e-mail that is watched over; left out or null for all else. */
  readonly sendingDomain?: string | null;
  /** How often the account asks its price: once, or for each part of a text; left out: once. */
  readonly parts?: number;
  /** Left out: its template asks for nothing. */
  readonly tracking?: TrackingResult;
  /** Left out or null: its provider knows it by our id, or cannot be asked. */
  readonly contentHash?: string | null;
}

export interface DeliveryRow {
  readonly id: string;
  readonly userId: string;
  readonly decisionId: string;
  readonly runKey: string;
  readonly stepId: string;
  readonly visit: number;
  readonly channel: string;
  readonly provider: string;
  readonly action: string;
  readonly template: string;
  readonly templateVersion: number;
  readonly purpose: string;
  readonly state: DeliveryState;
  readonly attempt: number;
  readonly providerMessageId: string | null;
  readonly failure: string | null;
  readonly clockDomain: string;
  readonly claimedAt: InstantMs;
  readonly settledAt: InstantMs | null;
  /** How often its providers told that it was opened, and that a link in it was followed. */
  readonly openCount: number;
  readonly clickCount: number;
  /** What its account asks for it; null where nobody said. */
  readonly cost: number | null;
  readonly tracking: TrackingResult;
  /** Milliseconds until the attempt can no longer be alive; negative when it is over. */
  readonly aliveForMs: number;
  /** Whether the open attempt is known to have ended without an answer, and its provider is asked about it. */
  readonly isInDoubt: boolean;
}

export interface Settlement {
  readonly deliveryId: string;
  /** Only the attempt that claimed may settle, or the settler after its deadline. */
  readonly attemptToken: string;
  readonly state: Extract<DeliveryState, 'sent' | 'failed' | 'unknown' | 'released'>;
  readonly providerMessageId: string | null;
  readonly failure: string | null;
}

/** What was heard of a message, from its provider or from anybody else. */
export interface DeliveryWord {
  readonly deliveryId: string;
  readonly state: Extract<DeliveryState, 'sent' | 'failed' | 'delivered' | 'bounced' | 'complained'>;
  /** In the provider's words, which may hold personal data: not kept for a person who was erased. */
  readonly failure: string | null;
}

/** What a provider tells of a message to say which one it means. */
export interface ProviderWord {
  /** Of ours, where the provider carries it back. */
  readonly deliveryId: string | null;
  readonly providerMessageId: string | null;
  readonly channel: string;
  /** Null: whoever carried it. */
  readonly provider: string | null;
}

/** The contact behind a delivery, as far as what becomes of it is concerned. */
export interface DeliveredContact {
  readonly id: string;
  readonly userId: string;
  readonly decisionId: string;
  readonly channel: string;
  readonly purpose: string;
  readonly action: string;
  /** Group of the action at the time of the contact; null too where it uses up no quota. */
  readonly actionGroup: string | null;
  /** Whether it uses up quota: what rests on a contract does not. */
  readonly isCounted: boolean;
  /** Null once the person is erased. */
  readonly address: string | null;
  readonly state: DeliveryState;
  readonly clockDomain: string;
  readonly claimedAt: InstantMs;
}

/** States that can be heard of a message before its own attempt has its answer. */
const HEARD: readonly DeliveryState[] = ['sent', 'failed', 'delivered', 'bounced', 'complained'];

const ROW = `${DELIVERY_COLUMNS}, (extract(epoch from deadline_at - clock_timestamp()) * 1000)::float8 as "aliveForMs",
  state = 'sending' and ask_at is not null as "isInDoubt"`;

/** The only writer of deliveries and of the contact ledger: a contact counts from its claim on. */
@Injectable()
export class DeliveriesRepository {
  constructor(private readonly database: Database) {}

  /**
   * Writes the delivery and its line in the ledger, under the user's lock. An attempt that was given back may be
   * claimed again; in any other state the delivery exists already and nothing is written.
   *
   * @returns the claimed delivery (an earlier attempt's id, if there was one), or null when it exists already
   */
  async claim(transaction: Transaction, claim: NewClaim): Promise<{ id: string; attempt: number } | null> {
    const [row] = await transaction.query<{ id: string; attempt: number }>({
      name: 'deliveries_claim',
      text: `with claimed as (
          insert into deliveries as delivery (id, idempotency_key, user_id, decision_id, run_key, step_id, visit,
            channel, provider, action, template, template_version, purpose, address, state, attempt_token,
            deadline_at, clock_domain, claimed_at, tracking, content_hash, sending_domain, cost)
          values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 'sending', $15,
            clock_timestamp() + make_interval(secs => $16::float8 / 1000), $17, to_timestamp($18::float8 / 1000), $23, $24, $25,
            (select account.cost * $26::int from provider_accounts account where account.key = $9))
          on conflict (idempotency_key) do update set state = 'sending', attempt = delivery.attempt + 1,
            decision_id = excluded.decision_id, channel = excluded.channel, provider = excluded.provider,
            action = excluded.action, template = excluded.template, template_version = excluded.template_version,
            purpose = excluded.purpose, address = excluded.address, attempt_token = excluded.attempt_token,
            deadline_at = excluded.deadline_at, claimed_at = excluded.claimed_at, tracking = excluded.tracking, settled_at = null, failure = null, is_refused = false,
            content_hash = excluded.content_hash, sending_domain = excluded.sending_domain, cost = excluded.cost, attempted_at = clock_timestamp(), ask_at = null, asks = 0, misses = 0,
            updated_at = clock_timestamp()
          where delivery.state = 'released'
          returning id, attempt, user_id, decision_id, claimed_at, channel, purpose, clock_domain
        ), ledger as (
          insert into contact_ledger (delivery_id, user_id, decision_id, at, channel, purpose, clock_domain,
            journey_key, tags, action, action_group)
          select claimed.*, $19, $20::text[], $10, $22 from (
            select id, user_id, decision_id, claimed_at, channel, purpose, clock_domain from claimed where $21) claimed
          on conflict (delivery_id) do update set state = 'sending', decision_id = excluded.decision_id,
            at = excluded.at, channel = excluded.channel, purpose = excluded.purpose, tags = excluded.tags,
            action = excluded.action, action_group = excluded.action_group
        ), given_up as (
          -- The line of an earlier attempt that counted: this contact must not be told in its words.
          delete from contact_ledger where not $21 and delivery_id in (select id from claimed)
        )
        select id, attempt from claimed`,
      values: [
        claim.deliveryId,
        claim.idempotencyKey,
        claim.userId,
        claim.decisionId,
        claim.runKey,
        claim.stepId,
        claim.visit,
        claim.channel,
        claim.provider,
        claim.action,
        claim.template,
        claim.templateVersion,
        claim.purpose,
        claim.address,
        claim.attemptToken,
        claim.aliveMs,
        claim.clockDomain,
        claim.claimedAt,
        claim.journeyKey,
        claim.tags,
        claim.isCounted,
        claim.actionGroup,
        claim.tracking ?? 'not_asked',
        claim.contentHash ?? null,
        claim.sendingDomain ?? null,
        claim.parts ?? 1,
      ],
    });
    return row ?? null;
  }

  /**
   * Records how an attempt ended, in the ledger too: which states give a contact back is for each rule to say.
   * An `unknown` that turns out to have been sent or refused may still be settled by its own attempt. Word of the message
   * that came before the provider's answer (`advance`) stands. To settle the same attempt once more changes nothing: whose
   * connection broke cannot know whether the first time succeeded.
   *
   * @returns the state that now holds, or null when the attempt was not the one that is open
   */
  async settle(settlement: Settlement, queryable: Queryable = this.database): Promise<DeliveryState | null> {
    const [row] = await queryable.query<{ state: DeliveryState }>({
      name: 'deliveries_settle',
      text: `with settled as (
          update deliveries set state = case when state = any ($6) then $3 else state end,
            failure = case when state = any ($6) then $5 else failure end,
            is_refused = case when state = any ($6) then $3 = 'failed' else is_refused end,
            provider_message_id = coalesce($4, provider_message_id), settled_at = clock_timestamp(),
            updated_at = clock_timestamp()
          where id = $1 and attempt_token = $2 and state = any ($6::text[] || $7::text[])
          returning id, state
        ), ledger as (
          update contact_ledger ledger set state = settled.state from settled where ledger.delivery_id = settled.id
        )
        select state from settled`,
      values: [
        settlement.deliveryId,
        settlement.attemptToken,
        settlement.state,
        settlement.providerMessageId,
        settlement.failure,
        statesBefore(settlement.state),
        HEARD,
      ],
    });
    return row?.state ?? this.settledBefore(settlement, queryable);
  }

  /** Its own statement: one that waited for the row sees it as it was before the wait. */
  private async settledBefore(
    { deliveryId, attemptToken, state }: Settlement,
    queryable: Queryable,
  ): Promise<DeliveryState | null> {
    const [row] = await queryable.query<{ state: DeliveryState }>({
      name: 'deliveries_settled_before',
      text: 'select state from deliveries where id = $1 and attempt_token = $2 and state = $3',
      values: [deliveryId, attemptToken, state],
    });
    return row?.state ?? null;
  }

  /**
   * Moves a delivery to what was heard of it, in the ledger too; where it stands is no worse than that already, it stays.
   * What an attempt that may be alive records later does not undo it.
   *
   * @returns whether it moved
   */
  async advance(transaction: Transaction, word: DeliveryWord): Promise<boolean> {
    const moved = await transaction.query({
      name: 'deliveries_advance',
      text: `with moved as (
          update deliveries set state = $2, failure = case when address is null then null else coalesce($3, failure) end,
            settled_at = coalesce(settled_at, clock_timestamp()), updated_at = clock_timestamp()
          where id = $1 and state = any ($4)
          returning id, state
        ), ledger as (
          update contact_ledger ledger set state = moved.state from moved where ledger.delivery_id = moved.id
        )
        select id from moved`,
      values: [word.deliveryId, word.state, word.failure, statesBefore(word.state)],
    });
    return moved.length > 0;
  }

  /** @returns null when there is no such delivery */
  async findContact(id: string, queryable: Queryable = this.database): Promise<DeliveredContact | null> {
    const [row] = await queryable.query<DeliveredContact>({
      name: 'deliveries_find_contact',
      text: `select id, user_id as "userId", decision_id as "decisionId", channel, purpose, action, address, state,
          clock_domain as "clockDomain", claimed_at as "claimedAt",
          (select action_group from contact_ledger where delivery_id = id) as "actionGroup",
          exists (select from contact_ledger where delivery_id = id) as "isCounted"
        from deliveries where id = $1`,
      values: [id],
    });
    return row ?? null;
  }

  /**
   * The deliveries that providers mean: by our own id, else by theirs. Only what went out by this provider on this channel
   * is found. Message ids are compared with and without angle brackets, as some providers change between the two.
   *
   * @returns one for each word, in their order; null where there is none
   */
  async findByProviderMessage(words: readonly ProviderWord[]): Promise<readonly (string | null)[]> {
    const rows = await this.database.query<{ id: string | null }>({
      name: 'deliveries_find_by_provider_message',
      text: `select coalesce(
          (select id from deliveries where id = word.delivery_id and channel = word.channel
            and (word.provider is null or provider = word.provider)),
          (select id from deliveries where provider_message_id = any (array[word.message_id, '<' || word.message_id || '>'])
            and channel = word.channel and (word.provider is null or provider = word.provider)
            order by id desc limit 1)) as id
        from unnest($1::uuid[], $2::text[], $3::text[], $4::text[])
          with ordinality as word (delivery_id, message_id, channel, provider, place)
        order by word.place`,
      values: [
        words.map(({ deliveryId }) => deliveryId),
        words.map(({ providerMessageId }) => providerMessageId?.replace(/^<|>$/g, '') ?? null),
        words.map(({ channel }) => channel),
        words.map(({ provider }) => provider),
      ],
    });
    return rows.map(({ id }) => id);
  }

  /** Adds to what is counted of a delivery. */
  async count(
    transaction: Transaction,
    { deliveryId, opens, clicks }: { readonly deliveryId: string; readonly opens: number; readonly clicks: number },
  ): Promise<void> {
    await transaction.query({
      name: 'deliveries_count',
      text: 'update deliveries set open_count = open_count + $2, click_count = click_count + $3 where id = $1',
      values: [deliveryId, opens, clicks],
    });
  }

  /**
   * Ends the doubt about attempts whose process died: nobody can say whether they reached the provider, so they are
   * `unknown`, count against the caps, and are never repeated. Those that can be asked about stay in doubt until they were.
   *
   * @param overdue.id only this delivery; null for the longest overdue ones
   * @returns how many were settled
   */
  async settleOverdue(overdue: {
    readonly id: string | null;
    readonly limit: number;
    readonly askable: Askable;
  }): Promise<number> {
    const settled = await this.database.query({
      name: 'deliveries_settle_overdue',
      text: `with settled as (
          update deliveries set state = case channel when 'in_app' then 'released' else 'unknown' end,
            failure = coalesce(failure, 'the attempt ended without an answer'),
            settled_at = clock_timestamp(), updated_at = clock_timestamp()
          where id in (select id from deliveries where state = 'sending' and deadline_at < clock_timestamp()
              and ($1::uuid is null or id = $1)
              and not exists (select from provider_accounts account
                where account.key = deliveries.provider and account.kind = any ($3)
                  and (asks < $5 or deadline_at > clock_timestamp() - make_interval(secs => $4::float8 / 1000)))
              order by deadline_at limit $2 for update skip locked)
          returning id, state
        ), ledger as (
          update contact_ledger ledger set state = settled.state from settled where ledger.delivery_id = settled.id
        )
        select id from settled`,
      values: [overdue.id, overdue.limit, overdue.askable.kinds, overdue.askable.msMax, overdue.askable.asksMin],
    });
    return settled.length;
  }

  async find(id: string, queryable: Queryable = this.database): Promise<DeliveryRow | null> {
    const [row] = await queryable.query<DeliveryRow>({
      name: 'deliveries_find',
      text: `select ${ROW} from deliveries delivery where id = $1`,
      values: [id],
    });
    return row ?? null;
  }

  list(
    filter: { userId: string | null; runKey: string | null; clockDomain: string | null; state: string | null },
    page: { after: string | null; limit: number },
  ): Promise<readonly DeliveryRow[]> {
    return this.database.query<DeliveryRow>({
      text: `select ${ROW} from deliveries delivery
        where ($1::uuid is null or user_id = $1) and ($2::text is null or run_key = $2)
          and ($3::text is null or state = $3) and ($4::text is null or clock_domain = $4)
          and ($5::uuid is null or id < $5)
        order by id desc limit $6`,
      values: [filter.userId, filter.runKey, filter.state, filter.clockDomain, page.after, page.limit],
    });
  }

  /** Erasure: that a contact happened stays, where it went is gone. */
  async eraseUser(transaction: Transaction, userId: string): Promise<void> {
    await transaction.query({
      text: 'update deliveries set address = null, content_hash = null, failure = null where user_id = $1',
      values: [userId],
    });
  }
}
