import { Injectable } from '@nestjs/common';
import type { Step } from '../../core/journeys/plan.js';
import type { DeliveryState } from '../../core/delivery/delivery-state.js';
import type { DurationMs, InstantMs } from '../../core/kernel/instant.js';
import { Database, type Transaction } from '../../platform/database/database.js';
import { IS_REPEATED, type FormerFailure } from '../deliveries/index.js';
import { REPLAY_ASK_FIRST } from '../steps/index.js';
import {
  BLOCKER,
  DELIVERIES,
  filterValues,
  MEANT,
  REPLAY,
  type DeadLetterFilter,
  type ReplayRow,
} from './dead-letter-rows.js';
import type { ReplayCode, ReplayState } from './replay-outcome.js';

/** What an operator wants, of one dead letter or of many. */
export interface ReplayOrder {
  readonly bulkId: string | null;
  readonly reason: string;
  readonly orderedBy: string;
  readonly withinMs: DurationMs;
}

/** A replay whose turn it is, with what its step is asked with. */
export interface DueReplay {
  readonly id: string;
  readonly deliveryId: string;
  readonly userId: string;
  /** Of whoever took it: only that one may claim, and write what came of it. */
  readonly token: string;
  readonly ask: number;
  readonly failedAttempt: number;
  readonly isClaimed: boolean;
  readonly isExpired: boolean;
  /** Its step contacted the person since. */
  readonly isRepeated: boolean;
  readonly now: InstantMs;
  readonly runKey: string;
  readonly stepId: string;
  readonly visit: number;
  readonly action: string;
  readonly deliveryState: DeliveryState;
  readonly attempt: number;
  /** Null: no version of the journey has it. */
  readonly journeyKey: string | null;
  readonly journeyVersion: number | null;
  readonly step: Extract<Step, { kind: 'message' | 'decide' }> | null;
}

/** What a replay knows of its message that an attempt overwrites; null: no attempt was made. */
interface Kept {
  readonly former: FormerFailure | null;
}

/** How long whoever took a replay may be at it: longer than any attempt can take. */
const LEASE = `interval '3 minutes'`;

/** Of rows `delivery`, `entry` and `journey`, from parameter `place` on; `conditions` choose. */
const insertWhere = (conditions: string, place: number, more = ''): string => `
  insert into dead_letter_replays (delivery_id, user_id, bulk_id, reason, ordered_by, failed_attempt, ask, expires_at)
  select delivery.id, delivery.user_id, $${place}::uuid, $${place + 1}::text, $${place + 2}::text, delivery.attempt,
    coalesce((select max(asked.ask) + 1 from step_answers asked where asked.run_key = delivery.run_key
      and asked.step_id = delivery.step_id and asked.visit = delivery.visit
      and asked.ask >= ${REPLAY_ASK_FIRST}), ${REPLAY_ASK_FIRST}),
    clock_timestamp() + make_interval(secs => $${place + 3}::float8 / 1000)
  from ${DELIVERIES} where ${conditions} and ${BLOCKER} is null ${more}
  on conflict (delivery_id) where state = 'waiting' do nothing`;

const orderValues = ({ bulkId, reason, orderedBy, withinMs }: ReplayOrder): readonly unknown[] => [
  bulkId,
  reason,
  orderedBy,
  withinMs,
];

/** The only writer of dead_letter_replays. */
@Injectable()
export class ReplaysRepository {
  constructor(private readonly database: Database) {}

  /** @returns null when the delivery cannot be replayed, or is being replayed */
  async insert(transaction: Transaction, deliveryId: string, order: ReplayOrder): Promise<ReplayRow | null> {
    const [row] = await transaction.query<ReplayRow>({
      text: `${insertWhere('delivery.id = $1', 2)} returning ${REPLAY}`,
      values: [deliveryId, ...orderValues(order)],
    });
    return row ?? null;
  }

  /** Chooses the oldest first. @returns the deliveries that were chosen */
  async insertMany(
    transaction: Transaction,
    filter: DeadLetterFilter,
    order: ReplayOrder,
    limit: number,
  ): Promise<readonly string[]> {
    const rows = await transaction.query<{ deliveryId: string }>({
      text: `${insertWhere(MEANT, 12, 'order by delivery.id limit $16')} returning delivery_id as "deliveryId"`,
      values: [...filterValues(filter), ...orderValues(order), limit],
    });
    return rows.map(({ deliveryId }) => deliveryId);
  }

  /** Of one dead letter, newest first. */
  of(deliveryId: string, limit: number): Promise<readonly ReplayRow[]> {
    return this.database.query<ReplayRow>({
      name: 'dead_letter_replays_of',
      text: `select ${REPLAY} from dead_letter_replays where delivery_id = $1 order by id desc limit $2`,
      values: [deliveryId, limit],
    });
  }

  /**
   * Takes replays whose turn it is, so that nobody else asks about them; whoever dies with them is followed by another.
   *
   * The step is that of a version of the journey which has it as the message was: of those the version that the run is in
   * comes first, then the newest.
   */
  lease(limit: number): Promise<readonly DueReplay[]> {
    return this.database.query<DueReplay>({
      name: 'dead_letter_replays_lease',
      text: `with leased as (
          update dead_letter_replays set token = gen_random_uuid(), next_at = clock_timestamp() + ${LEASE}
          where id = any (array(select id from dead_letter_replays where next_at <= statement_timestamp()
            order by next_at, id limit $1 for update skip locked))
          returning *
        )
        select leased.id, leased.delivery_id as "deliveryId", leased.user_id as "userId", leased.token, leased.ask,
          leased.failed_attempt as "failedAttempt", leased.claimed_at is not null as "isClaimed",
          leased.expires_at <= clock_timestamp() as "isExpired", ${IS_REPEATED} as "isRepeated", clock_timestamp() as now,
          delivery.run_key as "runKey", delivery.step_id as "stepId", delivery.visit, delivery.action,
          delivery.state as "deliveryState", delivery.attempt, journey.key as "journeyKey",
          version.version as "journeyVersion", version.plan #> array['steps', delivery.step_id] as step
        from leased join ${DELIVERIES} on delivery.id = leased.delivery_id
        left join lateral (
          select version.version, version.plan from journey_versions version
          where version.journey_id = entry.journey_id
            and version.plan #>> array['steps', delivery.step_id, 'kind'] in ('message', 'decide')
          order by coalesce(version.plan #>> array['steps', delivery.step_id, 'template'] = delivery.template
              or version.plan #> array['steps', delivery.step_id, 'actions'] ? delivery.action
              or version.plan #> array['steps', delivery.step_id, 'choices']
                @> jsonb_build_array(jsonb_build_object('template', delivery.template)), false) desc,
            version.version = entry.version desc, version.version desc limit 1) version on true
        order by leased.id`,
      values: [limit],
    });
  }

  /**
   * Notes in the transaction of a claim, before the delivery is given back, that an attempt is under way: nobody can call
   * the replay off from here on. The first time it keeps how the message had failed.
   *
   * @returns false when it is over, or in other hands
   */
  async claim(transaction: Transaction, { id, token }: DueReplay): Promise<boolean> {
    const rows = await transaction.query({
      name: 'dead_letter_replays_claim',
      text: `update dead_letter_replays replay set claimed_at = clock_timestamp(), former = coalesce(replay.former,
          jsonb_build_object('provider', delivery.provider, 'failure', delivery.failure, 'settledAt', delivery.settled_at))
        from deliveries delivery
        where replay.id = $1 and replay.token = $2 and replay.state = 'waiting' and delivery.id = replay.delivery_id
        returning replay.id`,
      values: [id, token],
    });
    return rows.length > 0;
  }

  /**
   * Comes back to it at `until`, or when its time is over, with the next question.
   *
   * @param putOff.isClaimed an attempt is in doubt; else what was claimed has been given back
   * @returns null when it was not in these hands any more
   */
  async putOff(
    transaction: Transaction,
    { id, token, deliveryId }: DueReplay,
    putOff: {
      readonly until: InstantMs;
      readonly isClaimed: boolean;
      readonly code: ReplayCode;
      readonly decisionId: string;
    },
  ): Promise<Kept | null> {
    const [row] = await transaction.query<Kept>({
      name: 'dead_letter_replays_put_off',
      text: `update dead_letter_replays replay set token = null, ask = replay.ask + 1, code = $5, decision_id = $6,
          next_at = case when $4 then to_timestamp($3::float8 / 1000)
            else least(to_timestamp($3::float8 / 1000), replay.expires_at) end,
          claimed_at = case when $4 then coalesce(replay.claimed_at, clock_timestamp()) end,
          failed_attempt = case when $4 then replay.failed_attempt else delivery.attempt end
        from deliveries delivery
        where replay.id = $1 and replay.token = $2 and replay.state = 'waiting' and delivery.id = $7
        returning replay.former`,
      values: [id, token, putOff.until, putOff.isClaimed, putOff.code, putOff.decisionId, deliveryId],
    });
    return row ?? null;
  }

  /** Puts the same question again after a while. */
  async repeat({ id, token }: DueReplay, afterMs: DurationMs): Promise<void> {
    await this.database.query({
      name: 'dead_letter_replays_repeat',
      text: `update dead_letter_replays
        set token = null, next_at = clock_timestamp() + make_interval(secs => $3::float8 / 1000)
        where id = $1 and token = $2 and state = 'waiting'`,
      values: [id, token, afterMs],
    });
  }

  /** Lets all that were put off for this ask now: the worker asks a few at a time. */
  async wake(transaction: Transaction, code: ReplayCode): Promise<void> {
    await transaction.query({
      text: `update dead_letter_replays set next_at = clock_timestamp()
        where state = 'waiting' and code = $1 and token is null and claimed_at is null`,
      values: [code],
    });
  }

  /**
   * @param end.code null: as it was put off last
   * @returns null when it was not in these hands any more
   */
  async end(
    transaction: Transaction,
    { id, token }: DueReplay,
    end: { readonly state: ReplayState; readonly code: ReplayCode | null; readonly decisionId: string | null },
  ): Promise<Kept | null> {
    const [row] = await transaction.query<Kept>({
      name: 'dead_letter_replays_end',
      text: `update dead_letter_replays set state = $3, token = null, next_at = null, claimed_at = null, former = null,
          code = case when $3 = 'sent' then null else coalesce($4, code) end, decision_id = coalesce($5, decision_id),
          ended_at = clock_timestamp()
        where id = $1 and token = $2 and state = 'waiting' returning old.former`,
      values: [id, token, end.state, end.code, end.decisionId],
    });
    return row ?? null;
  }

  /**
   * Calls off what waits; an attempt that is under way is left alone.
   *
   * @returns how many were called off
   */
  async cancel(
    transaction: Transaction,
    of: { readonly deliveryId: string | null; readonly bulkId: string | null },
  ): Promise<number> {
    const rows = await transaction.query({
      name: 'dead_letter_replays_cancel',
      text: `update dead_letter_replays set state = 'cancelled', token = null, next_at = null, ended_at = clock_timestamp()
        where (delivery_id = $1 or bulk_id = $2) and state = 'waiting' and claimed_at is null returning id`,
      values: [of.deliveryId, of.bulkId],
    });
    return rows.length;
  }

  /** Erasure: nothing more goes to the person. The user's lock is held, so that no claim is between. */
  async eraseUser(transaction: Transaction, userId: string): Promise<void> {
    // The words of a provider may hold personal data.
    await transaction.query({
      text: `update dead_letter_replays set former = null where user_id = $1 and state = 'waiting'`,
      values: [userId],
    });
    await transaction.query({
      text: `update dead_letter_replays set state = 'refused', code = 'USER_ERASED', token = null, next_at = null,
          ended_at = clock_timestamp()
        where user_id = $1 and state = 'waiting' and claimed_at is null`,
      values: [userId],
    });
  }

  /** Of those that are over. @returns how many were deleted */
  async purge(before: InstantMs, limit: number): Promise<number> {
    const purged = await this.database.query({
      text: `delete from dead_letter_replays where id in (select id from dead_letter_replays
          where ended_at < to_timestamp($1::float8 / 1000) order by ended_at limit $2 for update skip locked)
        returning id`,
      values: [before, limit],
    });
    return purged.length;
  }
}
