import { readFileSync } from 'node:fs';

import fc from 'fast-check';

import { DAY_MS, HOUR_MS, MINUTE_MS } from '../kernel/instant.js';
import type { CapRule, CapWindow, Contact } from './cap-rule.js';
import { gateCaps, type CapQuestion } from './gate-caps.js';

interface Row {
  readonly name: string;
  readonly zones: readonly string[];
  readonly window:
    { readonly kind: 'rolling'; readonly seconds: number } | { readonly kind: 'calendar'; readonly unit: 'day' };
  readonly limit: number;
  readonly now: string;
  readonly contacts: readonly string[];
  readonly count: number;
  readonly until: string | null;
}

const rows = JSON.parse(readFileSync('test/cases/caps.json', 'utf8')) as readonly Row[];

const NOW = Date.parse('2027-06-15T12:00:00Z');
const rule = (more: Partial<CapRule> = {}): CapRule => ({
  id: 'daily',
  version: 1,
  scope: { kind: 'global' },
  limit: 1,
  window: { kind: 'rolling', durationMs: DAY_MS },
  purposes: ['marketing'],
  givesBackOn: ['failed'],
  onHit: 'defer',
  ...more,
});
const contact = (at: number, more: Partial<Contact> = {}): Contact => ({
  decisionId: `d-${at}`,
  at,
  channel: 'email',
  purpose: 'marketing',
  journeyKey: 'welcome',
  action: 'hello',
  group: null,
  tags: ['spring'],
  state: 'sent',
  ...more,
});
const ask = (more: Partial<CapQuestion> = {}) =>
  gateCaps({
    rules: [rule()],
    contacts: [],
    zones: ['UTC'],
    channel: 'email',
    purpose: 'marketing',
    legalBasis: 'consent',
    journeyKey: 'welcome',
    tags: ['spring'],
    group: null,
    now: NOW,
    ...more,
  });

describe('gateCaps', () => {
  it('has a table worth its name', () => {
    expect(rows.length).toBeGreaterThanOrEqual(100);
  });

  it.each(rows)('$name: $now', ({ zones, window, limit, now, contacts, count, until }) => {
    const capWindow: CapWindow =
      window.kind === 'rolling' ? { kind: 'rolling', durationMs: window.seconds * 1_000 } : window;
    const verdict = ask({
      rules: [rule({ window: capWindow, limit })],
      contacts: contacts.map((at) => contact(Date.parse(at))),
      zones,
      now: Date.parse(now),
    });
    if (until === now) expect(verdict).toEqual({ kind: 'pass', rulesAsked: 1 });
    else expect(verdict).toMatchObject({ count, until: until === null ? null : Date.parse(until) });
  });

  const hour = contact(NOW - HOUR_MS);
  it.each<[string, Partial<CapRule>, Partial<Contact>, boolean]>([
    ['any contact under a global rule', {}, { channel: 'sms', journeyKey: null, tags: [] }, true],
    ['the same channel', { scope: { kind: 'channel', channel: 'email' } }, {}, true],
    ['another channel', { scope: { kind: 'channel', channel: 'email' } }, { channel: 'sms' }, false],
    ['the same journey', { scope: { kind: 'journey', journeyKey: 'welcome' } }, {}, true],
    ['another journey', { scope: { kind: 'journey', journeyKey: 'welcome' } }, { journeyKey: 'other' }, false],
    ['no journey', { scope: { kind: 'journey', journeyKey: 'welcome' } }, { journeyKey: null }, false],
    ['a contact that had the tag', { scope: { kind: 'tag', tag: 'spring' } }, { tags: ['a', 'spring'] }, true],
    ['a contact without the tag', { scope: { kind: 'tag', tag: 'spring' } }, { tags: ['a'] }, false],
    ['a purpose that the rule does not name', {}, { purpose: 'transactional' }, false],
    ['a purpose that the rule names too', { purposes: ['marketing', 'news'] }, { purpose: 'news' }, true],
  ])('counts or leaves out %s', (_name, more, made, isCounted) => {
    expect(ask({ rules: [rule(more)], contacts: [{ ...hour, ...made }] }).kind).toBe(isCounted ? 'defer' : 'pass');
  });

  it.each<[string, Partial<CapRule>]>([
    ['another channel', { scope: { kind: 'channel', channel: 'sms' } }],
    ['another journey', { scope: { kind: 'journey', journeyKey: 'other' } }],
    ['another tag', { scope: { kind: 'tag', tag: 'summer' } }],
    ['other purposes', { purposes: ['news'] }],
    ['no purpose', { purposes: [] }],
  ])('does not ask a rule for %s', (_name, more) => {
    expect(ask({ rules: [rule({ limit: 0, ...more })] })).toEqual({ kind: 'pass', rulesAsked: 0 });
  });

  it('lets pass what rests on a contract, also under a limit of nothing', () => {
    expect(ask({ rules: [rule({ limit: 0, purposes: ['marketing'] })], legalBasis: 'contract' }).kind).toBe('pass');
  });

  it('defers or refuses as the rule says, and refuses what never frees', () => {
    expect(ask({ contacts: [hour] })).toMatchObject({ kind: 'defer', until: hour.at + DAY_MS });
    expect(ask({ contacts: [hour], rules: [rule({ onHit: 'drop' })] })).toMatchObject({
      kind: 'refuse',
      until: hour.at + DAY_MS,
    });
    expect(ask({ rules: [rule({ limit: 0 })] })).toMatchObject({
      kind: 'refuse',
      until: null,
      decisionId: null,
      count: 0,
    });
  });

  it('names the latest contact that counts', () => {
    const contacts = [
      contact(NOW - 5, { decisionId: 'z' }),
      contact(NOW - 2, { decisionId: 'winner' }),
      contact(NOW - 2, { decisionId: 'a' }),
    ];
    expect(ask({ contacts, rules: [rule({ limit: 2 })] })).toMatchObject({ decisionId: 'winner', count: 3 });
  });

  it.each<[string, readonly CapRule[], string]>([
    [
      'a rule that drops before one that defers',
      [rule({ id: 'a' }), rule({ id: 'b', onHit: 'drop', window: { kind: 'rolling', durationMs: 2 * HOUR_MS } })],
      'b',
    ],
    [
      'the rule that frees last',
      [rule({ id: 'a', window: { kind: 'rolling', durationMs: 2 * HOUR_MS } }), rule({ id: 'b' })],
      'b',
    ],
    [
      'the smaller limit',
      [
        rule({ id: 'a', limit: 1, window: { kind: 'calendar', unit: 'day' } }),
        rule({ id: 'b', limit: 0, window: { kind: 'calendar', unit: 'day' } }),
      ],
      'b',
    ],
    ['the smaller id', [rule({ id: 'b' }), rule({ id: 'a' })], 'a'],
    ['no rule that still has room', [rule({ id: 'a', limit: 9, onHit: 'drop' }), rule({ id: 'b' })], 'b'],
  ])('names %s', (_name, rules, expected) => {
    expect(ask({ contacts: [hour], rules })).toMatchObject({ rule: { id: expected } });
    expect(ask({ contacts: [hour], rules: [...rules].reverse() })).toMatchObject({ rule: { id: expected } });
  });

  it('takes a broken limit and a missing zone for a mistake', () => {
    for (const limit of [-1, 0.5, Number.NaN]) expect(() => ask({ rules: [rule({ limit })] })).toThrow('no count');
    expect(() => ask({ zones: [] })).toThrow('at least one zone');
  });

  it('has room at `until` and at no instant before, if nobody takes it', () => {
    const window = fc.oneof(
      fc
        .integer({ min: 1, max: 48 * 60 })
        .map((minutes): CapWindow => ({ kind: 'rolling', durationMs: minutes * MINUTE_MS })),
      fc.constant<CapWindow>({ kind: 'calendar', unit: 'day' }),
    );
    const rules = fc.array(
      fc.tuple(window, fc.integer({ min: 1, max: 3 })).map(([one, limit]) => rule({ window: one, limit })),
      { minLength: 1, maxLength: 3 },
    );
    const change = Date.parse('2027-11-07T06:00:00Z');
    const contacts = fc.array(fc.integer({ min: -48 * 60, max: 0 }), { maxLength: 6 });
    const zones = fc.uniqueArray(fc.constantFrom('America/New_York', 'Europe/Berlin', 'Asia/Tokyo'), { minLength: 1 });
    fc.assert(
      fc.property(rules, contacts, zones, fc.integer({ min: 0, max: 24 * 60 }), (some, made, where, after) => {
        const now = change + after * MINUTE_MS;
        const asked = {
          rules: some,
          zones: where,
          contacts: made.map((minutes) => contact(now + minutes * MINUTE_MS)),
        };
        const verdict = ask({ ...asked, now });
        if (verdict.kind === 'pass') return;
        if (verdict.until === null) throw new Error('a limit of at least 1 frees');
        expect(ask({ ...asked, now: verdict.until }).kind).toBe('pass');
        expect(ask({ ...asked, now: verdict.until - 1 }).kind).toBe('defer');
      }),
    );
  });

  it('never lets more than the limit through in any window, whatever is asked when', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 90 }), { maxLength: 40 }),
        fc.integer({ min: 1, max: 4 }),
        (gaps, limit) => {
          const window = { kind: 'rolling', durationMs: DAY_MS } as const;
          const contacts: Contact[] = [];
          let now = NOW;
          for (const [index, gap] of gaps.entries()) {
            now += gap * 10 * MINUTE_MS;
            const made = contact(now, { decisionId: `d-${index}` });
            if (ask({ rules: [rule({ limit, window })], contacts, now }).kind === 'pass') contacts.push(made);
          }
          for (const { at } of contacts) {
            expect(contacts.filter((other) => other.at > at - DAY_MS && other.at <= at).length).toBeLessThanOrEqual(
              limit,
            );
          }
        },
      ),
    );
  });
});
