import fc from 'fast-check';

import { DAY_MS } from '../kernel/instant.js';
import { softBounceVerdict } from './soft-bounce-verdict.js';

const POLICY = { count: 3, withinMs: 7 * DAY_MS, forMs: 14 * DAY_MS };
const verdict = (days: readonly number[], nowDay: number, policy = POLICY) =>
  softBounceVerdict({ bounces: days.map((day) => day * DAY_MS), policy, now: nowDay * DAY_MS });
const until = (day: number) => ({ until: day * DAY_MS });

describe('softBounceVerdict', () => {
  it.each<[string, readonly number[], number, { until: number } | null]>([
    ['no bounce', [], 10, null],
    ['one below the count', [1, 2], 2, null],
    ['the count', [1, 2, 5], 5, until(19)],
    ['the count, in another order', [5, 1, 2], 5, until(19)],
    ['exactly the period', [1, 4, 8], 8, until(22)],
    ['a millisecond more than the period', [1, 4, 8 + 1 / DAY_MS], 9, null],
    ['the last bounce that completes a count decides', [1, 2, 3, 4], 4, until(18)],
    ['a later bounce that completes none does not', [1, 2, 3, 12], 12, until(17)],
    ['an earlier burst, of which the end is over', [1, 2, 3], 17, null],
    ['an earlier burst, a millisecond before its end', [1, 2, 3], 17 - 1 / DAY_MS, until(17)],
    ['bounces after now are not looked at', [1, 2, 5], 4, null],
    ['a bounce at now counts', [1, 2, 4], 4, until(18)],
    ['three at once', [4, 4, 4], 4, until(18)],
  ])('%s', (_name, days, now, expected) => {
    expect(verdict(days, now)).toEqual(expected);
  });

  it('suppresses after the first bounce where the count is 1', () => {
    expect(verdict([4], 4, { ...POLICY, count: 1 })).toEqual(until(18));
  });

  it('ends no earlier whatever becomes known later, in whatever order', () => {
    const day = fc.integer({ min: 0, max: 40 });
    fc.assert(
      fc.property(fc.array(day, { maxLength: 12 }), fc.nat(12), day, (days, split, now) => {
        const all = verdict(days, now);
        expect(verdict([...days].reverse(), now)).toEqual(all);
        const fewer = verdict(days.slice(0, split), now);
        expect(all?.until ?? 0).toBeGreaterThanOrEqual(fewer?.until ?? 0);
      }),
    );
  });
});
