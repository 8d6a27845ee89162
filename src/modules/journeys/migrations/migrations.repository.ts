import { Injectable } from '@nestjs/common';
import type { Migration, StayReason } from '../../../core/journeys/migrating-types.js';
import type { Plan } from '../../../core/journeys/plan.js';
import type { InstantMs } from '../../../core/kernel/instant.js';
import { Database, type Transaction } from '../../../platform/database/database.js';
import type { PageRequest } from '../../../platform/http/paging.js';

export interface NewMigration {
  readonly journeyId: string;
  readonly fromVersion: number;
  readonly toVersion: number;
  readonly steps: Migration['steps'];
  readonly offers: Migration['offers'];
  readonly runsPerSecond: number;
  readonly createdBy: string;
}

interface MigrationCounts {
  /** Told, and not decided yet. */
  readonly open: number;
  readonly moved: number;
  readonly stayed: number;
  readonly failed: number;
  readonly ended: number;
}

export interface MigrationRow extends Omit<NewMigration, 'offers'> {
  readonly id: string;
  readonly journeyKey: string;
  readonly state: 'running' | 'done' | 'cancelled';
  readonly counts: MigrationCounts;
  readonly stayedBecause: Readonly<Partial<Record<StayReason, number>>>;
  readonly createdAt: InstantMs;
  readonly finishedAt: InstantMs | null;
}

/** What became of a migration for one run. */
export interface MigrationRunRow {
  readonly runId: string;
  readonly userId: string;
  readonly state: keyof MigrationCounts;
  /** Why it stayed. */
  readonly reason: StayReason | null;
  readonly fromStep: string | null;
  readonly toStep: string | null;
  readonly offeredAt: InstantMs;
  readonly settledAt: InstantMs | null;
}

/** A published version. */
export interface VersionRow {
  readonly plan: Plan;
  /** In the order of the definition. */
  readonly stepIds: readonly string[];
}

/** How many runs of a version stand at a step. */
export interface StandingRow {
  /** Null: they have not told yet where they are. */
  readonly stepId: string | null;
  readonly clockDomain: string;
  readonly runs: number;
}

const OPEN_STATES = ['offered', 'told'];
const STATES = [...OPEN_STATES, 'moved', 'stayed', 'failed', 'ended'];
const OPEN = `state in ('offered', 'told')`;
/** The workflow of a migration is heard of every minute while it lives. */
const SILENCE_SECONDS_MAX = 180;
const MIGRATION = `migration.id, migration.journey_id as "journeyId", journey.key as "journeyKey",
  migration.from_version as "fromVersion", migration.to_version as "toVersion", migration.steps, migration.state,
  migration.runs_per_second as "runsPerSecond", migration.created_by as "createdBy",
  migration.created_at as "createdAt", migration.finished_at as "finishedAt",
  (select jsonb_build_object('open', count(*) filter (where ${OPEN}), 'moved', count(*) filter (where state = 'moved'),
      'stayed', count(*) filter (where state = 'stayed'), 'failed', count(*) filter (where state = 'failed'),
      'ended', count(*) filter (where state = 'ended'))
    from journey_migration_runs where migration_id = migration.id) as counts,
  (select coalesce(jsonb_object_agg(reason, runs), '{}') from (
    select reason, count(*) as runs from journey_migration_runs
    where migration_id = migration.id and state = 'stayed' group by reason) because) as "stayedBecause"`;
const FROM = 'from journey_migrations migration join journeys journey on journey.id = migration.journey_id';

/** The only writer of journey_migrations. */
@Injectable()
export class MigrationsRepository {
  constructor(private readonly database: Database) {}

  /** @throws DatabaseError on `journey_migrations_running` while another one of the journey is under way */
  async insert(transaction: Transaction, migration: NewMigration): Promise<string> {
    const [row] = await transaction.query<{ id: string }>({
      text: `insert into journey_migrations (journey_id, from_version, to_version, steps, offers, runs_per_second,
          created_by)
        values ($1, $2, $3, $4, $5, $6, $7) returning id`,
      values: [
        migration.journeyId,
        migration.fromVersion,
        migration.toVersion,
        JSON.stringify(migration.steps),
        JSON.stringify(migration.offers),
        migration.runsPerSecond,
        migration.createdBy,
      ],
    });
    if (row === undefined) throw new Error('insert returned no row');
    return row.id;
  }

  async find(journeyId: string, id: string): Promise<MigrationRow | null> {
    const [row] = await this.database.query<MigrationRow>({
      text: `select ${MIGRATION} ${FROM} where migration.id = $2 and migration.journey_id = $1`,
      values: [journeyId, id],
    });
    return row ?? null;
  }

  /** Newest first. */
  list(journeyId: string, page: PageRequest): Promise<readonly MigrationRow[]> {
    return this.database.query<MigrationRow>({
      text: `select ${MIGRATION} ${FROM}
        where migration.journey_id = $1 and ($2::uuid is null or migration.id < $2)
        order by migration.id desc limit $3`,
      values: [journeyId, page.after, page.limit],
    });
  }

  /**
   * What became of each run that it was offered to, in the order of their keys.
   *
   * @param page.after the id of a run
   */
  runs(id: string, state: MigrationRunRow['state'] | null, page: PageRequest): Promise<readonly MigrationRunRow[]> {
    return this.database.query<MigrationRunRow>({
      text: `select entry.run_id as "runId", entry.user_id as "userId",
          case when run.${OPEN} then 'open' else run.state end as state, run.reason, run.from_step as "fromStep",
          run.to_step as "toStep", run.offered_at as "offeredAt", run.settled_at as "settledAt"
        from journey_migration_runs run join journey_entries entry on entry.run_key = run.run_key
        where run.migration_id = $1 and run.state = any ($2)
          and ($3::uuid is null or run.run_key > (select run_key from journey_entries where run_id = $3))
        order by run.run_key limit $4`,
      values: [id, state === null ? STATES : state === 'open' ? OPEN_STATES : [state], page.after, page.limit],
    });
  }

  /** @returns false where it was over already */
  async cancel(transaction: Transaction, id: string): Promise<boolean> {
    const rows = await transaction.query({
      text: `update journey_migrations set state = 'cancelled', finished_at = clock_timestamp()
        where id = $1 and state = 'running' returning id`,
      values: [id],
    });
    return rows.length > 0;
  }

  /** Migrations that nobody has begun, or whose workflow has not been heard of for minutes. */
  unattended(): Promise<readonly { readonly id: string; readonly runsPerSecond: number }[]> {
    return this.database.query({
      name: 'journey_migrations_unattended',
      text: `select id, runs_per_second as "runsPerSecond" from journey_migrations where state = 'running'
        and coalesce(touched_at < clock_timestamp() - interval '${SILENCE_SECONDS_MAX} seconds', true)`,
    });
  }

  async touch(id: string): Promise<void> {
    await this.database.query({
      name: 'journey_migrations_touch',
      text: 'update journey_migrations set touched_at = clock_timestamp() where id = $1',
      values: [id],
    });
  }

  /** Versions by their numbers; those that do not exist are left out. */
  async versions(journeyId: string, versions: readonly number[]): Promise<ReadonlyMap<number, VersionRow>> {
    const rows = await this.database.query<VersionRow>({
      text: `select plan, jsonb_path_query_array(definition, '$.steps[*].id') as "stepIds" from journey_versions
        where journey_id = $1 and version = any ($2)`,
      values: [journeyId, versions],
    });
    return new Map(rows.map((row) => [row.plan.version, row]));
  }

  /** Where the runs of a version stand that have not ended, as they told last. */
  standing(journeyId: string, version: number): Promise<readonly StandingRow[]> {
    return this.database.query<StandingRow>({
      text: `select run.step_id as "stepId", entry.clock_domain as "clockDomain", count(*)::int as runs
        from journey_entries entry join journey_runs run on run.run_key = entry.run_key
        where entry.journey_id = $1 and entry.version = $2 and entry.ended_at is null
        group by run.step_id, entry.clock_domain`,
      values: [journeyId, version],
    });
  }

  /** The template behind each of these actions, as `<channel>:<template>`. */
  async offers(actions: readonly string[]): Promise<Migration['offers']> {
    const rows = await this.database.query<{ key: string; template: string }>({
      text: `select key, channel || ':' || template as template from actions where key = any ($1)`,
      values: [actions],
    });
    return Object.fromEntries(rows.map(({ key, template }) => [key, template]));
  }
}
