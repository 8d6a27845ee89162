// `npm run record:decisions`: keeps decisions of the engine that runs, each with all that it was made from, so that a
// later change of the code which answers anything else to the same facts is noticed (test/replay/decisions.replay.spec.ts).
// What is there stays: a decision that is no longer made again is the very thing to find. Raise DECISION_ENGINE first.
import { existsSync, writeFileSync } from 'node:fs';
import './typescript.mjs';

const SEEDS = 60;
/** Decisions kept for each thing that a decision can say. */
const KEPT_EACH = 1;
const WORDS = /^(if|after)( [a-z]+)?/;

const { DECISION_ENGINE } = await import('../src/core/decisions/decide.ts');
const { simulate } = await import('../test/simulation/simulator.ts');
const { CORE } = await import('../test/simulation/scene.ts');

const target = new URL(`../test/replay/decisions/engine-${DECISION_ENGINE}.ndjson`, import.meta.url);
if (existsSync(target)) {
  console.error(
    `engine ${DECISION_ENGINE} has its decisions: raise DECISION_ENGINE where the same facts give another answer`,
  );
  process.exit(1);
}

/** By what was said: the shortest decisions that say so. */
const kept = new Map();
const core = {
  ...CORE,
  decide(input) {
    const decision = CORE.decide(input);
    keep(JSON.stringify({ input, decision }), decision);
    return decision;
  },
};
for (let seed = 1; seed <= SEEDS; seed += 1) simulate(seed, { core, rules: [] });
const lines = [...new Set([...kept.values()].flat())].sort((left, right) => left.length - right.length);
writeFileSync(target, lines.map((line) => `${line}\n`).join(''));
console.log(`${lines.length} decisions of engine ${DECISION_ENGINE} that say ${kept.size} different things`);

function keep(line, decision) {
  for (const what of saidBy(decision)) {
    const known = kept.get(what) ?? [];
    kept.set(what, [...known, line].sort((left, right) => left.length - right.length).slice(0, KEPT_EACH));
  }
}

/** What a decision says: its outcome, each gate's word, and how the sentences begin of what would change it. */
function saidBy({ outcome, gates, counterfactuals }) {
  return new Set([
    `${outcome.kind} ${outcome.reason ?? ''}`,
    ...gates.map(({ gate, kind, reason, until }) => `${gate} ${kind} ${reason ?? ''} ${until === null ? '' : 'until'}`),
    ...counterfactuals.map(
      ({ gate, change, after }) => `${gate} ${WORDS.exec(change)} ${after === null ? '' : 'after'}`,
    ),
  ]);
}
