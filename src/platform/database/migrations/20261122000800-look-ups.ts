import { Migration } from '@mikro-orm/migrations';

const UP = `
  alter table deliveries
    -- When the open attempt was claimed, by this clock, whatever the clock of its run says.
    add column attempted_at timestamptz(3) not null default clock_timestamp(),
    -- Of the words of a message that its provider shows under no id of ours.
    add column content_hash text,
    -- When its provider is asked next whether it took the message; null: some time after the deadline.
    add column ask_at timestamptz(3),
    -- How often it was asked, and how often it had nothing.
    add column asks int not null default 0,
    add column misses int not null default 0;
  -- Of those under way it is not known any more: no attempt is alive for longer.
  update deliveries set attempted_at = deadline_at - interval '5 minutes' where state = 'sending';
  create index deliveries_alike on deliveries (address, content_hash)
    where content_hash is not null and provider_message_id is null;
`;

const DOWN = `
  drop index deliveries_alike;
  alter table deliveries
    drop column attempted_at, drop column content_hash, drop column ask_at, drop column asks, drop column misses;
`;

/** Providers that are asked what became of a message. */
export class LookUps20261122000800 extends Migration {
  override up(): void {
    this.addSql(UP);
  }

  override down(): void {
    this.addSql(DOWN);
  }
}
