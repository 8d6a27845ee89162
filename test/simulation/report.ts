import { simulate, type SimulationOptions, type SimulationResult } from './simulator.js';

/** How many of a person's last events are shown. */
const EVENTS_SHOWN = 25;
const LINE_LENGTH_MAX = 300;

/**
 * Everything that a person needs to understand a failing seed: the rule, how it was broken, and the last events of the
 * user concerned and of the world. The seed is lived through once more for it, so that the first time costs nothing.
 */
export function describeFailure({ seed, violation }: SimulationResult, options: SimulationOptions = {}): string {
  if (violation === null) return `seed ${seed}: no rule was broken`;
  const events: string[] = [];
  const trace: NonNullable<SimulationOptions['trace']> = (at, userId, text) => {
    if (userId !== null && userId !== violation.userId) return;
    events.push(`  ${new Date(at).toISOString()} ${text.slice(0, LINE_LENGTH_MAX)}`);
  };
  simulate(seed, { ...options, trace });
  const head = `seed ${seed} broke the rule "${violation.rule}": ${violation.text}`;
  const replay = `replay: npm run simulate -- --seed ${seed} --trace`;
  return [head, ...events.slice(-EVENTS_SHOWN), replay].join('\n');
}

/** The counts of many simulations together. */
export function sumOfCounts(results: readonly SimulationResult[]): ReadonlyMap<string, number> {
  const sum = new Map<string, number>();
  for (const { counts } of results) for (const [what, times] of counts) sum.set(what, (sum.get(what) ?? 0) + times);
  return sum;
}
