import { Migration } from '@mikro-orm/migrations';

const UP = `
  alter table journeys
    drop constraint journeys_status_check,
    add constraint journeys_status_check
      check (status in ('draft', 'published', 'paused', 'draining', 'stopped', 'archived')),
    add column status_since timestamptz(3) not null default clock_timestamp(),
    add column status_by text,
    add column status_reason text,
    -- Where an archived journey goes back to.
    add column former_status text check (former_status in ('draft', 'stopped'));
  update journeys set status_since = updated_at;

  -- Who is in a journey now: counted for its view, and walked through when it stops.
  create index journey_entries_running on journey_entries (journey_id) where ended_at is null;

  -- Runs that are told to end because their journey was stopped, so many a second.
  create table journey_stops (
    journey_id uuid primary key references journeys (id),
    per_second int not null,
    runs_total int not null,
    runs_told int not null default 0,
    started_at timestamptz(3) not null default clock_timestamp(),
    -- No process takes the next step before this.
    next_at timestamptz(3) not null default clock_timestamp(),
    finished_at timestamptz(3)
  );
  create index journey_stops_open on journey_stops (next_at) where finished_at is null;

  -- One row for each journey whose current version limits entries; its lock orders them.
  create table journey_counters (
    journey_id uuid primary key references journeys (id),
    -- {total, per_day, running}
    limits jsonb not null,
    entered_total bigint not null,
    -- Days since 1970 in UTC, of the last entry.
    day int not null,
    entered_today int not null,
    running int not null check (running >= 0)
  );

  create function count_journey_entry() returns trigger language plpgsql as $$
  declare
    today constant int := floor(extract(epoch from new.entered_at) / 86400);
  begin
    if tg_op = 'INSERT' then
      update journey_counters set entered_total = entered_total + 1, day = greatest(day, today),
        entered_today = case when day >= today then entered_today + 1 else 1 end,
        running = running + (new.ended_at is null)::int
      where journey_id = new.journey_id;
    else
      update journey_counters set running = running + (new.ended_at is null)::int - (old.ended_at is null)::int
      where journey_id = new.journey_id;
    end if;
    return null;
  end $$;
  create trigger journey_entries_counted_in after insert on journey_entries
    for each row when (new.clock_domain = 'real') execute function count_journey_entry();
  create trigger journey_entries_counted_out after update of ended_at on journey_entries
    for each row when (new.clock_domain = 'real' and (old.ended_at is null) <> (new.ended_at is null))
    execute function count_journey_entry();

  -- Null: a change that concerns the runs of every journey.
  alter table policy_wakes add column journey_key text;

  -- A hold that was lifted stays: what was in force at an earlier instant can be asked.
  create table user_holds (
    id uuid primary key default uuidv7(),
    user_id uuid not null references users (id),
    reason text not null,
    held_by text not null,
    since timestamptz(3) not null default clock_timestamp(),
    until timestamptz(3),
    lifted_at timestamptz(3)
  );
  create unique index user_holds_standing on user_holds (user_id) where lifted_at is null;
  create index user_holds_user on user_holds (user_id, since);
`;

const DOWN = `
  drop table user_holds;
  alter table policy_wakes drop column journey_key;
  drop trigger journey_entries_counted_in on journey_entries;
  drop trigger journey_entries_counted_out on journey_entries;
  drop function count_journey_entry;
  drop table journey_counters, journey_stops;
  drop index journey_entries_running;
  alter table journeys drop constraint journeys_status_check, drop column status_since, drop column status_by,
    drop column status_reason, drop column former_status;
  update journeys set status = case status when 'stopped' then 'archived' else 'published' end
    where status in ('paused', 'draining', 'stopped');
  alter table journeys add constraint journeys_status_check check (status in ('draft', 'published', 'archived'));
`;

/** Pauses and ends of whole journeys, limits on entries, and holds on single people. */
export class JourneyLife20261121001310 extends Migration {
  override up(): void {
    this.addSql(UP);
  }

  override down(): void {
    this.addSql(DOWN);
  }
}
