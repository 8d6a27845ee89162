import { Migration } from '@mikro-orm/migrations';

const UP = `
  -- What the accounts of a channel ask is a part of what an action is worth.
  create trigger provider_accounts_bump after insert or update or delete on provider_accounts
    for each statement execute function bump_definitions();

  alter table event_subscriptions
    -- Since when every attempt failed; null: the last one succeeded, or there was none.
    add column failing_since timestamptz(3),
    -- How many attempts failed since then.
    add column failed_attempts integer not null default 0;
`;

const DOWN = `
  alter table event_subscriptions drop column failing_since, drop column failed_attempts;
  drop trigger provider_accounts_bump on provider_accounts;
`;

/** Costs of accounts count in decisions; subscribers that always fail are known. */
export class AccountsAndSubscribers20261123000200 extends Migration {
  override up(): void {
    this.addSql(UP);
  }

  override down(): void {
    this.addSql(DOWN);
  }
}
