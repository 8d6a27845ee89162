import { Injectable } from '@nestjs/common';
import { EVENT_SIGNAL, type EventSignal } from '../../../../workflows/messages.js';
import { withArmsMet, type ArmMet } from '../../../core/journeys/draw.js';
import type { Plan } from '../../../core/journeys/plan.js';
import type { InstantMs } from '../../../core/kernel/instant.js';
import { Database } from '../../../platform/database/database.js';
import type { TriggeredEntry } from '../entry/triggers.repository.js';

interface Leased {
  readonly id: string;
  readonly runKey: string;
  /** Whether the run's own start still waits here: until it is delivered, nobody knows the run. */
  readonly isStartPending: boolean;
}

export type OutboxMessage =
  | (Leased & { readonly kind: 'start_run' })
  | (Leased & {
      readonly kind: 'signal_run';
      readonly payload: { readonly signal: string; readonly argument: unknown };
    })
  /** Lets somebody in whose event triggered a journey: there is no run yet. */
  | (Leased & { readonly kind: 'enter_journey'; readonly payload: TriggeredEntry })
  /** Brings the run to what its entry says: ended, paused or going on. */
  | (Leased & { readonly kind: 'command_run'; readonly payload: { readonly reason?: string } });

/** All that a workflow is started with, read from the entry and its immutable version. */
export interface RunStart {
  readonly runKey: string;
  readonly userId: string;
  readonly journeyKey: string;
  readonly version: number;
  /** With the arms of its splits that the user met in earlier runs. */
  readonly plan: Plan;
  readonly clockDomain: string;
  readonly enteredAt: InstantMs;
  readonly isBulk: boolean;
  readonly isPaused: boolean;
  readonly isExitRequested: boolean;
  /** Whether the whole journey was stopped. */
  readonly isJourneyStopped: boolean;
  /** Whether an event has come in that ends the run whatever its properties. */
  readonly isExitHeard: boolean;
}

/** What a run is to hear as soon as it is there: an event, or that somebody ends it. */
export type WaitingWord = { readonly kind: 'event'; readonly event: EventSignal } | { readonly kind: 'exit' };

/** What the entry of a run asks of it. */
export type DesiredState = 'running' | 'paused' | 'exited';

/** Of what waits for a run that has not been started; nobody is told so much in so short a time. */
const WORDS_MAX = 1_000;
/** Twice as long as messages of one lease are begun: one that is leased for longer belongs to a dead process. */
export const LEASE_SECONDS = 60;
const BACKOFF_SECONDS_MAX = 300;
/** Of signals that wait for runs of which one is taken. */
const BESIDE_MAX = 50;
/** Rounds in which a lease passes over signals that are held up. */
const LEASE_ROUNDS_MAX = 20;
/** A signal that failed so often, for about 18 minutes, holds up those behind it no longer: it may never get through. */
const HOLDING_ATTEMPTS_MAX = 12;

/** One instant for all rows that has come: the column holds milliseconds, and would round up. */
const NOW = `date_trunc('milliseconds', statement_timestamp())`;
const waitOf = (attempts: string): string =>
  `make_interval(secs => least(power(2, least(${attempts}, 20) - 1), ${BACKOFF_SECONDS_MAX}))`;

/** The arms that the entry's user met in runs of the same journey and clock, the first met first. */
const ARMS_MET = `coalesce((
    select jsonb_agg(jsonb_build_object('stepId', exposure.step_id, 'arm', exposure.arm,
      'salt', drawn.plan -> 'steps' -> exposure.step_id ->> 'salt') order by exposure.exposed_at, exposure.id)
    from journey_entries earlier
    join split_exposures exposure on exposure.run_key = earlier.run_key
    join journey_versions drawn on drawn.journey_id = exposure.journey_id and drawn.version = exposure.version
    where earlier.user_id = entry.user_id and earlier.journey_id = entry.journey_id
      and earlier.clock_domain = entry.clock_domain and exposure.exposed_at is not null), '[]')`;

/** The only reader of the outbox. Writers insert in the transaction of what they tell. */
@Injectable()
export class OutboxRepository {
  constructor(private readonly database: Database) {}

  /**
   * Takes due messages for this process alone, for the length of the lease: up to `limit`, and what else waits for the
   * same runs. A signal is taken only with all older ones of its run, or after them: one that another process has, or
   * that is being tried again, holds up those behind it. Nothing holds up a command or a start.
   */
  async lease(limit: number): Promise<readonly OutboxMessage[]> {
    const taken: OutboxMessage[] = [];
    for (let round = 1; round <= LEASE_ROUNDS_MAX && taken.length < limit; round += 1) {
      const wanted = limit - taken.length;
      const rows = await this.leaseOnce(wanted).catch((error: unknown) => {
        // What earlier rounds took is leased already, and has to be delivered.
        if (taken.length === 0) throw error;
        return [];
      });
      taken.push(...rows.filter(({ isHeldUp }) => !isHeldUp));
      // Where some were held up there may be others that are not.
      if (rows.length < wanted) break;
    }
    return taken;
  }

  private leaseOnce(limit: number): Promise<readonly (OutboxMessage & { readonly isHeldUp: boolean })[]> {
    return this.database.query({
      name: 'outbox_lease',
      // The instant stands in a query of its own, so that the index is asked for it and not each row. An older signal that
      // is not among the taken ones was passed over because somebody else has it, or is not due: it holds up the others.
      text: `with due as materialized (
          select id, kind, run_key from outbox where available_at <= (select clock_timestamp())
          order by available_at, id limit $1 for update skip locked
        ), beside as materialized (
          select id, kind, run_key from outbox
          where kind = 'signal_run' and run_key = any (array(select run_key from due where kind = 'signal_run'))
            and id <> all (array(select id from due)) and available_at <= (select clock_timestamp())
          order by run_key, id limit ${BESIDE_MAX} for update skip locked
        ), taken as materialized (
          select * from due union all select * from beside
        ), judged as (
          select taken.id, (
            select least(older.available_at, clock_timestamp() + ${waitOf('older.attempts')}) from outbox older
            where taken.kind = 'signal_run' and older.kind = 'signal_run' and older.run_key = taken.run_key
              and older.id < taken.id and older.attempts < ${HOLDING_ATTEMPTS_MAX}
              and older.id <> all (array(select id from taken))
            order by older.id limit 1) as held_up_until
          from taken
        )
        update outbox set attempts = attempts + case when held_up_until is null then 1 else 0 end,
          available_at = coalesce(held_up_until, clock_timestamp() + make_interval(secs => ${LEASE_SECONDS}))
        from judged where outbox.id = judged.id
        returning outbox.id, kind, run_key as "runKey", payload, held_up_until is not null as "isHeldUp",
          -- Limited, or all starts there are would be read into a table of their own.
          kind <> 'start_run' and (
            select true from outbox start where start.run_key = outbox.run_key and start.kind = 'start_run' limit 1
          ) is not null as "isStartPending"`,
      values: [limit],
    });
  }

  /** How many messages wait for a dispatcher now; no more than `max` are counted. */
  async countDue(max: number): Promise<number> {
    const [row] = await this.database.query<{ due: number }>({
      name: 'outbox_count_due',
      text: `select count(*)::int as due
        from (select from outbox where available_at <= clock_timestamp() limit $1) due`,
      values: [max],
    });
    return row?.due ?? 0;
  }

  async remove(id: string): Promise<void> {
    await this.database.query({ name: 'outbox_remove', text: 'delete from outbox where id = $1', values: [id] });
  }

  /**
   * As `remove`, for the last one that was taken of a run: what it held up becomes due, and after a start all signals
   * that waited for it.
   *
   * @returns whether there was any
   */
  async removeLast(id: string): Promise<boolean> {
    const [row] = await this.database.query<{ isAnyDue: boolean }>({
      name: 'outbox_remove_last',
      // Rows that are due already are written too: who is about to put them off is seen only by the lock.
      text: `with gone as (delete from outbox where id = $1 returning run_key, kind),
        freed as (
          update outbox set attempts = 0, available_at = ${NOW} where id in (
            select waiting.id from gone join outbox waiting on waiting.run_key = gone.run_key
            where waiting.kind = 'signal_run' and gone.kind in ('signal_run', 'start_run')
              and (waiting.attempts = 0 or gone.kind = 'start_run')
            order by waiting.id limit (
              select case kind when 'start_run' then ${WORDS_MAX} else ${BESIDE_MAX} end from gone))
          returning id
        )
        select exists (select from freed) as "isAnyDue"`,
      values: [id],
    });
    return row?.isAnyDue ?? false;
  }

  /**
   * Puts a message off: 1 s, 2 s, 4 s … at most five minutes. It is never given up.
   *
   * @param behind signals that were taken with it and are not to overtake it: they wait as long, untried
   * @returns whether they do; a message that has failed very often holds up nobody
   */
  async postpone(id: string, error: string, behind: readonly string[] = []): Promise<boolean> {
    const [row] = await this.database.query<{ isHolding: boolean }>({
      name: 'outbox_postpone',
      text: `with failed as (
          update outbox set last_error = $2, available_at = clock_timestamp() + ${waitOf('attempts')}
          where id = $1 returning available_at, attempts
        ), held as (
          update outbox set attempts = greatest(outbox.attempts - 1, 0), available_at = failed.available_at
          from failed where outbox.id = any ($3) and failed.attempts < ${HOLDING_ATTEMPTS_MAX}
        )
        select attempts < ${HOLDING_ATTEMPTS_MAX} as "isHolding" from failed`,
      values: [id, error, behind],
    });
    return row?.isHolding ?? false;
  }

  /** Lets others take what was taken and not tried. */
  async giveBack(ids: readonly string[]): Promise<void> {
    await this.database.query({
      text: `update outbox set attempts = greatest(attempts - 1, 0), available_at = ${NOW} where id = any ($1)`,
      values: [ids],
    });
  }

  /** Null when the run has ended before it could begin. */
  async findStart(runKey: string): Promise<RunStart | null> {
    const [row] = await this.database.query<RunStart & { readonly armsMet: readonly ArmMet[] }>({
      name: 'outbox_find_start',
      text: `select entry.run_key as "runKey", entry.user_id as "userId", journey.key as "journeyKey", entry.version,
          version.plan, ${ARMS_MET} as "armsMet", entry.clock_domain as "clockDomain", entry.entered_at as "enteredAt",
          entry.is_bulk as "isBulk", entry.paused_at is not null as "isPaused", entry.exit_requested_at is not null as "isExitRequested",
          journey.status in ('stopped', 'archived') as "isJourneyStopped",
          exists (
            select from run_waits wait
            join events event on event.user_id = wait.user_id and event.event_name = wait.event_name
            where wait.user_id = entry.user_id and wait.run_key = entry.run_key and wait.is_exit
              and event.clock_domain = 'real' and event.occurred_at > entry.entered_at) as "isExitHeard"
        from journey_entries entry
        join journeys journey on journey.id = entry.journey_id
        join journey_versions version on version.journey_id = entry.journey_id and version.version = entry.version
        where entry.run_key = $1 and entry.ended_at is null`,
      values: [runKey],
    });
    if (row === undefined) return null;
    const { armsMet, ...start } = row;
    return { ...start, plan: withArmsMet(start.plan, armsMet) };
  }

  /** What waits for a run that has not been started and may end it, in the order in which it came. */
  findWaiting(runKey: string): Promise<readonly WaitingWord[]> {
    return this.database.query<WaitingWord>({
      // Walks the whole outbox: for the few runs that end before they begin.
      text: `select case kind when 'signal_run' then 'event' else 'exit' end as kind, payload -> 'argument' as event
        from outbox where run_key = $1 and (kind = 'signal_run' and payload ->> 'signal' = $2
          or kind = 'command_run' and payload ? 'reason')
        order by id limit ${WORDS_MAX}`,
      values: [runKey, EVENT_SIGNAL],
    });
  }

  /** Null when the run has ended. */
  async findDesiredState(runKey: string): Promise<DesiredState | null> {
    const [row] = await this.database.query<{ state: DesiredState }>({
      name: 'outbox_find_desired_state',
      text: `select case when exit_requested_at is not null then 'exited'
          when paused_at is not null then 'paused' else 'running' end as state
        from journey_entries where run_key = $1 and ended_at is null`,
      values: [runKey],
    });
    return row?.state ?? null;
  }

  async isStartPending(runKey: string): Promise<boolean> {
    const [row] = await this.database.query<{ isPending: boolean }>({
      name: 'outbox_is_start_pending',
      text: `select exists (select from outbox where run_key = $1 and kind = 'start_run') as "isPending"`,
      values: [runKey],
    });
    return row?.isPending ?? false;
  }
}
