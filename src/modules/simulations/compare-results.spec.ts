import type { VirtualEnd } from '../../core/journeys/virtual-run.js';
import { compareResults } from './compare-results.js';
import type { SimulatedDecision } from './simulated-user.js';
import type { Differences } from './simulation-result.js';
import { SimulationTally } from './simulation-tally.js';

const FROM = Date.parse('2027-03-08T10:00:00Z');
const SPAN = { from: FROM, until: FROM + 1 };
const END: VirtualEnd = { kind: 'ended', outcome: 'completed', reason: 'done', at: FROM, stepId: 'done' };

const sent: Partial<SimulatedDecision> = { outcome: 'sent', action: 'm', cost: 0.1 };
const refused = (reason: SimulatedDecision['reason'], ...capRules: readonly string[]): Partial<SimulatedDecision> => ({
  outcome: 'skip',
  reason,
  capRules,
});
const putOff = (...capRules: readonly string[]): Partial<SimulatedDecision> => ({
  ...refused('CAP_REACHED', ...capRules),
  outcome: 'defer',
});

/** One run after the other: where it goes, and what its message comes to. */
function tallied(
  ...runs: readonly (readonly [steps: readonly string[], ...decisions: readonly Partial<SimulatedDecision>[]])[]
): SimulationTally {
  const tally = new SimulationTally(SPAN, ['m', 'extra', 'done', ...Array.from({ length: 30 }, (_, at) => `s${at}`)]);
  for (const [steps, ...decisions] of runs) {
    tally.begin(FROM);
    tally.turned({ now: FROM, entered: steps });
    for (const decision of decisions) {
      const plain = { stepId: 'm', visit: 1, ask: 1, at: FROM, outcome: 'skip', reason: null } as const;
      tally.decided({ ...plain, until: null, action: null, cost: 0, capRules: [], ...decision });
    }
    tally.finish(END);
  }
  return tally;
}

function compare(base: SimulationTally, other: SimulationTally): Differences {
  const [before, after] = [base, other].map((tally) => ({ figures: tally.figures(0), ways: tally.ways }));
  if (before === undefined || after === undefined) throw new Error('two tallies were given');
  return compareResults(before, after);
}

describe('two versions of a simulation', () => {
  it('that do the same differ in nothing', () => {
    const run = () => tallied([['m', 'done'], putOff('a@1'), refused('CAP_REACHED', 'a@1')], [['m', 'done'], sent]);
    expect(compare(run(), run())).toEqual({
      sent: 0,
      cost: 0,
      silences: {},
      put_off: {},
      caps: {},
      days: [],
      steps: {},
      paths: [],
      ends: [],
    });
  });

  it('differ in reasons of silence, those that only one of them has as well', () => {
    const base = tallied([['m'], refused('CONSENT_MISSING')], [['m'], refused('CAP_REACHED')], [['m'], putOff()]);
    const other = tallied([['m'], refused('EXPIRED')], [['m'], refused('CAP_REACHED')], [['m'], sent]);
    const differences = compare(base, other);
    expect(differences).toMatchObject({
      sent: 1,
      cost: 0.1,
      silences: { CONSENT_MISSING: -1, EXPIRED: 1 },
      put_off: { CAP_REACHED: -1 },
    });
    // As many are refused as before, and not for the same reason.
    expect(differences.steps['m']).toEqual({
      entered: 0,
      sent: 1,
      refused: 0,
      reasons: { CONSENT_MISSING: -1, EXPIRED: 1 },
    });
  });

  it('differ in what caps refuse and put off; a cap that does as before is left out', () => {
    const base = tallied([['m'], putOff('a@1'), refused('CAP_REACHED', 'a@1', 'b@2')], [['m'], putOff('same@1')]);
    const other = tallied([['m'], putOff('c@1'), putOff('a@1'), putOff('same@1')]);
    expect(compare(base, other).caps).toEqual({
      'a@1': { refused: -1, put_off: 0 },
      'b@2': { refused: -1, put_off: 0 },
      'c@1': { refused: 0, put_off: 1 },
    });
  });

  it('differ in ways, the greatest change first', () => {
    const short = [['m', 'done']] as const;
    const long = [['extra', 'm', 'done']] as const;
    expect(compare(tallied(short, short, short), tallied(long, long, short)).paths).toEqual([
      { steps: ['extra', 'm', 'done'], count: 2 },
      { steps: ['m', 'done'], count: -2 },
    ]);
  });

  it('count ways that are too rare to be shown, and show the twenty that change most', () => {
    const ways = Array.from({ length: 25 }, (_, index) => [[`s${index}`, 'done']] as const);
    const rare = [['s9', 'done']] as const;
    const often = ways.flatMap((way) => [way, way]);
    // The lists of both sides end before this way.
    expect(compare(tallied(...often), tallied(...often, rare)).paths).toEqual([{ steps: ['s9', 'done'], count: 1 }]);
    const first = [['s0', 'done']] as const;
    const paths = compare(tallied(first, first), tallied(...ways)).paths;
    expect(paths).toHaveLength(20);
    expect(paths.find(({ steps }) => steps[0] === 's0')).toEqual({ steps: ['s0', 'done'], count: -1 });
    expect(paths.find(({ steps }) => steps[0] === 's9')).toBeUndefined();
  });
});
