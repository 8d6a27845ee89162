import { Migration } from '@mikro-orm/migrations';

const UP = `
  alter table suppressions drop constraint suppressions_reason_check;
  alter table suppressions add constraint suppressions_reason_check check (reason in
    ('hard_bounce', 'soft_bounce', 'complaint', 'stop', 'manual', 'erasure', 'unsubscribe'));
  create index suppressions_reason on suppressions (reason, id);

  -- Names an outcome in a list, and orders outcomes by when they became known.
  alter table contact_outcomes add column id uuid not null default uuidv7();

  alter table soft_bounces
    -- Null once the person is erased: that the message bounced stays, of whom it tells nothing any more.
    alter column address_hash drop not null,
    add column clock_domain text not null default 'real';
`;

const DOWN = `
  delete from soft_bounces where address_hash is null or clock_domain <> 'real';
  alter table soft_bounces alter column address_hash set not null, drop column clock_domain;
  alter table contact_outcomes drop column id;
  drop index suppressions_reason;
  delete from suppressions where reason = 'soft_bounce';
  alter table suppressions drop constraint suppressions_reason_check;
  alter table suppressions add constraint suppressions_reason_check check (reason in
    ('hard_bounce', 'complaint', 'stop', 'manual', 'erasure', 'unsubscribe'));
`;

/** Suppressions for soft bounces, and outcomes that can be listed. */
export class Suppressions20261121000800 extends Migration {
  override up(): void {
    this.addSql(UP);
  }

  override down(): void {
    this.addSql(DOWN);
  }
}
