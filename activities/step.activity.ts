import { ApplicationFailure } from '@temporalio/activity';
import type { StepAnswer } from '../src/core/journeys/step-answer.js';
import { AttemptAliveError, type StepsService } from '../src/modules/steps/index.js';
import type { JourneyActivities, RunStepInput } from './contract.js';

export interface StepDependencies {
  readonly steps: Pick<StepsService, 'run'>;
}

export function createStepActivities({ steps }: StepDependencies): Pick<JourneyActivities, 'runStep'> {
  return {
    async runStep(input: RunStepInput): Promise<StepAnswer> {
      try {
        return await steps.run(input);
      } catch (error) {
        if (!(error instanceof AttemptAliveError)) throw error;
        // Retrying sooner would only ask the same question: the attempt is settled when its time is over.
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
