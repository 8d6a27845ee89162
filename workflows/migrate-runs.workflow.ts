import { continueAsNew, proxyActivities, sleep } from '@temporalio/workflow';
import type { MigrationActivities } from '../activities/contract.js';
import { PAGE_OPTIONS } from './activity-options.js';
import type { MigrateRunsInput } from './messages.js';

/** A round is one activity and one timer: the history stays short. */
const ROUNDS_MAX = 300;
/** Runs told in one round at most; a round takes a second at least. */
const RUNS_MAX = 50;
/** How long to leave runs alone that are busy: longer each time. */
const WAIT_MS_MIN = 500;
const WAIT_MS_MAX = 60_000;

const { tellRuns } = proxyActivities<MigrationActivities>(PAGE_OPTIONS);

/**
 * Carries one migration: tells the runs, not faster than it may, then waits until each has decided. Which were told and
 * what became of them is in the database, so a round that is repeated, and a cancellation, need nothing else.
 */
export async function migrateRunsWorkflow(input: MigrateRunsInput): Promise<void> {
  const { migration, runsPerSecond } = input;
  const runsMax = Math.min(RUNS_MAX, runsPerSecond);
  let waitMs = WAIT_MS_MIN;
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const { kind } = await tellRuns.executeWithOptions({ summary: 'tell runs' }, [{ migration, runsMax }]);
    switch (kind) {
      case 'over':
        return;
      case 'telling':
        await sleep((runsMax * 1_000) / runsPerSecond, { summary: 'not faster than wanted' });
        break;
      case 'waiting':
        await sleep(waitMs, { summary: 'some runs are busy' });
        waitMs = Math.min(2 * waitMs, WAIT_MS_MAX);
    }
  }
  await continueAsNew<typeof migrateRunsWorkflow>(input);
}
