import { Migration } from '@mikro-orm/migrations';

const UP = `
  -- What providers told of messages, each event once, whether or not anything came of it.
  create table provider_callbacks (
    id uuid primary key default uuidv7(),
    account_key text not null,
    -- Whose protocol told it.
    scheme text not null,
    channel text not null,
    -- The provider's own id of the event, or one made of what makes it this event and no other.
    provider_event_id text not null,
    kind text not null,
    -- Ours: what the provider carried back, later what was found.
    delivery_id uuid,
    provider_message_id text,
    -- When it happened, by the provider; null where it does not say.
    at timestamptz(3),
    -- The provider's word for it, and its reason until it is applied. No address, no number, no text of a person.
    payload jsonb not null,
    state text not null check (state in ('received', 'applied', 'unmatched', 'ignored')),
    attempts integer not null default 0,
    -- Null: nothing more is to be done.
    next_attempt_at timestamptz(3),
    received_at timestamptz(3) not null default clock_timestamp(),
    applied_at timestamptz(3),
    constraint provider_callbacks_once unique (account_key, provider_event_id)
  );
  create index provider_callbacks_due on provider_callbacks (next_attempt_at, id) where next_attempt_at is not null;
  create index provider_callbacks_delivery on provider_callbacks (delivery_id, id);
  create index provider_callbacks_unmatched on provider_callbacks (id) where state = 'unmatched';

  -- Words that make a signed request valid once.
  create table callback_tokens (
    account_key text not null,
    token text not null,
    seen_at timestamptz(3) not null default clock_timestamp(),
    primary key (account_key, token)
  );
  create index callback_tokens_old on callback_tokens (seen_at);

  create index deliveries_provider_message on deliveries (provider_message_id, provider)
    where provider_message_id is not null;
  alter table deliveries
    add column open_count integer not null default 0,
    add column click_count integer not null default 0;
`;

const DOWN = `
  alter table deliveries drop column open_count, drop column click_count;
  drop index deliveries_provider_message;
  drop table provider_callbacks, callback_tokens;
`;

/** What providers tell of messages. */
export class Callbacks20261122000200 extends Migration {
  override up(): void {
    this.addSql(UP);
  }

  override down(): void {
    this.addSql(DOWN);
  }
}
