import { Migration } from '@mikro-orm/migrations';

const UP = `
  -- Audiences of advertising platforms that are kept in step with users.
  create table audience_syncs (
    id uuid primary key default uuidv7(),
    key text not null unique,
    name text not null,
    base_url text not null,
    audience_id text not null,
    -- Under seal (SECRET_KEY).
    access_token text not null,
    purpose text not null,
    brand text not null,
    identifiers text[] not null,
    condition jsonb not null,
    state text not null default 'active' check (state in ('active', 'paused', 'ending')),
    -- Of the round under way: the last user that was looked at; null before the first.
    cursor uuid,
    round_started_at timestamptz(3),
    round_ended_at timestamptz(3),
    -- Before that nobody works on it: somebody does, or the platform asked for a rest.
    next_at timestamptz(3) not null default clock_timestamp(),
    failures integer not null default 0,
    failure text,
    created_at timestamptz(3) not null default clock_timestamp(),
    updated_at timestamptz(3) not null default clock_timestamp()
  );
  create index audience_syncs_next on audience_syncs (next_at);

  -- Who is, or is to be, in which audience. What is wanted and what is there may differ; rounds bring them together.
  create table audience_members (
    id uuid primary key default uuidv7(),
    sync_id uuid not null references audience_syncs (id) on delete cascade,
    -- Null once the person is erased.
    user_id uuid references users (id),
    kind text not null check (kind in ('email', 'phone')),
    -- SHA-256 of the address as the platform wants it written.
    hash text not null,
    is_wanted boolean not null,
    -- unsure: the platform was asked to, and did not answer.
    actual text not null default 'absent' check (actual in ('absent', 'unsure', 'present')),
    updated_at timestamptz(3) not null default clock_timestamp(),
    constraint audience_members_once unique (sync_id, kind, hash)
  );
  create index audience_members_user on audience_members (user_id);
  create index audience_members_add on audience_members (sync_id, kind, id) where is_wanted and actual <> 'present';
  create index audience_members_remove on audience_members (sync_id, kind, id) where not is_wanted;
`;

const DOWN = 'drop table audience_members, audience_syncs;';

/** Audiences of advertising platforms. */
export class AudienceSyncs20261122001100 extends Migration {
  override up(): void {
    this.addSql(UP);
  }

  override down(): void {
    this.addSql(DOWN);
  }
}
