import { Migration } from '@mikro-orm/migrations';

const UP = `
  alter table users
    -- From the context of the user's events: where the device says it is. The profile's own zone comes first.
    add column context_timezone text,
    -- ISO 3166: where the company knows the person to be, e.g. US or US-FL.
    add column jurisdiction text;

  alter table consent_records
    -- Objection to direct marketing (GDPR art. 21): a withdrawal for every channel at once, told apart for the record.
    add column is_objection boolean not null default false;

  -- One question to a person who is to confirm a consent. The token itself is only in the message.
  create table consent_confirmations (
    id uuid primary key default uuidv7(),
    user_id uuid not null references users (id),
    purpose text not null,
    channel text not null,
    brand text not null,
    pending_record_id uuid not null,
    token_hash bytea not null unique,
    delivery_id uuid,
    created_at timestamptz(3) not null default clock_timestamp(),
    expires_at timestamptz(3) not null,
    confirmed_at timestamptz(3)
  );
  create index consent_confirmations_user on consent_confirmations (user_id, id);

  alter table suppressions add column purpose text;
  drop index suppressions_once;
  create unique index suppressions_once on suppressions (address_hash, user_id, channel, purpose, reason)
    nulls not distinct;

  -- Soft bounces of an address, by keyed hash: enough of them within a time suppress it.
  create table soft_bounces (
    id uuid primary key default uuidv7(),
    address_hash text not null,
    channel text not null,
    delivery_id uuid,
    at timestamptz(3) not null
  );
  create unique index soft_bounces_once on soft_bounces (delivery_id) where delivery_id is not null;
  create index soft_bounces_address on soft_bounces (address_hash, at);

  alter table actions
    add column issue text,
    add column action_group text,
    add column applicability jsonb,
    add column suitability jsonb,
    -- [{key, value, weight}]: added to context_weight where the context of the question says so.
    add column context_weights jsonb not null default '[]',
    -- ISO 8601 duration.
    add column ttl text;

  alter table policies drop constraint policies_kind_check;
  alter table policies
    add constraint policies_kind_check check (kind in
      ('cap', 'quiet_hours', 'legal_overlay', 'pause', 'fatigue', 'lever', 'arbitration', 'holdout')),
    -- From when to when this version was in force: what was true at an earlier instant can be asked.
    add column deactivated_at timestamptz(3);

  -- Grows with every change of what decisions rest on beside the person: a process that holds the definitions of a
  -- version asks each time whether it is still the one.
  alter table controls add column definitions_version bigint not null default 1;
  create function bump_definitions() returns trigger language plpgsql as $$
  begin
    update controls set definitions_version = definitions_version + 1;
    return null;
  end $$;
  create trigger policies_bump after insert or update or delete on policies
    for each statement execute function bump_definitions();
  create trigger actions_bump after insert or update or delete on actions
    for each statement execute function bump_definitions();
  create trigger message_templates_bump after insert or update or delete on message_templates
    for each statement execute function bump_definitions();

  -- What a policy that was loosened or lifted wakes, little by little.
  create table policy_wakes (
    id uuid primary key default uuidv7(),
    policy_key text not null,
    because text not null,
    runs_total int not null,
    runs_woken int not null default 0,
    -- The last run that was woken; the next ones come after it.
    cursor uuid,
    per_second int not null,
    started_at timestamptz(3) not null default clock_timestamp(),
    finished_at timestamptz(3)
  );
  create index policy_wakes_open on policy_wakes (id) where finished_at is null;

  alter table contact_ledger
    add column action text not null default '',
    add column action_group text,
    add column state text not null default 'sending';
  update contact_ledger ledger set state = case when is_given_back and delivery.state not in ('failed', 'released')
      then 'released' else delivery.state end, action = delivery.action
    from deliveries delivery where delivery.id = ledger.delivery_id;
  drop index contact_ledger_user;
  alter table contact_ledger drop column is_given_back;
  alter table contact_ledger alter column action drop default;
  create index contact_ledger_user on contact_ledger (user_id, clock_domain, at desc) where state <> 'released';

  -- What became of contacts: from the delivery itself, from the provider's callbacks, from the person.
  create table contact_outcomes (
    delivery_id uuid not null,
    kind text not null check (kind in ('sent', 'delivered', 'failed', 'bounced', 'complained', 'opened', 'clicked',
      'converted', 'dismissed', 'ignored', 'unsubscribed')),
    user_id uuid not null,
    decision_id uuid not null,
    at timestamptz(3) not null,
    channel text not null,
    purpose text not null,
    action text not null,
    action_group text,
    clock_domain text not null default 'real',
    primary key (delivery_id, kind)
  );
  create index contact_outcomes_user on contact_outcomes (user_id, clock_domain, at desc);

  alter table step_answers add column asked_at timestamptz(3) not null default clock_timestamp();

  alter table journey_entries
    add column conflict_group text,
    add column conflict_priority int not null default 0;
  create index journey_entries_conflict on journey_entries (user_id)
    where conflict_group is not null and ended_at is null;

  -- Messages that wait for an opening: whoever wakes first weighs them all.
  create table pending_candidates (
    run_key text not null references journey_entries (run_key),
    step_id text not null,
    visit int not null,
    user_id uuid not null,
    clock_domain text not null,
    candidate jsonb not null,
    opening_at timestamptz(3) not null,
    passes_on_at timestamptz(3) not null,
    decision_id uuid not null,
    -- The decision of the run that was weighed higher and took its place at this opening.
    beaten_by uuid,
    created_at timestamptz(3) not null default clock_timestamp(),
    primary key (run_key)
  );
  create index pending_candidates_user on pending_candidates (user_id, clock_domain);
`;

const DOWN = `
  drop table pending_candidates, contact_outcomes, policy_wakes, soft_bounces, consent_confirmations;
  drop trigger policies_bump on policies;
  drop trigger actions_bump on actions;
  drop trigger message_templates_bump on message_templates;
  drop function bump_definitions;
  drop index journey_entries_conflict;
  alter table journey_entries drop column conflict_group, drop column conflict_priority;
  alter table step_answers drop column asked_at;
  drop index contact_ledger_user;
  alter table contact_ledger add column is_given_back boolean not null default false;
  update contact_ledger set is_given_back = true where state in ('failed', 'released');
  alter table contact_ledger drop column action, drop column action_group, drop column state;
  create index contact_ledger_user on contact_ledger (user_id, clock_domain, at desc) where not is_given_back;
  alter table controls drop column definitions_version;
  delete from policies where kind not in ('cap', 'quiet_hours');
  alter table policies drop constraint policies_kind_check, drop column deactivated_at;
  alter table policies add constraint policies_kind_check check (kind in ('cap', 'quiet_hours'));
  alter table actions drop column issue, drop column action_group, drop column applicability,
    drop column suitability, drop column context_weights, drop column ttl;
  drop index suppressions_once;
  delete from suppressions where purpose is not null;
  alter table suppressions drop column purpose;
  create unique index suppressions_once on suppressions (address_hash, user_id, channel, reason) nulls not distinct;
  alter table consent_records drop column is_objection;
  alter table users drop column context_timezone, drop column jurisdiction;
`;

/** What the gates and decisions look at beyond the first tables. */
export class Gates20261121000500 extends Migration {
  override up(): void {
    this.addSql(UP);
  }

  override down(): void {
    this.addSql(DOWN);
  }
}
