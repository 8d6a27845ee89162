import { Migration } from '@mikro-orm/migrations';

const UP = `
  create table users (
    id uuid primary key default uuidv7(),
    external_id text unique,
    email text,
    -- Keyed hashes of the normalised addresses: suppressions are looked up by them.
    email_hash text,
    phone text,
    phone_hash text,
    name text,
    lifecycle_stage text,
    timezone text,
    locale text,
    attributes jsonb not null default '{}',
    created_at timestamptz(3) not null default clock_timestamp(),
    updated_at timestamptz(3) not null default clock_timestamp(),
    erased_at timestamptz(3)
  );
  create index users_email_hash on users (email_hash) where email_hash is not null;
  create index users_phone_hash on users (phone_hash) where phone_hash is not null;

  -- One row per user, made with the user: its lock orders everything that decides about a contact.
  create table contact_state (
    user_id uuid primary key references users (id),
    chain_length bigint not null default 0,
    chain_hash bytea not null default ''
  );

  create table consent_records (
    id uuid primary key default uuidv7(),
    user_id uuid not null references users (id),
    purpose text not null,
    channel text not null,
    brand text not null,
    status text not null check (status in ('granted', 'denied', 'withdrawn', 'pending')),
    basis text not null check (basis in ('consent', 'soft_opt_in', 'implied', 'contract', 'legitimate_interest')),
    jurisdiction text,
    stated_at timestamptz(3) not null,
    received_at timestamptz(3) not null,
    expires_at timestamptz(3),
    source text not null,
    text_version text,
    evidence jsonb not null default '{}',
    clock_domain text not null default 'real'
  );
  create index consent_records_user on consent_records (user_id, id);

  create table suppressions (
    id uuid primary key default uuidv7(),
    address_hash text,
    user_id uuid references users (id),
    channel text,
    reason text not null
      check (reason in ('hard_bounce', 'complaint', 'stop', 'manual', 'erasure', 'unsubscribe')),
    source text not null,
    since timestamptz(3) not null,
    until timestamptz(3),
    created_at timestamptz(3) not null default clock_timestamp(),
    check (num_nonnulls(address_hash, user_id) = 1)
  );
  create unique index suppressions_once on suppressions (address_hash, user_id, channel, reason) nulls not distinct;
  create index suppressions_user on suppressions (user_id) where user_id is not null;

  create table event_keys (
    message_id text primary key,
    event_id uuid not null,
    received_at timestamptz(3) not null
  );

  create table events (
    id uuid primary key default uuidv7(),
    user_id uuid not null,
    message_id text not null,
    event_type text not null,
    event_name text not null,
    properties jsonb not null default '{}',
    context jsonb not null default '{}',
    occurred_at timestamptz(3) not null,
    received_at timestamptz(3) not null,
    clock_domain text not null default 'real'
  ) partition by range (id);
  create index events_user_name on events (user_id, event_name, occurred_at);
  create index events_user on events (user_id, id);
`;

/** Users, the statements about them, and what they do. */
export class People20261121000100 extends Migration {
  override up(): void {
    this.addSql(UP);
  }

  override down(): void {
    this.addSql('drop table events, event_keys, suppressions, consent_records, contact_state, users');
  }
}
