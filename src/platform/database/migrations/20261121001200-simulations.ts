import { Migration } from '@mikro-orm/migrations';

const UP = `
  -- Journeys that were tried on people on paper. Holds figures, and neither users nor the instants they were tried at.
  create table simulations (
    id uuid primary key default uuidv7(),
    journey_id uuid not null references journeys (id) on delete cascade,
    -- Null: the draft.
    version int,
    compare_with int,
    -- What was asked, without the users.
    request jsonb not null,
    state text not null default 'queued'
      check (state in ('queued', 'running', 'done', 'failed', 'cancelled', 'interrupted')),
    users_done int not null default 0,
    -- Null until they are chosen.
    users_total int,
    result jsonb,
    -- Why it failed, in a word of ours.
    fault text,
    created_by text not null,
    created_at timestamptz(3) not null default clock_timestamp(),
    started_at timestamptz(3),
    finished_at timestamptz(3),
    -- The process that works on it was alive then.
    heartbeat_at timestamptz(3) not null default clock_timestamp()
  );
`;

const DOWN = 'drop table simulations;';

/** Simulations of journeys, with their progress and results. */
export class Simulations20261121001200 extends Migration {
  override up(): void {
    this.addSql(UP);
  }

  override down(): void {
    this.addSql(DOWN);
  }
}
