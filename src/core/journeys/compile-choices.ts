import { checkText, countGiven } from './compile-checks.js';
import { checkRunCondition, isProfileCondition } from './compile-conditions.js';
import type { StepOf, StepPlace } from './compile-context.js';
import type { Step } from './plan.js';

const BRANCHES_MAX = 20;
const ARMS_MIN = 2;
const ARMS_MAX = 20;
const BASIS_POINTS_PER_PERCENT = 100;
const BASIS_POINTS = 10_000;
/** 33.33 * 100 is 3333.0000000000005 in binary fractions; a third decimal is at least a thousand times further off. */
const FRACTION_MAX = 1e-6;
const ARM_PATTERN = /^[a-z][a-z0-9_]{0,63}$/;

/** A choice by conditions. */
export function compileBranch(step: StepOf<'branch'>, place: StepPlace): Step {
  const { path, target, context } = place;
  const { report } = context;
  const { id, condition, branches } = step;
  if (countGiven([condition, branches]) !== 1) {
    report(path, 'bad_branches', 'needs exactly one of condition and branches');
  }
  if (branches !== undefined && step.then !== undefined) {
    report(`${path}.then`, 'bad_branches', 'each of the branches has its own next');
  }
  if (branches !== undefined && (branches.length === 0 || branches.length > BRANCHES_MAX)) {
    report(`${path}.branches`, 'bad_branches', `needs 1 to ${BRANCHES_MAX} branches`);
  }
  if (condition !== undefined) checkRunCondition(condition, `${path}.condition`, context);
  const arms =
    condition !== undefined
      ? [{ condition, next: target('then', step.then) }]
      : (branches ?? []).map((branch, index) => {
          checkRunCondition(branch.condition, `${path}.branches[${index}].condition`, context);
          return { condition: branch.condition, next: target(`branches[${index}].next`, branch.next) };
        });
  const otherwise = target('else', step.else);
  const [only] = arms;
  // The walk below is recursive: a condition that was refused for its depth must not come to it.
  if (only !== undefined && arms.length === 1 && context.faults.length === 0 && isProfileCondition(only.condition)) {
    return { kind: 'branch', id, condition: only.condition, then: only.next, otherwise };
  }
  return { kind: 'choose', id, arms, otherwise };
}

/** A choice by a stable hash of the user. */
export function compileSplit(step: StepOf<'split'>, { path, target, context }: StepPlace): Step {
  const { id, arms } = step;
  const { report, journeyKey } = context;
  const salt = step.salt ?? `${journeyKey}:${id}`;
  checkText(salt, `${path}.salt`, report);
  if (arms.length < ARMS_MIN || arms.length > ARMS_MAX) {
    report(`${path}.arms`, 'bad_split', `needs ${ARMS_MIN} to ${ARMS_MAX} arms`);
  }
  const weighed = arms.map(({ name, percent, next }, index) => {
    const at = `arms[${index}]`;
    if (!ARM_PATTERN.test(name)) report(`${path}.${at}.name`, 'bad_split', `must match ${ARM_PATTERN.source}`);
    if (arms.findIndex((other) => other.name === name) < index) {
      report(`${path}.${at}.name`, 'bad_split', `another arm is called ${name}`);
    }
    const weight = Math.round(percent * BASIS_POINTS_PER_PERCENT);
    const isExact = Math.abs(percent * BASIS_POINTS_PER_PERCENT - weight) < FRACTION_MAX;
    if (!isExact || weight < 0 || weight > BASIS_POINTS) {
      report(`${path}.${at}.percent`, 'bad_split', 'must be 0 to 100 with at most two decimals');
    }
    return { name, weight, next: target(`${at}.next`, next) };
  });
  const total = weighed.reduce((sum, { weight }) => sum + weight, 0);
  if (total !== BASIS_POINTS) {
    report(`${path}.arms`, 'bad_split', `makes ${total / BASIS_POINTS_PER_PERCENT} percent in all, not 100`);
  }
  return { kind: 'split', id, salt, arms: weighed };
}
