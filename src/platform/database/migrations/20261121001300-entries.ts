import { Migration } from '@mikro-orm/migrations';

const UP = `
  -- Runs that were enrolled with many others go behind what people have just done.
  alter table journey_entries add column is_bulk boolean not null default false;
`;

const DOWN = 'alter table journey_entries drop column is_bulk;';

/** How people enter journeys. */
export class Entries20261121001300 extends Migration {
  override up(): void {
    this.addSql(UP);
  }

  override down(): void {
    this.addSql(DOWN);
  }
}
