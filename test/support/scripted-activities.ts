import type {
  ActInput,
  ChooseInput,
  EvaluateBranchInput,
  FindEventInput,
  FindMomentInput,
  FinishRunInput,
  FoundEvent,
  JourneyActivities,
  RecordMoveInput,
  RunStepInput,
} from '../../activities/contract.js';
import type { ActAnswer, StepAnswer } from '../../src/core/journeys/step-answer.js';

export const sent: StepAnswer = { kind: 'sent', decisionId: 'decision-1', deliveryId: 'delivery-1', action: 'mail' };

/** What one run's activities answer. */
export interface Script {
  /** Answer to a message or decide step; sent when left out. */
  readonly answer?: (input: RunStepInput) => StepAnswer | Promise<StepAnswer>;
  readonly holds?: (input: EvaluateBranchInput) => boolean | Promise<boolean>;
  /** Position of the condition that holds; none when left out. */
  readonly choice?: (input: ChooseInput) => number | null | Promise<number | null>;
  /** The instant that a wait ends at; the user has none when left out. */
  readonly moment?: (input: FindMomentInput) => number | null | Promise<number | null>;
  /** What becomes of it; it is done when left out. */
  readonly act?: (input: ActInput) => ActAnswer | Promise<ActAnswer>;
  /** Events of the user, for virtual time, each with all the listeners that it fits. */
  readonly events?: () => readonly FoundEvent[] | Promise<readonly FoundEvent[]>;
  readonly finish?: (input: FinishRunInput) => void;
  /** What ended the run before it was moved; nothing when left out. */
  readonly move?: (input: RecordMoveInput) => FoundEvent | null;
}

/** The first event by event time that is asked for, told as the real look-up tells it. */
export function firstFound(
  all: readonly FoundEvent[],
  { events, listeners = [], after, until }: Pick<FindEventInput, 'events' | 'listeners' | 'after' | 'until'>,
): FoundEvent | null {
  const asked = new Set(listeners.map(({ index }) => index));
  const [first] = all
    .map(({ matches = [], ...event }) => ({ ...event, matches: matches.filter((index) => asked.has(index)) }))
    .filter(({ name, matches }) => events.includes(name) || matches.length > 0)
    .filter(({ occurredAt }) => occurredAt > after && occurredAt <= until)
    .sort((a, b) => a.occurredAt - b.occurredAt);
  if (first === undefined) return null;
  const { matches, ...event } = first;
  return matches.length === 0 ? event : { ...event, matches };
}

export type Call =
  | ({ readonly activity: 'runStep' } & RunStepInput)
  | ({ readonly activity: 'evaluateBranch' } & EvaluateBranchInput)
  | ({ readonly activity: 'chooseBranch' } & ChooseInput)
  | ({ readonly activity: 'findMoment' } & FindMomentInput)
  | ({ readonly activity: 'act' } & ActInput)
  | ({ readonly activity: 'findEvent' } & FindEventInput)
  | ({ readonly activity: 'finishRun' } & FinishRunInput);

/**
 * The network edge of the workflow layer: activities that note each call and answer by the script of their run. What
 * the real ones do is proved by the integration tests.
 */
export class ScriptedActivities implements JourneyActivities {
  private readonly scripts = new Map<string, Script>();
  private readonly calls: Call[] = [];
  /** What runs recorded of migrations, in order. */
  readonly moves: RecordMoveInput[] = [];

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

  readonly evaluateBranch = async (input: EvaluateBranchInput): Promise<boolean> => {
    this.calls.push({ activity: 'evaluateBranch', ...input });
    return (await this.scriptOf(input).holds?.(input)) ?? false;
  };

  readonly chooseBranch = async (input: ChooseInput): Promise<number | null> => {
    this.calls.push({ activity: 'chooseBranch', ...input });
    return (await this.scriptOf(input).choice?.(input)) ?? null;
  };

  readonly findMoment = async (input: FindMomentInput): Promise<number | null> => {
    this.calls.push({ activity: 'findMoment', ...input });
    return (await this.scriptOf(input).moment?.(input)) ?? null;
  };

  readonly act = async (input: ActInput): Promise<ActAnswer> => {
    this.calls.push({ activity: 'act', ...input });
    return (await this.scriptOf(input).act?.(input)) ?? { kind: 'done' };
  };

  readonly findEvent = async (input: FindEventInput): Promise<FoundEvent | null> => {
    this.calls.push({ activity: 'findEvent', ...input });
    return firstFound((await this.scriptOf(input).events?.()) ?? [], input);
  };

  readonly finishRun = (input: FinishRunInput): Promise<void> => {
    this.calls.push({ activity: 'finishRun', ...input });
    this.scriptOf(input).finish?.(input);
    return Promise.resolve();
  };

  readonly recordMove = (input: RecordMoveInput): Promise<FoundEvent | null> => {
    this.moves.push(input);
    return Promise.resolve(this.scriptOf(input).move?.(input) ?? null);
  };

  private scriptOf({ run }: { readonly run: { readonly runKey: string } }): Script {
    return this.scripts.get(run.runKey) ?? {};
  }
}
