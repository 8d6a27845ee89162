import { readFileSync } from 'node:fs';

import fc from 'fast-check';

import { DAY_MS, HOUR_MS, MINUTE_MS } from '../kernel/instant.js';
import type { CapRule, CapScope, CapWindow, Contact, OnCap } from './cap-rule.js';
import { gateCaps, type CapQuestion } from './gate-caps.js';

interface RowContact {
  readonly at: string;
  readonly channel?: string;
  readonly purpose?: string;
  readonly journey?: string | null;
  readonly tags?: readonly string[];
  readonly group?: string | null;
  readonly state?: Contact['state'];
}

interface Row {
  readonly name: string;
  readonly zones: readonly string[];
  readonly window:
    | { readonly kind: 'rolling' | 'min_gap'; readonly seconds: number }
    | { readonly kind: 'calendar'; readonly unit: 'day' | 'week' | 'month' };
  readonly limit: number;
  /** `global`, or `<kind>:<value>`. */
  readonly scope: string;
  readonly gives_back_on: CapRule['givesBackOn'];
  readonly now: string;
  readonly contacts: readonly (string | RowContact)[];
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
  group: 'offers',
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
    group: 'offers',
    now: NOW,
    ...more,
  });

const windowOf = (window: Row['window']): CapWindow =>
  window.kind === 'calendar' ? window : { kind: window.kind, durationMs: window.seconds * 1_000 };

function scopeOf(text: string): CapScope {
  const [kind = 'global', value = ''] = text.split(':');
  switch (kind) {
    case 'channel':
      return { kind, channel: value };
    case 'journey':
      return { kind, journeyKey: value };
    case 'tag':
      return { kind, tag: value };
    case 'group':
      return { kind, group: value };
    default:
      return { kind: 'global' };
  }
}

function contactOf(made: string | RowContact, index: number): Contact {
  const { at, journey, ...more } = typeof made === 'string' ? { at: made } : { journey: 'welcome', ...made };
  const known = journey === undefined ? {} : { journeyKey: journey };
  return contact(Date.parse(at), { decisionId: `d-${index}`, ...known, ...more });
}

describe('gateCaps', () => {
  it('has a table worth its name', () => {
    expect(rows.length).toBeGreaterThanOrEqual(200);
  });

  it.each(rows)('$name: $now', ({ zones, window, limit, scope, gives_back_on, now, contacts, count, until }) => {
    const verdict = ask({
      rules: [rule({ limit, window: windowOf(window), scope: scopeOf(scope), givesBackOn: gives_back_on })],
      zones,
      contacts: contacts.map(contactOf),
      now: Date.parse(now),
    });
    if (until === now) {
      expect(verdict).toEqual({ kind: 'pass', rulesAsked: 1 });
    } else {
      expect(verdict).toMatchObject({
        kind: until === null ? 'refuse' : 'defer',
        reason: 'CAP_REACHED',
        count,
        until: until === null ? null : Date.parse(until),
      });
    }
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
    ['the same group', { scope: { kind: 'group', group: 'offers' } }, {}, true],
    ['another group', { scope: { kind: 'group', group: 'offers' } }, { group: 'news' }, false],
    ['no group', { scope: { kind: 'group', group: 'offers' } }, { group: null }, false],
    ['a purpose that the rule does not name', {}, { purpose: 'transactional' }, false],
    ['a purpose that the rule names too', { purposes: ['marketing', 'news'] }, { purpose: 'news' }, true],
  ])('counts or leaves out %s', (_name, more, made, isCounted) => {
    expect(ask({ rules: [rule(more)], contacts: [{ ...hour, ...made }] }).kind).toBe(isCounted ? 'defer' : 'pass');
  });

  it.each<[string, Partial<CapRule>]>([
    ['another channel', { scope: { kind: 'channel', channel: 'sms' } }],
    ['another journey', { scope: { kind: 'journey', journeyKey: 'other' } }],
    ['another tag', { scope: { kind: 'tag', tag: 'summer' } }],
    ['another group', { scope: { kind: 'group', group: 'news' } }],
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

  it.each<[OnCap, 'refuse' | 'defer']>([
    ['drop', 'refuse'],
    ['skip', 'refuse'],
    ['degrade_channel', 'refuse'],
    ['defer', 'defer'],
  ])('%s: answers %s and says what the rule wants', (onHit, kind) => {
    const verdict = ask({ contacts: [hour], rules: [rule({ onHit })] });
    expect(verdict).toMatchObject({ kind, onHit, until: hour.at + DAY_MS });
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
      'a rule that never frees',
      [
        rule({ id: 'a', limit: 1, window: { kind: 'calendar', unit: 'day' } }),
        rule({ id: 'b', limit: 0, window: { kind: 'calendar', unit: 'day' } }),
      ],
      'b',
    ],
    ['the smaller id', [rule({ id: 'b' }), rule({ id: 'a' })], 'a'],
    ['a rule that skips before one that defers', [rule({ id: 'a' }), rule({ id: 'b', onHit: 'skip' })], 'b'],
    [
      'a rule that drops before one that tries another channel',
      [rule({ id: 'a', onHit: 'degrade_channel' }), rule({ id: 'b', onHit: 'drop' })],
      'b',
    ],
    [
      'a rule that tries another channel before one that defers for longer',
      [
        rule({ id: 'a', window: { kind: 'rolling', durationMs: 2 * DAY_MS } }),
        rule({ id: 'b', onHit: 'degrade_channel' }),
      ],
      'b',
    ],
    ['no rule that still has room', [rule({ id: 'a', limit: 9, onHit: 'drop' }), rule({ id: 'b' })], 'b'],
  ])('names %s', (_name, rules, expected) => {
    expect(ask({ contacts: [hour], rules })).toMatchObject({ rule: { id: expected } });
    expect(ask({ contacts: [hour], rules: [...rules].reverse() })).toMatchObject({ rule: { id: expected } });
  });

  it('names the smaller limit of two that free at the same time', () => {
    const window = { kind: 'calendar', unit: 'day' } as const;
    const rules = [rule({ id: 'a', limit: 2, window }), rule({ id: 'b', limit: 1, window })];
    const contacts = [hour, contact(NOW - 1)];
    for (const some of [rules, [...rules].reverse()]) {
      expect(ask({ contacts, rules: some })).toMatchObject({ rule: { id: 'b' } });
    }
  });

  it('counts in the zone that counts most, and waits for the zone that frees last', () => {
    // 12:00Z is 13:00 in London and 21:00 in Tokyo, whose day began at 15:00Z of the day before and ends sooner.
    const contacts = [contact(Date.parse('2027-06-14T16:00Z')), contact(Date.parse('2027-06-15T10:00Z'))];
    const rules = [rule({ window: { kind: 'calendar', unit: 'day' } })];
    const until = Date.parse('2027-06-15T23:00Z');
    for (const zones of [
      ['Europe/London', 'Asia/Tokyo'],
      ['Asia/Tokyo', 'Europe/London'],
    ]) {
      expect(ask({ contacts, rules, zones })).toMatchObject({ count: 2, until });
    }
  });

  it('says when there is room under every rule, not only under the one it names', () => {
    const rules = [
      rule({ id: 'named', onHit: 'drop', window: { kind: 'rolling', durationMs: 2 * HOUR_MS } }),
      rule({ id: 'longer', onHit: 'defer' }),
    ];
    const asked = { contacts: [hour], rules };
    expect(ask(asked)).toMatchObject({ kind: 'refuse', rule: { id: 'named' }, until: hour.at + DAY_MS });
    const never = rule({ id: 'never', limit: 0, onHit: 'defer' });
    expect(ask({ ...asked, rules: [...rules, never] })).toMatchObject({ rule: { id: 'named' }, until: null });
  });

  it('takes a broken limit and a missing zone for a mistake', () => {
    for (const limit of [-1, 0.5, Number.NaN]) expect(() => ask({ rules: [rule({ limit })] })).toThrow('no count');
    expect(() => ask({ zones: [] })).toThrow('at least one zone');
    const window = { kind: 'min_gap', durationMs: HOUR_MS } as const;
    expect(() => ask({ rules: [rule({ window, limit: 2 })] })).toThrow('a gap');
  });

  const anyRule = fc
    .record({
      id: fc.constantFrom('a', 'b', 'c'),
      window: fc.oneof(
        fc
          .integer({ min: 1, max: 48 * 60 })
          .map((minutes): CapWindow => ({ kind: 'rolling', durationMs: minutes * MINUTE_MS })),
        fc
          .integer({ min: 1, max: 48 * 60 })
          .map((minutes): CapWindow => ({ kind: 'min_gap', durationMs: minutes * MINUTE_MS })),
        fc
          .constantFrom('day' as const, 'week' as const, 'month' as const)
          .map((unit): CapWindow => ({ kind: 'calendar', unit })),
      ),
      limit: fc.integer({ min: 1, max: 3 }),
      onHit: fc.constantFrom<OnCap>('drop', 'defer', 'degrade_channel', 'skip'),
      scope: fc.constantFrom<CapScope>(
        { kind: 'global' },
        { kind: 'channel', channel: 'email' },
        { kind: 'journey', journeyKey: 'welcome' },
        { kind: 'tag', tag: 'spring' },
        { kind: 'group', group: 'offers' },
      ),
      givesBackOn: fc.subarray<Contact['state']>(['failed', 'bounced', 'complained', 'sending', 'unknown']),
    })
    .map((more) => rule({ ...more, limit: more.window.kind === 'min_gap' ? 1 : more.limit }));
  const anyContact = fc
    .record({
      minutes: fc.integer({ min: -48 * 60, max: 0 }),
      channel: fc.constantFrom('email', 'email', 'sms'),
      tags: fc.subarray(['spring', 'autumn']),
      group: fc.constantFrom('offers', 'news', null),
      state: fc.constantFrom<Contact['state']>('sent', 'sending', 'unknown', 'failed', 'bounced', 'delivered'),
    })
    .map(({ minutes, ...more }) => contact(minutes * MINUTE_MS, more));
  const change = Date.parse('2027-11-07T06:00:00Z');
  const anyQuestion = fc
    .record({
      rules: fc.array(anyRule, { minLength: 1, maxLength: 4 }),
      contacts: fc.array(anyContact, { maxLength: 6 }),
      zones: fc.uniqueArray(fc.constantFrom('America/New_York', 'Europe/Berlin', 'Australia/Lord_Howe', 'Asia/Tokyo'), {
        minLength: 1,
      }),
      after: fc.integer({ min: 0, max: 24 * 60 }),
    })
    .map(({ after, contacts, ...more }) => {
      const now = change + after * MINUTE_MS;
      return { ...more, now, contacts: contacts.map((one) => ({ ...one, at: now + one.at })) };
    });

  it('has room at `until` and at no instant before, if nobody takes it', () => {
    fc.assert(
      fc.property(anyQuestion, fc.nat(), (asked, where) => {
        const verdict = ask(asked);
        if (verdict.kind === 'pass') return;
        if (verdict.until === null) throw new Error('a limit of at least 1 frees');
        const between = asked.now + (where % (verdict.until - asked.now));
        expect(ask({ ...asked, now: verdict.until }).kind).toBe('pass');
        for (const now of [verdict.until - 1, between]) expect(ask({ ...asked, now }).kind).not.toBe('pass');
      }),
    );
  });

  it('names the same rule in whatever order rules and contacts come', () => {
    fc.assert(
      fc.property(anyQuestion, (asked) => {
        const rules = asked.rules.map((one, index) => ({ ...one, id: `${one.id}${index}` }));
        const contacts = asked.contacts.map((one, index) => ({ ...one, decisionId: `d-${index}` }));
        const turned = { ...asked, rules: [...rules].reverse(), contacts: [...contacts].reverse() };
        expect(ask(turned)).toEqual(ask({ ...asked, rules, contacts }));
      }),
    );
  });

  it('refuses only if some rule refuses it alone, and one more contact never makes room', () => {
    fc.assert(
      fc.property(anyQuestion, anyContact, (asked, more) => {
        const alone = asked.rules.map((one) => ask({ ...asked, rules: [one] }).kind === 'pass');
        expect(ask(asked).kind === 'pass').toBe(alone.every(Boolean));
        if (ask(asked).kind === 'pass') return;
        const contacts = [...asked.contacts, { ...more, at: asked.now + more.at }];
        expect(ask({ ...asked, contacts }).kind).not.toBe('pass');
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
