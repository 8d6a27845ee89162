import { Injectable } from '@nestjs/common';
import type { EntryCounter, EntryLimits } from '../../../core/journeys/entry-limits.js';
import type { JourneyStatus } from '../../../core/journeys/journey-life.js';
import type { InstantMs } from '../../../core/kernel/instant.js';
import type { Transaction } from '../../../platform/database/database.js';
import type { ProfileFacts } from '../../users/index.js';

/** What decides whether one more person may enter. */
export interface EntryGates {
  readonly now: InstantMs;
  readonly status: JourneyStatus;
  readonly isOnHold: boolean;
  /** Null unless it was asked for. */
  readonly profile: ProfileFacts | null;
  /** Null where nothing limits the entries. */
  readonly counted: (EntryCounter & { readonly limits: EntryLimits }) | null;
}

/** The only writer of journey_counters, beside the triggers of journey_entries that count. */
@Injectable()
export class JourneyGatesRepository {
  /**
   * The user's lock is held. Where entries are limited it takes the lock of the journey's counter, too: whoever comes
   * next waits until this entry is committed, and reads what it left.
   */
  async read(
    transaction: Transaction,
    asked: {
      readonly journeyId: string;
      readonly userId: string;
      readonly clockDomain: string;
      readonly withProfile: boolean;
    },
  ): Promise<EntryGates> {
    const [row] = await transaction.query<EntryGates>({
      name: 'journey_gates_read',
      text: `with counter as materialized (
          select * from journey_counters where journey_id = $1 and $3 = 'real' for no key update
        )
        select clock_timestamp()::timestamptz(3) as now, journey.status, exists (
            select from user_holds hold where hold.user_id = $2 and hold.lifted_at is null
              and (hold.until is null or hold.until > clock_timestamp())) as "isOnHold",
          case when $4::boolean then (select row_to_json(item) from (
            select external_id as "externalId", email, name, phone, lifecycle_stage as "lifecycleStage", timezone,
              locale, jurisdiction, preferred_channel as "preferredChannel", attributes
            from users where id = $2) item) end as profile,
          case when counter.journey_id is not null then jsonb_build_object('limits', counter.limits,
            'total', counter.entered_total, 'day', counter.day, 'today', counter.entered_today,
            'running', counter.running) end as counted
        from journeys journey left join counter on true where journey.id = $1`,
      values: [asked.journeyId, asked.userId, asked.clockDomain, asked.withProfile],
    });
    if (row === undefined) throw new Error(`journey ${asked.journeyId} is gone`);
    return row;
  }

  /**
   * Puts the limits of a new version in force. Where nobody has counted before, those who are in it are counted now, and
   * nobody enters or leaves meanwhile; where nothing is limited any more, nobody counts.
   */
  async limit(transaction: Transaction, journeyId: string, limits: EntryLimits | null): Promise<void> {
    if (limits === null) {
      await transaction.query({ text: 'delete from journey_counters where journey_id = $1', values: [journeyId] });
      return;
    }
    const values = [journeyId, JSON.stringify(limits)];
    const known = await transaction.query({
      text: 'update journey_counters set limits = $2 where journey_id = $1 returning journey_id',
      values,
    });
    if (known.length > 0) return;
    await transaction.query({ text: 'lock table journey_entries in share mode' });
    await transaction.query({
      text: `insert into journey_counters (journey_id, limits, entered_total, day, entered_today, running)
        select $1, $2, count(*), floor(extract(epoch from clock_timestamp()) / 86400)::int,
          count(*) filter (where entered_at >= date_trunc('day', clock_timestamp(), 'UTC')),
          count(*) filter (where ended_at is null)
        from journey_entries where journey_id = $1 and clock_domain = 'real'`,
      values,
    });
  }
}
