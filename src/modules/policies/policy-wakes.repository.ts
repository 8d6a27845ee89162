import { Injectable } from '@nestjs/common';
import type { InstantMs } from '../../core/kernel/instant.js';
import type { ReasonCode } from '../../core/kernel/reasons.js';
import { Database, type Queryable, type Transaction } from '../../platform/database/database.js';
import type { PageRequest } from '../../platform/http/paging.js';

/** Runs that wait are woken because of one change of policy. */
export interface WakeRow {
  readonly id: string;
  readonly policyKey: string;
  readonly because: string;
  readonly runsTotal: number;
  readonly runsWoken: number;
  readonly perSecond: number;
  readonly startedAt: InstantMs;
  readonly finishedAt: InstantMs | null;
}

/** A wake, locked for its next step. */
export interface DueWake {
  readonly id: string;
  readonly because: string;
  /** The last run that was woken in this pass; null before the first. */
  readonly cursor: string | null;
  readonly perSecond: number;
  readonly isSecondPass: boolean;
  /** Whether a later change has begun to wake the same runs, and this one need not look twice. */
  readonly isOvertaken: boolean;
}

export interface WaitingRun {
  readonly id: string;
  readonly runKey: string;
}

/** After this everything that was decided by the former rules is seen to wait: claims take far less. */
const SETTLED_SECONDS = 10;
/** A decision this long after the change began knew of it: the change has been committed by then. */
const COMMITTED_SECONDS = 5;

const WAKE = `id, policy_key as "policyKey", because, runs_total as "runsTotal", runs_woken as "runsWoken",
  per_second as "perSecond", started_at as "startedAt", finished_at as "finishedAt"`;
/** Real runs whose step was put off, except by what no policy changes. The first two terms are those of the index. */
const PUT_OFF = `state = 'waiting' and waits_for like '%: put off, %' and clock_domain = 'real'
  and waits_for !~ ': put off, (PROVIDER_UNAVAILABLE|RUN_PAUSED|RUN_EXITED)'`;
/**
 * Which of them a wake concerns: those of its journey that waited for the end of its pause, those that were put off for its
 * reason, or else all.
 */
const meant = (journeyKey: string, putOffFor: string): string =>
  `(${journeyKey} is null or run.journey_key = ${journeyKey} and waits_for like '%: put off, JOURNEY_PAUSED')
    and (${putOffFor} is null or waits_for like '%: put off, ' || ${putOffFor} || '%')`;

/** The only writer of policy_wakes. Reads the projection of runs. */
@Injectable()
export class PolicyWakesRepository {
  constructor(private readonly database: Database) {}

  /** In the transaction of the change: neither exists without the other. */
  async start(
    transaction: Transaction,
    wake: {
      readonly policyKey: string;
      readonly because: string;
      readonly perSecond: number;
      /** Left out: the runs of every journey. */
      readonly journeyKey?: string;
      /** Left out: those put off for whatever a policy can change. */
      readonly putOffFor?: ReasonCode;
    },
  ): Promise<void> {
    await transaction.query({
      text: `insert into policy_wakes (policy_key, because, per_second, journey_key, put_off_for, runs_total)
        select $1, $2, $3, $4, $5,
          (select count(*) from journey_runs run where ${PUT_OFF} and ${meant('$4::text', '$5::text')})`,
      values: [wake.policyKey, wake.because, wake.perSecond, wake.journeyKey ?? null, wake.putOffFor ?? null],
    });
  }

  /**
   * Locks the oldest open wake if its next step is due. One at a time, whoever asks, so that several changes together
   * are no faster than one; null when nothing is due or another process is at it.
   */
  async lockDue(transaction: Transaction): Promise<DueWake | null> {
    const [wake] = await transaction.query<DueWake>({
      name: 'policy_wakes_lock_due',
      text: `select id, because, cursor, per_second as "perSecond", is_second_pass as "isSecondPass",
          exists (select from policy_wakes later where later.id > wake.id and later.finished_at is null
            and (later.journey_key is null or later.journey_key = wake.journey_key)
            and (later.put_off_for is null or later.put_off_for = wake.put_off_for)) as "isOvertaken"
        from policy_wakes wake
        where id = (select id from policy_wakes where finished_at is null order by id limit 1)
          and finished_at is null and next_at <= clock_timestamp()
        for update skip locked`,
    });
    return wake ?? null;
  }

  /** The next runs, at most as many as may be woken in a second. */
  runsAfter(
    transaction: Transaction,
    { id, cursor, perSecond, isSecondPass }: DueWake,
  ): Promise<readonly WaitingRun[]> {
    const isLate = `updated_at >= wake.started_at and not exists (
      select from decisions where decisions.run_key = run.run_key
        and decided_at >= wake.started_at + interval '${COMMITTED_SECONDS} seconds')`;
    return transaction.query<WaitingRun>({
      text: `select run.id, run_key as "runKey" from journey_runs run join policy_wakes wake on wake.id = $1
        where ${PUT_OFF} and ${meant('wake.journey_key', 'wake.put_off_for')} and ($2::uuid is null or run.id > $2) ${isSecondPass ? `and ${isLate}` : ''}
        order by run.id limit $3`,
      values: [id, cursor, perSecond],
    });
  }

  /** Notes the runs that were woken; the next step is due in a second. */
  async advance(transaction: Transaction, id: string, woken: readonly WaitingRun[]): Promise<void> {
    await transaction.query({
      text: `update policy_wakes set runs_woken = runs_woken + $2, cursor = coalesce($3::uuid, cursor),
          next_at = clock_timestamp() + interval '1 second'
        where id = $1`,
      values: [id, woken.length, woken.at(-1)?.id ?? null],
    });
  }

  /** Begins anew, for the runs that came to wait since, as soon as they are all seen. */
  async startSecondPass(transaction: Transaction, id: string): Promise<void> {
    await transaction.query({
      text: `update policy_wakes set is_second_pass = true, cursor = null,
          next_at = greatest(next_at, started_at + interval '${SETTLED_SECONDS} seconds')
        where id = $1`,
      values: [id],
    });
  }

  async finish(transaction: Transaction, id: string): Promise<void> {
    await transaction.query({
      text: 'update policy_wakes set finished_at = clock_timestamp() where id = $1',
      values: [id],
    });
  }

  async find(id: string, queryable: Queryable = this.database): Promise<WakeRow | null> {
    const [row] = await queryable.query<WakeRow>({
      text: `select ${WAKE} from policy_wakes where id = $1`,
      values: [id],
    });
    return row ?? null;
  }

  /** Newest first. */
  list(page: PageRequest): Promise<readonly WakeRow[]> {
    return this.database.query<WakeRow>({
      text: `select ${WAKE} from policy_wakes where $1::uuid is null or id < $1 order by id desc limit $2`,
      values: [page.after, page.limit],
    });
  }
}
