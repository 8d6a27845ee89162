import { Migration } from '@mikro-orm/migrations';

/** Outcomes by which somebody says that a provider had taken the message. */
const TAKEN = `'{sent,delivered,failed,bounced,soft_bounced,complained,opened,clicked}'`;

const UP = `
  -- Of one that failed: by the answer to its own attempt, so that nothing was taken.
  alter table deliveries add column is_refused boolean not null default false;
  update deliveries delivery set is_refused = true
    where state = 'failed' and provider_message_id is null and not exists (
      select from contact_outcomes outcome where outcome.delivery_id = delivery.id and outcome.kind = any (${TAKEN}));
  create index deliveries_dead on deliveries (id) where state in ('failed', 'unknown');

  -- Replays that were ordered together.
  create table dead_letter_bulks (
    id uuid primary key default uuidv7(),
    -- What was asked for, as it was asked for; a person by id.
    filter jsonb not null,
    reason text not null,
    ordered_by text not null,
    replays_max int not null,
    -- How many dead letters were chosen.
    chosen int not null default 0,
    created_at timestamptz(3) not null default clock_timestamp(),
    cancelled_at timestamptz(3),
    cancelled_by text
  );

  -- Messages that an operator wants to go out after all. No foreign key: deliveries know nothing of it.
  create table dead_letter_replays (
    id uuid primary key default uuidv7(),
    delivery_id uuid not null,
    user_id uuid not null,
    bulk_id uuid references dead_letter_bulks (id),
    reason text not null,
    ordered_by text not null,
    state text not null default 'waiting'
      check (state in ('waiting', 'sent', 'refused', 'rejected', 'unknown', 'expired', 'cancelled')),
    -- The attempt of the delivery that nobody took: what is further on was claimed by this replay.
    failed_attempt int not null,
    -- Number of the question to the step that is next, or was last.
    ask int not null,
    -- Of the process that is at it: nobody else may claim.
    token uuid,
    -- When it is asked, or given to another process; null: it is over.
    next_at timestamptz(3) default clock_timestamp(),
    -- Since then an attempt is under way, or in doubt: it cannot be called off.
    claimed_at timestamptz(3),
    expires_at timestamptz(3) not null,
    -- Why it was put off, or ended.
    code text,
    decision_id uuid,
    created_at timestamptz(3) not null default clock_timestamp(),
    ended_at timestamptz(3),
    check ((state = 'waiting') = (ended_at is null)),
    check ((state = 'waiting') = (next_at is not null))
  );
  create unique index dead_letter_replays_open on dead_letter_replays (delivery_id) where state = 'waiting';
  create index dead_letter_replays_delivery on dead_letter_replays (delivery_id, id);
  create index dead_letter_replays_due on dead_letter_replays (next_at) where next_at is not null;
  create index dead_letter_replays_bulk on dead_letter_replays (bulk_id, state);
  create index dead_letter_replays_ended on dead_letter_replays (ended_at) where ended_at is not null;
  create index dead_letter_replays_user on dead_letter_replays (user_id) where state = 'waiting';
`;

const DOWN = `
  drop table dead_letter_replays, dead_letter_bulks;
  drop index deliveries_dead;
  alter table deliveries drop column is_refused;
`;

/** Messages that nobody took, and those that are to go out after all. */
export class DeadLetters20261123000100 extends Migration {
  override up(): void {
    this.addSql(UP);
  }

  override down(): void {
    this.addSql(DOWN);
  }
}
