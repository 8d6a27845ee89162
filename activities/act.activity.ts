import type { ActAnswer } from '../src/core/journeys/step-answer.js';
import type { Acts } from '../src/modules/steps/index.js';
import type { ActInput, JourneyActivities } from './contract.js';

export interface ActDependencies {
  readonly acts: Pick<Acts, 'run'>;
}

export function createActActivities({ acts }: ActDependencies): Pick<JourneyActivities, 'act'> {
  return { act: (input: ActInput): Promise<ActAnswer> => acts.run(input) };
}
