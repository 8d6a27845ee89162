import type { Condition } from '../../core/audiences/condition.js';
import { questionsIn } from '../../core/audiences/evaluate-run-condition.js';
import type { JourneyDefinition } from '../../core/journeys/definition.js';
import { listenedEvents, type Plan } from '../../core/journeys/plan.js';
import { parseDuration } from '../../core/kernel/duration.js';
import type { DurationMs, InstantMs } from '../../core/kernel/instant.js';
import type { QuietRule } from '../../core/quiet-hours/quiet-rule.js';
import { toQuietRules } from '../journeys/index.js';

/** One version of a journey that is tried. */
export interface TriedVersion {
  readonly version: number;
  readonly definition: JourneyDefinition;
  readonly plan: Plan;
}

/** What users do while they are simulated. */
type EventSource =
  | { readonly kind: 'none' }
  | { readonly kind: 'history'; readonly clockDomain: string }
  | { readonly kind: 'rates'; readonly perDay: Readonly<Record<string, number>> };

/** Whom to simulate: these, those who meet the condition, or everybody (null). */
export type Subjects =
  | { readonly kind: 'ids'; readonly ids: readonly string[]; readonly unknown: number }
  | { readonly kind: 'where'; readonly condition: Condition | null };

/** Everything about a simulation but the people and the rules. */
export interface SimulationOrder {
  readonly base: TriedVersion;
  readonly other: TriedVersion | null;
  readonly subjects: Subjects;
  readonly usersMax: number;
  readonly from: InstantMs;
  readonly days: number;
  readonly seed: string;
  /** 0: all at once. */
  readonly spreadDays: number;
  readonly events: EventSource;
}

/** Of the versions that are tried. */
export const plansOf = ({ base, other }: Pick<SimulationOrder, 'base' | 'other'>): readonly Plan[] =>
  other === null ? [base.plan] : [base.plan, other.plan];

/** Whether it matters to runs of the plan which arms their users have met. */
export const splitsPeople = ({ steps }: Plan): boolean => Object.values(steps).some(({ kind }) => kind === 'split');

/** The key that a run of this user would have in real life; one of a `parallel` journey is told apart by its caller. */
export function runKeyOf({ definition, plan }: TriedVersion, userId: string): string {
  const mode = definition.entry?.mode ?? 'once';
  return `${plan.journeyKey}:${userId}:${mode === 'after_exit' ? '~1' : 'once'}`;
}

/** Quiet hours that the journey sets for itself, as its runs keep them. */
export function quietRulesOf({ definition, plan, version }: TriedVersion): readonly QuietRule[] {
  return toQuietRules(plan.journeyKey, version, definition.quiet_hours);
}

/** Events that runs of the plan hear or ask about, and how long before a question they may have happened. */
export function eventsAsked(plans: readonly Plan[]): {
  readonly names: readonly string[];
  readonly reachMs: DurationMs;
} {
  const questions = plans
    .flatMap(({ steps }) => Object.values(steps))
    .flatMap((step) => (step.kind === 'choose' ? step.arms : []))
    .flatMap(({ condition }) => questionsIn(condition))
    .filter((question) => question.kind === 'event');
  const heard = plans.flatMap(listenedEvents);
  const reaches = questions.map(({ within }) => (within === undefined ? 0 : (parseDuration(within) ?? 0)));
  return {
    names: [...new Set([...heard, ...questions].map(({ name }) => name))].sort(),
    reachMs: Math.max(0, ...reaches),
  };
}
