import type { InstantMs } from '../src/core/kernel/instant.js';
import type { EventsService } from '../src/modules/events/index.js';
import type { RunsRepository } from '../src/modules/journeys/index.js';
import type { Moments, RunQuestions } from '../src/modules/steps/index.js';
import type {
  ChooseInput,
  EvaluateBranchInput,
  FindEventInput,
  FindMomentInput,
  FinishRunInput,
  FoundEvent,
  JourneyActivities,
} from './contract.js';

export interface RunDependencies {
  readonly questions: Pick<RunQuestions, 'holds' | 'choose'>;
  readonly moments: Pick<Moments, 'find'>;
  readonly events: Pick<EventsService, 'findFirst'>;
  readonly runs: Pick<RunsRepository, 'finish'>;
}

export function createRunActivities({
  questions,
  moments,
  events,
  runs,
}: RunDependencies): Omit<JourneyActivities, 'runStep' | 'act' | 'recordMove'> {
  return {
    evaluateBranch: ({ run, condition }: EvaluateBranchInput): Promise<boolean> =>
      questions.holds(run.userId, condition),

    chooseBranch: ({ run, conditions, clock }: ChooseInput): Promise<number | null> =>
      questions.choose({ run, conditions, clock }),

    findMoment: ({ run, moment, from, clock }: FindMomentInput): Promise<InstantMs | null> =>
      moments.find({ run, moment, from, clock }),

    findEvent: ({
      run,
      events: names,
      listeners,
      after,
      until,
      domain: clockDomain,
    }: FindEventInput): Promise<FoundEvent | null> =>
      events.findFirst({ userId: run.userId, names, listeners, after, until, clockDomain }),

    finishRun: ({ run, outcome, reason, endedAt, clock }: FinishRunInput): Promise<void> =>
      // A real run ends when the database says so: a retry hours later must not write an old instant.
      runs.finish({ runKey: run.runKey, outcome, reason, endedAt: clock.kind === 'real' ? null : endedAt }),
  };
}
