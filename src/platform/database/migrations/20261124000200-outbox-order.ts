import { Migration } from '@mikro-orm/migrations';

/** The signals of one run, oldest first: each waits for those before it. */
export class OutboxOrder20261124000200 extends Migration {
  override up(): void {
    this.addSql(`create index outbox_signals on outbox (run_key, id) where kind = 'signal_run'`);
  }

  override down(): void {
    this.addSql('drop index outbox_signals');
  }
}
