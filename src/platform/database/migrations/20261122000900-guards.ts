import { Migration } from '@mikro-orm/migrations';

const DOMAINS = `
  -- Domains from which e-mail goes out, and whether marketing may.
  create table sending_domains (
    id uuid primary key default uuidv7(),
    domain text not null unique,
    state text not null default 'active' check (state in ('active', 'slowed', 'paused')),
    reason text check (reason in ('complaints', 'bounces')),
    since timestamptz(3) not null default clock_timestamp(),
    -- What was sent before is not held against it any more.
    judged_from timestamptz(3) not null default '-infinity',
    check ((state = 'active') = (reason is null))
  );

  -- What became of e-mail, by when it was claimed. In several rows each, so that one does not wait for another.
  create table sending_counts (
    domain text not null,
    claimed_in timestamptz not null,
    provider text not null,
    part smallint not null,
    taken int not null default 0,
    bounced int not null default 0,
    complained int not null default 0,
    primary key (domain, claimed_in, provider, part)
  );

  alter table deliveries add column sending_domain text;

  create function count_sending() returns trigger language plpgsql as $$
    declare
      reached constant text[] := '{sent,delivered,bounced,complained}';
      taken_by int := (new.state = any (reached) and not old.state = any (reached))::int;
      bounced_by int := (new.state = 'bounced')::int;
      complained_by int := (new.state = 'complained')::int;
    begin
      if taken_by + bounced_by + complained_by = 0 then return null; end if;
      insert into sending_counts as counts (domain, claimed_in, provider, part, taken, bounced, complained)
      values (new.sending_domain, date_bin('10 minutes', new.claimed_at, 'epoch'), new.provider,
        abs(hashtext(new.id::text) % 8), taken_by, bounced_by, complained_by)
      on conflict (domain, claimed_in, provider, part) do update set taken = counts.taken + excluded.taken,
        bounced = counts.bounced + excluded.bounced, complained = counts.complained + excluded.complained;
      return null;
    end
  $$;
  create trigger deliveries_count_sending after update of state on deliveries for each row
    when (new.sending_domain is not null and new.clock_domain = 'real' and new.state is distinct from old.state)
    execute function count_sending();
`;

const TURNS = `
  -- Whose turn it is: a row may stand for an account, or for a domain that is slowed down.
  alter table provider_slots drop constraint provider_slots_account_id_fkey;
  alter table provider_tickets drop constraint provider_tickets_account_id_fkey,
    -- Who shares turns fairly with others: a journey.
    add column lane text not null default '',
    -- 0: before all that wait; else the how-manieth of its lane it is.
    add column turn bigint not null default 1,
    -- How often it made room for another.
    add column moves int not null default 0;
  create index provider_tickets_at on provider_tickets (account_id, slot_at);
  create index provider_tickets_turn on provider_tickets (account_id, turn, slot_at);
  create index provider_tickets_lane on provider_tickets (account_id, lane, slot_at);

  -- The slot of a message: the one that it has, as long as it is not over, else a new one at the end of all. Whoever is
  -- before others in turn gets the slot of the first of them that nobody waits for yet, which gets the one at the end.
  create function take_slot(of_account uuid, of_ticket text, of_lane text, is_first boolean, apart interval,
    lasts interval, held_for interval, moves_max int) returns timestamptz language plpgsql as $$
    declare
      known record;
      mine timestamptz;
      my_turn bigint;
      front bigint;
      other record;
    begin
      insert into provider_slots (account_id, next_at) values (of_account, clock_timestamp()) on conflict do nothing;
      perform from provider_slots where account_id = of_account for update;
      select slot_at, turn into known from provider_tickets where ticket = of_ticket and account_id = of_account;
      if found and known.slot_at + lasts > clock_timestamp() then return known.slot_at; end if;

      update provider_slots set next_at = greatest(next_at, clock_timestamp()) + apart where account_id = of_account
        returning next_at - apart into mine;
      if is_first then
        my_turn := 0;
      elsif known.turn is not null then
        my_turn := known.turn;
      else
        select turn into front from provider_tickets
          where account_id = of_account and slot_at > clock_timestamp() and turn > 0 order by slot_at limit 1;
        select turn + 1 into my_turn from provider_tickets
          where account_id = of_account and lane = of_lane and slot_at > clock_timestamp() and turn > 0
          order by slot_at desc limit 1;
        my_turn := greatest(my_turn, front, 1);
      end if;

      if is_first then
        select ticket, slot_at, lane, turn into other from provider_tickets
          where account_id = of_account and slot_at > clock_timestamp() + held_for and turn > 0 and moves < moves_max
          order by slot_at limit 1;
      else
        select ticket, slot_at, lane, turn into other from provider_tickets
          where account_id = of_account and turn > my_turn and slot_at > clock_timestamp() + held_for
            and moves < moves_max
          order by turn, slot_at limit 1;
      end if;
      if other.ticket is not null and other.slot_at < mine then
        update provider_tickets set slot_at = mine, moves = moves + 1, turn = greatest(other.turn, (
            select last.turn + 1 from provider_tickets last
            where last.account_id = of_account and last.lane = other.lane order by last.slot_at desc limit 1))
          where ticket = other.ticket;
        mine := other.slot_at;
      end if;

      insert into provider_tickets (ticket, account_id, slot_at, lane, turn)
        values (of_ticket, of_account, mine, of_lane, my_turn)
        on conflict (ticket) do update set account_id = excluded.account_id, slot_at = excluded.slot_at,
          lane = excluded.lane, turn = excluded.turn;
      return mine;
    end
  $$;
`;

const DOWN = `
  drop function take_slot;
  delete from provider_tickets;
  delete from provider_slots;
  alter table provider_tickets drop column lane, drop column turn, drop column moves,
    add foreign key (account_id) references provider_accounts (id) on delete cascade;
  alter table provider_slots add foreign key (account_id) references provider_accounts (id) on delete cascade;
  drop trigger deliveries_count_sending on deliveries;
  drop function count_sending;
  alter table deliveries drop column sending_domain;
  drop table sending_counts, sending_domains;
`;

/** Guards of sending domains, and turns with providers by priority. */
export class Guards20261122000900 extends Migration {
  override up(): void {
    this.addSql(DOMAINS);
    this.addSql(TURNS);
  }

  override down(): void {
    this.addSql(DOWN);
  }
}
