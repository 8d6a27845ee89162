import { Injectable } from '@nestjs/common';
import type { ListenedEvent } from '../../../core/journeys/plan.js';
import type { InstantMs } from '../../../core/kernel/instant.js';
import { Database, type Statement, type Transaction } from '../../../platform/database/database.js';
import { AuditLog, type AuditEntry } from '../../access/index.js';
import { startNow } from '../runs/early-starts.js';

export interface NewEntry {
  readonly runKey: string;
  readonly journeyId: string;
  readonly journeyKey: string;
  readonly version: number;
  readonly userId: string;
  readonly entryKey: string;
  readonly clockDomain: string;
  readonly source: string;
  /** The group in which the run competes with the user's other runs; null: with none. */
  readonly conflict: { readonly group: string; readonly priority: number } | null;
  /** The events that the run may react to. */
  readonly listensTo: readonly ListenedEvent[];
  /** How many journeys started one another up to this entry, each within a day; 0: none did. */
  readonly generation: number;
  /** Null: at once. */
  readonly startsAt: InstantMs | null;
  readonly urgency: 'triggered' | 'bulk';
}

/** What one entry of a user fills. */
type EntryPlace = Pick<NewEntry, 'journeyId' | 'userId' | 'entryKey' | 'clockDomain'>;

export interface LastEntry {
  readonly runKey: string;
  /** How many entries of the user were told apart by their ordinal. */
  readonly ordinals: number;
  readonly hasEnded: boolean;
  /** Milliseconds since the end of the last run; null while it goes on. */
  readonly endedForMs: number | null;
}

/** How a command on its way reaches the run. */
export interface Commanded {
  /** The message that repeats the command when nobody answers it; null: the run has ended. */
  readonly repeat: string | null;
  /** Whether the run has not begun: its start, which is due now, carries the command. */
  readonly isCarried: boolean;
}

/** Longer than the command itself waits for an answer. */
const REPEAT_SECONDS = 20;

/** The only writer of journey_entries and run_waits. */
@Injectable()
export class EntriesRepository {
  constructor(
    private readonly database: Database,
    private readonly audit: AuditLog,
  ) {}

  /** The user's run that goes on, whatever told it apart; where none does, the one that ended last. */
  async last(transaction: Transaction, journeyId: string, userId: string, domain: string): Promise<LastEntry | null> {
    const [row] = await transaction.query<LastEntry>({
      name: 'entries_last',
      text: `select run_key as "runKey", ended_at is not null as "hasEnded",
          (count(*) filter (where entry_key like '~%') over ())::int as ordinals,
          (extract(epoch from clock_timestamp() - ended_at) * 1000)::float8 as "endedForMs"
        from journey_entries where journey_id = $1 and user_id = $2 and clock_domain = $3
        order by ended_at desc nulls first, entered_at desc, run_key desc limit 1`,
      values: [journeyId, userId, domain],
    });
    return row ?? null;
  }

  /** 0 for a run that no other journey started, or that was entered more than a day ago. */
  async generationOf(transaction: Transaction, runKey: string): Promise<number> {
    const [row] = await transaction.query<{ generation: number }>({
      name: 'entries_generation',
      text: `select generation from journey_entries
        where run_key = $1 and entered_at > clock_timestamp() - interval '1 day'`,
      values: [runKey],
    });
    return row?.generation ?? 0;
  }

  async findRunKey(transaction: Transaction, entry: EntryPlace): Promise<string | null> {
    const [row] = await transaction.query<{ runKey: string }>({
      name: 'entries_find',
      text: `select run_key as "runKey" from journey_entries
        where journey_id = $1 and user_id = $2 and entry_key = $3 and clock_domain = $4`,
      values: [entry.journeyId, entry.userId, entry.entryKey, entry.clockDomain],
    });
    return row?.runKey ?? null;
  }

  async isAnyRunning(transaction: Transaction, userId: string, clockDomain: string): Promise<boolean> {
    const [row] = await transaction.query<{ isAny: boolean }>({
      name: 'entries_is_any_running',
      text: `select exists (select from journey_entries
        where user_id = $1 and clock_domain = $2 and ended_at is null) as "isAny"`,
      values: [userId, clockDomain],
    });
    return row?.isAny ?? false;
  }

  /**
   * Writes the entry, what it listens to, its run and the message that starts it, all or nothing.
   *
   * @param isCounted whether the journey's counter is locked; its triggers count
   * @returns false, and nothing is written, where the journey has begun to count in between
   * @throws DatabaseError on a unique constraint when the place is taken (`violatedUnique` tells which)
   */
  async insert(transaction: Transaction, entry: NewEntry, isCounted: boolean): Promise<boolean> {
    const rows = await transaction.query<{ runKey: string }>({
      name: 'entries_insert',
      text: `with entry as (
          insert into journey_entries (run_key, journey_id, version, user_id, entry_key, clock_domain, source,
            conflict_group, conflict_priority, generation, is_bulk)
          select $1::text, $2::uuid, $3::int, $4::uuid, $5::text, $6::text, $7::text, $11::text, $12::int, $15::int,
            $17::boolean
          where $18::boolean or $6 <> 'real' or not exists (select from journey_counters where journey_id = $2)
          returning run_key, run_id, entered_at
        ), run as (
          insert into journey_runs (id, run_key, journey_key, version, user_id, clock_domain, state, started_at)
          select run_id, run_key, $8, $3, $4, $6, 'starting', entered_at from entry
        ), waits as (
          insert into run_waits (user_id, event_name, is_exit, run_key, clock_domain, listeners, is_plain)
          select $4, wait.name, wait.is_exit, entry.run_key, $6, wait.listeners, wait.is_plain
          from entry, unnest($9::text[], $10::boolean[], $13::jsonb[], $14::boolean[])
            as wait (name, is_exit, listeners, is_plain)
        )
        insert into outbox (kind, run_key, payload, available_at)
        select 'start_run', run_key, '{}', coalesce(to_timestamp($16::float8 / 1000), clock_timestamp()) from entry
        returning run_key as "runKey"`,
      values: [
        entry.runKey,
        entry.journeyId,
        entry.version,
        entry.userId,
        entry.entryKey,
        entry.clockDomain,
        entry.source,
        entry.journeyKey,
        entry.listensTo.map(({ name }) => name),
        entry.listensTo.map(({ isExit }) => isExit),
        entry.conflict?.group ?? null,
        entry.conflict?.priority ?? 0,
        entry.listensTo.map(({ conditions }) =>
          conditions === undefined ? null : JSON.stringify(conditions.listeners),
        ),
        entry.listensTo.map(({ conditions }) => conditions?.isPlain ?? true),
        entry.generation,
        entry.startsAt,
        entry.urgency === 'bulk',
        isCounted,
      ],
    });
    return rows.length > 0;
  }

  /**
   * Marks or clears the pause under the user's lock, so that no claim can slip in after it.
   *
   * @returns the message that repeats the command when nobody answers it
   */
  async setPaused(runKey: string, isPaused: boolean, principal: string): Promise<string | null> {
    const entry = { principal, action: isPaused ? 'run.pause' : 'run.resume', subject: runKey };
    const { repeat } = await this.command(entry, {
      text: `with entry as (
          update journey_entries set paused_at = case when $2 then clock_timestamp() end
          where run_key = $1 and ended_at is null returning run_key
        )
        insert into outbox (kind, run_key, payload, available_at)
        select 'command_run', run_key, '{}', clock_timestamp() + make_interval(secs => ${REPEAT_SECONDS}) from entry
        returning id as repeat, false as "isCarried"`,
      values: [runKey, isPaused],
    });
    return repeat;
  }

  /** From here on every claim of the run is refused. One that has not begun is over as soon as the outbox is looked at. */
  requestExit(runKey: string, reason: string, principal: string): Promise<Commanded> {
    return this.command(
      { principal, action: 'run.exit', subject: runKey, detail: { reason } },
      {
        text: `with entry as (
          update journey_entries set exit_requested_at = coalesce(exit_requested_at, clock_timestamp())
          where run_key = $1 and ended_at is null returning run_key
        ), begun as (${startNow('entry')}), message as (
          insert into outbox (kind, run_key, payload, available_at)
          select 'command_run', run_key, jsonb_build_object('reason', $2::text),
            clock_timestamp() + make_interval(secs => ${REPEAT_SECONDS}) from entry
          returning id
        )
        select id as repeat, exists (select from begun) as "isCarried" from message`,
        values: [runKey, reason],
      },
    );
  }

  private command(entry: AuditEntry, statement: Statement): Promise<Commanded> {
    return this.database.transaction(async (transaction) => {
      await transaction.query({
        name: 'entries_lock_user_of_run',
        text: `select state.user_id from contact_state state
          join journey_entries entry on entry.user_id = state.user_id where entry.run_key = $1 for update of state`,
        values: [entry.subject],
      });
      const [commanded] = await transaction.query<Commanded>(statement);
      await this.audit.write(transaction, entry);
      return commanded ?? { repeat: null, isCarried: false };
    });
  }
}
