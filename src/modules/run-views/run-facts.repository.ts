import { Injectable } from '@nestjs/common';
import type { Move } from '../../core/journeys/path.js';
import type { Plan } from '../../core/journeys/plan.js';
import type { InstantMs } from '../../core/kernel/instant.js';
import { Database } from '../../platform/database/database.js';

/** How a user came into a run, and what operators asked of it. */
export interface EntryFacts {
  readonly source: string;
  readonly entryKey: string;
  readonly enteredAt: InstantMs;
  readonly pausedAt: InstantMs | null;
  readonly exitRequestedAt: InstantMs | null;
  readonly isStartPending: boolean;
  readonly plan: Plan;
}

/** What an endpoint answered to a webhook of the run, of each step the last. */
export interface ResponseRow {
  readonly stepId: string;
  readonly response: unknown;
  readonly receivedAt: InstantMs;
}

const MOVE = `seq, step_id as "stepId", visit, entered_at as "enteredAt", left_at as "leftAt", outcome, reason,
  decision_id as "decisionId", next_step_id as "nextStepId", turn`;

/** Reads what other modules wrote about runs. */
@Injectable()
export class RunFactsRepository {
  constructor(private readonly database: Database) {}

  async entry(runKey: string): Promise<EntryFacts> {
    const [row] = await this.database.query<EntryFacts>({
      name: 'run_facts_entry',
      text: `select entry.source, entry.entry_key as "entryKey", entry.entered_at as "enteredAt",
          entry.paused_at as "pausedAt", entry.exit_requested_at as "exitRequestedAt", version.plan,
          exists (select from outbox where outbox.run_key = entry.run_key and kind = 'start_run') as "isStartPending"
        from journey_entries entry
        join journey_versions version on version.journey_id = entry.journey_id and version.version = entry.version
        where entry.run_key = $1`,
      values: [runKey],
    });
    if (row === undefined) throw new Error(`run ${runKey} has no entry`);
    return row;
  }

  /** Oldest first. */
  path(runKey: string, page: { readonly after: number; readonly limit: number }): Promise<readonly Move[]> {
    return this.database.query<Move>({
      name: 'run_facts_path',
      text: `select ${MOVE} from run_path where run_key = $1 and seq > $2 order by seq limit $3`,
      values: [runKey, page.after, page.limit],
    });
  }

  /** The last ones, oldest first. */
  async lastMoves(runKey: string, limit: number): Promise<readonly Move[]> {
    const rows = await this.database.query<Move>({
      name: 'run_facts_last_moves',
      text: `select ${MOVE} from run_path where run_key = $1 order by seq desc limit $2`,
      values: [runKey, limit],
    });
    return [...rows].reverse();
  }

  responses(runKey: string): Promise<readonly ResponseRow[]> {
    return this.database.query<ResponseRow>({
      name: 'run_facts_responses',
      text: `select step_id as "stepId", response, received_at as "receivedAt" from run_responses
        where run_key = $1 order by received_at, step_id`,
      values: [runKey],
    });
  }
}
