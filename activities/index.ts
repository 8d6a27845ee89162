import { createActActivities, type ActDependencies } from './act.activity.js';
import { createBulkActivities, type BulkDependencies } from './bulk-enrolment.activity.js';
import type { BulkActivities, JourneyActivities, MigrationActivities, ReconcileActivities } from './contract.js';
import { createMoveActivities, type MoveDependencies } from './move.activity.js';
import { createReconcileActivities, type ReconcileDependencies } from './reconcile.activity.js';
import { createRunActivities, type RunDependencies } from './run.activity.js';
import { createStepActivities, type StepDependencies } from './step.activity.js';

export { createSinks } from './progress.sink.js';

/** Everything a worker registers; the caller brings the services. */
export function createActivities(
  dependencies: StepDependencies &
    RunDependencies &
    ActDependencies &
    BulkDependencies &
    ReconcileDependencies &
    MoveDependencies,
): JourneyActivities & BulkActivities & ReconcileActivities & MigrationActivities {
  return {
    ...createStepActivities(dependencies),
    ...createRunActivities(dependencies),
    ...createActActivities(dependencies),
    ...createBulkActivities(dependencies),
    ...createReconcileActivities(dependencies),
    ...createMoveActivities(dependencies),
  };
}
