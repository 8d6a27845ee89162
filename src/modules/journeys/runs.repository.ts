import { Injectable } from '@nestjs/common';
import type { RunProgress } from '../../core/journeys/progress.js';
import type { InstantMs } from '../../core/kernel/instant.js';
import { Database, type Queryable } from '../../platform/database/database.js';

export interface RunRow {
  readonly id: string;
  readonly runKey: string;
  readonly journeyKey: string;
  readonly version: number;
  readonly userId: string;
  readonly clockDomain: string;
  readonly state: 'starting' | 'running' | 'waiting' | 'paused' | 'completed' | 'exited';
  readonly stepId: string | null;
  readonly waitsFor: string | null;
  readonly waitsUntil: InstantMs | null;
  readonly reason: string | null;
  readonly startedAt: InstantMs;
  readonly endedAt: InstantMs | null;
  /** In the order in which they were reached. */
  readonly goals: readonly { readonly goal: string; readonly reachedAt: InstantMs }[];
}

export interface RunEnd {
  readonly runKey: string;
  readonly outcome: 'completed' | 'exited';
  readonly reason: string;
  /** Null: now, by the database's clock. */
  readonly endedAt: InstantMs | null;
}

/** An event that met none of the run's conditions. */
export interface RunRejectRow {
  readonly id: string;
  readonly messageId: string;
  readonly name: string;
  readonly occurredAt: InstantMs;
}

const RUN = `id, run_key as "runKey", journey_key as "journeyKey", version, user_id as "userId",
  clock_domain as "clockDomain", state, step_id as "stepId", waits_for as "waitsFor", waits_until as "waitsUntil",
  reason, started_at as "startedAt", ended_at as "endedAt", coalesce((
    select jsonb_agg(jsonb_build_object('goal', reached.goal,
      'reachedAt', round(extract(epoch from reached.reached_at) * 1000)) order by reached.reached_at, reached.goal)
    from run_goals reached where reached.run_key = journey_runs.run_key), '[]') as goals`;

/** The only writer of journey_runs after the entry: the projection of what Temporal knows. */
@Injectable()
export class RunsRepository {
  constructor(private readonly database: Database) {}

  /** An older report never overwrites a newer one, and none overwrites the end. */
  async progress(progress: RunProgress): Promise<void> {
    await this.database.query({
      name: 'runs_progress',
      text: `update journey_runs set seq = $2, state = $3, step_id = $4, waits_for = $5,
          waits_until = to_timestamp($6::float8 / 1000), updated_at = clock_timestamp()
        where run_key = $1 and seq < $2 and ended_at is null`,
      values: [progress.runKey, progress.seq, progress.state, progress.stepId, progress.waitsFor, progress.waitsUntil],
    });
  }

  /** Records the end and takes down the run's subscriptions. A second call changes nothing. */
  async finish(end: RunEnd): Promise<void> {
    await this.database.query({
      name: 'runs_finish',
      text: `with entry as (
          update journey_entries set ended_at = coalesce(to_timestamp($4::float8 / 1000), clock_timestamp())
          where run_key = $1 and ended_at is null returning run_key, ended_at
        ), waits as (
          delete from run_waits where run_key = $1
        ), pending as (
          delete from pending_candidates where run_key = $1
        )
        update journey_runs run set state = $2, reason = $3, ended_at = entry.ended_at, waits_for = null,
          waits_until = null, updated_at = clock_timestamp()
        from entry where run.run_key = entry.run_key`,
      values: [end.runKey, end.outcome, end.reason, end.endedAt],
    });
  }

  async find(id: string): Promise<RunRow | null> {
    const [row] = await this.database.query<RunRow>({
      name: 'runs_find',
      text: `select ${RUN} from journey_runs where id = $1`,
      values: [id],
    });
    return row ?? null;
  }

  async findByKey(runKey: string, queryable: Queryable = this.database): Promise<RunRow | null> {
    const [row] = await queryable.query<RunRow>({
      name: 'runs_find_by_key',
      text: `select ${RUN} from journey_runs where run_key = $1`,
      values: [runKey],
    });
    return row ?? null;
  }

  /** Events that the run was asked about and did not react to, newest first. */
  rejects(runKey: string, page: { after: string | null; limit: number }): Promise<readonly RunRejectRow[]> {
    return this.database.query<RunRejectRow>({
      name: 'runs_rejects',
      text: `select id, message_id as "messageId", event_name as name, occurred_at as "occurredAt" from run_rejects
        where run_key = $1 and ($2::uuid is null or id < $2) order by id desc limit $3`,
      values: [runKey, page.after, page.limit],
    });
  }

  list(
    filter: { userId: string | null; journey: string | null; state: string | null; clockDomain: string | null },
    page: { after: string | null; limit: number },
  ): Promise<readonly RunRow[]> {
    return this.database.query<RunRow>({
      text: `select ${RUN} from journey_runs
        where ($1::uuid is null or user_id = $1) and ($2::text is null or journey_key = $2)
          and ($3::text is null or state = $3) and ($4::text is null or clock_domain = $4)
          and ($5::uuid is null or id < $5)
        order by id desc limit $6`,
      values: [filter.userId, filter.journey, filter.state, filter.clockDomain, page.after, page.limit],
    });
  }
}
