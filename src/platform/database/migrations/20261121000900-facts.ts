import { Migration } from '@mikro-orm/migrations';

const UP = `
  -- When the device said so: of two events the newer one knows where the person is.
  alter table users add column context_timezone_at timestamptz(3);

  -- Whoever records a decision without the user's lock must not bring back what an erasure took away.
  alter table contact_state add column erased_at timestamptz(3);
  update contact_state state set erased_at = person.erased_at
    from users person where person.id = state.user_id and person.erased_at is not null;

  -- Candidates and rules as they stood in one version of the definitions. Nothing in here is personal.
  create table decision_definitions (
    hash bytea primary key,
    body text not null,
    created_at timestamptz(3) not null default clock_timestamp()
  );

  alter table decisions
    -- The very text that payload_hash is the hash of; null once the user is erased. Decisions made before this column
    -- keep their payload, whose canonical JSON was hashed.
    add column record text,
    -- Null: the record needs nothing besides itself.
    add column definitions_hash bytea,
    -- When to ask again; null unless the outcome is defer.
    add column until timestamptz(3);
  update decisions set until = to_timestamp((payload #>> '{decision,outcome,until}')::float8 / 1000)
    where outcome = 'defer' and payload is not null;
`;

const DOWN = `
  alter table decisions drop column record, drop column definitions_hash, drop column until;
  drop table decision_definitions;
  alter table contact_state drop column erased_at;
  alter table users drop column context_timezone_at;
`;

/** What a decision is recorded with, and where the newest word on a person's zone came from. */
export class Facts20261121000900 extends Migration {
  override up(): void {
    this.addSql(UP);
  }

  override down(): void {
    this.addSql(DOWN);
  }
}
