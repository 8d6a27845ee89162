import { Migration } from '@mikro-orm/migrations';

const UP = `
  -- The id under which a run is known outside: kept with the entry, so that a lost row of journey_runs gets it back.
  alter table journey_entries add column run_id uuid not null default uuidv7();
  update journey_entries entry set run_id = run.id from journey_runs run where run.run_key = entry.run_key;
  create unique index journey_entries_run on journey_entries (run_id);

  alter table journey_runs
    -- Names of events, or a reason code: what the run waits for beside time.
    add column waits_on text[] not null default '{}';

  create index journey_runs_version on journey_runs (journey_key, version, id);
  create index journey_runs_journey_all on journey_runs (journey_key, id);
  create index journey_runs_step on journey_runs (step_id, id);
  create index journey_runs_open on journey_runs (state, id) where ended_at is null;
  create index journey_runs_reason on journey_runs (reason, id) where reason is not null;
  create index journey_runs_started on journey_runs (started_at);
  create index journey_runs_ended on journey_runs (ended_at) where ended_at is not null;
  create index journey_runs_waits on journey_runs using gin (waits_on) where waits_on <> '{}';

  -- The steps that runs have been to: like journey_runs a projection of what Temporal knows. No personal data.
  create table run_path (
    run_key text not null references journey_entries (run_key),
    -- Place among the steps that the run came to; at most 1,000.
    seq int not null,
    step_id text not null,
    visit int not null,
    entered_at timestamptz(3) not null,
    -- Null while the run is there.
    left_at timestamptz(3),
    outcome text,
    reason text,
    decision_id uuid,
    next_step_id text,
    -- The turn of the run in which this last changed: an older report never overwrites a newer one.
    turn bigint not null,
    primary key (run_key, seq)
  );

  -- Jobs that compare the tables of runs with Temporal. Hold figures, and no users.
  create table run_reconciles (
    id uuid primary key default uuidv7(),
    -- Null: of all journeys.
    journey_key text,
    state text not null default 'running' check (state in ('running', 'done', 'cancelled', 'failed')),
    checked int not null default 0,
    mended int not null default 0,
    lost int not null default 0,
    unanswered int not null default 0,
    strangers int not null default 0,
    created_by text not null,
    created_at timestamptz(3) not null default clock_timestamp(),
    updated_at timestamptz(3) not null default clock_timestamp(),
    finished_at timestamptz(3)
  );
  create unique index run_reconciles_one on run_reconciles ((true)) where state = 'running';
`;

const DOWN = `
  drop table run_reconciles, run_path;
  drop index journey_runs_version, journey_runs_journey_all, journey_runs_step, journey_runs_open, journey_runs_reason,
    journey_runs_started, journey_runs_ended, journey_runs_waits;
  alter table journey_runs drop column waits_on;
  drop index journey_entries_run;
  alter table journey_entries drop column run_id;
`;

/** Where runs have been, how they are found, and how both are put right again. */
export class RunPaths20261121001600 extends Migration {
  override up(): void {
    this.addSql(UP);
  }

  override down(): void {
    this.addSql(DOWN);
  }
}
