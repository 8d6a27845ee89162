import { Injectable } from '@nestjs/common';
import type { InstantMs } from '../../../core/kernel/instant.js';
import type { Transaction } from '../../../platform/database/database.js';

/** Runs of a stopped journey on their way to their end. */
export interface StopRow {
  readonly runsTotal: number;
  readonly runsTold: number;
  readonly perSecond: number;
  readonly startedAt: InstantMs;
  readonly finishedAt: InstantMs | null;
}

/** A stop, locked for its next step. */
export interface DueStop {
  readonly journeyId: string;
  readonly perSecond: number;
  /** Whether every entry that was under way when the journey was stopped is seen by now. */
  readonly isSettled: boolean;
}

export const STOP_REASON = 'journey_stopped';

/** An entry that was let in just before the stop has been committed after so long. */
const SETTLED_SECONDS = 10;

/** The only writer of journey_stops. */
@Injectable()
export class JourneyStopsRepository {
  /** In the transaction of the stop. */
  async start(transaction: Transaction, journeyId: string, perSecond: number): Promise<void> {
    await transaction.query({
      text: `insert into journey_stops (journey_id, per_second, runs_total)
        select $1, $2, count(*) from journey_entries where journey_id = $1 and ended_at is null`,
      values: [journeyId, perSecond],
    });
  }

  /** Locks one open stop whose next step is due; null when there is none or others are at it. */
  async lockDue(transaction: Transaction): Promise<DueStop | null> {
    const [stop] = await transaction.query<DueStop>({
      name: 'journey_stops_lock_due',
      text: `select journey_id as "journeyId", per_second as "perSecond",
          started_at < clock_timestamp() - interval '${SETTLED_SECONDS} seconds' as "isSettled"
        from journey_stops where finished_at is null and next_at <= clock_timestamp()
        order by next_at limit 1 for update skip locked`,
    });
    return stop ?? null;
  }

  /**
   * Tells the next runs to end, at most as many as may be told in a second. Those that have not begun begin now, to end
   * at once. @returns how many were told
   */
  async tellNext(transaction: Transaction, { journeyId, perSecond }: DueStop): Promise<number> {
    const [row] = await transaction.query<{ told: number }>({
      name: 'journey_stops_tell_next',
      text: `with told as (
          update journey_entries set exit_requested_at = clock_timestamp()
          where run_key in (
            select run_key from journey_entries
            where journey_id = $1 and ended_at is null and exit_requested_at is null limit $2
            for no key update skip locked)
          returning run_key
        ), begun as (
          update outbox set available_at = clock_timestamp() from told
          where outbox.run_key = told.run_key and kind = 'start_run' and available_at > clock_timestamp()
        ), commands as (
          insert into outbox (kind, run_key, payload)
          select 'command_run', run_key, jsonb_build_object('reason', $3::text) from told
        )
        select count(*)::int as told from told`,
      values: [journeyId, perSecond, STOP_REASON],
    });
    return row?.told ?? 0;
  }

  async isAnyRunning(transaction: Transaction, journeyId: string): Promise<boolean> {
    const [row] = await transaction.query<{ isAny: boolean }>({
      text: `select exists (select from journey_entries where journey_id = $1 and ended_at is null) as "isAny"`,
      values: [journeyId],
    });
    return row?.isAny ?? false;
  }

  /** The next step is due in a second, or never. */
  async advance(
    transaction: Transaction,
    journeyId: string,
    { told, isFinished }: { readonly told: number; readonly isFinished: boolean },
  ): Promise<void> {
    await transaction.query({
      text: `update journey_stops set runs_told = runs_told + $2, next_at = clock_timestamp() + interval '1 second',
          finished_at = case when $3 then clock_timestamp() end
        where journey_id = $1`,
      values: [journeyId, told, isFinished],
    });
  }
}
