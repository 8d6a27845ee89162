import { Injectable } from '@nestjs/common';
import { EVENT_SIGNAL, WAKE_SIGNAL, type WakeSignal } from '../../../../workflows/messages.js';
import { evaluateCondition } from '../../../core/audiences/evaluate-condition.js';
import type { ListenedCondition } from '../../../core/journeys/plan.js';
import type { InstantMs } from '../../../core/kernel/instant.js';
import type { Transaction } from '../../../platform/database/database.js';
import { entriesOf, type TriggerRow } from '../entry/triggers.js';
import { TriggersRepository } from '../entry/triggers.repository.js';
import { OutboxDispatcher } from '../outbox/outbox.dispatcher.js';
import { startNow } from './early-starts.js';

export interface UserEvent {
  readonly userId: string;
  readonly messageId: string;
  readonly name: string;
  readonly occurredAt: InstantMs;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly clockDomain: string;
}

/** A run that hears of an event, where the run has conditions on such events or is to end before it has begun. */
interface Heard {
  readonly runKey: string;
  readonly listeners: readonly ListenedCondition[] | null;
  /** Whether an event that meets none of them concerns the run too. */
  readonly isPlain: boolean;
  /** Whether the event ends it whatever its properties, and its start still waits. */
  readonly isEarlyExit: boolean;
  /** Of the event in the list that was asked about, from 1. */
  readonly place: number;
}

/**
 * Tells waiting runs that something happened. The message is written in the caller's transaction, so it is neither
 * lost when the process dies nor sent for a change that was rolled back.
 */
@Injectable()
export class RunSignals {
  constructor(
    private readonly dispatcher: OutboxDispatcher,
    private readonly triggers: TriggersRepository,
  ) {}

  /**
   * Hands events to every running run that listens to their names: real runs only, virtual ones look events up. Where a
   * run has conditions on the properties they are tested here, so that no property enters a history: the run hears which
   * of them hold. An event that concerns it in no way is recorded as a reject. One that meets the condition of an exit or
   * a goal lets no message of the run pass any more, from this transaction on. A run that is to begin later and hears of
   * its end does not wait for its beginning. What triggers a journey becomes a message
   * that lets the user in, after the commit.
   */
  async events(transaction: Transaction, events: readonly UserEvent[]): Promise<void> {
    if (events.length === 0) return;
    const found = await transaction.query<Heard | TriggerRow>({
      name: 'run_signals_events',
      text: `with heard as materialized (
          select wait.run_key, wait.listeners, wait.is_plain, event.*, wait.is_exit and (
              -- Limited, or all starts there are would be read into a table of their own.
              select true from outbox start
              where start.run_key = wait.run_key and start.kind = 'start_run' and start.attempts = 0 limit 1
            ) is not null as is_early_exit
          from unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[])
            with ordinality as event (user_id, message_id, name, occurred_at, place)
          join run_waits wait on wait.user_id = event.user_id and wait.event_name = event.name
            and wait.clock_domain = 'real'
          where ($6::boolean[])[event.place]
        ), told as (
          insert into outbox (kind, run_key, payload)
          select 'signal_run', run_key, jsonb_build_object('signal', $5::text, 'argument',
            jsonb_build_object('messageId', message_id, 'name', name, 'occurredAt', occurred_at))
          from heard where listeners is null and not is_early_exit
        )
        select run_key as "runKey", listeners, is_plain as "isPlain", is_early_exit as "isEarlyExit", place,
          null as "journeyKey", null as trigger
        from heard where listeners is not null or is_early_exit
        union all (
          select null, null, null, null, event.place, journey.key, trigger.definition
          from unnest($3::text[]) with ordinality as event (name, place)
          join journey_triggers trigger on trigger.kind = 'event' and trigger.event_name = event.name
          join journeys journey on journey.id = trigger.journey_id and journey.status in ('published', 'paused')
          order by event.place, journey.key, trigger.position)`,
      values: [
        events.map((event) => event.userId),
        events.map((event) => event.messageId),
        events.map((event) => event.name),
        events.map((event) => event.occurredAt),
        EVENT_SIGNAL,
        events.map((event) => event.clockDomain === 'real'),
      ],
    });
    const triggers = found.filter(isTrigger);
    const entries = triggers.length === 0 ? [] : entriesOf(triggers, events);
    if (entries.length > 0) await this.triggers.enter(transaction, entries);
    const heard = found.filter((row): row is Heard => !isTrigger(row));
    if (heard.length > 0)
      await this.tell(
        transaction,
        heard.map((each) => judge(each, events)),
      );
  }

  private async tell(transaction: Transaction, judged: readonly Judged[]): Promise<void> {
    const told = judged.filter(({ isTold }) => isTold);
    const rejected = judged.filter(({ isTold }) => !isTold);
    const ended = judged.filter(({ isEnd }) => isEnd);
    await transaction.query({
      name: 'run_signals_tell',
      text: `with told as (
          insert into outbox (kind, run_key, payload)
          select 'signal_run', run_key, jsonb_build_object('signal', $3::text, 'argument', argument)
          from unnest($1::text[], $2::jsonb[]) as item (run_key, argument)
        ), rejected as (
          insert into run_rejects (run_key, message_id, event_name, occurred_at)
          select run_key, message_id, name, to_timestamp(occurred_at / 1000)
          from unnest($4::text[], $5::text[], $6::text[], $7::float8[]) as item (run_key, message_id, name, occurred_at)
        ), ended as (
          -- Locked in one order everywhere, so that two batches cannot wait for each other.
          select entry.run_key from journey_entries entry where entry.ended_at is null and exists (
              select from unnest($8::text[], $9::float8[]) as item (run_key, occurred_at)
              where item.run_key = entry.run_key and to_timestamp(item.occurred_at / 1000) > entry.entered_at)
            and entry.run_key = any ($8)
          order by entry.run_key for no key update
        ), asked as (
          update journey_entries entry set exit_requested_at = coalesce(exit_requested_at, clock_timestamp())
          from ended where entry.run_key = ended.run_key returning entry.run_key
        ) ${startNow('asked')}`,
      values: [
        told.map(({ runKey }) => runKey),
        told.map(({ argument }) => JSON.stringify(argument)),
        EVENT_SIGNAL,
        rejected.map(({ runKey }) => runKey),
        rejected.map(({ argument }) => argument.messageId),
        rejected.map(({ argument }) => argument.name),
        rejected.map(({ argument }) => argument.occurredAt),
        ended.map(({ runKey }) => runKey),
        ended.map(({ argument }) => argument.occurredAt),
      ],
    });
  }

  /**
   * Makes every running run of these users ask its gates again, if it waits because of an earlier answer.
   *
   * @param but the run that made the change itself, and knows
   */
  async wake(
    transaction: Transaction,
    userIds: readonly string[],
    because: string,
    but: string | null = null,
  ): Promise<void> {
    await transaction.query({
      name: 'run_signals_wake',
      text: `insert into outbox (kind, run_key, payload)
        select 'signal_run', run_key,
          jsonb_build_object('signal', $2::text, 'argument', $3::jsonb)
        from journey_entries where user_id = any($1::uuid[]) and clock_domain = 'real' and ended_at is null
          and run_key is distinct from $4`,
      values: [userIds, WAKE_SIGNAL, JSON.stringify(wakeArgument(because)), but],
    });
  }

  /** As `wake`, for these runs alone: what makes them ask again does not concern their users' other runs. */
  async wakeRuns(transaction: Transaction, runKeys: readonly string[], because: string): Promise<void> {
    await transaction.query({
      name: 'run_signals_wake_runs',
      text: `insert into outbox (kind, run_key, payload)
        select 'signal_run', run_key,
          jsonb_build_object('signal', $2::text, 'argument', $3::jsonb)
        from journey_entries where run_key = any($1::text[]) and clock_domain = 'real' and ended_at is null`,
      values: [runKeys, WAKE_SIGNAL, JSON.stringify(wakeArgument(because))],
    });
  }

  /** Ends every running run of the user. The claim of a message refuses from this transaction on. */
  async exit(transaction: Transaction, userId: string, reason: string): Promise<void> {
    await transaction.query({
      text: `with ended as (
          update journey_entries set exit_requested_at = clock_timestamp()
          where user_id = $1 and ended_at is null returning run_key
        ), begun as (${startNow('ended')})
        insert into outbox (kind, run_key, payload)
        select 'command_run', run_key, jsonb_build_object('reason', $2::text) from ended`,
      values: [userId, reason],
    });
  }

  /** Call after the commit: delivers at once what would else wait for the next poll. */
  kick(): void {
    this.dispatcher.kick();
  }
}

/** After these nothing may stay planned that is not allowed any more. */
const URGENT: ReadonlySet<string> = new Set(['consent_withdrawn', 'suppression_changed']);

const wakeArgument = (because: string): WakeSignal => ({
  because,
  ...(URGENT.has(because) ? { isUrgent: true } : {}),
});

const isTrigger = (row: Heard | TriggerRow): row is TriggerRow => 'trigger' in row && row.trigger !== null;

/** What becomes of an event for one run. */
interface Judged {
  readonly runKey: string;
  readonly argument: {
    readonly messageId: string;
    readonly name: string;
    readonly occurredAt: InstantMs;
    readonly matches?: readonly number[];
  };
  readonly isTold: boolean;
  /** Meets the condition of an exit or a goal, or ends a run that has not begun. */
  readonly isEnd: boolean;
}

function judge({ runKey, listeners, isPlain, isEarlyExit, place }: Heard, events: readonly UserEvent[]): Judged {
  const event = events[place - 1];
  if (event === undefined) throw new Error('an event that nobody asked about');
  const { messageId, name, occurredAt, properties } = event;
  const met = (listeners ?? []).filter(({ where }) => evaluateCondition({ condition: where, attributes: properties }));
  const matches = met.map(({ index }) => index);
  return {
    runKey,
    argument: { messageId, name, occurredAt, ...(matches.length > 0 ? { matches } : {}) },
    isTold: isPlain || matches.length > 0,
    isEnd: isEarlyExit || met.some(({ isExit }) => isExit),
  };
}
