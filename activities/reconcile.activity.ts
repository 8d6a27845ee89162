import { Context } from '@temporalio/activity';
import type { RunReconciler } from '../src/modules/journeys/index.js';
import type { ReconcileActivities } from './contract.js';

export interface ReconcileDependencies {
  readonly reconciler: Pick<RunReconciler, 'page' | 'finish'>;
}

export function createReconcileActivities({ reconciler }: ReconcileDependencies): ReconcileActivities {
  return {
    reconcilePage: (input) => {
      const context = Context.current();
      return reconciler.page(input, () => {
        context.heartbeat();
        context.cancellationSignal.throwIfAborted();
      });
    },
    finishReconcile: ({ jobId, state }) => reconciler.finish(jobId, state),
  };
}
