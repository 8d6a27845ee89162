import { Migration } from '@mikro-orm/migrations';

const UP = `
  -- Which arm of a split a run goes through, and when the user met it. Worked out from run_path, and kept when that goes.
  create table split_exposures (
    id uuid primary key default uuidv7(),
    run_key text not null references journey_entries (run_key),
    step_id text not null,
    journey_id uuid not null references journeys (id),
    -- The version whose arms and weights the run drew among.
    version int not null,
    arm text not null,
    assigned_at timestamptz(3) not null,
    -- Null: not met yet.
    exposed_at timestamptz(3),
    exposed_by text check (exposed_by in ('delivery', 'silence')),
    delivery_id uuid,
    check ((exposed_at is null) = (exposed_by is null)),
    unique (run_key, step_id)
  );
  create index split_exposures_step on split_exposures (journey_id, step_id, id);
`;

const DOWN = 'drop table split_exposures;';

/** Who met which arm of a split. */
export class Exposures20261123000300 extends Migration {
  override up(): void {
    this.addSql(UP);
  }

  override down(): void {
    this.addSql(DOWN);
  }
}
