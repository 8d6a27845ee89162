import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import type { InstantMs } from '../../../core/kernel/instant.js';
import type { Config } from '../../../platform/config/config.js';
import { CONFIG } from '../../../platform/config/config.module.js';
import { Database } from '../../../platform/database/database.js';
import { Retention } from '../../../platform/database/retention.js';

/** Lets go of the paths of runs that ended long ago. What became of the run, and which arms it met, stays. */
@Injectable()
export class RunPaths implements OnModuleInit {
  constructor(
    private readonly database: Database,
    private readonly retention: Retention,
    @Inject(CONFIG) private readonly config: Pick<Config, 'logs'>,
  ) {}

  onModuleInit(): void {
    this.retention.keep({
      forMs: this.config.logs.keptMs,
      purge: (before, limit) => this.purge(before, limit),
    });
  }

  /**
   * Whether the path of a run that ended then is still kept.
   *
   * @param endedAt null: it goes on
   */
  isKept(endedAt: InstantMs | null, now: InstantMs): boolean {
    return endedAt === null || endedAt >= now - this.config.logs.keptMs;
  }

  /**
   * By the ends of runs, the oldest first. A run whose path is gone is marked, and no later batch looks at it again.
   *
   * @returns steps that went, or runs that were marked if those are more: `limit` of either means that more may be left
   */
  private async purge(before: InstantMs, limit: number): Promise<number> {
    const [done] = await this.database.query<{ purged: number }>({
      name: 'run_path_purge',
      text: `with old as (
          select run_key from journey_entries
          where ended_at < to_timestamp($1::float8 / 1000) and not is_path_gone
          order by ended_at limit $2 for no key update skip locked
        ), gone as (
          delete from run_path path using (
            select old.run_key, step.seq from old
            cross join lateral (select seq from run_path own where own.run_key = old.run_key limit $2) step limit $2
          ) batch where path.run_key = batch.run_key and path.seq = batch.seq
          returning path.run_key, path.seq
        ), bare as (
          update journey_entries entry set is_path_gone = true from old
          where entry.run_key = old.run_key and (
            select path.seq from run_path path
            where path.run_key = old.run_key and (path.run_key, path.seq) not in (select run_key, seq from gone) limit 1
          ) is null
          returning entry.run_key
        )
        select greatest((select count(*) from gone), (select count(*) from bare))::int as purged`,
      values: [before, limit],
    });
    return done?.purged ?? 0;
  }
}
