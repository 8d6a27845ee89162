import type { EventsService } from '../src/modules/events/index.js';
import type { RunQuestions } from '../src/modules/steps/index.js';
import type { RunsRepository } from '../src/modules/journeys/index.js';
import type { EvaluateBranchInput, FindEventInput, FinishRunInput, FoundEvent, JourneyActivities } from './contract.js';

export interface RunDependencies {
  readonly questions: Pick<RunQuestions, 'holds'>;
  readonly events: Pick<EventsService, 'findFirst'>;
  readonly runs: Pick<RunsRepository, 'finish'>;
}

export function createRunActivities({ questions, events, runs }: RunDependencies): Omit<JourneyActivities, 'runStep'> {
  return {
    evaluateBranch: ({ run, condition }: EvaluateBranchInput): Promise<boolean> =>
      questions.holds(run.userId, condition),

    findEvent: ({
      run,
      events: names,
      after,
      until,
      domain: clockDomain,
    }: FindEventInput): Promise<FoundEvent | null> =>
      events.findFirst({ userId: run.userId, names, after, until, clockDomain }),

    finishRun: ({ run, outcome, reason, endedAt, clock }: FinishRunInput): Promise<void> =>
      // A real run ends when the database says so: a retry hours later must not write an old instant.
      runs.finish({ runKey: run.runKey, outcome, reason, endedAt: clock.kind === 'real' ? null : endedAt }),
  };
}
