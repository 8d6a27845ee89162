import { Migration } from '@mikro-orm/migrations';

const UP = `
  -- Accounts with those who carry messages.
  create table provider_accounts (
    id uuid primary key default uuidv7(),
    key text not null unique,
    kind text not null,
    channel text not null,
    settings jsonb not null,
    -- A JSON object under seal (SECRET_KEY).
    credentials text not null,
    credential_names text[] not null,
    state text not null default 'active' check (state in ('active', 'paused')),
    priority integer not null,
    per_second float8 check (per_second > 0),
    path_token text not null,
    created_at timestamptz(3) not null default clock_timestamp(),
    updated_at timestamptz(3) not null default clock_timestamp()
  );
  create index provider_accounts_channel on provider_accounts (channel, priority, key);
`;

const DOWN = 'drop table provider_accounts;';

/** Accounts with providers. */
export class Providers20261122000100 extends Migration {
  override up(): void {
    this.addSql(UP);
  }

  override down(): void {
    this.addSql(DOWN);
  }
}
