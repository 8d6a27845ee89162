import { Injectable } from '@nestjs/common';
import type { Migration, Settling } from '../../../core/journeys/migrating-types.js';
import { movedPlan } from '../../../core/journeys/migrating.js';
import { listenedEvents, type ListenedEvent, type Plan } from '../../../core/journeys/plan.js';
import type { InstantMs } from '../../../core/kernel/instant.js';
import { Database, type Transaction } from '../../../platform/database/database.js';
import { insertWaits, toWait, type RunWait } from '../runs/run-waits.js';

/** A migration as it is carried out. */
export interface RunningMigration {
  readonly id: string;
  readonly journeyId: string;
  readonly fromVersion: number;
  readonly steps: Migration['steps'];
  readonly offers: Migration['offers'];
  /** Of the version to go on in, as it was published. */
  readonly plan: Plan;
}

/** A run that is to be told. */
export interface RunToTell {
  readonly runKey: string;
  readonly userId: string;
}

/** What became of a migration for one run, as the run tells it. */
export interface Decided extends Settling {
  readonly runKey: string;
  readonly version: number;
  readonly stepId: string;
}

const OPEN = `state in ('offered', 'told')`;
/** Of those that could not be told before. */
const RETRIES_MAX = 50;

/**
 * What a migration writes about runs: journey_migration_runs, and of journey_entries, journey_runs and run_waits what
 * the change of a version changes.
 *
 * A run that is being moved listens to both versions, so that it loses nothing whichever version it is in when it hears.
 */
@Injectable()
export class MigrationRunsRepository {
  constructor(private readonly database: Database) {}

  /** Null when it is over. */
  async running(id: string): Promise<RunningMigration | null> {
    const [row] = await this.database.query<RunningMigration>({
      name: 'journey_migrations_running',
      text: `update journey_migrations migration set touched_at = clock_timestamp() from journey_versions version
        where migration.id = $1 and migration.state = 'running'
          and version.journey_id = migration.journey_id and version.version = migration.to_version
        returning migration.id, migration.journey_id as "journeyId", migration.from_version as "fromVersion",
          migration.steps, migration.offers, version.plan`,
      values: [id],
    });
    return row ?? null;
  }

  /** Runs that were not told yet: those that could not be reached before come first. */
  async toTell({ id, journeyId, fromVersion }: RunningMigration, limit: number): Promise<readonly RunToTell[]> {
    const again = await this.database.query<RunToTell>({
      name: 'journey_migration_runs_again',
      text: `select run.run_key as "runKey", entry.user_id as "userId" from journey_migration_runs run
        join journey_entries entry on entry.run_key = run.run_key
        where run.migration_id = $1 and run.state = 'offered' order by run.offered_at limit ${RETRIES_MAX}`,
      values: [id],
    });
    const fresh = await this.database.query<RunToTell>({
      name: 'journey_migration_runs_fresh',
      text: `select entry.run_key as "runKey", entry.user_id as "userId" from journey_entries entry
        where entry.journey_id = $2 and entry.version = $3 and entry.ended_at is null and entry.clock_domain = 'real'
          and not exists (
            select from journey_migration_runs run where run.migration_id = $1 and run.run_key = entry.run_key)
        order by entry.run_key limit $4`,
      values: [id, journeyId, fromVersion, limit],
    });
    return [...again, ...fresh];
  }

  /**
   * From here on the run listens to the other version too. Events that are being stored hold the user's row: each of them
   * is either seen by whoever looks after this, or finds the run listening.
   *
   * @returns now; null for a run that is in the version no more
   */
  offer(migration: RunningMigration, { runKey, userId }: RunToTell): Promise<InstantMs | null> {
    return this.database.transaction(async (transaction) => {
      await transaction.query({
        name: 'journey_migration_runs_hold_user',
        text: 'select from users where id = $1 for no key update',
        values: [userId],
      });
      const [offered] = await transaction.query<{ now: InstantMs }>({
        name: 'journey_migration_runs_offer',
        text: `with entry as (
            select run_key from journey_entries where run_key = $2 and version = $3 and ended_at is null
            for no key update
          ), offered as (
            insert into journey_migration_runs (migration_id, run_key) select $1, run_key from entry
            on conflict (migration_id, run_key) do nothing
          )
          select clock_timestamp() as now from entry`,
        values: [migration.id, runKey, migration.fromVersion],
      });
      if (offered === undefined) return null;
      const waits = await waitsOf(transaction, runKey);
      await writeWaits(transaction, runKey, bothOf(waits, listenedEvents(movedPlan(migration.plan))));
      return offered.now;
    });
  }

  /** The run has been told, or nobody carries it any more. */
  async note(id: string, runKey: string, state: 'told' | 'failed'): Promise<void> {
    await this.database.query({
      name: 'journey_migration_runs_note',
      text: `update journey_migration_runs set state = $3,
          settled_at = case when $3 = 'failed' then clock_timestamp() end
        where migration_id = $1 and run_key = $2 and state = 'offered'`,
      values: [id, runKey, state],
    });
  }

  /**
   * Takes note of runs that ended before they could decide.
   *
   * @returns how many have not decided yet
   */
  async sweep(id: string): Promise<number> {
    const [row] = await this.database.query<{ open: number }>({
      name: 'journey_migration_runs_sweep',
      text: `with gone as (
          update journey_migration_runs run set state = 'ended', settled_at = clock_timestamp()
          from journey_entries entry
          where run.migration_id = $1 and run.${OPEN} and entry.run_key = run.run_key and entry.ended_at is not null
          returning run.run_key
        ), waits as (
          delete from run_waits using gone where run_waits.run_key = gone.run_key
        )
        select (select count(*)::int from journey_migration_runs where migration_id = $1 and ${OPEN})
          - (select count(*)::int from gone) as open`,
      values: [id],
    });
    return row?.open ?? 0;
  }

  async finish(id: string): Promise<void> {
    await this.database.query({
      text: `update journey_migrations set state = 'done', finished_at = clock_timestamp()
        where id = $1 and state = 'running'`,
      values: [id],
    });
  }

  /**
   * The run has decided: its rows say so from here on, and it listens to its version alone. Idempotent.
   *
   * @returns now
   */
  record(decided: Decided): Promise<InstantMs> {
    const { runKey, migration, outcome } = decided;
    return this.database.transaction(async (transaction) => {
      // What gates read about the run changes: its version's rules, its rank among others, what ends it.
      await transaction.query({
        name: 'journey_migration_runs_lock_user',
        text: `select state.user_id from contact_state state
          join journey_entries entry on entry.user_id = state.user_id where entry.run_key = $1 for update of state`,
        values: [runKey],
      });
      await transaction.query({
        name: 'journey_migration_runs_decide',
        text: `update journey_migration_runs set state = $3, reason = $4, from_step = $5, to_step = $6,
            settled_at = coalesce(settled_at, clock_timestamp())
          where migration_id = $1 and run_key = $2`,
        values: [migration, runKey, outcome, decided.reason, decided.from, outcome === 'moved' ? decided.stepId : null],
      });
      if (outcome === 'moved') await changeVersion(transaction, decided);
      const [entry] = await transaction.query<{ plan: Plan; isMoved: boolean; now: InstantMs; hasEnded: boolean }>({
        name: 'journey_migration_runs_entry',
        text: `select version.plan, entry.moved_by is not null as "isMoved", entry.ended_at is not null as "hasEnded",
            clock_timestamp() as now
          from journey_entries entry
          join journey_versions version on version.journey_id = entry.journey_id and version.version = entry.version
          where entry.run_key = $1 for update of entry`,
        values: [runKey],
      });
      if (entry === undefined) throw new Error(`${runKey} has no entry`);
      const { plan, isMoved, now, hasEnded } = entry;
      const waits = hasEnded ? [] : listenedEvents(isMoved ? movedPlan(plan) : plan).map(toWait);
      await writeWaits(transaction, runKey, waits);
      return now;
    });
  }
}

async function changeVersion(transaction: Transaction, decided: Decided): Promise<void> {
  await transaction.query({
    name: 'journey_migration_runs_change_version',
    text: `with entry as (
        update journey_entries entry set version = $2, moved_by = $3,
          conflict_group = version.definition #>> '{conflict,group}',
          conflict_priority = coalesce((version.definition #>> '{conflict,priority}')::int, 0)
        from journey_versions version
        where entry.run_key = $1 and version.journey_id = entry.journey_id and version.version = $2
        returning entry.run_key
      ), pending as (
        delete from pending_candidates pending using entry where pending.run_key = entry.run_key and not $4
      )
      -- The run reports where it is by itself, but a report may be lost with its process.
      update journey_runs run set version = $2, step_id = case when $4 then $5 else run.step_id end,
        updated_at = clock_timestamp()
      from entry where run.run_key = entry.run_key`,
    // A question that is still open keeps its turn among the user's other runs.
    values: [decided.runKey, decided.version, decided.migration, decided.isWaitKept, decided.stepId],
  });
}

function waitsOf(transaction: Transaction, runKey: string): Promise<readonly RunWait[]> {
  return transaction.query<RunWait>({
    name: 'run_waits_of',
    text: `select event_name as name, is_exit as "isExit", listeners, is_plain as "isPlain" from run_waits
      where run_key = $1`,
    values: [runKey],
  });
}

/** In place of what the run listened to before. */
async function writeWaits(transaction: Transaction, runKey: string, waits: readonly RunWait[]): Promise<void> {
  await transaction.query({
    name: 'run_waits_clear',
    text: 'delete from run_waits where run_key = $1',
    values: [runKey],
  });
  await insertWaits(transaction, runKey, waits);
}

/**
 * What the run listened to, and what it will listen to: both are told to it. What ends it in the other version does not
 * end it yet, so no claim of a message is refused because of it.
 */
function bothOf(before: readonly RunWait[], after: readonly ListenedEvent[]): readonly RunWait[] {
  const waits = new Map(before.map((wait) => [wait.name, wait]));
  for (const { name, listeners, isPlain } of after.map(toWait)) {
    const old = waits.get(name);
    const known = new Set(old?.listeners?.map(({ index }) => index));
    const fresh = (listeners ?? []).flatMap((each) => (known.has(each.index) ? [] : [{ ...each, isExit: false }]));
    const all = [...(old?.listeners ?? []), ...fresh];
    waits.set(name, {
      name,
      isExit: old?.isExit ?? false,
      listeners: all.length === 0 ? null : all,
      isPlain: isPlain || old?.isPlain === true,
    });
  }
  return [...waits.values()];
}
