import { PLANTED_FAULTS } from './faults.js';
import { simulate } from './simulator.js';

/** Each planted fault must be noticed within so many worlds, by one of the rules that are there for it. */
const SEEDS_MAX = 60;
const FAULT_MS_MAX = 300_000;

describe('the checkers notice when', () => {
  it.each(PLANTED_FAULTS)(
    '$name ($rules)',
    ({ rules, options }) => {
      let noticed: string | null = null;
      for (let seed = 1; seed <= SEEDS_MAX && noticed === null; seed += 1) {
        noticed = simulate(seed, { ...options(), rules }).violation?.rule ?? null;
      }
      expect(rules).toContain(noticed);
    },
    FAULT_MS_MAX,
  );
});
