import { Migration } from '@mikro-orm/migrations';

const UP = `
  -- What the histories of a user's runs are sealed with. Destroyed when the user is forgotten and the runs have ended.
  create table payload_keys (
    user_id uuid primary key references users (id),
    -- Sealed itself, with a key derived from SECRET_KEY.
    sealed_key text not null,
    created_at timestamptz(3) not null default clock_timestamp(),
    -- Set by the erasure of the user.
    doomed_at timestamptz(3)
  );
  create index payload_keys_doomed on payload_keys (doomed_at) where doomed_at is not null;
`;

const DOWN = 'drop table payload_keys;';

/** Keys of sealed workflow payloads. */
export class PayloadKeys20261121001800 extends Migration {
  override up(): void {
    this.addSql(UP);
  }

  override down(): void {
    this.addSql(DOWN);
  }
}
