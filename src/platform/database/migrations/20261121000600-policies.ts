import { Migration } from '@mikro-orm/migrations';

const UP = `
  -- There is one model of fatigue and one arbitration.
  create unique index policies_single on policies (kind) where is_active and kind in ('fatigue', 'arbitration');

  update policies set definition = (definition - 'channel')
      || jsonb_build_object('channels', jsonb_build_array(definition ->> 'channel'))
    where kind = 'quiet_hours' and definition ? 'channel';
  -- A version ended when the next one began; of one that was lifted, nobody wrote down when.
  update policies policy set deactivated_at = coalesce(
      (select next.created_at from policies next where next.key = policy.key and next.version = policy.version + 1),
      clock_timestamp())
    where not is_active;

  -- What a changed policy may concern: it is counted in the transaction of the change, and walked through by id.
  create index journey_runs_put_off on journey_runs (id) where state = 'waiting' and waits_for like '%: put off, %';

  alter table policy_wakes
    -- Runs that came to wait by the former rules while the first pass was under way are looked for in a second one.
    add column is_second_pass boolean not null default false,
    -- No process takes the next step before this.
    add column next_at timestamptz(3) not null default clock_timestamp();
`;

const DOWN = `
  alter table policy_wakes drop column is_second_pass, drop column next_at;
  drop index journey_runs_put_off;
  update policies set definition = (definition - 'channels')
      || jsonb_build_object('channel', coalesce(definition #>> '{channels,0}', 'email'))
    where kind = 'quiet_hours';
  drop index policies_single;
`;

/** Quiet hours for several channels, and what waking after a looser policy needs. */
export class Policies20261121000600 extends Migration {
  override up(): void {
    this.addSql(UP);
  }

  override down(): void {
    this.addSql(DOWN);
  }
}
