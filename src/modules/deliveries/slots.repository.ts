import { Injectable } from '@nestjs/common';
import { SECOND_MS, type DurationMs } from '../../core/kernel/instant.js';
import { Database } from '../../platform/database/database.js';

/** How long after its slot a message may begin to leave. */
export const SLOT_MS: DurationMs = 200;
/** What the way to the provider may add: messages that left apart may arrive closer together. */
const WAY_MS: DurationMs = 50;

/** Whose turn it is with a provider, and how long the turn is away; negative once it has begun. */
export interface Slot {
  readonly waitMs: DurationMs;
}

/**
 * Turns with providers that take so many messages a second (a generic cell rate algorithm without a burst, ITU-T I.371):
 * slots so far apart that no second sees more than the limit, wherever it begins, although each message may be a little
 * late. The only writer of provider_slots and provider_tickets.
 */
@Injectable()
export class SlotsRepository {
  constructor(private readonly database: Database) {}

  /**
   * The slot of a message: the one that it was given before, as long as it has not passed, else the next free one, however
   * far away. Who has a slot in the future waits for it, and nobody else gets it.
   *
   * @param ask.ticket names the message, the same for every attempt
   */
  async take(ask: { readonly accountId: string; readonly perSecond: number; readonly ticket: string }): Promise<Slot> {
    const apartMs = (SECOND_MS + SLOT_MS + WAY_MS) / ask.perSecond;
    const [slot] = await this.database.query<Slot>({
      name: 'slots_take',
      text: `with held as (
          select slot_at from provider_tickets where ticket = $2 and account_id = $1
            and slot_at + make_interval(secs => $4::float8 / 1000) > clock_timestamp()
        ), taken as (
          insert into provider_slots as slot (account_id, next_at)
          select $1, clock_timestamp() + make_interval(secs => $3::float8 / 1000) where not exists (select from held)
          on conflict (account_id) do update
            set next_at = greatest(slot.next_at, clock_timestamp()) + make_interval(secs => $3::float8 / 1000)
          returning next_at - make_interval(secs => $3::float8 / 1000) as slot_at
        ), noted as (
          insert into provider_tickets (ticket, account_id, slot_at) select $2, $1, slot_at from taken
          on conflict (ticket) do update set account_id = excluded.account_id, slot_at = excluded.slot_at
        )
        select (extract(epoch from slot_at - clock_timestamp()) * 1000)::float8 as "waitMs"
        from (select slot_at from held union all select slot_at from taken) slot`,
      values: [ask.accountId, ask.ticket, apartMs, SLOT_MS],
    });
    if (slot === undefined) throw new Error('no slot was found, nor made');
    return slot;
  }

  /** Forgets slots that nobody can use any more. */
  async purge(): Promise<void> {
    await this.database.query({
      name: 'slots_purge',
      text: `delete from provider_tickets where slot_at < clock_timestamp() - interval '1 minute'`,
    });
  }
}
