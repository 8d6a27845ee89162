import type { InstantMs } from '../kernel/instant.js';
import type { ReasonCode } from '../kernel/reasons.js';
import type { Move } from './path.js';
import { reachableSteps } from './plan-graph.js';
import type { Plan, SplitStep, Step } from './plan.js';

/** Which arm of a split a run goes through, from its first visit on. */
export interface Assignment {
  readonly stepId: string;
  readonly arm: string;
  readonly assignedAt: InstantMs;
  /** Place of that visit in the run's path. */
  readonly seq: number;
}

/** That the user met what the arm is about. */
export interface Exposure {
  readonly at: InstantMs;
  /** `delivery`: a message of the arm went out. `silence`: it is part of the arm that none does. */
  readonly by: 'delivery' | 'silence';
  /** Behind the delivery, or the silence that was decided; null where the arm sends nothing. */
  readonly decisionId: string | null;
}

/** Silence that somebody chose; every other refusal is a message that the user should have had. */
const DELIBERATE: ReadonlySet<string> = new Set<ReasonCode>(['HOLDOUT', 'BELOW_THRESHOLD']);
/** What `choose` steps note of their arms, which have no names. */
const UNNAMED_PREFIX = 'branches[';

/** Whether the move is the passage of a split, and so tells which arm was drawn. */
export function isDrawn({ outcome, reason }: Pick<Move, 'outcome' | 'reason'>): boolean {
  return outcome === 'arm' && reason !== null && !reason.startsWith(UNNAMED_PREFIX);
}

/** The arms that a run has drawn, one for each split that it came through, in the order of its path. */
export function assignmentsIn(moves: readonly Move[]): readonly Assignment[] {
  const first = new Map<string, Assignment>();
  for (const move of moves) {
    const { stepId, reason: arm, enteredAt: assignedAt, seq } = move;
    if (!isDrawn(move) || arm === null || first.has(stepId)) continue;
    first.set(stepId, { stepId, arm, assignedAt, seq });
  }
  return [...first.values()];
}

/**
 * When the user met the arm, at delivery or at deliberate silence, never at entry (rules of the domain, 11).
 *
 * A step is an arm's own if the way from the arm leads there and not every other arm's does.
 * - An arm with messages of its own is met when one of them goes out, or is left out on purpose. One that cannot be said
 *   to have gone out counts, as it does against caps.
 * - An arm without any, beside others that have some, is met when the run has come through it: waits of its own are the
 *   durable timer after which the others would have been contacted. Whoever leaves it before, by an exit or a goal, did
 *   not meet it.
 * - Where no arm has messages of its own they differ in time alone: the next message counts.
 *
 * @param plan of the version that the run follows
 * @param moves the run's path in order; gaps before the exposure make it later, never earlier
 * @returns null as long as the user has not met it, and where the plan does not know the arm
 */
export function exposureOf(plan: Plan, { stepId, arm, seq }: Assignment, moves: readonly Move[]): Exposure | null {
  const split = plan.steps[stepId];
  if (split?.kind !== 'split') return null;
  const own = ownStepsOf(plan, split).get(arm);
  if (own === undefined) return null;
  const after = moves.filter((move) => move.seq > seq);
  const talks = (steps: ReadonlySet<string>): boolean => [...steps].some((id) => isContact(plan.steps[id]));
  if (talks(own)) return firstContact(after.filter((move) => own.has(move.stepId)));
  const isElsewhere = [...ownStepsOf(plan, split).values()].some(talks);
  return isElsewhere ? endOfSilence(plan, after, own) : firstContact(after);
}

const isContact = (step: Step | undefined): boolean => step?.kind === 'message' || step?.kind === 'decide';

/** By name of the arm. */
function ownStepsOf({ steps }: Plan, split: SplitStep): ReadonlyMap<string, ReadonlySet<string>> {
  // Whoever comes back to the split begins anew.
  const others = new Map(Object.values(steps).map((step) => [step.id, step]));
  others.delete(split.id);
  const reached = new Map(split.arms.map(({ name, next }) => [name, reachableSteps(others, next)]));
  const ways = [...reached.values()];
  const isCommon = (id: string): boolean => ways.every((way) => way.has(id));
  return new Map([...reached].map(([name, way]) => [name, new Set([...way].filter((id) => !isCommon(id)))]));
}

function firstContact(moves: readonly Move[]): Exposure | null {
  for (const { outcome, reason, leftAt, decisionId } of moves) {
    if (leftAt === null) continue;
    if (outcome === 'sent' || outcome === 'unknown') return { at: leftAt, by: 'delivery', decisionId };
    const isLeftOut = outcome === 'skip' || outcome === 'do_nothing';
    if (isLeftOut && reason !== null && DELIBERATE.has(reason)) return { at: leftAt, by: 'silence', decisionId };
  }
  return null;
}

/**
 * A goal that ends the run on its way counts for no arm: it keeps the others from their messages too.
 *
 * @param own steps of an arm that sends nothing
 */
function endOfSilence({ steps }: Plan, moves: readonly Move[], own: ReadonlySet<string>): Exposure | null {
  for (const { stepId, outcome, enteredAt, leftAt } of moves) {
    if (!own.has(stepId)) return { at: enteredAt, by: 'silence', decisionId: null };
    if (leftAt === null || outcome === 'exited' || outcome === 'moved') return null;
    if (outcome === 'completed') {
      return steps[stepId]?.kind === 'end' ? { at: leftAt, by: 'silence', decisionId: null } : null;
    }
  }
  return null;
}
