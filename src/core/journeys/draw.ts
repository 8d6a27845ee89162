import { assert } from '../kernel/assert.js';
import type { DurationMs } from '../kernel/instant.js';
import { assignmentFraction, bucketOf } from '../kernel/stable-hash.js';
import type { InterpreterState, Unit } from './interpreter-state.js';
import type { Plan, SplitStep, Step, WaitRandomStep } from './plan.js';

/** An arm that the user of a run has met before. */
export interface ArmMet {
  readonly stepId: string;
  /** Of the split in the version in which it was drawn: under another salt it was another draw. */
  readonly salt: string;
  readonly arm: string;
}

/** Whether runs of the plan draw lots, and so must know whom they are about. */
export function drawsLots(plan: Plan): boolean {
  return Object.values(plan.steps).some(({ kind }) => kind === 'split' || kind === 'wait_random');
}

/**
 * The plan as a run carries it whose user has met these arms: changed weights move nobody who has met one (rules of the
 * domain, 11).
 *
 * @param met of two arms of one split the first counts; those of other splits, or that the plan has not, change nothing
 * @returns the plan itself where nothing changes
 */
export function withArmsMet(plan: Plan, met: readonly ArmMet[]): Plan {
  const known = Object.entries(plan.steps).flatMap(([id, step]): [string, Step][] => {
    if (step.kind !== 'split') return [];
    const own = met.find(({ stepId, salt }) => stepId === id && salt === step.salt);
    return own === undefined || !step.arms.some(({ name }) => name === own.arm)
      ? []
      : [[id, { ...step, met: own.arm }]];
  });
  return known.length === 0 ? plan : { ...plan, steps: { ...plan.steps, ...Object.fromEntries(known) } };
}

/** What `withArmsMet` has put into the plan of a run. */
export function armsMetIn({ steps }: Plan): readonly ArmMet[] {
  return Object.values(steps).flatMap((step) =>
    step.kind === 'split' && step.met !== undefined ? [{ stepId: step.id, salt: step.salt, arm: step.met }] : [],
  );
}

/**
 * The arm of the split that the run goes through: the one it came through before, else the one that its user met in an
 * earlier run, else the one whose share of the buckets holds the user's. That depends on salt and user alone, so the same
 * user comes to the same arm in every run as long as the weights are the same.
 */
export function armOf(state: InterpreterState, step: SplitStep): SplitStep['arms'][number] {
  const named = (arm: string | undefined): SplitStep['arms'][number] | undefined =>
    step.arms.find(({ name }) => name === arm);
  const before = named(state.arms?.[step.id]) ?? named(step.met);
  if (before !== undefined) return before;
  const bucket = bucketOf({ salt: step.salt, unit: unitOf(state).userId });
  let end = 0;
  for (const arm of step.arms) {
    end += arm.weight;
    if (bucket < end) return arm;
  }
  throw new Error(`the weights of ${step.id} are ${end} in all`);
}

/** How long the run waits at this visit, in whole milliseconds: another draw for each run, step and visit. */
export function randomWaitMs(state: InterpreterState, step: WaitRandomStep, visit: number): DurationMs {
  const fraction = assignmentFraction(unitOf(state).runKey, `${step.id}:${visit}`);
  return step.minMs + Math.floor(fraction * (step.maxMs - step.minMs));
}

function unitOf({ unit }: InterpreterState): Unit {
  assert(unit !== undefined, 'a run that draws lots knows whom it is about');
  return unit;
}
