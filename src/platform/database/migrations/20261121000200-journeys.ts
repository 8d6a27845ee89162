import { Migration } from '@mikro-orm/migrations';

const UP = `
  create table message_templates (
    id uuid primary key default uuidv7(),
    key text not null,
    version int not null,
    channel text not null,
    purpose text not null,
    legal_basis text not null check (legal_basis in ('consent', 'contract')),
    brand text not null,
    tags text[] not null default '{}',
    subject text not null,
    html text not null,
    text text not null,
    created_at timestamptz(3) not null default clock_timestamp(),
    unique (key, version)
  );

  create table actions (
    id uuid primary key default uuidv7(),
    key text not null unique,
    version int not null default 1,
    name text not null,
    channel text not null,
    template text not null,
    tags text[] not null default '{}',
    is_active boolean not null default true,
    eligibility jsonb,
    propensity double precision not null default 1 check (propensity between 0 and 1),
    context_weight double precision not null default 0 check (context_weight > -100),
    value double precision not null default 1 check (value >= 0),
    lever_weight double precision not null default 0 check (lever_weight > -100),
    channel_cost double precision not null default 0,
    created_at timestamptz(3) not null default clock_timestamp(),
    updated_at timestamptz(3) not null default clock_timestamp()
  );

  create table policies (
    id uuid primary key default uuidv7(),
    key text not null,
    version int not null,
    kind text not null check (kind in ('cap', 'quiet_hours')),
    is_active boolean not null,
    definition jsonb not null,
    created_at timestamptz(3) not null default clock_timestamp(),
    unique (key, version)
  );
  create unique index policies_current on policies (key) where is_active;

  create table controls (
    id int primary key check (id = 1),
    is_kill_switch_on boolean not null default false,
    version bigint not null default 1,
    changed_at timestamptz(3) not null default clock_timestamp(),
    changed_by text
  );
  insert into controls (id) values (1);

  create table journeys (
    id uuid primary key default uuidv7(),
    key text not null unique,
    name text not null,
    status text not null default 'draft' check (status in ('draft', 'published', 'archived')),
    definition jsonb not null,
    current_version int,
    created_at timestamptz(3) not null default clock_timestamp(),
    updated_at timestamptz(3) not null default clock_timestamp()
  );

  create table journey_versions (
    journey_id uuid not null references journeys (id),
    version int not null,
    definition jsonb not null,
    plan jsonb not null,
    content_hash text not null,
    published_at timestamptz(3) not null default clock_timestamp(),
    primary key (journey_id, version)
  );

  -- The unique key decides who may enter; Temporal's workflow ids are only the second line.
  create table journey_entries (
    run_key text primary key,
    journey_id uuid not null,
    version int not null,
    user_id uuid not null references users (id),
    entry_key text not null,
    clock_domain text not null default 'real',
    source text not null,
    entered_at timestamptz(3) not null default clock_timestamp(),
    ended_at timestamptz(3),
    paused_at timestamptz(3),
    exit_requested_at timestamptz(3),
    foreign key (journey_id, version) references journey_versions (journey_id, version),
    unique (journey_id, user_id, entry_key, clock_domain)
  );
  create unique index journey_entries_virtual on journey_entries (user_id, clock_domain)
    where clock_domain <> 'real' and ended_at is null;
  create index journey_entries_user on journey_entries (user_id);

  create table journey_runs (
    id uuid primary key default uuidv7(),
    run_key text not null unique references journey_entries (run_key),
    journey_key text not null,
    version int not null,
    user_id uuid not null,
    clock_domain text not null,
    state text not null check (state in ('starting', 'running', 'waiting', 'paused', 'completed', 'exited')),
    step_id text,
    waits_for text,
    waits_until timestamptz(3),
    reason text,
    seq bigint not null default 0,
    started_at timestamptz(3) not null,
    ended_at timestamptz(3),
    updated_at timestamptz(3) not null default clock_timestamp()
  );
  create index journey_runs_user on journey_runs (user_id, id);
  create index journey_runs_journey on journey_runs (journey_key, state, id);

  -- Which running runs react to which event of which user.
  create table run_waits (
    user_id uuid not null,
    event_name text not null,
    run_key text not null references journey_entries (run_key),
    -- The event ends the run: the claim of every message looks for it once more.
    is_exit boolean not null,
    clock_domain text not null,
    primary key (user_id, event_name, run_key)
  );
  create index run_waits_run on run_waits (run_key);

  create table outbox (
    id uuid primary key default uuidv7(),
    kind text not null check (kind in ('start_run', 'signal_run', 'command_run')),
    run_key text not null,
    payload jsonb not null,
    created_at timestamptz(3) not null default clock_timestamp(),
    available_at timestamptz(3) not null default clock_timestamp(),
    attempts int not null default 0,
    last_error text
  );
  create index outbox_due on outbox (available_at, id);
  create index outbox_starts on outbox (run_key) where kind = 'start_run';
`;

/** Definitions that operators write, and the runs of them. */
export class Journeys20261121000200 extends Migration {
  override up(): void {
    this.addSql(UP);
  }

  override down(): void {
    this.addSql(`drop table outbox, run_waits, journey_runs, journey_entries, journey_versions, journeys, controls,
      policies, actions, message_templates`);
  }
}
