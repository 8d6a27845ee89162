import { Migration } from '@mikro-orm/migrations';

const TABLES = `
  create table event_subscriptions (
    id uuid primary key default uuidv7(),
    key text not null unique,
    name text not null,
    -- Key of the webhook endpoint that has the address and the secret.
    endpoint text not null,
    -- Types of events: one by its name, a whole kind as in delivery.*, or * for all.
    types text[] not null,
    format text not null check (format in ('standard', 'cloudevents')),
    state text not null default 'active' check (state in ('active', 'paused', 'disabled')),
    -- Why it is disabled.
    reason text,
    -- The receiver asked for a rest until then.
    held_until timestamptz(3),
    -- How often in a row it did; each makes us slower.
    slowed integer not null default 0,
    created_at timestamptz(3) not null default clock_timestamp(),
    updated_at timestamptz(3) not null default clock_timestamp()
  );

  -- What is told to subscribers: written with the fact itself, by triggers. The tables of facts know nothing of it.
  create table stream_events (
    id uuid primary key,
    type text not null,
    user_id uuid not null,
    subject text not null,
    -- That of the id.
    at timestamptz(3) not null,
    -- Null once the person is erased.
    data jsonb
  );
  create index stream_events_user on stream_events (user_id);

  -- One event for one subscriber. No foreign keys: a fact must never wait for whoever changes a subscription.
  create table stream_messages (
    subscription_id uuid not null,
    event_id uuid not null,
    state text not null default 'pending' check (state in ('pending', 'delivered', 'dead', 'dropped')),
    attempts integer not null default 0,
    -- Null: nothing more is to be done.
    next_attempt_at timestamptz(3),
    settled_at timestamptz(3),
    because text,
    primary key (subscription_id, event_id)
  );
  create index stream_messages_due on stream_messages (subscription_id, next_attempt_at, event_id)
    where next_attempt_at is not null;

  create table stream_attempts (
    id uuid primary key,
    subscription_id uuid not null,
    event_id uuid not null,
    type text not null,
    attempt integer not null,
    state text not null check (state in ('delivered', 'failed')),
    -- Of the answer; null where none came.
    status integer,
    because text,
    duration_ms integer not null,
    -- How the body of the answer begins.
    answer text,
    -- That of the id.
    at timestamptz(3) not null
  );
  create index stream_attempts_subscription on stream_attempts (subscription_id, id);
  create index stream_attempts_event on stream_attempts (event_id);

  create table stream_replays (
    id uuid primary key default uuidv7(),
    subscription_id uuid not null,
    since timestamptz(3),
    until timestamptz(3) not null,
    -- Null: all within the time.
    event_ids uuid[],
    is_dead_only boolean not null,
    -- The last event that was looked at.
    cursor uuid,
    queued integer not null default 0,
    started_at timestamptz(3) not null default clock_timestamp(),
    finished_at timestamptz(3)
  );
  create unique index stream_replays_open on stream_replays (subscription_id) where finished_at is null;
  create index stream_replays_subscription on stream_replays (subscription_id, id);
`;

const TELLING = `
  create function stream_tell(subscribers uuid[], told_type text, about uuid, told_subject text, told_data jsonb)
    returns void language plpgsql as $$
  declare
    told_id uuid := uuidv7();
  begin
    with told as (
      insert into stream_events (id, type, user_id, subject, at, data)
      values (told_id, told_type, about, told_subject, uuid_extract_timestamp(told_id), told_data)
    )
    insert into stream_messages (subscription_id, event_id, next_attempt_at)
      select subscriber, told_id, clock_timestamp() from unnest(subscribers) as subscriber;
  end $$;

  create function stream_instant(at timestamptz) returns text language sql stable as $$
    select to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
  $$;

  create function stream_run(of_run_key text) returns jsonb language plpgsql stable as $$
  begin
    if of_run_key is null then return '{"journey": null, "run_id": null}'; end if;
    return (select jsonb_build_object('journey', max(journey_key), 'run_id', max(id::text))
      from journey_runs where run_key = of_run_key);
  end $$;

  create function stream_delivery(delivery deliveries) returns jsonb language plpgsql stable as $$
  begin
    return jsonb_build_object('delivery_id', delivery.id, 'user_id', delivery.user_id,
      'decision_id', delivery.decision_id, 'state', delivery.state, 'attempt', delivery.attempt,
      'channel', delivery.channel, 'provider', delivery.provider, 'purpose', delivery.purpose,
      'action', delivery.action, 'template', delivery.template, 'template_version', delivery.template_version,
      'step', delivery.step_id) || stream_run(delivery.run_key);
  end $$;
`;

/** Here and not in a function: this is all that a fact costs of which nobody wants to be told. */
const subscribersTo = (
  type: string,
  kind: string,
): string => `select array_agg(id) into subscribers from event_subscriptions
      where state <> 'disabled' and types && array[${type}, '${kind}.*', '*'];`;

const TRIGGERS = `
  create function stream_tell_decision() returns trigger language plpgsql as $$
  declare
    subscribers uuid[];
  begin
    ${subscribersTo(`'decision.made'`, 'decision')}
    if subscribers is null then return null; end if;
    perform stream_tell(subscribers, 'decision.made', new.user_id, 'decisions/' || new.id,
      jsonb_build_object('decision_id', new.id, 'user_id', new.user_id, 'source', new.source, 'outcome', new.outcome,
        'channel', new.channel, 'action', new.action, 'reason', new.reason, 'until', stream_instant(new.until),
        'decided_at', stream_instant(new.decided_at), 'step', new.step_id) || stream_run(new.run_key));
    return null;
  end $$;
  create trigger decisions_told after insert on decisions
    for each row when (new.clock_domain = 'real') execute function stream_tell_decision();

  create function stream_tell_delivery() returns trigger language plpgsql as $$
  declare
    told_type text := 'delivery.' || new.state;
    subscribers uuid[];
  begin
    ${subscribersTo('told_type', 'delivery')}
    if subscribers is null then return null; end if;
    perform stream_tell(subscribers, told_type, new.user_id, 'deliveries/' || new.id, stream_delivery(new));
    return null;
  end $$;
  create trigger deliveries_told_first after insert on deliveries
    for each row when (new.clock_domain = 'real') execute function stream_tell_delivery();
  create trigger deliveries_told after update of state on deliveries
    for each row when (new.clock_domain = 'real' and new.state is distinct from old.state)
    execute function stream_tell_delivery();

  create function stream_tell_outcome() returns trigger language plpgsql as $$
  declare
    told_type text := 'delivery.' || new.kind;
    subscribers uuid[];
  begin
    ${subscribersTo('told_type', 'delivery')}
    if subscribers is null then return null; end if;
    perform stream_tell(subscribers, told_type, new.user_id, 'deliveries/' || new.delivery_id,
      stream_delivery(delivery) || jsonb_build_object('at', stream_instant(new.at)))
      from deliveries delivery where delivery.id = new.delivery_id;
    return null;
  end $$;
  create trigger contact_outcomes_told after insert on contact_outcomes
    for each row when (new.clock_domain = 'real' and new.kind in ('opened', 'clicked'))
    execute function stream_tell_outcome();

  create function stream_tell_consent() returns trigger language plpgsql as $$
  declare
    told_type text := case when new.status = 'granted' then 'consent.given'
      when new.is_objection then 'consent.objected' else 'consent.withdrawn' end;
    subscribers uuid[];
  begin
    ${subscribersTo('told_type', 'consent')}
    if subscribers is null then return null; end if;
    perform stream_tell(subscribers, told_type, new.user_id, 'consents/records/' || new.id,
      jsonb_build_object('consent_id', new.id, 'user_id', new.user_id, 'purpose', new.purpose, 'channel', new.channel,
        'brand', new.brand, 'status', new.status, 'basis', new.basis, 'stated_at', stream_instant(new.stated_at),
        'expires_at', stream_instant(new.expires_at), 'text_version', new.text_version));
    return null;
  end $$;
  create trigger consent_records_told after insert on consent_records
    for each row when (new.clock_domain = 'real' and new.status <> 'pending') execute function stream_tell_consent();

  -- Whoever makes the first subscription switches them on: nobody else pays for them.
  alter table decisions disable trigger decisions_told;
  alter table deliveries disable trigger deliveries_told_first;
  alter table deliveries disable trigger deliveries_told;
  alter table contact_outcomes disable trigger contact_outcomes_told;
  alter table consent_records disable trigger consent_records_told;
`;

const DOWN = `
  drop trigger consent_records_told on consent_records;
  drop trigger contact_outcomes_told on contact_outcomes;
  drop trigger deliveries_told on deliveries;
  drop trigger deliveries_told_first on deliveries;
  drop trigger decisions_told on decisions;
  drop function stream_tell_consent, stream_tell_outcome, stream_tell_delivery, stream_tell_decision, stream_delivery,
    stream_run, stream_instant, stream_tell;
  drop table stream_replays, stream_attempts, stream_messages, stream_events, event_subscriptions;
`;

/** What is told to subscribers, from the facts to each attempt. */
export class EventStream20261122000600 extends Migration {
  override up(): void {
    this.addSql(TABLES);
    this.addSql(TELLING);
    this.addSql(TRIGGERS);
  }

  override down(): void {
    this.addSql(DOWN);
  }
}
