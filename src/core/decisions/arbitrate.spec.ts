import { readFileSync } from 'node:fs';

import fc from 'fast-check';

import { candidate } from '../../../test/support/decision-input.js';
import { arbitrate, isScored } from './arbitrate.js';
import type { Candidate, Factors } from './types.js';

const TOLERANCE = 1e-12;
const none = new Map<string, 'CONSENT_MISSING'>();
const factors: Factors = { propensity: true, context: true, value: true, levers: true };
const rank = (candidates: readonly Candidate[], doNothingValue = 0, refusals = none) =>
  arbitrate({ candidates, doNothingValue, refusals, factors, fatigueCost: 0, unscored: new Set() });
const brief = (scores: ReturnType<typeof rank>) => scores.map(({ key, lostBecause }) => [key, lostBecause]);

/** Rows of the published log by decision; see test/cases/README.md. */
function loggedDecisions(): ReadonlyMap<string, readonly (readonly string[])[]> {
  const [, ...lines] = readFileSync('test/cases/pega-arbitration.csv', 'utf8').trim().split('\n');
  return Map.groupBy(
    lines.map((line) => line.split(',')),
    ([interaction]) => interaction ?? '',
  );
}

describe('arbitrate', () => {
  it.each([...loggedDecisions()])('reproduces priority and rank of the logged decision %s', (_interaction, logged) => {
    expect(logged.length).toBeGreaterThan(50);
    const candidates = logged.map((row) => {
      const [propensity, contextFactor, value, leverFactor] = row.slice(4, 8).map(Number);
      return candidate(row.slice(1, 4).join('/'), {
        propensity,
        contextFactor,
        value,
        leverFactor,
      } as Partial<Candidate>);
    });
    const scores = rank(candidates);
    for (const row of logged) {
      const at = scores.findIndex(({ key }) => key === row.slice(1, 4).join('/'));
      expect(at + 1).toBe(Number(row[9]));
      expect(Math.abs((scores[at]?.priority ?? Number.NaN) - Number(row[8]))).toBeLessThan(TOLERANCE);
    }
  });

  it('weighs P x C x V x L less the channel cost', () => {
    const [score] = rank([
      candidate('a', { propensity: 0.5, contextFactor: 1.2, value: 10, leverFactor: 0.5, channelCost: 0.25 }),
    ]);
    expect(score).toEqual({
      key: 'a',
      channel: 'email',
      propensity: 0.5,
      context: 1.2,
      value: 10,
      levers: 0.5,
      priority: 3,
      channelCost: 0.25,
      fatigueCost: 0,
      net: 2.75,
      lostBecause: null,
    });
  });

  it('needs strictly more than doing nothing is worth', () => {
    expect(brief(rank([candidate('a', { value: 2 })], 2))).toEqual([['a', 'BELOW_THRESHOLD']]);
    expect(brief(rank([candidate('a', { value: 2.000001 })], 2))).toEqual([['a', null]]);
    expect(brief(rank([candidate('a', { value: 0 })]))).toEqual([['a', 'BELOW_THRESHOLD']]);
    expect(brief(rank([candidate('a', { value: 0 })], -1))).toEqual([['a', null]]);
  });

  it('breaks ties by priority, then by key', () => {
    const tied = [
      candidate('b', { value: 2 }),
      candidate('a', { value: 2 }),
      candidate('z', { value: 3, channelCost: 1 }),
    ];
    expect(rank(tied).map(({ key }) => key)).toEqual(['z', 'a', 'b']);
  });

  it('says why each one lost, refused ones included', () => {
    const candidates = [
      candidate('best', { value: 9 }),
      candidate('refused', { value: 10 }),
      candidate('second', { value: 8 }),
      candidate('poor', { value: 1 }),
    ];
    expect(brief(rank(candidates, 1, new Map([['refused', 'CONSENT_MISSING']])))).toEqual([
      ['refused', 'CONSENT_MISSING'],
      ['best', null],
      ['second', 'LOWER_PRIORITY'],
      ['poor', 'BELOW_THRESHOLD'],
    ]);
  });

  it('puts those of which no score may be made last, by key and without a term, whatever their numbers', () => {
    const candidates = [candidate('z', { value: 9 }), candidate('b', { propensity: 7 }), candidate('scored')];
    const refusals = new Map([
      ['z', 'CONSENT_MISSING' as const],
      ['b', 'CONSENT_MISSING' as const],
    ]);
    const without = { candidates, refusals, unscored: new Set(['z', 'b']), doNothingValue: 0, factors, fatigueCost: 0 };
    const scores = arbitrate(without);
    expect(brief(scores)).toEqual([
      ['scored', null],
      ['b', 'CONSENT_MISSING'],
      ['z', 'CONSENT_MISSING'],
    ]);
    for (const { key: _, channel: __, lostBecause: ___, ...terms } of scores.slice(1)) {
      expect(new Set(Object.values(terms))).toEqual(new Set([null]));
    }
    expect(() => arbitrate({ ...without, refusals: new Map() })).toThrow('was not refused');
  });

  it('gives one ranking for every order of candidates, with at most one winner', () => {
    const few = fc.constantFrom(0, 0.5, 1);
    const candidates = fc
      .uniqueArray(fc.record({ key: fc.string(), propensity: few, value: few, channelCost: few }), {
        selector: ({ key }) => key,
        maxLength: 8,
      })
      .map((list) => list.map(({ key, ...more }) => candidate(key, more)));
    const shuffled = candidates.chain((list) =>
      fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })),
    );
    fc.assert(
      fc.property(shuffled, few, ([list, other], doNothingValue) => {
        const scores = rank(list, doNothingValue);
        expect(rank(other, doNothingValue)).toEqual(scores);
        const winners = scores.filter(({ lostBecause }) => lostBecause === null);
        expect(winners.length).toBe(scores.some((score) => isScored(score) && score.net > doNothingValue) ? 1 : 0);
        expect(winners[0]?.net ?? scores[0]?.net).toBe(scores[0]?.net);
      }),
    );
  });

  it.each<[string, Partial<Candidate>]>([
    ['propensity', { propensity: 1.01 }],
    ['propensity', { propensity: Number.NaN }],
    ['context', { contextFactor: 0 }],
    ['value', { value: -1 }],
    ['lever', { leverFactor: Number.POSITIVE_INFINITY }],
    ['channel cost', { channelCost: Number.NaN }],
    ['priority', { value: 1e308, contextFactor: 1e10 }],
  ])('takes a %s out of range for a mistake', (name, more) => {
    expect(() => rank([candidate('a', more)])).toThrow(name);
  });

  it('takes a key that comes twice, too many candidates or a broken threshold for a mistake', () => {
    expect(() => rank([candidate('a'), candidate('a')])).toThrow('comes twice');
    expect(() => rank([], Number.NaN)).toThrow('doing nothing');
    expect(() => rank(Array.from({ length: 1_001 }, (_, index) => candidate(`c${index}`)))).toThrow('at most 1000');
  });
});
