import type { ListenedCondition, ListenedEvent } from '../../../core/journeys/plan.js';
import type { Queryable } from '../../../platform/database/database.js';

/** What a run hears of under one name of an event: a row of run_waits. */
export interface RunWait {
  readonly name: string;
  readonly isExit: boolean;
  /** Null: it has no conditions. */
  readonly listeners: readonly ListenedCondition[] | null;
  readonly isPlain: boolean;
}

export const toWait = ({ name, isExit, conditions }: ListenedEvent): RunWait => ({
  name,
  isExit,
  listeners: conditions?.listeners ?? null,
  isPlain: conditions?.isPlain ?? true,
});

/** Lets a run that goes on hear of these; names that it hears of already stay as they are. */
export async function insertWaits(queryable: Queryable, runKey: string, waits: readonly RunWait[]): Promise<void> {
  await queryable.query({
    name: 'run_waits_insert',
    text: `insert into run_waits (user_id, event_name, is_exit, run_key, clock_domain, listeners, is_plain)
      select entry.user_id, wait.name, wait.is_exit, entry.run_key, entry.clock_domain, wait.listeners, wait.is_plain
      from journey_entries entry,
        unnest($2::text[], $3::boolean[], $4::jsonb[], $5::boolean[]) as wait (name, is_exit, listeners, is_plain)
      where entry.run_key = $1 and entry.ended_at is null
      on conflict do nothing`,
    values: [
      runKey,
      waits.map(({ name }) => name),
      waits.map(({ isExit }) => isExit),
      waits.map(({ listeners }) => (listeners === null ? null : JSON.stringify(listeners))),
      waits.map(({ isPlain }) => isPlain),
    ],
  });
}
