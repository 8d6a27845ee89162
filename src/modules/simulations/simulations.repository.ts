import { Injectable } from '@nestjs/common';
import type { InstantMs } from '../../core/kernel/instant.js';
import { Database } from '../../platform/database/database.js';
import type { PageRequest } from '../../platform/http/paging.js';
import type { SimulationResult } from './simulation-result.js';

/** What was asked, as far as it is kept: neither the users nor the instant. */
export interface StoredRequest {
  readonly days: number;
  readonly seed: string;
  readonly events: string;
}

/** A simulation without its result. */
export interface SimulationHeadRow {
  readonly id: string;
  readonly journeyKey: string;
  readonly version: number | null;
  readonly compareWith: number | null;
  readonly request: StoredRequest;
  readonly state: 'queued' | 'running' | 'done' | 'failed' | 'cancelled' | 'interrupted';
  readonly usersDone: number;
  readonly usersTotal: number | null;
  readonly fault: string | null;
  readonly createdAt: InstantMs;
  readonly startedAt: InstantMs | null;
  readonly finishedAt: InstantMs | null;
}

export interface SimulationRow extends SimulationHeadRow {
  readonly result: SimulationResult | null;
}

/** Who has not been heard of for so long does not work any more. */
const HEARTBEAT_SECONDS_MAX = 60;
const OPEN = `state in ('queued', 'running')`;
const HEAD = `simulation.id, journey.key as "journeyKey", simulation.version, simulation.compare_with as "compareWith",
  simulation.request, case when simulation.${OPEN}
    and simulation.heartbeat_at < clock_timestamp() - interval '${HEARTBEAT_SECONDS_MAX} seconds'
    then 'interrupted' else simulation.state end as state,
  simulation.users_done as "usersDone", simulation.users_total as "usersTotal", simulation.fault,
  simulation.created_at as "createdAt", simulation.started_at as "startedAt", simulation.finished_at as "finishedAt"`;
const FROM = 'from simulations simulation join journeys journey on journey.id = simulation.journey_id';

/** The only writer of simulations; simulating writes nothing else. */
@Injectable()
export class SimulationsRepository {
  constructor(private readonly database: Database) {}

  async insert(simulation: {
    readonly id: string;
    readonly journeyId: string;
    readonly version: number | null;
    readonly compareWith: number | null;
    readonly request: StoredRequest;
    readonly createdBy: string;
  }): Promise<void> {
    const { id, journeyId, version, compareWith, request, createdBy } = simulation;
    await this.database.query({
      text: `insert into simulations (id, journey_id, version, compare_with, request, created_by)
        values ($1, $2, $3, $4, $5, $6)`,
      values: [id, journeyId, version, compareWith, JSON.stringify(request), createdBy],
    });
  }

  async find(id: string): Promise<SimulationRow | null> {
    const [row] = await this.database.query<SimulationRow>({
      text: `select ${HEAD}, simulation.result ${FROM} where simulation.id = $1`,
      values: [id],
    });
    return row ?? null;
  }

  /** Newest first. */
  list(journeyKey: string | null, page: PageRequest): Promise<readonly SimulationHeadRow[]> {
    return this.database.query<SimulationHeadRow>({
      text: `select ${HEAD} ${FROM}
        where ($1::text is null or journey.key = $1) and ($2::uuid is null or simulation.id < $2)
        order by simulation.id desc limit $3`,
      values: [journeyKey, page.after, page.limit],
    });
  }

  /** @returns false where nobody wants it any more */
  begin(id: string): Promise<boolean> {
    return this.change(id, `state = 'running', started_at = clock_timestamp(), heartbeat_at = clock_timestamp()`);
  }

  /** @returns false where nobody wants it any more */
  progress(id: string, usersDone: number, usersTotal: number): Promise<boolean> {
    const set = 'users_done = $2, users_total = $3, heartbeat_at = clock_timestamp()';
    return this.change(id, set, [usersDone, usersTotal]);
  }

  finish(id: string, result: SimulationResult): Promise<boolean> {
    const set = `state = 'done', result = $2, finished_at = clock_timestamp()`;
    return this.change(id, set, [JSON.stringify(result)]);
  }

  fail(id: string, fault: string): Promise<boolean> {
    return this.change(id, `state = 'failed', fault = $2, finished_at = clock_timestamp()`, [fault]);
  }

  /** @returns false where it was over already */
  cancel(id: string): Promise<boolean> {
    return this.change(id, `state = 'cancelled', finished_at = clock_timestamp()`);
  }

  interrupt(id: string): Promise<boolean> {
    return this.change(id, `state = 'interrupted', finished_at = clock_timestamp()`);
  }

  async heartbeat(ids: readonly string[]): Promise<void> {
    await this.database.query({
      text: `update simulations set heartbeat_at = clock_timestamp() where id = any ($1) and ${OPEN}`,
      values: [ids],
    });
  }

  private async change(id: string, set: string, values: readonly unknown[] = []): Promise<boolean> {
    const rows = await this.database.query({
      text: `update simulations set ${set} where id = $1 and ${OPEN} returning id`,
      values: [id, ...values],
    });
    return rows.length > 0;
  }
}
