import { Injectable } from '@nestjs/common';
import { SECOND_MS, type DurationMs } from '../../core/kernel/instant.js';
import { Database } from '../../platform/database/database.js';

/** How long after its slot a message may begin to leave. */
export const SLOT_MS: DurationMs = 200;
/** What the way to the provider may add: messages that left apart may arrive closer together. */
const WAY_MS: DurationMs = 50;
/** A slot that is no further away is waited for, with the place held; for any other the run sleeps. */
export const SLOT_WAIT_MS_MAX: DurationMs = 500;
/** As the above, for what is before all others: it gets a slot that nobody waits for in this way. */
export const FIRST_SLOT_WAIT_MS_MAX: DurationMs = 1_500;
/** After this nobody is put back again, however many come that have precedence. */
const MOVES_MAX = 20;
/** Whoever was let through stays so, for longer than its message needs to get its slot with an account. */
const LET_THROUGH_MS: DurationMs = 50 * SECOND_MS;

/** Whose turn it is with a provider, and how long the turn is away; negative once it has begun. */
export interface Slot {
  readonly waitMs: DurationMs;
}

/** A message that asks for its slot. */
interface SlotAsk {
  /** Of the account; or of a domain that is slowed down. */
  readonly accountId: string;
  readonly perSecond: number;
  /** Names the message, the same for every attempt. */
  readonly ticket: string;
  /** Whose messages share the slots evenly with those of others; left out: nobody's. */
  readonly lane?: string;
  /** Before all others that wait. */
  readonly isFirst?: boolean;
}

/**
 * Turns with providers that take so many messages a second (a generic cell rate algorithm without a burst, ITU-T I.371):
 * slots so far apart that no second sees more than the limit, wherever it begins, although each message may be a little
 * late. Who gets which of them: what is first before everything else, else one of each lane in turn (docs/decisions/0030).
 * The only writer of provider_slots and provider_tickets.
 */
@Injectable()
export class SlotsRepository {
  constructor(private readonly database: Database) {}

  /**
   * The slot of a message: the one that it was given before, as long as it has not passed, else the best that is its due,
   * however far away. Who is told a slot that is no further away than `SLOT_WAIT_MS_MAX` keeps it; a later one may be put
   * back by others, so that it is asked for again when it has come.
   */
  take(ask: SlotAsk): Promise<Slot> {
    return this.slotOf(ask, (SECOND_MS + SLOT_MS + WAY_MS) / ask.perSecond, SLOT_MS);
  }

  /** As `take`, for a slot after which the message may go on at any time. */
  pass(ask: SlotAsk): Promise<Slot> {
    return this.slotOf(ask, SECOND_MS / ask.perSecond, LET_THROUGH_MS);
  }

  private async slotOf(ask: SlotAsk, apartMs: DurationMs, lastsMs: DurationMs): Promise<Slot> {
    const [slot] = await this.database.query<Slot>({
      name: 'slots_take',
      text: `select (extract(epoch from slot_at - clock_timestamp()) * 1000)::float8 as "waitMs"
        from take_slot($1, $2, $3, $4, make_interval(secs => $5::float8 / 1000),
          make_interval(secs => $6::float8 / 1000), make_interval(secs => $7::float8 / 1000), $8) as slot_at`,
      values: [
        ...[ask.accountId, ask.ticket, ask.lane ?? '', ask.isFirst ?? false],
        ...[apartMs, lastsMs, SLOT_WAIT_MS_MAX, MOVES_MAX],
      ],
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
