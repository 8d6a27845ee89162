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
/** Longer than a delivery may take: a message that is leased for longer belongs to a dead process. */
const LEASE_SECONDS = 60;
const BACKOFF_SECONDS_MAX = 300;

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

  /** Takes up to `limit` due messages for this process alone, for the length of the lease. */
  lease(limit: number): Promise<readonly OutboxMessage[]> {
    return this.database.query<OutboxMessage>({
      name: 'outbox_lease',
      text: `update outbox set attempts = attempts + 1,
          available_at = clock_timestamp() + make_interval(secs => ${LEASE_SECONDS})
        where id in (
          select id from outbox where available_at <= clock_timestamp() order by available_at, id limit $1
          for update skip locked
        )
        returning id, kind, run_key as "runKey", payload, kind <> 'start_run' and exists (
          select from outbox start where start.run_key = outbox.run_key and start.kind = 'start_run'
        ) as "isStartPending"`,
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

  /** Puts a message off: 1 s, 2 s, 4 s … at most five minutes. It is never given up. */
  async postpone(id: string, error: string): Promise<void> {
    await this.database.query({
      name: 'outbox_postpone',
      text: `update outbox set last_error = $2, available_at = clock_timestamp()
          + make_interval(secs => least(power(2, least(attempts, 20) - 1), ${BACKOFF_SECONDS_MAX}))
        where id = $1`,
      values: [id, error],
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
