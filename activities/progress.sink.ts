import type { RunReport } from '../src/core/journeys/progress.js';
import type { RunsRepository } from '../src/modules/journeys/index.js';

export interface ProgressDependencies {
  readonly runs: Pick<RunsRepository, 'report'>;
}

/**
 * Where runs report their progress and their path. A sink leaves no trace in the history and may be lost with the
 * process: the next report, or the end that an activity records, puts the projection right, and so does the reconcile job.
 */
export function createSinks({ runs }: ProgressDependencies) {
  return {
    progress: {
      report: {
        fn: (_workflow: unknown, report: RunReport): Promise<void> => runs.report(report),
        callDuringReplay: false,
      },
    },
  };
}
