import { Injectable } from '@nestjs/common';
import type { InstantMs } from '../../../core/kernel/instant.js';
import { Database } from '../../../platform/database/database.js';
import type { StopRow } from './journey-stops.repository.js';

/** Runs of a journey that are woken after a pause. */
export interface ResumeRow {
  readonly runsTotal: number;
  readonly runsWoken: number;
  readonly perSecond: number;
  readonly startedAt: InstantMs;
  readonly finishedAt: InstantMs | null;
}

/** How a journey fares, beside its definition. */
export interface LifeRow {
  readonly runsRunning: number;
  /** The last one. */
  readonly wake: ResumeRow | null;
  readonly stop: StopRow | null;
}

const list = (fields: readonly string[]): string => fields.join(', ');
const ms = (column: string): string => `(extract(epoch from ${column}) * 1000)::bigint`;
const TIMES = [
  'per_second as "perSecond"',
  `${ms('started_at')} as "startedAt"`,
  `${ms('finished_at')} as "finishedAt"`,
];

/** Reads how journeys fare from the tables of several writers; writes none. */
@Injectable()
export class JourneyLifeRepository {
  constructor(private readonly database: Database) {}

  async find({ id, key }: { readonly id: string; readonly key: string }): Promise<LifeRow> {
    const stopped = list(['runs_total as "runsTotal"', 'runs_told as "runsTold"', ...TIMES]);
    const woken = list(['runs_total as "runsTotal"', 'runs_woken as "runsWoken"', ...TIMES]);
    const [row] = await this.database.query<LifeRow>({
      name: 'journey_life_find',
      text: `select
          (select count(*)::int from journey_entries where journey_id = $1 and ended_at is null) as "runsRunning",
          (select row_to_json(stop) from (select ${stopped} from journey_stops where journey_id = $1) stop) as stop,
          (select row_to_json(wake) from (
            select ${woken} from policy_wakes where journey_key = $2 order by id desc limit 1) wake) as wake`,
      values: [id, key],
    });
    return row ?? { runsRunning: 0, wake: null, stop: null };
  }
}
