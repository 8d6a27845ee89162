import { createActActivities, type ActDependencies } from './act.activity.js';
import type { JourneyActivities } from './contract.js';
import { createRunActivities, type RunDependencies } from './run.activity.js';
import { createStepActivities, type StepDependencies } from './step.activity.js';

export { createSinks } from './progress.sink.js';

/** Everything a worker registers; the caller brings the services. */
export function createActivities(
  dependencies: StepDependencies & RunDependencies & ActDependencies,
): JourneyActivities {
  return {
    ...createStepActivities(dependencies),
    ...createRunActivities(dependencies),
    ...createActActivities(dependencies),
  };
}
