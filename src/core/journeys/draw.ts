import { assert } from '../kernel/assert.js';
import type { DurationMs } from '../kernel/instant.js';
import { assignmentFraction, bucketOf } from '../kernel/stable-hash.js';
import type { InterpreterState, Unit } from './interpreter-state.js';
import type { Plan, SplitStep, WaitRandomStep } from './plan.js';

/** Whether runs of the plan draw lots, and so must know whom they are about. */
export function drawsLots(plan: Plan): boolean {
  return Object.values(plan.steps).some(({ kind }) => kind === 'split' || kind === 'wait_random');
}

/**
 * The arm of the split that the run goes through: the one it came through before, else the one whose share of the
 * buckets holds the user's. It depends on salt and user alone, so the same user comes to the same arm in every run.
 */
export function armOf(state: InterpreterState, step: SplitStep): SplitStep['arms'][number] {
  const before = step.arms.find(({ name }) => name === state.arms?.[step.id]);
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
