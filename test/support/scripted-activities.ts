import type {
  EvaluateBranchInput,
  FindEventInput,
  FinishRunInput,
  FoundEvent,
  JourneyActivities,
  RunStepInput,
} from '../../activities/contract.js';
import type { StepAnswer } from '../../src/core/journeys/step-answer.js';

export const sent: StepAnswer = { kind: 'sent', decisionId: 'decision-1', deliveryId: 'delivery-1', action: 'mail' };

/** What one run's activities answer. */
export interface Script {
  /** Answer to a message or decide step; sent when left out. */
  readonly answer?: (input: RunStepInput) => StepAnswer | Promise<StepAnswer>;
  readonly holds?: (input: EvaluateBranchInput) => boolean;
  /** Events of the user, for virtual time. */
  readonly events?: () => readonly FoundEvent[];
  readonly finish?: (input: FinishRunInput) => void;
}

export type Call =
  | ({ readonly activity: 'runStep' } & RunStepInput)
  | ({ readonly activity: 'evaluateBranch' } & EvaluateBranchInput)
  | ({ readonly activity: 'findEvent' } & FindEventInput)
  | ({ readonly activity: 'finishRun' } & FinishRunInput);

/**
 * The network edge of the workflow layer: activities that note each call and answer by the script of their run. What
 * the real ones do is proved by the integration tests.
 */
export class ScriptedActivities implements JourneyActivities {
  private readonly scripts = new Map<string, Script>();
  private readonly calls: Call[] = [];

  write(runKey: string, script: Script): void {
    this.scripts.set(runKey, script);
  }

  callsOf(runKey: string): readonly Call[] {
    return this.calls.filter((call) => call.run.runKey === runKey);
  }

  /** Steps that were asked, as `step/visit/ask`, in order. */
  asked(runKey: string): readonly string[] {
    return this.callsOf(runKey).flatMap((call) =>
      call.activity === 'runStep' ? [`${call.step.id}/${call.visit}/${call.ask}`] : [],
    );
  }

  /** The last words of the run; fails when it has not ended, or ended twice. */
  endOf(runKey: string): FinishRunInput {
    const ends = this.callsOf(runKey).flatMap((call) => (call.activity === 'finishRun' ? [call] : []));
    const [end] = ends;
    if (end === undefined || ends.length > 1) throw new Error(`${runKey} ended ${ends.length} times`);
    return end;
  }

  // Temporal calls them without `this`.
  readonly runStep = async (input: RunStepInput): Promise<StepAnswer> => {
    this.calls.push({ activity: 'runStep', ...input });
    return (await this.scriptOf(input).answer?.(input)) ?? sent;
  };

  readonly evaluateBranch = (input: EvaluateBranchInput): Promise<boolean> => {
    this.calls.push({ activity: 'evaluateBranch', ...input });
    return Promise.resolve(this.scriptOf(input).holds?.(input) ?? false);
  };

  readonly findEvent = (input: FindEventInput): Promise<FoundEvent | null> => {
    this.calls.push({ activity: 'findEvent', ...input });
    const found = (this.scriptOf(input).events?.() ?? [])
      .filter((event) => input.events.includes(event.name))
      .filter((event) => event.occurredAt > input.after && event.occurredAt <= input.until)
      .sort((a, b) => a.occurredAt - b.occurredAt);
    return Promise.resolve(found[0] ?? null);
  };

  readonly finishRun = (input: FinishRunInput): Promise<void> => {
    this.calls.push({ activity: 'finishRun', ...input });
    this.scriptOf(input).finish?.(input);
    return Promise.resolve();
  };

  private scriptOf({ run }: { readonly run: { readonly runKey: string } }): Script {
    return this.scripts.get(run.runKey) ?? {};
  }
}
