import { readFileSync } from 'node:fs';
import { describeFailure, sumOfCounts } from './report.js';
import { simulate, type SimulationResult } from './simulator.js';

const SEEDS = 200;
const BLOCK = 20;
const BLOCK_MS_MAX = 300_000;

interface FoundSeed {
  readonly seed: number;
  readonly found: string;
}

const results: SimulationResult[] = [];

/** Lives through the seed; what it broke is the message of the test. */
function live(seed: number): SimulationResult {
  const result = simulate(seed);
  if (result.violation !== null) throw new Error(describeFailure(result));
  return result;
}

describe('whatever happens, no rule is broken', () => {
  const blocks = Array.from({ length: SEEDS / BLOCK }, (_, index): [number, number] => [
    index * BLOCK + 1,
    (index + 1) * BLOCK,
  ]);

  it.each(blocks)(
    'in the worlds of the seeds %i to %i',
    (first, last) => {
      for (let seed = first; seed <= last; seed += 1) results.push(live(seed));
    },
    BLOCK_MS_MAX,
  );

  const found: readonly FoundSeed[] = JSON.parse(readFileSync(new URL('seeds.json', import.meta.url), 'utf8'));
  it.each(found)('in the world of seed $seed, which once showed: $found', ({ seed }) => {
    live(seed);
  });
});

describe('the simulation', () => {
  it('is seldom in doubt about an answer', () => {
    const times = (what: string): number => sumOfCounts(results).get(what) ?? 0;
    expect(times('answers in doubt')).toBeLessThan(times('answers looked at') / 50);
  });

  it('is decided by its seed alone', () => {
    const [first, second] = [simulate(7), simulate(7)];
    expect(second.digest).toBe(first.digest);
    expect(second.ticks).toBe(first.ticks);
    expect(simulate(8).digest).not.toBe(first.digest);
  });

  it.each([
    ['act', 1_000],
    ['defer QUIET_HOURS', 100],
    ['defer CAP_REACHED', 30],
    ['defer LOWER_PRIORITY', 3],
    ['do_nothing LOWER_PRIORITY', 3],
    ['do_nothing CAP_REACHED', 30],
    ['do_nothing QUIET_HOURS', 5],
    ['do_nothing NO_ALLOWED_TIME', 1],
    ['do_nothing EXPIRED', 10],
    ['do_nothing CONSENT_MISSING', 30],
    ['do_nothing CONSENT_WITHDRAWN', 30],
    ['do_nothing CONSENT_EXPIRED', 10],
    ['do_nothing CONSENT_PENDING', 10],
    ['do_nothing OBJECTION', 10],
    ['do_nothing SUPPRESSED_STOP', 5],
    ['do_nothing JOURNEY_CONFLICT', 10],
    ['do_nothing PAUSED_BY_RULE', 5],
    ['do_nothing FATIGUED', 5],
    ['do_nothing HOLDOUT', 10],
    ['do_nothing BELOW_THRESHOLD', 10],
    ['defer KILL_SWITCH', 5],
    ['do_nothing USER_ERASED', 1],
    ['do_nothing RUN_PAUSED', 10],
    ['do_nothing RUN_EXITED', 10],
    ['stale opinions', 10],
    ['stale claims', 10],
    ['overdue attempts', 10],
    ['duplicate questions', 100],
    ['clocks set back', 100],
    ['policy changes', 200],
    ['deaths at known', 10],
    ['deaths at prepared', 10],
    ['deaths at claimed', 10],
    ['deaths at calling', 10],
    ['deaths at called', 10],
    ['deaths at recorded', 10],
    ['runs ended', 1_000],
    ['import', 300],
    ['answers looked at', 10_000],
    ['facts of limits looked at', 1_000],
    ['changes looked at', 1_000],
  ])('shows everything that can happen: %s', (what, timesMin) => {
    expect(sumOfCounts(results).get(what) ?? 0).toBeGreaterThanOrEqual(timesMin);
  });
});
