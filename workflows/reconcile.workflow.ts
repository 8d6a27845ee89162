import {
  CancellationScope,
  continueAsNew,
  isCancellation,
  ActivityFailure,
  proxyActivities,
} from '@temporalio/workflow';
import type { ReconcileActivities } from '../activities/contract.js';
import type { ReconcileInput, ReconcilePlace } from '../src/core/journeys/reconciling.js';
import { PAGE_OPTIONS, QUERY_OPTIONS } from './activity-options.js';

/** A page is three events: the history stays short. */
const PAGES_MAX = 300;
const BEGINNING: ReconcilePlace = {
  phase: 'entries',
  after: null,
  counts: { checked: 0, mended: 0, lost: 0, unanswered: 0, strangers: 0 },
};

const { reconcilePage } = proxyActivities<ReconcileActivities>(PAGE_OPTIONS);
const { finishReconcile } = proxyActivities<ReconcileActivities>(QUERY_OPTIONS);

/** One reconcile job: it survives its workers, and ends between two runs when it is cancelled. */
export async function reconcileRunsWorkflow(input: ReconcileInput): Promise<void> {
  const { jobId } = input;
  let place = input.place ?? BEGINNING;
  try {
    for (let pages = 0; place.phase !== 'over'; pages += 1) {
      if (pages >= PAGES_MAX) await continueAsNew<typeof reconcileRunsWorkflow>({ ...input, place });
      const summary = `${place.phase}, ${place.counts.checked} runs compared`;
      place = await reconcilePage.executeWithOptions({ summary }, [{ ...input, place }]);
    }
  } catch (error) {
    const state = isCancellation(error) ? 'cancelled' : error instanceof ActivityFailure ? 'failed' : null;
    if (state === null) throw error;
    await CancellationScope.nonCancellable(() => finishReconcile({ jobId, state }));
    throw error;
  }
  await finishReconcile({ jobId, state: 'done' });
}
