import { Injectable } from '@nestjs/common';
import type { Move } from '../../../core/journeys/path.js';
import type { RunProgress, RunReport } from '../../../core/journeys/progress.js';
import type { InstantMs } from '../../../core/kernel/instant.js';
import { Database, type Queryable } from '../../../platform/database/database.js';

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

/** Which runs a list shows; null: whatever. */
export interface RunFilter {
  readonly userId: string | null;
  readonly journey: string | null;
  readonly version: number | null;
  readonly state: string | null;
  readonly stepId: string | null;
  readonly reason: string | null;
  /** Name of an event, or the reason code of a deferral or a refusal. */
  readonly waitsFor: string | null;
  /** Inclusive. */
  readonly startedFrom: InstantMs | null;
  /** Exclusive. */
  readonly startedUntil: InstantMs | null;
  readonly endedFrom: InstantMs | null;
  readonly endedUntil: InstantMs | null;
  readonly clockDomain: string | null;
}

/** How many runs are alike: in their state, and in step or reason where that is counted. */
export interface RunCount {
  readonly by: 'state' | 'step' | 'reason';
  readonly state: RunRow['state'];
  readonly stepId: string | null;
  readonly reason: string | null;
  readonly runs: number;
}

/** Columns of run_path below `run_key`, with their types. */
const moveColumns = `seq int, step_id text, visit int, entered_at timestamptz, left_at timestamptz, outcome text,
  reason text, decision_id uuid, next_step_id text, turn bigint`;

/** Whether what is stored was told of the same turn by a worker that did it later; where nobody knows, it was not. */
const isOutdone = (stored: string, told: string): string => `coalesce(${stored} > ${told}, false)`;

/** Writes moves; an older report overwrites no newer one. What one execution does not know of a move stays. */
const noteMoves = (runKey: string, moves: string, historyLength: string): string => `
  insert into run_path as path (run_key, seq, step_id, visit, entered_at, left_at, outcome, reason, decision_id,
    next_step_id, turn, history_length)
  select ${runKey}, move.*, ${historyLength}::int from jsonb_to_recordset(${moves}::jsonb) as move (${moveColumns})
  on conflict (run_key, seq) do update set step_id = excluded.step_id, visit = excluded.visit,
    entered_at = excluded.entered_at, left_at = excluded.left_at, outcome = excluded.outcome, reason = excluded.reason,
    decision_id = coalesce(excluded.decision_id, path.decision_id), next_step_id = excluded.next_step_id,
    turn = excluded.turn, history_length = excluded.history_length
  where path.turn < excluded.turn
    or path.turn = excluded.turn and not ${isOutdone('path.history_length', 'excluded.history_length')}`;

/** Whether the run came through a split, and its user has not met the arm yet. */
const IS_ARM_UNMET = `exists (select from split_exposures where run_key = $1 and exposed_at is null) as "isArmUnmet"`;
const PATH = { name: 'runs_path', text: `with moves as (${noteMoves('$1', '$2', '$3')}) select ${IS_ARM_UNMET}` };
const PROGRESS = {
  name: 'runs_report',
  text: `with progress as (
      update journey_runs set seq = $2, state = $3, step_id = $4, waits_for = $5,
        waits_until = to_timestamp($6::float8 / 1000), waits_on = $7, history_length = $9,
        updated_at = clock_timestamp()
      where run_key = $1 and ended_at is null and (seq < $2 or seq = $2 and not ${isOutdone('history_length', '$9::int')})
    ), moves as (${noteMoves('$1', '$8', '$9')}) select ${IS_ARM_UNMET}`,
};

const valuesOf = ({ runKey, seq, state, stepId, waitsFor, waitsUntil, waitsOn }: RunProgress): readonly unknown[] => [
  runKey,
  seq,
  state,
  stepId,
  waitsFor,
  waitsUntil,
  waitsOn,
];

/** As `jsonb_to_recordset` reads them. */
export const toRows = (moves: readonly Move[]): string =>
  JSON.stringify(
    moves.map((move) => ({
      seq: move.seq,
      step_id: move.stepId,
      visit: move.visit,
      entered_at: new Date(move.enteredAt).toISOString(),
      left_at: move.leftAt === null ? null : new Date(move.leftAt).toISOString(),
      outcome: move.outcome,
      reason: move.reason,
      decision_id: move.decisionId,
      next_step_id: move.nextStepId,
      turn: move.turn,
    })),
  );

/** The only writer of journey_runs after the entry: the projection of what Temporal knows. */
@Injectable()
export class RunsRepository {
  constructor(private readonly database: Database) {}

  /**
   * An older report never overwrites a newer one, and none overwrites the end. Of two reports of one turn that stands
   * which was made with the longer history: the turn was done again, at another time and maybe with other messages,
   * because the worker of the other one died before it was over, or was so slow that it may still tell. Where both are as
   * long, or nobody knows, the later one stands.
   *
   * @returns whether the run came through a split whose arm its user has not met yet
   */
  async report({
    runKey,
    progress,
    moves,
    historyLength = null,
  }: RunReport): Promise<{ readonly isArmUnmet: boolean }> {
    if (progress === null && moves.length === 0) return { isArmUnmet: false };
    const [told] = await this.database.query<{ isArmUnmet: boolean }>(
      progress === null
        ? { ...PATH, values: [runKey, toRows(moves), historyLength] }
        : { ...PROGRESS, values: [...valuesOf(progress), toRows(moves), historyLength] },
    );
    return told ?? { isArmUnmet: false };
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
          waits_until = null, waits_on = '{}', updated_at = clock_timestamp()
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

  list(filter: RunFilter, page: { after: string | null; limit: number }): Promise<readonly RunRow[]> {
    const { text, values } = conditionOf(filter, page.after);
    return this.database.query<RunRow>({
      text: `select ${RUN} from journey_runs where ${text} order by id desc limit ${page.limit}`,
      values,
    });
  }

  /** Runs counted per state, per state and step, and per state and reason; the most frequent first. */
  counts(filter: RunFilter, limit: number): Promise<readonly RunCount[]> {
    const { text, values } = conditionOf(filter, null);
    return this.database.query<RunCount>({
      text: `select case when grouping(step_id) = 0 then 'step' when grouping(reason) = 0 then 'reason' else 'state' end
          as by, state, step_id as "stepId", reason, count(*)::int as runs
        from journey_runs where ${text}
        group by grouping sets ((state), (state, step_id), (state, reason))
        order by grouping(step_id) + grouping(reason) desc, runs desc, state, step_id, reason limit ${limit}`,
      values,
    });
  }
}

/** Only what is asked for stands in the statement, so that the planner finds the index that fits. */
function conditionOf(filter: RunFilter, after: string | null): { text: string; values: readonly unknown[] } {
  const tests: readonly (readonly [string, unknown])[] = [
    ['user_id = ?::uuid', filter.userId],
    ['journey_key = ?', filter.journey],
    ['version = ?', filter.version],
    ['state = ?', filter.state],
    ['step_id = ?', filter.stepId],
    ['reason = ?', filter.reason],
    [`waits_on <> '{}' and waits_on @> array[?::text]`, filter.waitsFor],
    ['started_at >= to_timestamp(?::float8 / 1000)', filter.startedFrom],
    ['started_at < to_timestamp(?::float8 / 1000)', filter.startedUntil],
    ['ended_at >= to_timestamp(?::float8 / 1000)', filter.endedFrom],
    ['ended_at < to_timestamp(?::float8 / 1000)', filter.endedUntil],
    ['clock_domain = ?', filter.clockDomain],
    ['id < ?::uuid', after],
  ];
  const asked = tests.filter(([, value]) => value !== null);
  const texts = asked.map(([test], index) => test.replace('?', `$${index + 1}`));
  // What the state says already, in the words of the index of runs that are not over.
  if (OPEN_STATES.has(filter.state ?? '')) texts.push('ended_at is null');
  const text = texts.join(' and ') || 'true';
  return { text, values: asked.map(([, value]) => value) };
}

const OPEN_STATES: ReadonlySet<string> = new Set(['starting', 'running', 'waiting', 'paused']);
