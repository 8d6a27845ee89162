import { Migration } from '@mikro-orm/migrations';

const UP = `
  alter table run_waits
    -- [{index, where, isExit}]: conditions on the properties of the event; null where the run asks for none.
    add column listeners jsonb,
    -- Whether events that meet none of them concern the run too.
    add column is_plain boolean not null default true;

  -- Events that a run was asked about and that met no condition: why it did not react. No property is kept.
  create table run_rejects (
    id uuid primary key default uuidv7(),
    run_key text not null references journey_entries (run_key),
    message_id text not null,
    event_name text not null,
    occurred_at timestamptz(3) not null
  );
  create index run_rejects_run on run_rejects (run_key, id);

  -- How many journeys started one another up to this entry, each within a day: a ring that never waits must end.
  alter table journey_entries add column generation int not null default 0;

  -- What was done in which visit of a step: a repeated attempt has no second effect and gets the same answer.
  create table step_acts (
    run_key text not null references journey_entries (run_key),
    step_id text not null,
    visit int not null,
    -- {isDone, because}; null while it is tried.
    result jsonb,
    attempts int not null default 1,
    started_at timestamptz(3) not null default clock_timestamp(),
    done_at timestamptz(3),
    primary key (run_key, step_id, visit)
  );

  create table run_goals (
    run_key text not null references journey_entries (run_key),
    goal text not null,
    reached_at timestamptz(3) not null,
    primary key (run_key, goal)
  );

  -- What endpoints answered, of each step the last.
  create table run_responses (
    run_key text not null references journey_entries (run_key),
    step_id text not null,
    response jsonb not null,
    received_at timestamptz(3) not null default clock_timestamp(),
    primary key (run_key, step_id)
  );

  create table webhook_endpoints (
    id uuid primary key default uuidv7(),
    key text not null unique,
    name text not null,
    url text not null,
    -- Sealed, see SecretBox.
    secret text not null,
    -- Signs beside the new one until then.
    previous_secret text,
    previous_until timestamptz(3),
    -- The endpoint answered 410: nothing is sent there until it is changed.
    gone_at timestamptz(3),
    created_at timestamptz(3) not null default clock_timestamp(),
    updated_at timestamptz(3) not null default clock_timestamp()
  );
`;

const DOWN = `
  drop table webhook_endpoints, run_responses, run_goals, step_acts, run_rejects;
  alter table journey_entries drop column generation;
  alter table run_waits drop column listeners, drop column is_plain;
`;

/** What steps beyond messages and waits need. */
export class Steps20261121001000 extends Migration {
  override up(): void {
    this.addSql(UP);
  }

  override down(): void {
    this.addSql(DOWN);
  }
}
