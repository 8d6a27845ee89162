import { Injectable } from '@nestjs/common';
import type { InstantMs } from '../../core/kernel/instant.js';
import type { Transaction } from '../../platform/database/database.js';
import { EVENT_SIGNAL, WAKE_SIGNAL } from '../../../workflows/messages.js';
import { OutboxDispatcher } from './outbox.dispatcher.js';

export interface UserEvent {
  readonly userId: string;
  readonly messageId: string;
  readonly name: string;
  readonly occurredAt: InstantMs;
  readonly clockDomain: string;
}

/**
 * Tells waiting runs that something happened. The message is written in the caller's transaction, so it is neither
 * lost when the process dies nor sent for a change that was rolled back.
 */
@Injectable()
export class RunSignals {
  constructor(private readonly dispatcher: OutboxDispatcher) {}

  /** Hands events to every running run that listens to their names: real runs only, virtual ones look events up. */
  async events(transaction: Transaction, events: readonly UserEvent[]): Promise<void> {
    const real = events.filter((event) => event.clockDomain === 'real');
    if (real.length === 0) return;
    await transaction.query({
      name: 'run_signals_events',
      text: `insert into outbox (kind, run_key, payload)
        select 'signal_run', wait.run_key, jsonb_build_object('signal', $5::text, 'argument',
          jsonb_build_object('messageId', event.message_id, 'name', event.name, 'occurredAt', event.occurred_at))
        from unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[]) as event (user_id, message_id, name, occurred_at)
        join run_waits wait on wait.user_id = event.user_id and wait.event_name = event.name
          and wait.clock_domain = 'real'`,
      values: [
        real.map((event) => event.userId),
        real.map((event) => event.messageId),
        real.map((event) => event.name),
        real.map((event) => event.occurredAt),
        EVENT_SIGNAL,
      ],
    });
  }

  /** Makes every running run of these users ask its gates again, if it waits because of an earlier answer. */
  async wake(transaction: Transaction, userIds: readonly string[], because: string): Promise<void> {
    await transaction.query({
      name: 'run_signals_wake',
      text: `insert into outbox (kind, run_key, payload)
        select 'signal_run', run_key,
          jsonb_build_object('signal', $2::text, 'argument', jsonb_build_object('because', $3::text))
        from journey_entries where user_id = any($1::uuid[]) and clock_domain = 'real' and ended_at is null`,
      values: [userIds, WAKE_SIGNAL, because],
    });
  }

  /** As `wake`, for these runs alone: what makes them ask again does not concern their users' other runs. */
  async wakeRuns(transaction: Transaction, runKeys: readonly string[], because: string): Promise<void> {
    await transaction.query({
      name: 'run_signals_wake_runs',
      text: `insert into outbox (kind, run_key, payload)
        select 'signal_run', run_key,
          jsonb_build_object('signal', $2::text, 'argument', jsonb_build_object('because', $3::text))
        from journey_entries where run_key = any($1::text[]) and clock_domain = 'real' and ended_at is null`,
      values: [runKeys, WAKE_SIGNAL, because],
    });
  }

  /** Ends every running run of the user. The claim of a message refuses from this transaction on. */
  async exit(transaction: Transaction, userId: string, reason: string): Promise<void> {
    await transaction.query({
      text: `with ended as (
          update journey_entries set exit_requested_at = clock_timestamp()
          where user_id = $1 and ended_at is null returning run_key
        )
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
