// `npm run simulate -- --seeds 5000 --from 1`: lives through many worlds and stops at the first broken rule.
// `npm run simulate -- --seed 42 --trace`: one world, with everything that happens in it.
import { parseArgs } from 'node:util';
import './typescript.mjs';

const HELP = `npm run simulate -- [--seeds 1000] [--from 1] [--users 10] [--weeks 2]
npm run simulate -- --seed 42 [--trace]
  --seeds  how many worlds      --from   the first seed       --seed   this world only
  --users  people in a world    --weeks  virtual weeks        --trace  print every event`;
const PROGRESS_MS = 5_000;

const { describeFailure, sumOfCounts } = await import('../test/simulation/report.ts');
const { simulate, SIZE_DEFAULT } = await import('../test/simulation/simulator.ts');

try {
  process.exitCode = main(readOptions(process.argv.slice(2)));
} catch (error) {
  console.error(`${error.message}\n${HELP}`);
  process.exitCode = 2;
}

function readOptions(args) {
  const text = { type: 'string' };
  const { values } = parseArgs({
    args,
    options: { seeds: text, from: text, seed: text, users: text, weeks: text, trace: { type: 'boolean' } },
  });
  const whole = (name, missing) => {
    const value = values[name] === undefined ? missing : Number(values[name]);
    if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} must be a whole number above 0`);
    return value;
  };
  const isOne = values.seed !== undefined;
  return {
    from: isOne ? whole('seed') : whole('from', 1),
    seeds: isOne ? 1 : whole('seeds', 1_000),
    size: { users: whole('users', SIZE_DEFAULT.users), weeks: whole('weeks', SIZE_DEFAULT.weeks) },
    isTraced: values.trace === true,
  };
}

function main({ from, seeds, size, isTraced }) {
  const startedAt = performance.now();
  const trace = (at, userId, text) => console.log(`${new Date(at).toISOString()} ${userId ?? 'all'} ${text}`);
  const options = { size, ...(isTraced ? { trace } : {}) };
  const results = [];
  let toldAt = startedAt;
  for (let seed = from; seed < from + seeds; seed += 1) {
    const result = simulate(seed, options);
    results.push(result);
    if (result.violation !== null) {
      console.log(`\n${describeFailure(result, { size })}`);
      return 1;
    }
    if (performance.now() - toldAt < PROGRESS_MS) continue;
    toldAt = performance.now();
    console.log(`${results.length} of ${seeds} worlds, the last of seed ${seed}`);
  }
  summarise(results, size, (performance.now() - startedAt) / 1_000);
  return 0;
}

function summarise(results, { users, weeks }, seconds) {
  const counts = sumOfCounts(results);
  for (const [what, times] of [...counts].sort()) console.log(`${String(times).padStart(9)} ${what}`);
  const decisions = counts.get('decisions') ?? 0;
  const speed = `${Math.round(decisions / seconds)} decisions a second`;
  const people = `${results.length * users} people through ${weeks} weeks each`;
  console.log(`${results.length} worlds, ${people}, ${decisions} decisions, ${speed}: no rule was broken`);
}
