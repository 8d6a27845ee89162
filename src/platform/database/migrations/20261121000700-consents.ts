import { Migration } from '@mikro-orm/migrations';

const UP = `
  -- '*' stands for every purpose, channel or brand. Permission is specific, a refusal need not be.
  alter table consent_records
    add constraint consent_records_grants_are_specific
      check (status in ('denied', 'withdrawn') or '*' not in (purpose, channel, brand)),
    add constraint consent_records_objections_are_whole
      check (not is_objection or (status = 'withdrawn' and purpose = '*' and channel = '*' and brand = '*'));

  alter table consent_confirmations
    -- To which address the mail went, by keyed hash: whoever has another one by now did not confirm it.
    add column address_hash text,
    -- When the dispatcher may look at it next.
    add column available_at timestamptz(3) not null default clock_timestamp(),
    add column attempts int not null default 0,
    -- Null while a mail is still to go out; then the state of its delivery, or the reason why there is none.
    add column ended_as text;
  create index consent_confirmations_due on consent_confirmations (available_at) where ended_as is null;

  -- Incoming text messages, once each. Words are kept only where a person has to read them.
  create table keyword_messages (
    id uuid primary key default uuidv7(),
    message_id text not null unique,
    address_hash text not null,
    meaning text check (meaning in ('stop', 'start', 'help', 'maybe_stop')),
    said_at timestamptz(3) not null,
    received_at timestamptz(3) not null default clock_timestamp(),
    text text,
    user_ids uuid[] not null default '{}',
    reply text
  );
  create index keyword_messages_address on keyword_messages (address_hash, said_at);
`;

const DOWN = `
  drop table keyword_messages;
  drop index consent_confirmations_due;
  alter table consent_confirmations
    drop column address_hash, drop column available_at, drop column attempts, drop column ended_as;
  alter table consent_records
    drop constraint consent_records_grants_are_specific, drop constraint consent_records_objections_are_whole;
`;

/** Confirmations by mail, keywords by text message, and what a statement about everything may say. */
export class Consents20261121000700 extends Migration {
  override up(): void {
    this.addSql(UP);
  }

  override down(): void {
    this.addSql(DOWN);
  }
}
