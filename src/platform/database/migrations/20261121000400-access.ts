import { Migration } from '@mikro-orm/migrations';

const UP = `
  create table api_keys (
    id uuid primary key default uuidv7(),
    name text not null,
    secret_hash text not null,
    scopes text[] not null,
    created_at timestamptz(3) not null default clock_timestamp(),
    expires_at timestamptz(3),
    last_used_at timestamptz(3),
    revoked_at timestamptz(3)
  );

  create table idempotency_keys (
    principal text not null,
    key text not null,
    request_hash text not null,
    status int,
    body jsonb,
    locked_until timestamptz(3) not null,
    created_at timestamptz(3) not null default clock_timestamp(),
    primary key (principal, key)
  );
  create index idempotency_keys_age on idempotency_keys (created_at);

  create table audit_log (
    id uuid primary key default uuidv7(),
    at timestamptz(3) not null default clock_timestamp(),
    principal text not null,
    action text not null,
    subject text not null,
    detail jsonb not null default '{}'
  );

  -- What this database was made with. One row, written at the first start.
  create table installation (
    id int primary key check (id = 1),
    suppression_key_fingerprint text not null,
    created_at timestamptz(3) not null default clock_timestamp()
  );

  -- The smallest UUIDv7 of an instant: 48 bits of milliseconds, then version 7 and zeros.
  create function uuidv7_floor(at timestamptz) returns uuid language sql immutable as $$
    select (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '70008000000000000000')::uuid
  $$;

  -- Makes the partitions of this month and of the months ahead; safe to call at any time, by anybody.
  create function ensure_partitions(months_ahead int) returns void language plpgsql as $$
  declare
    parent text;
    first_day timestamptz;
    name text;
  begin
    perform pg_advisory_xact_lock(hashtext('ensure_partitions'));
    foreach parent in array array['events', 'decisions'] loop
      for ahead in 0..months_ahead loop
        first_day := date_trunc('month', clock_timestamp(), 'UTC') + make_interval(months => ahead);
        name := format('%s_%s', parent, to_char(first_day at time zone 'UTC', 'YYYY_MM'));
        if to_regclass(name) is null then
          execute format('create table %I partition of %I for values from (%L) to (%L)', name, parent,
            uuidv7_floor(first_day), uuidv7_floor(first_day + interval '1 month'));
        end if;
      end loop;
    end loop;
  end $$;
  select ensure_partitions(3);
`;

/** Keys, repeated requests, the audit trail, the installation, and the monthly partitions of what grows. */
export class Access20261121000400 extends Migration {
  override up(): void {
    this.addSql(UP);
  }

  override down(): void {
    this.addSql(
      'drop function ensure_partitions, uuidv7_floor; drop table installation, audit_log, idempotency_keys, api_keys',
    );
  }
}
