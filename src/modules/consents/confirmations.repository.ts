import { Injectable } from '@nestjs/common';
import type { ConsentRecord } from '../../core/consent/consent-record.js';
import type { InstantMs } from '../../core/kernel/instant.js';
import type { Suppression } from '../../core/suppression/suppression.js';
import { Database, type Queryable, type Transaction } from '../../platform/database/database.js';
import type { PageRequest } from '../../platform/http/paging.js';

/** What a person is asked to confirm. */
export interface ConfirmationSubject {
  readonly userId: string;
  readonly purpose: string;
  readonly channel: string;
  readonly brand: string;
}

export interface ConfirmationRow extends ConfirmationSubject {
  readonly id: string;
  readonly pendingRecordId: string;
  readonly deliveryId: string | null;
  /** Keyed hash of the address that the mail went to; null before. */
  readonly addressHash: string | null;
  readonly createdAt: InstantMs;
  readonly expiresAt: InstantMs;
  readonly confirmedAt: InstantMs | null;
  /** Null while a mail is still to go out; then the state of its delivery, or the reason why there is none. */
  readonly endedAs: string | null;
}

/** What a mail depends on, read under the user's lock. */
export interface ConfirmationFacts extends ConfirmationRow {
  readonly now: InstantMs;
  readonly email: string | null;
  readonly emailHash: string | null;
  readonly isErased: boolean;
  readonly isKillSwitchOn: boolean;
  /** Whether an operator keeps the person from being contacted. */
  readonly isOnHold: boolean;
  readonly suppressions: readonly Suppression[];
  /** Everything that the person said in real time. */
  readonly consents: readonly ConsentRecord[];
}

const ROW = `confirmation.id, confirmation.user_id as "userId", confirmation.purpose, confirmation.channel,
  confirmation.brand, confirmation.pending_record_id as "pendingRecordId", confirmation.delivery_id as "deliveryId",
  confirmation.address_hash as "addressHash", confirmation.created_at as "createdAt",
  confirmation.expires_at as "expiresAt", confirmation.confirmed_at as "confirmedAt",
  confirmation.ended_as as "endedAs"`;

/** Longer than one mail may take: a confirmation that is leased for longer belongs to a dead process. */
const LEASE_SECONDS = 60;
const BACKOFF_SECONDS_MAX = 3_600;

/** The only writer of consent_confirmations. */
@Injectable()
export class ConfirmationsRepository {
  constructor(private readonly database: Database) {}

  /** Due at once. Its time begins now. */
  async insert(
    transaction: Transaction,
    confirmation: ConfirmationSubject & {
      readonly id: string;
      readonly pendingRecordId: string;
      readonly tokenHash: Buffer;
      readonly validDays: number;
    },
  ): Promise<void> {
    await transaction.query({
      name: 'confirmations_insert',
      text: `insert into consent_confirmations (id, user_id, purpose, channel, brand, pending_record_id, token_hash,
          expires_at)
        values ($1, $2, $3, $4, $5, $6, $7, clock_timestamp() + make_interval(days => $8))`,
      values: [
        confirmation.id,
        confirmation.userId,
        confirmation.purpose,
        confirmation.channel,
        confirmation.brand,
        confirmation.pendingRecordId,
        confirmation.tokenHash,
        confirmation.validDays,
      ],
    });
  }

  /**
   * Whether the person was asked about this already, and may still answer: the mail is on its way or was (perhaps) sent
   * to the address that the person has now.
   */
  async isAsked(transaction: Transaction, { userId, purpose, channel, brand }: ConfirmationSubject): Promise<boolean> {
    const [row] = await transaction.query<{ isAsked: boolean }>({
      name: 'confirmations_is_asked',
      text: `select exists (
          select from consent_confirmations confirmation join users on users.id = confirmation.user_id
          where user_id = $1 and purpose = $2 and channel = $3 and brand = $4 and confirmed_at is null
            and expires_at > clock_timestamp() and coalesce(ended_as, 'sent') in ('sent', 'delivered', 'unknown')
            and coalesce(address_hash, email_hash) is not distinct from email_hash) as "isAsked"`,
      values: [userId, purpose, channel, brand],
    });
    return row?.isAsked ?? false;
  }

  /** Takes up to `limit` due confirmations for this process alone, for the length of the lease. */
  async lease(limit: number): Promise<readonly string[]> {
    const rows = await this.database.query<{ id: string }>({
      name: 'confirmations_lease',
      text: `update consent_confirmations set attempts = attempts + 1,
          available_at = clock_timestamp() + make_interval(secs => ${LEASE_SECONDS})
        where id in (
          select id from consent_confirmations where ended_as is null and available_at <= clock_timestamp()
          order by available_at, id limit $1 for update skip locked
        )
        returning id`,
      values: [limit],
    });
    return rows.map(({ id }) => id);
  }

  /** Null when it is gone with its person. */
  async facts(queryable: Queryable, id: string): Promise<ConfirmationFacts | null> {
    const [row] = await queryable.query<ConfirmationFacts>({
      name: 'confirmations_facts',
      text: `select ${ROW}, clock_timestamp() as now, users.email, users.email_hash as "emailHash",
          users.erased_at is not null as "isErased", (select is_kill_switch_on from controls) as "isKillSwitchOn",
          exists (select from user_holds hold where hold.user_id = users.id and hold.lifted_at is null
            and (hold.until is null or hold.until > clock_timestamp())) as "isOnHold",
          coalesce((select jsonb_agg(to_jsonb(item)) from (
            select id, address_hash as "addressHash", channel, purpose, reason,
              (extract(epoch from since) * 1000)::bigint as since, (extract(epoch from until) * 1000)::bigint as until
            from suppressions
            where (suppressions.user_id = users.id or address_hash = users.email_hash) and lifted_at is null) item),
            '[]') as suppressions,
          coalesce((select jsonb_agg(to_jsonb(item)) from (
            select id, purpose, channel, brand, status, basis, is_objection as "isObjection",
              (extract(epoch from stated_at) * 1000)::bigint as "statedAt",
              (extract(epoch from received_at) * 1000)::bigint as "receivedAt",
              (extract(epoch from expires_at) * 1000)::bigint as "expiresAt"
            from consent_records where consent_records.user_id = users.id and clock_domain = 'real') item),
            '[]') as consents
        from consent_confirmations confirmation join users on users.id = confirmation.user_id
        where confirmation.id = $1`,
      values: [id],
    });
    return row ?? null;
  }

  async claim(
    transaction: Transaction,
    claim: {
      readonly id: string;
      readonly deliveryId: string;
      readonly addressHash: string;
      readonly tokenHash: Buffer;
    },
  ): Promise<void> {
    await transaction.query({
      name: 'confirmations_claim',
      text: `update consent_confirmations set delivery_id = $2, address_hash = $3, token_hash = $4 where id = $1`,
      values: [claim.id, claim.deliveryId, claim.addressHash, claim.tokenHash],
    });
  }

  /** No mail goes out any more. */
  async end(id: string, endedAs: string): Promise<void> {
    await this.database.query({
      name: 'confirmations_end',
      text: 'update consent_confirmations set ended_as = $2 where id = $1 and ended_as is null',
      values: [id, endedAs],
    });
  }

  /** Puts a mail off for `ms`, or, without it, for 2 s, 4 s, 8 s … at most an hour. */
  async postpone(id: string, ms: number | null): Promise<void> {
    await this.database.query({
      name: 'confirmations_postpone',
      text: `update consent_confirmations set available_at = clock_timestamp() + make_interval(secs => coalesce(
          $2::float8 / 1000, least(power(2, least(attempts, 20)), ${BACKOFF_SECONDS_MAX}))) where id = $1`,
      values: [id, ms],
    });
  }

  async findByToken(tokenHash: Buffer, queryable: Queryable = this.database): Promise<ConfirmationFacts | null> {
    const [row] = await queryable.query<{ id: string }>({
      name: 'confirmations_find_token',
      text: 'select id from consent_confirmations where token_hash = $1',
      values: [tokenHash],
    });
    return row === undefined ? null : this.facts(queryable, row.id);
  }

  async confirm(transaction: Transaction, id: string): Promise<void> {
    await transaction.query({
      name: 'confirmations_confirm',
      text: 'update consent_confirmations set confirmed_at = clock_timestamp() where id = $1',
      values: [id],
    });
  }

  /** Newest first. */
  list(userId: string, page: PageRequest): Promise<readonly ConfirmationRow[]> {
    return this.database.query<ConfirmationRow>({
      name: 'confirmations_list',
      text: `select ${ROW} from consent_confirmations confirmation
        where user_id = $1 and ($2::uuid is null or id < $2) order by id desc limit $3`,
      values: [userId, page.after, page.limit],
    });
  }

  async eraseUser(transaction: Transaction, userId: string): Promise<void> {
    await transaction.query({ text: 'delete from consent_confirmations where user_id = $1', values: [userId] });
  }
}
