import { Migration } from '@mikro-orm/migrations';

const UP = `
  -- What lets people into the current version of each journey by itself; replaced when a version is published.
  create table journey_triggers (
    journey_id uuid not null references journeys (id),
    -- Its place in the definition.
    position int not null,
    kind text not null check (kind in ('event', 'schedule')),
    event_name text,
    definition jsonb not null,
    primary key (journey_id, position)
  );
  create index journey_triggers_event on journey_triggers (event_name) where kind = 'event';

  -- Events that would have let somebody in, and why they did not.
  create table trigger_refusals (
    id uuid primary key default uuidv7(),
    journey_id uuid not null references journeys (id),
    user_id uuid not null,
    event_name text not null,
    message_id text not null,
    code text not null,
    detail text not null,
    refused_at timestamptz(3) not null default clock_timestamp()
  );
  create index trigger_refusals_journey on trigger_refusals (journey_id, id);
  create index trigger_refusals_user on trigger_refusals (user_id);
  create index trigger_refusals_refused_at on trigger_refusals (refused_at);

  alter table outbox drop constraint outbox_kind_check;
  alter table outbox add constraint outbox_kind_check
    check (kind in ('start_run', 'signal_run', 'command_run', 'enter_journey'));
`;

const DOWN = `
  delete from outbox where kind = 'enter_journey';
  alter table outbox drop constraint outbox_kind_check;
  alter table outbox add constraint outbox_kind_check check (kind in ('start_run', 'signal_run', 'command_run'));
  drop table trigger_refusals, journey_triggers;
`;

/** Journeys that people enter by what they do, or at set times. */
export class Triggers20261121001400 extends Migration {
  override up(): void {
    this.addSql(UP);
  }

  override down(): void {
    this.addSql(DOWN);
  }
}
