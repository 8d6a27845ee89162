import { readFileSync } from 'node:fs';
import { decide, DECISION_ENGINE } from '../../src/core/decisions/decide.js';
import type { Decision, DecisionInput } from '../../src/core/decisions/types.js';

interface Kept {
  readonly input: DecisionInput;
  readonly decision: Decision;
}

/** Fails without decisions of this engine: whoever raises it keeps some by `npm run record:decisions`. */
const kept: readonly Kept[] = readFileSync(
  new URL(`decisions/engine-${DECISION_ENGINE}.ndjson`, import.meta.url),
  'utf8',
)
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => JSON.parse(line) as Kept);

const KEPT_MIN = 50;

describe(`decisions that engine ${DECISION_ENGINE} has made`, () => {
  it('are many, of every kind', () => {
    expect(kept.length).toBeGreaterThanOrEqual(KEPT_MIN);
    const outcomes = new Set(kept.map(({ decision }) => decision.outcome.kind));
    expect([...outcomes].sort()).toEqual(['act', 'defer', 'do_nothing']);
  });

  // Another answer is not wrong, but stored decisions were made by this one: raise DECISION_ENGINE, then record anew.
  it.each(kept.map((each, index) => ({ ...each, line: index + 1 })))(
    'are made again, bit for bit: line $line',
    ({ input, decision }) => {
      expect(JSON.stringify(decide(input))).toBe(JSON.stringify(decision));
    },
  );
});
