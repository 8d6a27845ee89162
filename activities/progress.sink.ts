import type { RunProgress } from '../src/core/journeys/progress.js';
import type { RunsRepository } from '../src/modules/journeys/index.js';

export interface ProgressDependencies {
  readonly runs: Pick<RunsRepository, 'progress'>;
}

/**
 * Where runs report their progress. A sink leaves no trace in the history and may be lost with the process: the next
 * report, or the end that an activity records, puts the projection right.
 */
export function createSinks({ runs }: ProgressDependencies) {
  return {
    progress: {
      report: {
        fn: (_workflow: unknown, progress: RunProgress): Promise<void> => runs.progress(progress),
        callDuringReplay: false,
      },
    },
  };
}
