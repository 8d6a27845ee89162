import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { MINUTE_MS } from '../kernel/instant.js';
import { gatePauses, type PauseQuestion } from './gate-pauses.js';
import type { Outcome, OutcomeKind } from './outcome.js';
import type { PauseRule } from './pause-rule.js';

interface Row {
  readonly name: string;
  readonly rule: {
    readonly outcomes: readonly OutcomeKind[];
    readonly count: number;
    readonly within: number;
    readonly scope: PauseRule['scope'];
    readonly pause: number;
  };
  readonly about: Pick<PauseQuestion, 'action' | 'group' | 'channel'>;
  /** Kind, contact, minute, action, group, channel. */
  readonly outcomes: readonly (readonly [OutcomeKind, string, number, string, string | null, string])[];
  readonly now: number;
  readonly until: number | null;
}

const rows = JSON.parse(readFileSync('test/cases/pauses.json', 'utf8')) as readonly Row[];

const NOW = Date.parse('2027-06-15T12:00:00Z');
const rule = (more: Partial<PauseRule> = {}): PauseRule => ({
  id: 'rest',
  version: 1,
  outcomes: ['dismissed'],
  count: 2,
  withinMs: 100 * MINUTE_MS,
  scope: 'action',
  pauseMs: 50 * MINUTE_MS,
  purposes: ['marketing'],
  ...more,
});
const dismissal = (minutesAgo: number, more: Partial<Outcome> = {}): Outcome => ({
  decisionId: `d-${minutesAgo}`,
  kind: 'dismissed',
  at: NOW - minutesAgo * MINUTE_MS,
  channel: 'email',
  purpose: 'marketing',
  action: 'offer',
  group: 'deals',
  ...more,
});
const ask = (more: Partial<PauseQuestion> = {}) =>
  gatePauses({
    rules: [rule()],
    outcomes: [],
    action: 'offer',
    group: 'deals',
    channel: 'email',
    purpose: 'marketing',
    legalBasis: 'consent',
    now: NOW,
    ...more,
  });

describe('gatePauses', () => {
  it.each(rows)('$name', ({ rule: { within, pause, ...more }, about, outcomes, now, until }) => {
    const answer = ask({
      rules: [rule({ ...more, withinMs: within * MINUTE_MS, pauseMs: pause * MINUTE_MS })],
      outcomes: outcomes.map(([kind, decisionId, minute, action, group, channel]) =>
        dismissal(0, { kind, decisionId, at: minute * MINUTE_MS, action, group, channel }),
      ),
      ...about,
      now: now * MINUTE_MS,
    });
    expect(answer.kind === 'pass' ? null : answer.until / MINUTE_MS).toBe(until);
  });

  const outcomes = [dismissal(10), dismissal(20)];

  it('names the rule, how often it happened, and whose outcome began the pause', () => {
    expect(ask({ outcomes: [...outcomes, dismissal(30)] })).toEqual({
      kind: 'refuse',
      reason: 'PAUSED_BY_RULE',
      rule: rule(),
      count: 3,
      decisionId: 'd-10',
      until: NOW + 40 * MINUTE_MS,
    });
  });

  it('lets pass what rests on a contract, and what is for a purpose that the rule does not name', () => {
    expect(ask({ outcomes, legalBasis: 'contract' }).kind).toBe('pass');
    expect(ask({ outcomes, purpose: 'news' }).kind).toBe('pass');
    expect(ask({ outcomes, rules: [rule({ purposes: ['news'] })] }).kind).toBe('pass');
  });

  it('counts no outcome of a purpose that the rule does not name', () => {
    expect(ask({ outcomes: [dismissal(10), dismissal(20, { purpose: 'news' })] }).kind).toBe('pass');
  });

  it('names the pause that ends last, then the smaller rule id, in whatever order they come', () => {
    const rules = [rule({ id: 'b' }), rule({ id: 'c', pauseMs: 60 * MINUTE_MS }), rule({ id: 'a' })];
    for (const some of [rules, [...rules].reverse()]) {
      expect(ask({ outcomes, rules: some })).toMatchObject({ rule: { id: 'c' } });
      const alike = some.filter(({ id }) => id !== 'c');
      expect(ask({ outcomes, rules: alike })).toMatchObject({ rule: { id: 'a' } });
    }
  });

  it('takes a count of none for a mistake', () => {
    for (const count of [0, 1.5, Number.NaN]) expect(() => ask({ rules: [rule({ count })] })).toThrow('is none');
  });

  it('is over at `until` and not a millisecond before, if nothing else happens', () => {
    const some = fc.array(
      fc.integer({ min: -20, max: 300 }).map((ago) => dismissal(ago)),
      { maxLength: 8 },
    );
    const rules = fc.record({
      count: fc.integer({ min: 1, max: 4 }),
      withinMs: fc.integer({ min: 1, max: 200 }).map((minutes) => minutes * MINUTE_MS),
      pauseMs: fc.integer({ min: 1, max: 200 }).map((minutes) => minutes * MINUTE_MS),
    });
    fc.assert(
      fc.property(some, rules, (made, more) => {
        const asked = { outcomes: made.filter(({ at }) => at <= NOW), rules: [rule(more)] };
        const answer = ask({ ...asked, outcomes: made });
        expect(answer).toEqual(ask(asked));
        if (answer.kind === 'pass') return;
        expect(answer.until).toBeGreaterThan(NOW);
        expect(ask({ ...asked, now: answer.until }).kind).toBe('pass');
        expect(ask({ ...asked, now: answer.until - 1 }).kind).toBe('refuse');
      }),
    );
  });
});
