import { Migration } from '@mikro-orm/migrations';

const UP = `
  -- Where notifications reach people.
  create table user_devices (
    id uuid primary key default uuidv7(),
    user_id uuid not null references users (id),
    platform text not null check (platform in ('fcm', 'webpush')),
    -- As deliveries carry it; null once the device is gone, where nothing can be sent any more.
    address text,
    -- Keyed hash of what tells the device from all others: one device is one row, whoever uses it.
    address_hash text not null unique,
    app text,
    label text,
    state text not null default 'active' check (state in ('active', 'gone')),
    created_at timestamptz(3) not null default clock_timestamp(),
    last_seen_at timestamptz(3) not null default clock_timestamp(),
    gone_at timestamptz(3),
    check ((state = 'active') = (address is not null)),
    check ((state = 'gone') = (gone_at is not null))
  );
  create index user_devices_active on user_devices (user_id, last_seen_at desc) where state = 'active';
  create index user_devices_user on user_devices (user_id, id);
`;

const DOWN = 'drop table user_devices;';

/** Devices of users, to which notifications go. */
export class Devices20261122000500 extends Migration {
  override up(): void {
    this.addSql(UP);
  }

  override down(): void {
    this.addSql(DOWN);
  }
}
