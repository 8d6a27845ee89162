import { Injectable } from '@nestjs/common';
import type { Trigger } from '../../../core/journeys/triggers.js';
import type { InstantMs } from '../../../core/kernel/instant.js';
import { Database, type Transaction } from '../../../platform/database/database.js';
import type { PageRequest } from '../../../platform/http/paging.js';

/** An event that is to let its user in, as it waits in the outbox. */
export interface TriggeredEntry {
  readonly journeyKey: string;
  readonly userId: string;
  readonly eventName: string;
  readonly messageId: string;
  /** Null where the event does not hold what tells runs apart. */
  readonly entryKey: string | null;
  readonly clockDomain: string;
  readonly occurredAt: InstantMs;
}

export interface TriggerRefusalRow {
  readonly id: string;
  readonly userId: string;
  readonly eventName: string;
  readonly messageId: string;
  readonly code: string;
  readonly detail: string;
  readonly refusedAt: InstantMs;
}

/** Of one user after one event: more are not looked at. */
const EVENTS_AFTER_MAX = 1_000;
/** For so long one can look up why an event let nobody in. */
const REFUSALS_KEPT_DAYS = 30;

/** The only writer of journey_triggers and trigger_refusals. */
@Injectable()
export class TriggersRepository {
  constructor(private readonly database: Database) {}

  /** Keeps the triggers of the version that is current from now on, in place of those of the last one. */
  async keep(transaction: Transaction, journeyId: string, triggers: readonly Trigger[]): Promise<void> {
    await transaction.query({ text: 'delete from journey_triggers where journey_id = $1', values: [journeyId] });
    if (triggers.length === 0) return;
    await transaction.query({
      text: `insert into journey_triggers (journey_id, position, kind, event_name, definition)
        select $1, place, definition ->> 'kind', definition ->> 'event', definition
        from unnest($2::jsonb[]) with ordinality as item (definition, place)`,
      values: [journeyId, triggers.map((trigger) => JSON.stringify(trigger))],
    });
  }

  async enter(transaction: Transaction, entries: readonly TriggeredEntry[]): Promise<void> {
    await transaction.query({
      name: 'triggers_enter',
      text: `insert into outbox (kind, run_key, payload)
        select 'enter_journey', 'trigger:' || (entry ->> 'journeyKey') || ':' || (entry ->> 'userId'), entry
        from unnest($1::jsonb[]) as item (entry)`,
      values: [entries.map((entry) => JSON.stringify(entry))],
    });
  }

  /** @returns false where it was taken before: the entry must not be made twice */
  async take(transaction: Transaction, messageId: string): Promise<boolean> {
    const rows = await transaction.query({
      name: 'triggers_take',
      text: 'delete from outbox where id = $1 returning id',
      values: [messageId],
    });
    return rows.length > 0;
  }

  /** The user's events of these names that happened after the one that is to let them in. */
  eventsAfter(
    transaction: Transaction,
    { userId, clockDomain, occurredAt }: TriggeredEntry,
    names: readonly string[],
  ): Promise<readonly { readonly name: string; readonly properties: Readonly<Record<string, unknown>> }[]> {
    return transaction.query({
      name: 'triggers_events_after',
      text: `select event_name as name, properties from events
        where user_id = $1 and event_name = any ($2) and occurred_at > to_timestamp($3::float8 / 1000)
          and clock_domain in ('real', $4) order by occurred_at limit ${EVENTS_AFTER_MAX}`,
      values: [userId, names, occurredAt, clockDomain],
    });
  }

  /** Nothing is noted of a person who is erased by now. */
  async noteRefusal(
    transaction: Transaction,
    { journeyKey, userId, eventName, messageId }: TriggeredEntry,
    { code, detail }: { readonly code: string; readonly detail: string },
  ): Promise<void> {
    await transaction.query({
      name: 'triggers_note_refusal',
      text: `insert into trigger_refusals (journey_id, user_id, event_name, message_id, code, detail)
        select journey.id, person.id, $3, $4, $5, $6 from journeys journey, users person
        where journey.key = $1 and person.id = $2 and person.erased_at is null`,
      values: [journeyKey, userId, eventName, messageId, code, detail],
    });
  }

  /** Newest first. */
  refusals(journeyId: string, page: PageRequest): Promise<readonly TriggerRefusalRow[]> {
    return this.database.query<TriggerRefusalRow>({
      text: `select id, user_id as "userId", event_name as "eventName", message_id as "messageId", code, detail,
          refused_at as "refusedAt"
        from trigger_refusals where journey_id = $1 and ($2::uuid is null or id < $2) order by id desc limit $3`,
      values: [journeyId, page.after, page.limit],
    });
  }

  /** Takes away what nobody looks up any more. */
  async forgetOld(): Promise<void> {
    await this.database.query({
      text: `delete from trigger_refusals
        where refused_at < clock_timestamp() - interval '${REFUSALS_KEPT_DAYS} days'`,
    });
  }

  async eraseUser(transaction: Transaction, userId: string): Promise<void> {
    await transaction.query({ text: 'delete from trigger_refusals where user_id = $1', values: [userId] });
  }
}
