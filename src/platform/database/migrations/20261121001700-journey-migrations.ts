import { Migration } from '@mikro-orm/migrations';

const UP = `
  -- The last migration that moved the run: since then it carries its plan as \`movedPlan\` gives it.
  alter table journey_entries add column moved_by uuid;
  -- Who is in a version: a migration walks along it.
  create index journey_entries_version on journey_entries (journey_id, version, run_key)
    where ended_at is null and clock_domain = 'real';

  -- Runs of one version that are to go on in another. The row is the truth; a workflow carries it.
  create table journey_migrations (
    id uuid primary key default uuidv7(),
    journey_id uuid not null references journeys (id),
    from_version int not null,
    to_version int not null,
    -- {old step: {step, keep}}
    steps jsonb not null,
    -- {action: "<channel>:<template>"}, as it was when the migration began.
    offers jsonb not null,
    runs_per_second int not null,
    state text not null default 'running' check (state in ('running', 'done', 'cancelled')),
    -- When its workflow was started, or last did something.
    touched_at timestamptz(3),
    created_by text not null,
    created_at timestamptz(3) not null default clock_timestamp(),
    finished_at timestamptz(3)
  );
  create unique index journey_migrations_running on journey_migrations (journey_id) where state = 'running';
  create index journey_migrations_journey on journey_migrations (journey_id, id);

  create table journey_migration_runs (
    migration_id uuid not null references journey_migrations (id),
    run_key text not null references journey_entries (run_key),
    -- offered: listens to both versions; told: knows; failed: nobody carries it; ended: before it could decide.
    state text not null default 'offered' check (state in ('offered', 'told', 'moved', 'stayed', 'failed', 'ended')),
    reason text,
    from_step text,
    to_step text,
    offered_at timestamptz(3) not null default clock_timestamp(),
    settled_at timestamptz(3),
    primary key (migration_id, run_key)
  );
  create index journey_migration_runs_open on journey_migration_runs (migration_id, offered_at)
    where state in ('offered', 'told');
`;

const DOWN = `
  drop table journey_migration_runs, journey_migrations;
  drop index journey_entries_version;
  alter table journey_entries drop column moved_by;
`;

/** Runs that go on in another version of their journey. */
export class JourneyMigrations20261121001700 extends Migration {
  override up(): void {
    this.addSql(UP);
  }

  override down(): void {
    this.addSql(DOWN);
  }
}
