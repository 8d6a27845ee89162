import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import type { InstantMs } from '../../core/kernel/instant.js';
import { CONFIG } from '../../platform/config/config.module.js';
import type { Config } from '../../platform/config/config.js';
import { Database } from '../../platform/database/database.js';
import { Retention } from '../../platform/database/retention.js';

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

  /** The last steps first: by its first one a path is found again while something is left of it. */
  private async purge(before: InstantMs, limit: number): Promise<number> {
    const purged = await this.database.query({
      name: 'run_path_purge',
      text: `with old as (
          select first.run_key from run_path first join journey_entries entry on entry.run_key = first.run_key
          where first.seq = 1 and first.entered_at < to_timestamp($1::float8 / 1000)
            and entry.ended_at < to_timestamp($1::float8 / 1000)
          order by first.entered_at limit $2
        ), gone as (
          select path.run_key, path.seq from run_path path join old on old.run_key = path.run_key
          order by path.seq desc limit $2 for update of path skip locked
        )
        delete from run_path path using gone where path.run_key = gone.run_key and path.seq = gone.seq
        returning path.seq`,
      values: [before, limit],
    });
    return purged.length;
  }
}
