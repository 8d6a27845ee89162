import { ApplicationFailure } from '@temporalio/activity';
import { ActDelayedError, type Acts } from '../src/modules/steps/index.js';
import type { ActInput, JourneyActivities } from './contract.js';

export interface ActDependencies {
  readonly acts: Pick<Acts, 'run'>;
}

export function createActActivities({ acts }: ActDependencies): Pick<JourneyActivities, 'act'> {
  return {
    async act(input: ActInput): Promise<boolean> {
      try {
        return await acts.run(input);
      } catch (error) {
        if (!(error instanceof ActDelayedError)) throw error;
        // The endpoint, or its silence, says when to come back; the policy's own back-off would know nothing of it.
        throw ApplicationFailure.create({
          type: error.name,
          message: error.message,
          nextRetryDelay: Math.ceil(error.retryAfterMs),
          cause: error,
        });
      }
    },
  };
}
