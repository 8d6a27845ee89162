import { Migration } from '@mikro-orm/migrations';

const UP = `
  -- When an account with a limit takes its next message.
  create table provider_slots (
    account_id uuid primary key references provider_accounts (id) on delete cascade,
    next_at timestamptz not null
  );

  -- Which message has which slot.
  create table provider_tickets (
    ticket text primary key,
    account_id uuid not null references provider_accounts (id) on delete cascade,
    slot_at timestamptz not null
  );
  create index provider_tickets_slot on provider_tickets (slot_at);
`;

const DOWN = 'drop table provider_tickets, provider_slots;';

/** Turns with providers that take so many messages a second. */
export class Slots20261122000400 extends Migration {
  override up(): void {
    this.addSql(UP);
  }

  override down(): void {
    this.addSql(DOWN);
  }
}
