import type { RunReport } from '../src/core/journeys/progress.js';
import type { RunReporter } from '../src/modules/journeys/index.js';

export interface ProgressDependencies {
  readonly reporter: Pick<RunReporter, 'report'>;
}

/**
 * Where runs report their progress and their path. A sink leaves no trace in the history. It is called before the worker
 * answers for the turn: where the worker dies in between, the turn is done again and told again. What the database did
 * not take is lost until the next report, the end that an activity records, or the reconcile job. A worker that is only
 * slow tells what another one has told anew meanwhile: the length of the history says which of the two is older.
 */
export function createSinks({ reporter }: ProgressDependencies) {
  return {
    progress: {
      report: {
        fn: ({ historyLength }: { readonly historyLength: number }, report: RunReport): Promise<void> =>
          reporter.report({ ...report, historyLength }),
        callDuringReplay: false,
      },
    },
  };
}
