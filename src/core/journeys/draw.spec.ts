import { HOUR, Host, MINUTE, T0, unit } from '../../../test/support/interpreter-host.js';
import { endStep, planOfSteps, waitStep } from '../../../test/support/plans.js';
import { bucketOf } from '../kernel/stable-hash.js';
import { armsMetIn, withArmsMet } from './draw.js';
import { start } from './interpreter.js';
import type { SplitStep, WaitRandomStep } from './plan.js';

const split = (weights: readonly number[], salt = 'trial/split'): SplitStep => ({
  kind: 'split',
  id: 'split',
  salt,
  arms: weights.map((weight, index) => ({ name: `arm${index}`, weight, next: `arm${index}` })),
});
const armsPlan = (weights: readonly number[]) =>
  planOfSteps([split(weights), ...weights.map((_, index) => endStep(`arm${index}`))]);

const drawn: WaitRandomStep = { kind: 'wait_random', id: 'pause', minMs: MINUTE, maxMs: HOUR, next: 'over' };
const randomPlan = planOfSteps([drawn, endStep('over')]);

/** How long a run of this key waits. */
function waitOf(runKey: string, plan = randomPlan): number {
  const { command } = new Host(plan, { unit: { userId: 'user', runKey } });
  return command.kind === 'sleep' ? command.until - T0 : Number.NaN;
}

describe('a split', () => {
  it('sends each user to the arm whose share holds the bucket, without an activity', () => {
    const weights = [1_000, 2_500, 6_500];
    for (let user = 0; user < 500; user += 1) {
      const userId = `user-${user}`;
      const bucket = bucketOf({ salt: 'trial/split', unit: userId });
      const expected = bucket < 1_000 ? 'arm0' : bucket < 3_500 ? 'arm1' : 'arm2';
      const host = new Host(armsPlan(weights), { unit: { ...unit, userId } });
      expect(host.command).toEqual({ kind: 'end', outcome: 'completed', reason: expected });
    }
  });

  it.each<[string, number]>([
    ['the last bucket below the border', 0],
    ['the first bucket from the border on', 1],
  ])('sends %s to its side', (_what, arm) => {
    const border = bucketOf({ salt: 'trial/split', unit: 'user' }) + (arm === 0 ? 1 : 0);
    expect(new Host(armsPlan([border, 10_000 - border])).command).toMatchObject({ reason: `arm${arm}` });
  });

  it('sends nobody to an arm without weight', () => {
    expect(new Host(armsPlan([0, 10_000, 0])).command).toMatchObject({ reason: 'arm1' });
  });

  it('keeps the arm of a run even if the weights it carries change', () => {
    const steps = (weights: readonly number[]) =>
      planOfSteps([split(weights), waitStep('arm0', HOUR, 'split'), waitStep('arm1', MINUTE, 'split')]);
    const host = new Host(steps([10_000, 0]));
    expect(host.state.arms).toEqual({ split: 'arm0' });
    const moved = new Host(steps([0, 10_000]));
    moved.state = host.state;
    expect(moved.give({ kind: 'timer' }, T0 + HOUR)).toMatchObject({ stepId: 'arm0' });
    expect(moved.state.visits).toEqual({ split: 2, arm0: 2 });
  });
});

describe('an arm that the user met in an earlier run', () => {
  const met = { stepId: 'split', salt: 'trial/split', arm: 'arm1' };
  const ends = (plan: ReturnType<typeof armsPlan>): unknown => new Host(plan).command;

  it('stays theirs whatever the weights are now', () => {
    const plan = armsPlan([10_000, 0]);
    expect(ends(plan)).toMatchObject({ reason: 'arm0' });
    expect(ends(withArmsMet(plan, [met]))).toMatchObject({ reason: 'arm1' });
    expect(ends(withArmsMet(plan, [met, { ...met, arm: 'arm0' }]))).toMatchObject({ reason: 'arm1' });
    expect(armsMetIn(withArmsMet(plan, [met]))).toEqual([met]);
    expect(armsMetIn(plan)).toEqual([]);
  });

  it('changes no plan in which it is not: another split, another salt, an arm that is gone', () => {
    const plan = armsPlan([10_000, 0]);
    for (const other of [{ stepId: 'other' }, { salt: 'a new experiment' }, { arm: 'gone' }]) {
      expect(withArmsMet(plan, [{ ...met, ...other }])).toBe(plan);
    }
    expect(withArmsMet(plan, [])).toBe(plan);
  });

  it('gives way to the one that the run has come through', () => {
    const steps = (weights: readonly number[]) =>
      planOfSteps([split(weights), waitStep('arm0', HOUR, 'split'), waitStep('arm1', MINUTE, 'split')]);
    const host = new Host(steps([10_000, 0]));
    const other = new Host(withArmsMet(steps([10_000, 0]), [met]));
    other.state = host.state;
    expect(other.give({ kind: 'timer' }, T0 + HOUR)).toMatchObject({ stepId: 'arm0' });
  });
});

describe('a random wait', () => {
  it('lasts as long as its bounds allow, evenly, another time for each run', () => {
    const RUNS = 4_000;
    const PARTS = 20;
    const counts = Array.from({ length: PARTS }, () => 0);
    for (let run = 0; run < RUNS; run += 1) {
      const lengthMs = waitOf(`trial:user:${run}`);
      expect(Number.isInteger(lengthMs)).toBe(true);
      expect(lengthMs).toBeGreaterThanOrEqual(MINUTE);
      expect(lengthMs).toBeLessThan(HOUR);
      const part = Math.floor(((lengthMs - MINUTE) * PARTS) / (HOUR - MINUTE));
      counts[part] = (counts[part] ?? 0) + 1;
    }
    const expected = RUNS / PARTS;
    const chiSquare = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    // 99.9 % of fair draws stay below (19 degrees of freedom); the draws are the same every time.
    expect(chiSquare).toBeLessThan(43.8);
  });

  it('is the same for the same run, step and visit, and another one at each visit', () => {
    expect(waitOf('trial:user:1')).toBe(waitOf('trial:user:1'));
    const host = new Host(planOfSteps([{ ...drawn, next: 'pause' }]));
    const lengths = Array.from({ length: 20 }, () => {
      const before = host.state.stepStartedAt;
      const { command } = host;
      host.timer();
      return command.kind === 'sleep' ? command.until - before : Number.NaN;
    });
    expect(new Set(lengths).size).toBe(20);
  });

  it('is as long as both bounds where they are one', () => {
    expect(waitOf('any', planOfSteps([{ ...drawn, minMs: HOUR }, endStep('over')]))).toBe(HOUR);
  });
});

describe('the unit of a run', () => {
  it('is carried only where the plan draws lots', () => {
    expect(start(randomPlan, { entryAt: T0, unit }).unit).toEqual(unit);
    expect(start(armsPlan([10_000]), { entryAt: T0, unit }).unit).toEqual(unit);
    const plain = planOfSteps([waitStep('pause', HOUR, 'over'), endStep('over')]);
    expect(Object.keys(start(plain, { entryAt: T0, unit }))).not.toContain('unit');
  });

  it('is demanded where the plan draws lots', () => {
    expect(() => start(randomPlan, { entryAt: T0 })).toThrow('whom they are about');
  });
});
