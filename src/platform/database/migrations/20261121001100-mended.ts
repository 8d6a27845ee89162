import { Migration } from '@mikro-orm/migrations';

const UP = `
  alter table suppressions
    -- From here on it does not hold any more. The row stays: what was in force at an earlier instant can be asked.
    add column lifted_at timestamptz(3);
  drop index suppressions_once;
  -- Of those that were not lifted.
  create unique index suppressions_once on suppressions (address_hash, user_id, channel, purpose, reason)
    nulls not distinct where lifted_at is null;
  -- With suppressions_user, finds all that ever were.
  create index suppressions_address on suppressions (address_hash) where address_hash is not null;

  -- Providers number their messages each by itself: a message is one of a number.
  alter table keyword_messages drop constraint keyword_messages_message_id_key;
  alter table keyword_messages add constraint keyword_messages_once unique (address_hash, message_id);
`;

const DOWN = `
  delete from keyword_messages later using keyword_messages earlier
    where later.message_id = earlier.message_id and later.id > earlier.id;
  alter table keyword_messages drop constraint keyword_messages_once;
  alter table keyword_messages add constraint keyword_messages_message_id_key unique (message_id);
  delete from suppressions where lifted_at is not null;
  drop index suppressions_address, suppressions_once;
  alter table suppressions drop column lifted_at;
  create unique index suppressions_once on suppressions (address_hash, user_id, channel, purpose, reason)
    nulls not distinct;
`;

/** Suppressions that leave a trace when they are lifted, and text messages that are told apart by their number. */
export class Mended20261121001100 extends Migration {
  override up(): void {
    this.addSql(UP);
  }

  override down(): void {
    this.addSql(DOWN);
  }
}
