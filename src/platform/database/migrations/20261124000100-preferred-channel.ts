import { Migration } from '@mikro-orm/migrations';

const UP = `
  -- Where the person would rather be reached; null: said nothing. No consent: it permits nothing.
  alter table users add column preferred_channel text
    constraint users_preferred_channel check (preferred_channel in ('email', 'sms', 'push', 'in_app'));
`;

const DOWN = `
  alter table users drop column preferred_channel;
`;

/** People have a channel on which they would rather be reached. */
export class PreferredChannel20261124000100 extends Migration {
  override up(): void {
    this.addSql(UP);
  }

  override down(): void {
    this.addSql(DOWN);
  }
}
