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
    -- Before all that are not.
    add column is_first boolean not null default false,
    -- How often it made room for another.
    add column moves int not null default 0;
  create index provider_tickets_at on provider_tickets (account_id, slot_at) where not is_first;
  create index provider_tickets_lane on provider_tickets (account_id, lane, slot_at) where not is_first;

  -- The slot of a message: the one that it has, as long as it is not over, else a new one at the end of all. What is due
  -- earlier gets the slot of another that nobody waits for yet, and that one gets the slot at the end:
  -- * what is first, that of the foremost; who missed its slot, that of the foremost of its lane;
  -- * all else, the first slot after the last one of its lane at which some lane would have its second turn since then.
  create function take_slot(of_account uuid, of_ticket text, of_lane text, first_of_all boolean, apart interval,
    lasts interval, held_for interval, moves_max int) returns timestamptz language plpgsql as $$
    declare
      near constant int := 100;
      known timestamptz;
      mine timestamptz;
      free_from timestamptz;
      lane_until timestamptz;
      other record;
    begin
      insert into provider_slots (account_id, next_at) values (of_account, clock_timestamp()) on conflict do nothing;
      perform from provider_slots where account_id = of_account for update;
      select slot_at into known from provider_tickets where ticket = of_ticket and account_id = of_account;
      if known + lasts > clock_timestamp() then return known; end if;

      free_from := clock_timestamp() + held_for;
      update provider_slots set next_at = greatest(next_at, clock_timestamp()) + apart where account_id = of_account
        returning next_at - apart into mine;
      if first_of_all or known is not null then
        select ticket, slot_at into other from provider_tickets
          where account_id = of_account and slot_at > free_from and not is_first and moves < moves_max
            and (first_of_all or lane = of_lane)
          order by slot_at limit 1;
      else
        select slot_at into lane_until from provider_tickets
          where account_id = of_account and lane = of_lane and not is_first order by slot_at desc limit 1;
        select ticket, slot_at into other from (
            select ticket, slot_at, moves, row_number() over (partition by lane order by slot_at) as nth from (
              select ticket, slot_at, moves, lane from provider_tickets
              where account_id = of_account and slot_at > greatest(free_from, lane_until) and not is_first
              order by slot_at limit near) following) counted
          where nth > 1 and moves < moves_max order by slot_at limit 1;
      end if;
      if other.slot_at < mine then
        update provider_tickets set slot_at = mine, moves = moves + 1 where ticket = other.ticket;
        mine := other.slot_at;
      end if;

      insert into provider_tickets (ticket, account_id, slot_at, lane, is_first)
        values (of_ticket, of_account, mine, of_lane, first_of_all)
        on conflict (ticket) do update set account_id = excluded.account_id, slot_at = excluded.slot_at,
          lane = excluded.lane, is_first = excluded.is_first;
      return mine;
    end
  $$;
`;

const COSTS = `
  -- Of one message, or one part of a text, in the money of the workspace.
  alter table provider_accounts add column cost numeric(14, 6) check (cost >= 0);
  -- What the account asks for the message; null where nobody said.
  alter table deliveries add column cost numeric(14, 6);
`;

const DOWN = `
  alter table deliveries drop column cost;
  alter table provider_accounts drop column cost;
  drop function take_slot;
  delete from provider_tickets;
  delete from provider_slots;
  alter table provider_tickets drop column lane, drop column is_first, drop column moves,
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
    this.addSql(COSTS);
  }

  override down(): void {
    this.addSql(DOWN);
  }
}
