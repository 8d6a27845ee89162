import { Injectable } from '@nestjs/common';
import type { Move } from '../../../core/journeys/path.js';
import type { Plan } from '../../../core/journeys/plan.js';
import type { ReconcileCounts } from '../../../core/journeys/reconciling.js';
import type { InstantMs } from '../../../core/kernel/instant.js';
import { Database, type Transaction } from '../../../platform/database/database.js';
import type { PageRequest } from '../../../platform/http/paging.js';
import { AuditLog } from '../../access/index.js';
import { insertWaits, type RunWait } from './run-waits.js';
import { toRows, type RunRow } from './runs.repository.js';

/** A job as it stands. */
export interface ReconcileRow extends Required<ReconcileCounts> {
  readonly id: string;
  readonly journey: string | null;
  readonly state: 'running' | 'done' | 'cancelled' | 'failed';
  readonly createdBy: string;
  readonly createdAt: InstantMs;
  readonly updatedAt: InstantMs;
  readonly finishedAt: InstantMs | null;
}

/** A row of journey_runs but for what nobody compares. */
export interface ProjectedRun extends Omit<RunRow, 'goals'> {
  readonly seq: number;
  readonly waitsOn: readonly string[];
}

/** What the tables say of one run. */
export interface RecordedRun {
  readonly runKey: string;
  readonly runId: string;
  readonly journeyKey: string;
  readonly version: number;
  readonly userId: string;
  readonly clockDomain: string;
  readonly enteredAt: InstantMs;
  readonly endedAt: InstantMs | null;
  /** Nobody can know the run yet. */
  readonly isStartPending: boolean;
  readonly row: ProjectedRun | null;
  /** Names this very version of the row; null where there is none. */
  readonly rowVersion: string | null;
  readonly path: readonly Move[];
  /** What the run hears of. */
  readonly waits: readonly RunWait[];
  /** The last migration that moved the run. */
  readonly movedBy: string | null;
}

const JOB = `id, journey_key as journey, state, checked, mended, lost, unanswered, strangers, unsubscribed,
  created_by as "createdBy",
  created_at as "createdAt", updated_at as "updatedAt", finished_at as "finishedAt"`;

const milliseconds = (column: string): string => `round(extract(epoch from ${column}) * 1000)::float8`;

/** As the driver would give the columns of one row, in one value of JSON. */
const PROJECTED = `jsonb_build_object('id', run.id, 'runKey', run.run_key, 'journeyKey', run.journey_key,
  'version', run.version, 'userId', run.user_id, 'clockDomain', run.clock_domain, 'state', run.state,
  'stepId', run.step_id, 'waitsFor', run.waits_for, 'waitsUntil', ${milliseconds('run.waits_until')},
  'reason', run.reason, 'startedAt', ${milliseconds('run.started_at')}, 'endedAt', ${milliseconds('run.ended_at')},
  'seq', run.seq, 'waitsOn', run.waits_on)`;

const MOVES = `coalesce((
  select jsonb_agg(jsonb_build_object('seq', path.seq, 'stepId', path.step_id, 'visit', path.visit,
    'enteredAt', ${milliseconds('path.entered_at')}, 'leftAt', ${milliseconds('path.left_at')},
    'outcome', path.outcome, 'reason', path.reason, 'decisionId', path.decision_id,
    'nextStepId', path.next_step_id, 'turn', path.turn) order by path.seq)
  from run_path path where path.run_key = entry.run_key), '[]')`;

const WAITS = `coalesce((
  select jsonb_agg(jsonb_build_object('name', wait.event_name, 'isExit', wait.is_exit, 'listeners', wait.listeners,
    'isPlain', wait.is_plain))
  from run_waits wait where wait.run_key = entry.run_key), '[]')`;

/** Reads what the tables say of runs, and writes what a reconcile job puts right. */
@Injectable()
export class RunReconciles {
  constructor(
    private readonly database: Database,
    private readonly audit: AuditLog,
  ) {}

  /** @throws DatabaseError on `run_reconciles_one` while another job is under way */
  begin(job: { readonly id: string; readonly journey: string | null; readonly principal: string }): Promise<void> {
    const { id, journey, principal } = job;
    return this.database.transaction(async (transaction) => {
      await transaction.query({
        text: 'insert into run_reconciles (id, journey_key, created_by) values ($1, $2, $3)',
        values: [id, journey, principal],
      });
      await this.audit.write(transaction, { principal, action: 'runs.reconcile', subject: id, detail: { journey } });
    });
  }

  async find(id: string): Promise<ReconcileRow | null> {
    const [row] = await this.database.query<ReconcileRow>({
      text: `select ${JOB} from run_reconciles where id = $1`,
      values: [id],
    });
    return row ?? null;
  }

  async findRunning(): Promise<ReconcileRow | null> {
    const [row] = await this.database.query<ReconcileRow>({
      text: `select ${JOB} from run_reconciles where state = 'running'`,
    });
    return row ?? null;
  }

  /** Newest first. */
  list(page: PageRequest): Promise<readonly ReconcileRow[]> {
    return this.database.query<ReconcileRow>({
      text: `select ${JOB} from run_reconciles where $1::uuid is null or id < $1 order by id desc limit $2`,
      values: [page.after, page.limit],
    });
  }

  async progress(id: string, counts: ReconcileCounts): Promise<void> {
    await this.database.query({
      text: `update run_reconciles set checked = $2, mended = $3, lost = $4, unanswered = $5, strangers = $6,
          unsubscribed = $7, updated_at = clock_timestamp()
        where id = $1 and state = 'running'`,
      values: [
        id,
        counts.checked,
        counts.mended,
        counts.lost,
        counts.unanswered,
        counts.strangers,
        counts.unsubscribed ?? 0,
      ],
    });
  }

  /** The first word stands. */
  async finish(id: string, state: ReconcileRow['state']): Promise<void> {
    await this.database.query({
      text: `update run_reconciles set state = $2, finished_at = clock_timestamp(), updated_at = clock_timestamp()
        where id = $1 and state = 'running'`,
      values: [id, state],
    });
  }

  async cancel(id: string, principal: string): Promise<void> {
    await this.database.transaction((transaction) =>
      this.audit.write(transaction, { principal, action: 'runs.reconcile_cancel', subject: id }),
    );
  }

  /** The ids of a page of runs, in the order in which they were entered. */
  async runIds(journey: string | null, after: string | null, limit: number): Promise<readonly string[]> {
    const rows = await this.database.query<{ id: string }>({
      text: `select entry.run_id as id from journey_entries entry
        where ($1::text is null or entry.journey_id = (select id from journeys where key = $1))
          and ($2::uuid is null or entry.run_id > $2)
        order by entry.run_id limit $3`,
      values: [journey, after, limit],
    });
    return rows.map(({ id }) => id);
  }

  async recorded(runId: string): Promise<RecordedRun | null> {
    const [run] = await this.database.query<RecordedRun>({
      name: 'run_reconciles_recorded',
      text: `select entry.run_key as "runKey", entry.run_id as "runId", journey.key as "journeyKey", entry.version,
          entry.user_id as "userId", entry.clock_domain as "clockDomain", entry.entered_at as "enteredAt",
          entry.ended_at as "endedAt", run.xmin::text as "rowVersion",
          case when run.run_key is not null then ${PROJECTED} end as row, ${MOVES} as path,
          entry.moved_by as "movedBy",
          ${WAITS} as waits,
          exists (select from outbox where outbox.run_key = entry.run_key and kind = 'start_run') as "isStartPending"
        from journey_entries entry
        join journeys journey on journey.id = entry.journey_id
        left join journey_runs run on run.run_key = entry.run_key
        where entry.run_id = $1`,
      values: [runId],
    });
    return run ?? null;
  }

  async plan(journeyKey: string, version: number): Promise<Plan> {
    const [row] = await this.database.query<{ plan: Plan }>({
      name: 'run_reconciles_plan',
      text: `select plan from journey_versions
        where journey_id = (select id from journeys where key = $1) and version = $2`,
      values: [journeyKey, version],
    });
    if (row === undefined) throw new Error(`${journeyKey} has no version ${version}`);
    return row.plan;
  }

  /** @returns those of the keys that no entry has */
  async strangers(runKeys: readonly string[]): Promise<readonly string[]> {
    const rows = await this.database.query<{ key: string }>({
      text: `select key from unnest($1::text[]) key
        where not exists (select from journey_entries where run_key = key)`,
      values: [runKeys],
    });
    return rows.map(({ key }) => key);
  }

  /**
   * Makes the run's row say this, unless somebody wrote it since it was read.
   *
   * @returns false where it was written meanwhile: what we know may be older
   */
  async replaceRow({ rowVersion }: RecordedRun, wanted: ProjectedRun): Promise<boolean> {
    const values = [
      wanted.id,
      wanted.runKey,
      wanted.journeyKey,
      wanted.version,
      wanted.userId,
      wanted.clockDomain,
      wanted.state,
      wanted.stepId,
      wanted.waitsFor,
      wanted.waitsUntil,
      wanted.reason,
      wanted.startedAt,
      wanted.endedAt,
      wanted.seq,
      wanted.waitsOn,
      rowVersion,
    ];
    const written = await this.database.query({
      name: 'run_reconciles_replace_row',
      text: `insert into journey_runs as run (id, run_key, journey_key, version, user_id, clock_domain, state, step_id,
          waits_for, waits_until, reason, started_at, ended_at, seq, waits_on)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, to_timestamp($10::float8 / 1000), $11,
          to_timestamp($12::float8 / 1000), to_timestamp($13::float8 / 1000), $14, $15)
        on conflict (run_key) do update set id = excluded.id, journey_key = excluded.journey_key,
          version = excluded.version, user_id = excluded.user_id, clock_domain = excluded.clock_domain,
          state = excluded.state, step_id = excluded.step_id, waits_for = excluded.waits_for,
          waits_until = excluded.waits_until, reason = excluded.reason, started_at = excluded.started_at,
          ended_at = excluded.ended_at, seq = excluded.seq, waits_on = excluded.waits_on, history_length = null,
          updated_at = clock_timestamp()
        where run.xmin::text = $16
        returning run_key`,
      values,
    });
    return written.length > 0;
  }

  /** Takes out the moves that are wrong, as they were read, and writes the right ones; newer ones stay. */
  async replaceMoves(runKey: string, wrong: readonly Move[], right: readonly Move[]): Promise<void> {
    await this.database.transaction(async (transaction) => {
      await transaction.query({
        text: `delete from run_path path using unnest($2::int[], $3::bigint[]) as wrong (seq, turn)
          where path.run_key = $1 and path.seq = wrong.seq and path.turn = wrong.turn`,
        values: [runKey, wrong.map(({ seq }) => seq), wrong.map(({ turn }) => turn)],
      });
      await this.insertMoves(transaction, runKey, right);
    });
  }

  /** Lets the run hear of these, too. */
  addWaits({ runKey }: RecordedRun, waits: readonly RunWait[]): Promise<void> {
    return insertWaits(this.database, runKey, waits);
  }

  /**
   * A run that has ended hears of nothing.
   *
   * @returns how many subscriptions it were
   */
  async removeWaits(runKey: string): Promise<number> {
    const text = 'delete from run_waits where run_key = $1 returning event_name';
    return (await this.database.query({ text, values: [runKey] })).length;
  }

  /**
   * Takes subscriptions of a run that goes on away, and writes those that take their place. Nothing where it is being
   * moved, or was since it was read: then it hears, or heard, of events of two versions.
   *
   * @returns the names of those that were taken away
   */
  replaceWaits(
    { runKey, userId, version, movedBy }: RecordedRun,
    wrong: readonly string[],
    right: readonly RunWait[],
  ): Promise<readonly string[]> {
    return this.database.transaction(async (transaction) => {
      // As whoever offers a migration to the run does.
      await transaction.query({ text: 'select from users where id = $1 for no key update', values: [userId] });
      const removed = await transaction.query<{ name: string }>({
        text: `delete from run_waits wait using journey_entries entry
          where wait.run_key = $1 and wait.event_name = any ($2) and entry.run_key = wait.run_key
            and entry.version = $3 and entry.moved_by is not distinct from $4::uuid
            and not exists (select from journey_migration_runs moving
              where moving.run_key = $1 and moving.state in ('offered', 'told'))
          returning wait.event_name as name`,
        values: [runKey, wrong, version, movedBy],
      });
      if (removed.length > 0) await insertWaits(transaction, runKey, right);
      return removed.map(({ name }) => name);
    });
  }

  private async insertMoves(transaction: Transaction, runKey: string, moves: readonly Move[]): Promise<void> {
    await transaction.query({
      text: `insert into run_path (run_key, seq, step_id, visit, entered_at, left_at, outcome, reason, decision_id,
          next_step_id, turn)
        select $1, move.* from jsonb_to_recordset($2::jsonb) as move (seq int, step_id text, visit int,
          entered_at timestamptz, left_at timestamptz, outcome text, reason text, decision_id uuid, next_step_id text,
          turn bigint)
        on conflict do nothing`,
      values: [runKey, toRows(moves)],
    });
  }
}
