import { Migration } from '@mikro-orm/migrations';

const UP = `
  -- Subscriptions that were taken away because their runs do not react to the event.
  alter table run_reconciles add column unsubscribed int not null default 0;
  -- One row for each run whose path is kept: which of them are old.
  create index run_path_begun on run_path (entered_at) where seq = 1;
`;

const DOWN = `
  drop index run_path_begun;
  alter table run_reconciles drop column unsubscribed;
`;

/** What is not needed any more around runs goes. */
export class RunUpkeep20261123000310 extends Migration {
  override up(): void {
    this.addSql(UP);
  }

  override down(): void {
    this.addSql(DOWN);
  }
}
