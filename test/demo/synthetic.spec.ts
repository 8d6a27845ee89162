import { isValidZone } from '../../src/core/kernel/zone.js';
import { CONSENT_SHARES, describeRules, fraction, inventFacts, ZONE_OF_REGION } from '../../tools/demo/synthetic.js';

const SESSIONS = Array.from({ length: 12_330 }, (_, index) => index + 1);
const HOUR_MS = 3_600_000;

describe('fraction', () => {
  it('gives the same numbers on every machine', () => {
    expect(fraction(1, 'consent', 1)).toBe(0.02040424931943008);
    expect(fraction(2, 'consent', 1)).toBe(0.5116845267239718);
  });

  it('fills [0, 1) evenly', () => {
    const tenths = Array.from({ length: 10 }, () => 0);
    for (const session of SESSIONS) {
      const tenth = Math.floor(fraction(7, 'any', session) * 10);
      tenths[tenth] = (tenths[tenth] ?? 0) + 1;
    }
    expect(tenths).toHaveLength(10);
    for (const count of tenths) expect(Math.abs(count - 1_233)).toBeLessThan(150);
  });
});

describe('inventFacts', () => {
  const facts = SESSIONS.map((session) => inventFacts(1, session));

  it.each(CONSENT_SHARES)('gives the consent story %s its stated share', (story, share) => {
    const found = facts.filter(({ consent }) => consent === story).length / facts.length;
    expect(Math.abs(found - share)).toBeLessThan(0.015);
  });

  it('names shares that add up to one', () => {
    expect(CONSENT_SHARES.reduce((sum, [, share]) => sum + share, 0)).toBeCloseTo(1, 12);
  });

  it('lets a fifth buy later, within the two days after the first hour', () => {
    const times = facts.flatMap(({ buysAfterMs }) => (buysAfterMs === null ? [] : [buysAfterMs]));
    expect(Math.abs(times.length / facts.length - 0.2)).toBeLessThan(0.015);
    expect(Math.min(...times)).toBeGreaterThanOrEqual(HOUR_MS);
    expect(Math.max(...times)).toBeLessThan(49 * HOUR_MS);
  });

  it('depends on the seed', () => {
    expect(SESSIONS.some((session) => inventFacts(1, session).consent !== inventFacts(2, session).consent)).toBe(true);
  });
});

it('gives every region of the data set a zone that exists, each its own', () => {
  const zones = Object.values(ZONE_OF_REGION);
  expect(Object.keys(ZONE_OF_REGION)).toEqual(['1', '2', '3', '4', '5', '6', '7', '8', '9']);
  expect(zones.filter(isValidZone)).toEqual(zones);
  expect(new Set(zones).size).toBe(9);
});

it('says what is made up, and from which seed', () => {
  const text = describeRules(42).join('\n');
  expect(text).toContain('SYNTHETIC, made by a rule from seed 42');
  for (const word of ['time zone', 'clock time', 'address', 'consent', 'later purchase', 'granted 70 %', '20 %']) {
    expect(text).toContain(word);
  }
});
