import type { RunReport } from '../src/core/journeys/progress.js';
import type { RunReporter } from '../src/modules/journeys/index.js';

export interface ProgressDependencies {
  readonly reporter: Pick<RunReporter, 'report'>;
}

/**
 * Where runs report their progress and their path. A sink leaves no trace in the history. It is called before the worker
 * answers for the turn: where the worker dies in between, the turn is done again and told again. What the database did
 * not take is lost until the next report, the end that an activity records, or the reconcile job.
 */
export function createSinks({ reporter }: ProgressDependencies) {
  return {
    progress: {
      report: {
        fn: (_workflow: unknown, report: RunReport): Promise<void> => reporter.report(report),
        callDuringReplay: false,
      },
    },
  };
}
