import { Injectable } from '@nestjs/common';
import { assignmentsIn, exposureOf, type Assignment, type Exposure } from '../../../core/journeys/exposing.js';
import type { Move } from '../../../core/journeys/path.js';
import type { Plan, SplitStep } from '../../../core/journeys/plan.js';
import type { InstantMs } from '../../../core/kernel/instant.js';
import { Database } from '../../../platform/database/database.js';
import type { PageRequest } from '../../../platform/http/paging.js';

/** One run at one split. */
export interface ExposureRow {
  readonly id: string;
  readonly runId: string;
  readonly userId: string;
  readonly version: number;
  readonly arm: string;
  readonly assignedAt: InstantMs;
  readonly exposedAt: InstantMs | null;
  readonly exposedBy: Exposure['by'] | null;
  readonly deliveryId: string | null;
}

/**
 * Users of one version and arm. Each counts as assigned once, by the first of its runs that came to the split, and as
 * exposed once, by the first that met its arm: whom gates kept from the one and let through in the other is still
 * assigned where the draw was.
 */
export interface ArmCountRow {
  readonly version: number;
  readonly arm: string;
  /** Whether they came from another version, with an arm that was drawn there. */
  readonly isMoved: boolean;
  readonly assigned: number;
  readonly byDelivery: number;
  readonly bySilence: number;
}

/** A split as a version has it. */
export interface SplitVersion {
  readonly version: number;
  readonly split: SplitStep;
}

/** Which exposures a list shows; null: whatever. */
export interface ExposureFilter {
  readonly arm: string | null;
  readonly isExposed: boolean | null;
  readonly clockDomain: string;
}

/** What the tables say of one run's splits. */
interface RunSplits {
  readonly journeyId: string;
  /** Of the version that the run follows, then of those that it drew in. */
  readonly plans: readonly Plan[];
  readonly path: readonly Move[];
  /** Splits of which nothing is left to find out. */
  readonly settled: readonly string[];
}

interface Found extends Assignment {
  readonly version: number;
  readonly exposure: Exposure | null;
}

/** The only writer of split_exposures. */
@Injectable()
export class SplitsRepository {
  constructor(private readonly database: Database) {}

  /**
   * Works out from the run's path which arms it drew and which it met, and records what is new. An exposure that is
   * recorded stays.
   *
   * @returns whether anything was new
   */
  async note(runKey: string): Promise<boolean> {
    const run = await this.read(runKey);
    if (run === null) return false;
    const found = assignmentsIn(run.path)
      .filter(({ stepId }) => !run.settled.includes(stepId))
      .map((assignment) => findOf(run, assignment));
    if (found.length === 0) return false;
    return (await this.write(runKey, run.journeyId, found)) > 0;
  }

  /** Newest assignment first. */
  list(journeyId: string, stepId: string, filter: ExposureFilter, page: PageRequest): Promise<readonly ExposureRow[]> {
    return this.database.query<ExposureRow>({
      text: `select exposure.id, entry.run_id as "runId", entry.user_id as "userId", exposure.version, exposure.arm,
          exposure.assigned_at as "assignedAt", exposure.exposed_at as "exposedAt", exposure.exposed_by as "exposedBy",
          exposure.delivery_id as "deliveryId"
        from split_exposures exposure join journey_entries entry on entry.run_key = exposure.run_key
        where exposure.journey_id = $1 and exposure.step_id = $2 and entry.clock_domain = $3
          and ($4::text is null or exposure.arm = $4)
          and ($5::boolean is null or (exposure.exposed_at is not null) = $5)
          and ($6::uuid is null or exposure.id < $6)
        order by exposure.id desc limit $7`,
      values: [journeyId, stepId, filter.clockDomain, filter.arm, filter.isExposed, page.after, page.limit],
    });
  }

  /** Runs in virtual time are left out. */
  counts(journeyId: string, stepId: string): Promise<readonly ArmCountRow[]> {
    return this.database.query<ArmCountRow>({
      text: `with known as (
          select entry.user_id, entry.moved_by is not null as is_moved, exposure.*
          from split_exposures exposure join journey_entries entry on entry.run_key = exposure.run_key
          where exposure.journey_id = $1 and exposure.step_id = $2 and entry.clock_domain = 'real'
        ), assigned as (
          select distinct on (user_id) 'assigned' as counts_as, version, arm, is_moved
          from known order by user_id, assigned_at, id
        ), exposed as (
          select distinct on (user_id) exposed_by as counts_as, version, arm, is_moved
          from known where exposed_at is not null order by user_id, exposed_at, assigned_at
        )
        select version, arm, is_moved as "isMoved", (count(*) filter (where counts_as = 'assigned'))::int as assigned,
          (count(*) filter (where counts_as = 'delivery'))::int as "byDelivery",
          (count(*) filter (where counts_as = 'silence'))::int as "bySilence"
        from (select * from assigned union all select * from exposed) people group by version, arm, is_moved`,
      values: [journeyId, stepId],
    });
  }

  /** The split in every version that has it, newest first. */
  versions(journeyId: string, stepId: string): Promise<readonly SplitVersion[]> {
    return this.database.query<SplitVersion>({
      text: `select version, plan -> 'steps' -> $2 as split from journey_versions
        where journey_id = $1 and plan -> 'steps' -> $2 ->> 'kind' = 'split' order by version desc`,
      values: [journeyId, stepId],
    });
  }

  private async read(runKey: string): Promise<RunSplits | null> {
    const [run] = await this.database.query<RunSplits>({
      name: 'split_exposures_read',
      text: `select entry.journey_id as "journeyId",
          (select jsonb_agg(version.plan order by version.version = entry.version desc, version.version desc)
            from journey_versions version where version.journey_id = entry.journey_id
              and (version.version = entry.version or version.version in (
                select exposure.version from split_exposures exposure where exposure.run_key = $1))) as plans,
          (select coalesce(jsonb_agg(jsonb_build_object('seq', seq, 'stepId', step_id, 'outcome', outcome,
              'reason', reason, 'decisionId', decision_id,
              'enteredAt', round(extract(epoch from entered_at) * 1000)::float8,
              'leftAt', round(extract(epoch from left_at) * 1000)::float8) order by seq), '[]')
            from run_path where run_key = $1) as path,
          array(select step_id from split_exposures where run_key = $1 and exposed_at is not null) as settled
        from journey_entries entry where entry.run_key = $1`,
      values: [runKey],
    });
    return run ?? null;
  }

  private async write(runKey: string, journeyId: string, found: readonly Found[]): Promise<number> {
    const rows = found.map(({ stepId, version, arm, assignedAt, exposure }) => ({
      step_id: stepId,
      version,
      arm,
      assigned_at: new Date(assignedAt).toISOString(),
      exposed_at: exposure === null ? null : new Date(exposure.at).toISOString(),
      exposed_by: exposure?.by ?? null,
      decision_id: exposure?.by === 'delivery' ? exposure.decisionId : null,
    }));
    const written = await this.database.query({
      name: 'split_exposures_write',
      text: `insert into split_exposures as known (run_key, step_id, journey_id, version, arm, assigned_at, exposed_at,
          exposed_by, delivery_id)
        select $1, fact.step_id, $2, fact.version, fact.arm, fact.assigned_at, fact.exposed_at, fact.exposed_by,
          (select id from deliveries where run_key = $1 and decision_id = fact.decision_id order by id desc limit 1)
        from jsonb_to_recordset($3::jsonb) as fact (step_id text, version int, arm text, assigned_at timestamptz,
          exposed_at timestamptz, exposed_by text, decision_id uuid)
        on conflict (run_key, step_id) do update set exposed_at = excluded.exposed_at, exposed_by = excluded.exposed_by,
          delivery_id = excluded.delivery_id
        where known.exposed_at is null and excluded.exposed_at is not null
        returning id`,
      values: [runKey, journeyId, JSON.stringify(rows)],
    });
    return written.length;
  }
}

/** A run that was moved follows a plan that may not have the split: then the one in which it drew says what it met. */
function findOf({ plans, path }: RunSplits, assignment: Assignment): Found {
  const plan = plans.find(({ steps }) => steps[assignment.stepId]?.kind === 'split') ?? plans[0];
  if (plan === undefined) throw new Error('an entry has a version');
  return { ...assignment, version: plan.version, exposure: exposureOf(plan, assignment, path) };
}
