import { Injectable } from '@nestjs/common';
import type { Rivals } from '../../core/delivery/look-up.js';
import type { DurationMs } from '../../core/kernel/instant.js';
import { Database, type Transaction } from '../../platform/database/database.js';
import type { Sought } from './connector.js';

/** Accounts of a kind whose attempts without an answer are asked about, so long and so often at least. */
export interface Askable {
  readonly kinds: readonly string[];
  readonly msMax: number;
  readonly asksMin: number;
}

/** An attempt about which its provider is to be asked now. */
export interface DueLookUp extends Sought {
  readonly attemptToken: string;
  readonly provider: string;
  readonly channel: string;
  /** Which question this is, from 1: what an earlier one comes to find later counts no more. */
  readonly ask: number;
  /** Whether the provider must list it by now if it took it. */
  readonly isListedByNow: boolean;
}

interface Due {
  readonly kinds: readonly string[];
  /** After the deadline, and between two questions. */
  readonly afterMs: number;
  readonly limit: number;
}

/** When attempts without an answer are asked about, and how often they were. What they come to is settled elsewhere. */
@Injectable()
export class LookUpsRepository {
  constructor(private readonly database: Database) {}

  /**
   * Takes the questions that are due, so that nobody else asks them; whoever dies with them is followed by another, after
   * the time that lies between two questions.
   */
  take({ kinds, afterMs, limit }: Due): Promise<readonly DueLookUp[]> {
    return this.database.query<DueLookUp>({
      name: 'look_ups_take',
      text: `update deliveries set ask_at = clock_timestamp() + make_interval(secs => $2::float8 / 1000), asks = asks + 1
        where id in (select delivery.id from deliveries delivery
            join provider_accounts account on account.key = delivery.provider and account.kind = any ($1)
          where delivery.state = 'sending' and coalesce(delivery.ask_at,
            delivery.deadline_at + make_interval(secs => $2::float8 / 1000)) < clock_timestamp()
          order by delivery.deadline_at limit $3 for update of delivery skip locked)
        returning id as "deliveryId", address, content_hash as "contentHash", attempted_at as "attemptedAt",
          attempt_token as "attemptToken", provider, channel, asks as ask,
          deadline_at + make_interval(secs => $2::float8 / 1000) < clock_timestamp() as "isListedByNow"`,
      values: [kinds, afterMs, limit],
    });
  }

  /**
   * Notes that an attempt ended without an answer, so that it is asked about before its deadline.
   *
   * @returns whether it is still open
   */
  async doubt(doubt: {
    readonly deliveryId: string;
    readonly attemptToken: string;
    readonly failure: string;
    readonly afterMs: number;
  }): Promise<boolean> {
    const rows = await this.database.query({
      name: 'look_ups_doubt',
      text: `update deliveries set failure = $3, ask_at = clock_timestamp() + make_interval(secs => $4::float8 / 1000),
          updated_at = clock_timestamp()
        where id = $1 and attempt_token = $2 and state = 'sending' returning id`,
      values: [doubt.deliveryId, doubt.attemptToken, doubt.failure, doubt.afterMs],
    });
    return rows.length > 0;
  }

  /** Until the next question about an open attempt; negative when it is due. */
  async untilAskMs(deliveryId: string, afterMs: DurationMs): Promise<DurationMs> {
    const [row] = await this.database.query<{ untilMs: DurationMs }>({
      name: 'look_ups_until_ask',
      text: `select (extract(epoch from coalesce(ask_at, deadline_at + make_interval(secs => $2::float8 / 1000))
          - clock_timestamp()) * 1000)::float8 as "untilMs"
        from deliveries where id = $1`,
      values: [deliveryId, afterMs],
    });
    if (row === undefined) throw new Error(`there is no delivery ${deliveryId}`);
    return row.untilMs;
  }

  /** Lets nobody else find a message to the same address by the same account, until the transaction ends. */
  async lock(transaction: Transaction, { provider, address }: DueLookUp): Promise<void> {
    await transaction.query({
      name: 'look_ups_lock',
      text: 'select pg_advisory_xact_lock(hashtextextended($1, 7))',
      values: [`${provider} ${address ?? ''}`],
    });
  }

  /** Which of these ids of the provider other deliveries own. Ask under the lock. */
  async owned(transaction: Transaction, due: DueLookUp, ids: readonly string[]): Promise<ReadonlySet<string>> {
    const rows = await transaction.query<{ id: string }>({
      name: 'look_ups_owned',
      text: `select provider_message_id as id from deliveries
        where provider_message_id = any ($1) and provider = $2 and id <> $3`,
      values: [ids, due.provider, due.deliveryId],
    });
    return new Set(rows.map(({ id }) => id));
  }

  /** Ask under the lock. */
  async rivals(transaction: Transaction, due: DueLookUp): Promise<Rivals> {
    if (due.contentHash === null) return { heard: 0, alive: 0 };
    const [row] = await transaction.query<Rivals>({
      name: 'look_ups_rivals',
      text: `select (count(*) filter (where state in ('sent', 'delivered', 'bounced', 'complained')))::int as heard,
          (count(*) filter (where state = 'sending' and deadline_at > clock_timestamp()))::int as alive
        from deliveries where address = $1 and content_hash = $2 and provider_message_id is null and provider = $3
          and id <> $4 and attempted_at > to_timestamp($5::float8 / 1000) - interval '5 minutes'`,
      values: [due.address, due.contentHash, due.provider, due.deliveryId, due.attemptedAt],
    });
    return row ?? { heard: 0, alive: 0 };
  }

  /** @returns how often nothing was found, this time included; null when the attempt was settled, or asked about again */
  async miss(transaction: Transaction, due: DueLookUp): Promise<number | null> {
    const [row] = await transaction.query<{ misses: number }>({
      name: 'look_ups_miss',
      text: `update deliveries set misses = misses + 1, updated_at = clock_timestamp()
        where id = $1 and attempt_token = $2 and state = 'sending' and asks = $3 returning misses`,
      values: [due.deliveryId, due.attemptToken, due.ask],
    });
    return row?.misses ?? null;
  }
}
