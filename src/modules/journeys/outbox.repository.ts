import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database.js';

export type OutboxMessage =
  | { readonly kind: 'start_run'; readonly id: string; readonly runKey: string; readonly attempts: number }
  | {
      readonly kind: 'signal_run';
      readonly id: string;
      readonly runKey: string;
      readonly attempts: number;
      readonly payload: { readonly signal: string; readonly argument: unknown };
    }
  | {
      readonly kind: 'exit_run';
      readonly id: string;
      readonly runKey: string;
      readonly attempts: number;
      readonly payload: { readonly reason: string };
    };

/** All that a workflow is started with, read from the entry and its immutable version. */
export interface RunStart {
  readonly runKey: string;
  readonly userId: string;
  readonly journeyKey: string;
  readonly version: number;
  readonly plan: unknown;
  readonly clockDomain: string;
}

/** Longer than any call to Temporal may take: a message that is leased for longer belongs to a dead process. */
const LEASE_SECONDS = 60;
const BACKOFF_SECONDS_MAX = 300;

@Injectable()
export class OutboxRepository {
  constructor(private readonly database: Database) {}

  /** Takes up to `limit` due messages for this process alone, for the length of the lease. */
  lease(limit: number): Promise<readonly OutboxMessage[]> {
    return this.database.query<OutboxMessage>({
      name: 'outbox_lease',
      text: `update outbox set attempts = attempts + 1,
          available_at = clock_timestamp() + make_interval(secs => ${LEASE_SECONDS})
        where id in (
          select id from outbox where available_at <= clock_timestamp() order by available_at, id limit $1
          for update skip locked
        )
        returning id, kind, run_key as "runKey", payload, attempts`,
      values: [limit],
    });
  }

  async remove(ids: readonly string[]): Promise<void> {
    await this.database.query({
      name: 'outbox_remove',
      text: 'delete from outbox where id = any($1::uuid[])',
      values: [ids],
    });
  }

  /** Puts a message off: 1 s, 2 s, 4 s … at most five minutes. It is never given up. */
  async postpone(id: string, error: string): Promise<void> {
    await this.database.query({
      name: 'outbox_postpone',
      text: `update outbox set last_error = $2,
          available_at = clock_timestamp() + make_interval(secs => least(power(2, least(attempts, 20) - 1), ${BACKOFF_SECONDS_MAX}))
        where id = $1`,
      values: [id, error],
    });
  }

  async findStart(runKey: string): Promise<RunStart | null> {
    const [row] = await this.database.query<RunStart>({
      name: 'outbox_find_start',
      text: `select entry.run_key as "runKey", entry.user_id as "userId", journey.key as "journeyKey", entry.version,
          version.plan, entry.clock_domain as "clockDomain"
        from journey_entries entry
        join journeys journey on journey.id = entry.journey_id
        join journey_versions version on version.journey_id = entry.journey_id and version.version = entry.version
        where entry.run_key = $1 and entry.ended_at is null`,
      values: [runKey],
    });
    return row ?? null;
  }

  /** Whether the run has not been handed to Temporal yet, so that a message for it must wait. */
  async isStartPending(runKey: string): Promise<boolean> {
    const [row] = await this.database.query<{ isPending: boolean }>({
      name: 'outbox_is_start_pending',
      text: `select exists (select from outbox where run_key = $1 and kind = 'start_run') as "isPending"`,
      values: [runKey],
    });
    return row?.isPending ?? false;
  }
}
