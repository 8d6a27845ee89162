import { Migration } from '@mikro-orm/migrations';

const UP = `
  create table decisions (
    id uuid primary key,
    user_id uuid not null,
    source text not null check (source in ('step', 'api')),
    run_key text,
    step_id text,
    visit int,
    ask int,
    clock_domain text not null default 'real',
    decided_at timestamptz(3) not null,
    outcome text not null check (outcome in ('act', 'defer', 'do_nothing')),
    channel text not null,
    action text not null,
    reason text,
    -- Null once the user is erased: the chain is over the hashes and still verifies.
    payload jsonb,
    payload_hash bytea not null,
    chain_seq bigint not null,
    chain_hash bytea not null
  ) partition by range (id);
  create index decisions_user on decisions (user_id, id);
  create index decisions_run on decisions (run_key, id) where run_key is not null;

  -- What was answered to which question: a question that is asked again gets the same answer.
  create table step_answers (
    run_key text not null,
    step_id text not null,
    visit int not null,
    ask int not null,
    decision_id uuid not null,
    delivery_id uuid,
    answer jsonb,
    primary key (run_key, step_id, visit, ask)
  );

  create table deliveries (
    id uuid primary key,
    idempotency_key text not null unique,
    user_id uuid not null,
    decision_id uuid not null,
    run_key text not null,
    step_id text not null,
    visit int not null,
    channel text not null,
    provider text not null,
    action text not null,
    template text not null,
    template_version int not null,
    purpose text not null,
    address text,
    state text not null,
    attempt int not null default 1,
    attempt_token uuid not null,
    deadline_at timestamptz(3) not null,
    provider_message_id text,
    failure text,
    clock_domain text not null default 'real',
    claimed_at timestamptz(3) not null,
    settled_at timestamptz(3),
    updated_at timestamptz(3) not null default clock_timestamp()
  );
  create index deliveries_user on deliveries (user_id, id);
  create index deliveries_run on deliveries (run_key, id);
  create index deliveries_sending on deliveries (deadline_at) where state = 'sending';

  create table contact_ledger (
    delivery_id uuid primary key,
    user_id uuid not null,
    decision_id uuid not null,
    at timestamptz(3) not null,
    channel text not null,
    purpose text not null,
    journey_key text,
    tags text[] not null default '{}',
    is_given_back boolean not null default false,
    clock_domain text not null default 'real'
  );
  create index contact_ledger_user on contact_ledger (user_id, clock_domain, at desc) where not is_given_back;
`;

/** Decisions, deliveries and the ledger that caps are counted from. */
export class Contacts20261121000300 extends Migration {
  override up(): void {
    this.addSql(UP);
  }

  override down(): void {
    this.addSql('drop table contact_ledger, deliveries, step_answers, decisions');
  }
}
