import { Migration } from '@mikro-orm/migrations';

const UP = `
  -- What messages of this version want to learn of their readers.
  alter table message_templates
    add column tracking jsonb not null default '{"links": false, "opens": false, "text": false, "utm": null}';
  -- Whether the message was tracked, and if not, why.
  alter table deliveries add column tracking text not null default 'not_asked' check (tracking in
    ('not_asked', 'switched_off', 'no_consent', 'too_long', 'links', 'opens', 'links_and_opens', 'labels'));
`;

const DOWN = `
  alter table deliveries drop column tracking;
  alter table message_templates drop column tracking;
`;

/** Clicks and openings. */
export class Tracking20261122000700 extends Migration {
  override up(): void {
    this.addSql(UP);
  }

  override down(): void {
    this.addSql(DOWN);
  }
}
