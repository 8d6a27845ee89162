import fc from 'fast-check';
import { DAY_MS, HOUR_MS } from '../kernel/instant.js';
import { gatePauses } from './gate-pauses.js';
import type { Outcome, OutcomeKind } from './outcome.js';
import { outcomeOfState } from './outcome-of-state.js';
import type { PauseRule } from './pause-rule.js';
import { previewPause } from './preview-pause.js';
import type { ReplayedContact } from './replay-contacts.js';

const START = Date.parse('2027-11-05T00:00:00Z');
const rule = (more: Partial<PauseRule> = {}): PauseRule => ({
  id: 'rest',
  version: 1,
  outcomes: ['dismissed'],
  count: 2,
  withinMs: 2 * DAY_MS,
  scope: 'action',
  pauseMs: 3 * DAY_MS,
  purposes: ['marketing'],
  ...more,
});
const contact = (day: number, more: Partial<ReplayedContact> = {}): ReplayedContact => ({
  decisionId: `d-${day}`,
  at: START + day * DAY_MS,
  channel: 'email',
  purpose: 'marketing',
  action: 'offer',
  group: 'deals',
  state: 'delivered',
  ...more,
});
const outcome = (of: ReplayedContact, hoursLater: number, more: Partial<Outcome> = {}): Outcome => {
  const { decisionId, at, channel, purpose, action, group } = of;
  const kind: OutcomeKind = 'dismissed';
  return { decisionId, kind, at: at + hoursLater * HOUR_MS, channel, purpose, action, group, ...more };
};
const stopped = (asked: PauseRule, contacts: readonly ReplayedContact[], outcomes: readonly Outcome[] = []) =>
  previewPause({ rule: asked, contacts, outcomes }).map(({ decisionId }) => decisionId);

describe('previewPause', () => {
  const days = (...some: number[]): ReplayedContact[] => some.map((day) => contact(day));
  const dismissedAll = (contacts: readonly ReplayedContact[]) => contacts.map((each) => outcome(each, 1));

  it('stops what comes during the pause, and lets nothing that was stopped renew it', () => {
    // Dismissed on day 0 and 1: at rest from day 1, 01:00 to day 4, 01:00. The dismissals of day 2 and 3 never happen,
    // so day 5 goes out; they would have renewed the pause until day 6. Day 5 and 6 are dismissed again: day 7 rests.
    const contacts = days(0, 1, 2, 3, 5, 6, 7);
    expect(stopped(rule(), contacts, dismissedAll(contacts))).toEqual(['d-2', 'd-3', 'd-7']);
  });

  it('is over at its end and not a millisecond before', () => {
    const contacts = [...days(0, 1), contact(4, { at: START + 4 * DAY_MS + HOUR_MS })];
    expect(stopped(rule(), contacts, dismissedAll(contacts))).toEqual([]);
    const early = [...days(0, 1), contact(4, { at: START + 4 * DAY_MS + HOUR_MS - 1 })];
    expect(stopped(rule(), early, dismissedAll(early))).toEqual(['d-4']);
  });

  it('counts outcomes within less than its time, as the gate does', () => {
    const [first, second] = days(0, 2) as [ReplayedContact, ReplayedContact];
    expect(stopped(rule(), [first, second, contact(3)], [outcome(first, 1), outcome(second, 1)])).toEqual([]);
    const sooner = outcome(second, 1);
    expect(stopped(rule(), [first, second, contact(3)], [outcome(first, 1), { ...sooner, at: sooner.at - 1 }])).toEqual(
      ['d-3'],
    );
  });

  it('stops no contact for what became of itself, whenever that is said to have been', () => {
    const once = rule({ count: 1, pauseMs: HOUR_MS });
    const early = contact(0);
    const soon = contact(0, { decisionId: 'd-soon', at: early.at + HOUR_MS / 2 });
    expect(stopped(once, [early, soon], [outcome(early, -3)])).toEqual(['d-soon']);
  });

  it('counts what became of contacts that nothing could have stopped', () => {
    // One is older than what was read, one rests on a contract: neither is among the contacts.
    const others = [contact(-1, { decisionId: 'old' }), contact(0, { decisionId: 'receipt' })];
    expect(stopped(rule(), days(1), dismissedAll(others))).toEqual(['d-1']);
  });

  it('reads off the state of a contact that it was sent, unless that was reported', () => {
    const sends = rule({ outcomes: ['sent'], count: 2 });
    expect(stopped(sends, days(0, 1, 2, 3))).toEqual(['d-2', 'd-3']);
    const twice = outcome(contact(0), 1, { kind: 'sent' });
    expect(stopped(sends, days(0, 1), [twice])).toEqual([]);
    const ended = [contact(0, { state: 'failed' }), contact(1, { state: 'unknown' })];
    expect(stopped(rule({ outcomes: ['sent', 'failed'] }), [...ended, contact(2)])).toEqual([]);
    expect(stopped(rule({ outcomes: ['failed'], count: 1 }), [...ended, contact(2)])).toEqual(['d-1', 'd-2']);
  });

  it('counts a kind once for each contact', () => {
    const first = contact(0);
    expect(stopped(rule(), [first, contact(1)], [outcome(first, 1), outcome(first, 2)])).toEqual([]);
  });

  it.each<[PauseRule['scope'], readonly string[]]>([
    ['action', ['same']],
    ['group', ['group', 'same']],
    ['channel', ['group', 'nothing', 'same']],
  ])('rests by %s', (scope, expected) => {
    const told = [contact(0), contact(1)];
    const later = [
      contact(2, { decisionId: 'group', action: 'other' }),
      contact(2, { decisionId: 'nothing', action: 'other', group: null }),
      contact(2, { decisionId: 'same', group: 'deals' }),
      contact(2, { decisionId: 'text', action: 'other', group: null, channel: 'sms' }),
    ];
    expect(stopped(rule({ scope }), [...told, ...later], dismissedAll(told))).toEqual(expected);
  });

  it('makes no group of those that are in none', () => {
    const contacts = [0, 1, 2].map((day) => contact(day, { group: null }));
    expect(stopped(rule({ scope: 'group' }), contacts, dismissedAll(contacts))).toEqual([]);
  });

  it('leaves alone, and does not count, what is for another purpose', () => {
    const contacts = [contact(0), contact(1, { purpose: 'news' }), contact(2)];
    expect(stopped(rule(), contacts, dismissedAll(contacts))).toEqual([]);
    const paused = [contact(0), contact(1), contact(2, { purpose: 'news' })];
    expect(stopped(rule(), paused, dismissedAll(paused))).toEqual([]);
  });

  it('takes a count of none for a mistake', () => {
    for (const count of [0, 1.5]) expect(() => stopped(rule({ count }), [])).toThrow('is none');
  });

  it('agrees with the gate, asked contact by contact', () => {
    const made = fc.array(
      fc.record({
        hours: fc.integer({ min: 0, max: 10 * 24 }).map((hours) => hours - (hours % 6)),
        action: fc.constantFrom('offer', 'other'),
        group: fc.constantFrom('deals', null),
        channel: fc.constantFrom('email', 'sms'),
        purpose: fc.constantFrom('marketing', 'marketing', 'news'),
        state: fc.constantFrom<ReplayedContact['state']>('sent', 'failed', 'unknown'),
        isKept: fc.boolean(),
        told: fc.array(
          fc.record({
            kind: fc.constantFrom<OutcomeKind>('dismissed', 'sent', 'ignored'),
            hours: fc.constantFrom(0, 0, 6, 12, 30),
          }),
          { maxLength: 3 },
        ),
      }),
      { maxLength: 20 },
    );
    const rules = fc.record({
      outcomes: fc.subarray<OutcomeKind>(['dismissed', 'sent', 'failed'], { minLength: 1 }),
      count: fc.integer({ min: 1, max: 3 }),
      withinMs: fc.integer({ min: 1, max: 12 }).map((some) => some * 6 * HOUR_MS),
      pauseMs: fc.integer({ min: 1, max: 12 }).map((some) => some * 6 * HOUR_MS),
      scope: fc.constantFrom<PauseRule['scope']>('action', 'group', 'channel'),
    });
    fc.assert(
      fc.property(rules, made, (more, history) => {
        const asked = rule(more);
        const ordered = history
          .sort((left, right) => left.hours - right.hours)
          .map(({ hours, told, isKept, ...each }, index) => {
            const one = contact(0, { ...each, at: START + hours * HOUR_MS, decisionId: `d-${100 + index}` });
            return { one, isKept, told: told.map(({ kind, hours: later }) => outcome(one, later, { kind })) };
          });
        const happened = ordered.filter(({ isKept }) => !isKept).flatMap(({ told }) => told);
        const refused: ReplayedContact[] = [];
        for (const { one, told } of ordered.filter(({ isKept }) => isKept)) {
          const { kind } = gatePauses({
            ...one,
            rules: [asked],
            outcomes: happened,
            legalBasis: 'consent',
            now: one.at,
          });
          if (kind === 'refuse') refused.push(one);
          else {
            const state = outcomeOfState(one);
            if (state !== null && !told.some((each) => each.kind === state.kind)) happened.push(state);
            happened.push(...told);
          }
        }
        const contacts = ordered.filter(({ isKept }) => isKept).map(({ one }) => one);
        const outcomes = ordered.flatMap(({ told }) => told).reverse();
        expect(previewPause({ rule: asked, contacts: contacts.reverse(), outcomes })).toEqual(refused);
      }),
      { numRuns: 500 },
    );
  });
});
