import { Migration } from '@mikro-orm/migrations';

const UP = `
  -- Many people enter one journey, page by page. The row is the truth about how far it is; a workflow carries it.
  create table bulk_enrolments (
    id uuid primary key default uuidv7(),
    journey_id uuid not null references journeys (id),
    source text not null check (source in ('filter', 'ids', 'file', 'schedule')),
    -- Where the users are chosen by a condition; else they are the items.
    condition jsonb,
    per_second int not null,
    spread_ms bigint not null default 0,
    entry_key text,
    start_at timestamptz(3),
    local_minute int,
    -- With local_minute: on this day by each user's own calendar; null: the next time that it comes.
    local_date date,
    -- What makes a second enrolment for one cause impossible, e.g. the instant of a schedule.
    cause text,
    state text not null default 'queued'
      check (state in ('receiving', 'queued', 'running', 'paused', 'done', 'cancelled', 'failed')),
    -- Why it does not go on at the moment, or why it failed: words of ours.
    waits_for text,
    fault text,
    -- The last user, or the last item, that was looked at; users made later are not in it.
    after_user uuid,
    last_user uuid,
    after_line int not null default 0,
    pages_done int not null default 0,
    users_total int not null default 0,
    looked_at int not null default 0,
    entered int not null default 0,
    already_in int not null default 0,
    refused int not null default 0,
    refused_by jsonb not null default '{}',
    -- How many commands there were, the start among them, and how many of them the workflow was told.
    commands int not null default 1,
    told int not null default 0,
    tell_at timestamptz(3) not null default clock_timestamp(),
    created_by text not null,
    created_at timestamptz(3) not null default clock_timestamp(),
    started_at timestamptz(3),
    finished_at timestamptz(3),
    updated_at timestamptz(3) not null default clock_timestamp(),
    unique (journey_id, cause)
  );
  create index bulk_enrolments_journey on bulk_enrolments (journey_id, id);
  create index bulk_enrolments_open on bulk_enrolments (tell_at)
    where state in ('receiving', 'queued', 'running') or told < commands;

  -- Who is to enter, of a list or a file; they go when the enrolment is over.
  create table bulk_enrolment_items (
    bulk_id uuid not null references bulk_enrolments (id) on delete cascade,
    line int not null,
    -- Null: nobody has this external id.
    user_id uuid,
    entry_key text,
    primary key (bulk_id, line)
  );
  create index bulk_enrolment_items_user on bulk_enrolment_items (user_id) where entry_key is not null;

  create table bulk_enrolment_refusals (
    id uuid primary key default uuidv7(),
    bulk_id uuid not null references bulk_enrolments (id) on delete cascade,
    line int,
    user_id uuid,
    code text not null,
    detail text not null,
    refused_at timestamptz(3) not null default clock_timestamp()
  );
  create index bulk_enrolment_refusals_bulk on bulk_enrolment_refusals (bulk_id, id);
`;

const DOWN = 'drop table bulk_enrolment_refusals, bulk_enrolment_items, bulk_enrolments;';

/** Enrolments of many at once, with their progress and what was refused. */
export class BulkEnrolments20261121001410 extends Migration {
  override up(): void {
    this.addSql(UP);
  }

  override down(): void {
    this.addSql(DOWN);
  }
}
