import { Injectable } from '@nestjs/common';
import type { RunClock } from '../../core/journeys/run-reference.js';
import type { DurationMs, InstantMs } from '../../core/kernel/instant.js';
import { isRunOver } from '../decisions/index.js';
import { Database, type Queryable, type Transaction } from '../../platform/database/database.js';

/** One visit of a step that does something else than contact somebody. */
export interface ActVisit {
  readonly runKey: string;
  readonly stepId: string;
  readonly visit: number;
}

/** What became of it. */
export interface ActResult {
  readonly isDone: boolean;
  /** Why not, in a word of ours; null when it was done. */
  readonly because: string | null;
}

/** An attempt, the first or a repeated one. */
export interface ActAttempt {
  /** What an earlier attempt came to; null: it is to be done. */
  readonly result: ActResult | null;
  /** This one included. */
  readonly attempts: number;
  /** Of the first attempt. */
  readonly startedAt: InstantMs;
  readonly sinceMs: DurationMs;
}

/** Whom an endpoint is told about. */
export interface ActSubject {
  readonly runId: string;
  readonly externalId: string | null;
  /** The person is gone. */
  readonly isErased: boolean;
  /** The run is to end, whether or not it has heard so. */
  readonly isOver: boolean;
}

/** The only writer of step_acts and run_goals. */
@Injectable()
export class ActsRepository {
  constructor(private readonly database: Database) {}

  /** Notes an attempt. Inside a transaction a second one waits until the first has committed its result. */
  async begin(queryable: Queryable, { runKey, stepId, visit }: ActVisit): Promise<ActAttempt> {
    const [row] = await queryable.query<ActAttempt>({
      name: 'step_acts_begin',
      text: `insert into step_acts (run_key, step_id, visit) values ($1, $2, $3)
        on conflict (run_key, step_id, visit) do update set attempts = step_acts.attempts + 1
        returning result, attempts, started_at as "startedAt",
          (extract(epoch from clock_timestamp() - started_at) * 1000)::float8 as "sinceMs"`,
      values: [runKey, stepId, visit],
    });
    if (row === undefined) throw new Error('an attempt was not returned');
    return row;
  }

  /** Stores the result unless one is there, and returns the one that holds. */
  async finish(queryable: Queryable, { runKey, stepId, visit }: ActVisit, result: ActResult): Promise<ActResult> {
    const [row] = await queryable.query<{ result: ActResult }>({
      name: 'step_acts_finish',
      text: `insert into step_acts (run_key, step_id, visit, result, done_at)
        values ($1, $2, $3, $4, clock_timestamp())
        on conflict (run_key, step_id, visit) do update set result = coalesce(step_acts.result, excluded.result),
          done_at = coalesce(step_acts.done_at, excluded.done_at)
        returning result`,
      values: [runKey, stepId, visit, JSON.stringify(result)],
    });
    return row?.result ?? result;
  }

  /** Once for each goal of a run; @param at null: by the database's clock */
  async reachGoal(transaction: Transaction, runKey: string, goal: string, at: InstantMs | null): Promise<void> {
    await transaction.query({
      name: 'run_goals_reach',
      text: `insert into run_goals (run_key, goal, reached_at)
        values ($1, $2, coalesce(to_timestamp($3::float8 / 1000), clock_timestamp()))
        on conflict (run_key, goal) do nothing`,
      values: [runKey, goal, at],
    });
  }

  /** Null for a run that was never entered. */
  async subject(runKey: string): Promise<ActSubject | null> {
    const [row] = await this.database.query<ActSubject>({
      name: 'step_acts_subject',
      text: `select run.id as "runId", person.external_id as "externalId", person.erased_at is not null as "isErased",
          ${isRunOver({ domain: "'real'", now: 'clock_timestamp()' })} as "isOver"
        from journey_entries entry
        join journey_runs run on run.run_key = entry.run_key
        join users person on person.id = entry.user_id
        where entry.run_key = $1`,
      values: [runKey],
    });
    return row ?? null;
  }

  /** Whether the run is to do nothing any more. Ask under the user's lock: whoever ends a run takes it, too. */
  async isOver(transaction: Transaction, runKey: string, clock: RunClock): Promise<boolean> {
    const now = 'coalesce(to_timestamp($2::float8 / 1000), clock_timestamp())';
    const [row] = await transaction.query<{ isOver: boolean }>({
      name: 'step_acts_is_over',
      text: `select ${isRunOver({ domain: 'entry.clock_domain', now })} as "isOver" from journey_entries entry where entry.run_key = $1`,
      values: [runKey, clock.kind === 'real' ? null : clock.now],
    });
    return row?.isOver ?? false;
  }
}
