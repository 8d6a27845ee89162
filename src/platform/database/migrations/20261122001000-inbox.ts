import { Migration } from '@mikro-orm/migrations';

const UP = `
  -- Entries of people's inboxes: each is one delivery, and has its id.
  create table inbox_items (
    id uuid primary key,
    user_id uuid not null references users (id),
    title text not null,
    body text not null,
    link text,
    image text,
    -- Null for messages that need no consent.
    unsubscribe_url text,
    state text not null default 'unread' check (state in ('unread', 'read', 'dismissed')),
    created_at timestamptz(3) not null default clock_timestamp(),
    expires_at timestamptz(3) not null,
    read_at timestamptz(3),
    clicked_at timestamptz(3),
    dismissed_at timestamptz(3)
  );
  create index inbox_items_user on inbox_items (user_id, id);
  create index inbox_items_unread on inbox_items (user_id, id) where state = 'unread';
  create index inbox_items_old on inbox_items (expires_at);
`;

const DOWN = 'drop table inbox_items;';

/** Inboxes in apps and on sites. */
export class Inbox20261122001000 extends Migration {
  override up(): void {
    this.addSql(UP);
  }

  override down(): void {
    this.addSql(DOWN);
  }
}
