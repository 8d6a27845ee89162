import fc from 'fast-check';

import { DAY_MS, HOUR_MS, MINUTE_MS } from '../kernel/instant.js';
import { placesElsewhere } from '../users/places-elsewhere.js';
import { gateQuietHours, type QuietHoursQuestion } from './gate-quiet-hours.js';
import { everydayRule, type QuietRule } from './quiet-rule.js';

const night = everydayRule({
  id: 'night',
  version: 3,
  origin: 'policy',
  channels: ['email'],
  startMinute: 1_260,
  endMinute: 480,
});
const NOW = Date.parse('2027-06-15T01:30:00Z');
const OPENING = Date.parse('2027-06-15T12:00:00Z');

const ask = (more: Partial<QuietHoursQuestion> = {}) =>
  gateQuietHours({
    rules: [night],
    zones: ['America/New_York'],
    channel: 'email',
    purpose: 'marketing',
    jurisdictions: ['US-NY'],
    legalBasis: 'consent',
    userId: 'user-1',
    now: NOW,
    readyAt: NOW,
    ttlMs: null,
    ...more,
  });

const withRule = (more: Partial<QuietRule>, question: Partial<QuietHoursQuestion> = {}) =>
  ask({ rules: [{ ...night, ...more }], ...question });

describe('gateQuietHours', () => {
  it('puts a message off until the window opens, with the rule and the zone', () => {
    expect(ask()).toMatchObject({
      kind: 'defer',
      reason: 'QUIET_HOURS',
      rule: night,
      zone: 'America/New_York',
      opening: OPENING,
      onHit: 'defer',
    });
  });

  it.each<[string, Partial<QuietHoursQuestion>]>([
    ['by day', { now: OPENING }],
    ['on a channel without a rule', { channel: 'sms' }],
    ['for a purpose without a rule', { rules: [{ ...night, purposes: ['survey'] }] }],
    ['where no law of the place says otherwise', { rules: [{ ...night, jurisdictions: ['US-FL'] }] }],
    ['on a day that does not count', { rules: [{ ...night, weekdays: [7] }] }],
    ['without rules', { rules: [] }],
    ['when it rests on a contract', { legalBasis: 'contract' }],
  ])('passes %s', (_name, more) => {
    expect(ask(more)).toEqual({ kind: 'pass' });
  });

  it('says when a message should go by another channel first', () => {
    expect(withRule({ onHit: 'switch_channel' })).toMatchObject({
      kind: 'defer',
      opening: OPENING,
      onHit: 'switch_channel',
    });
  });

  it('refuses what a rule wants dropped, and tells when it would have passed', () => {
    const drops = { ...night, onHit: 'drop' as const };
    const refused = { kind: 'refuse', reason: 'QUIET_HOURS', rule: drops, zone: 'America/New_York' };
    expect(ask({ rules: [night, drops] })).toEqual({ ...refused, opening: OPENING });
    const always = { ...drops, startMinute: 480 };
    expect(ask({ rules: [always] })).toEqual({ ...refused, rule: always, opening: null });
  });

  it('refuses when no time is allowed within eight days', () => {
    const always = { ...night, startMinute: 480 };
    expect(ask({ rules: [always], ttlMs: HOUR_MS })).toEqual({
      kind: 'refuse',
      reason: 'NO_ALLOWED_TIME',
      rule: always,
      zone: 'America/New_York',
    });
  });
});

describe('the law of a place where the person is not said to be', () => {
  // The profile says New York, the telephone number Houston. 13:05Z is 09:05 there and 08:05 here.
  const zones = ['America/New_York'];
  const jurisdictions = ['US-NY', 'US-TX'];
  const texas = { ...night, id: 'texas', origin: 'law' as const, jurisdictions: ['US-TX'], endMinute: 540 };
  const person = { zones, jurisdictions, placesElsewhere: placesElsewhere({ zones, jurisdictions }) };
  const at = (text: string, more: Partial<QuietHoursQuestion> = {}) =>
    ask({ rules: [night, texas], ...person, now: Date.parse(text), readyAt: Date.parse(text), ...more });

  it('is read on the clocks of that place as well as on the own one, into the morning of its last clock', () => {
    const opening = Date.parse('2027-06-15T15:00:00Z');
    expect(at('2027-06-15T13:05:00Z')).toMatchObject({ rule: texas, zone: 'America/Chicago', opening });
    expect(at('2027-06-15T14:59:59Z')).toMatchObject({ rule: texas, zone: 'America/Denver', opening });
    expect(at('2027-06-15T15:00:00Z')).toEqual({ kind: 'pass' });
    expect(at('2027-06-16T00:59:59Z')).toEqual({ kind: 'pass' });
    expect(at('2027-06-16T01:00:00Z')).toMatchObject({ zone: 'America/New_York' });
  });

  it('is a law of the country, too, for each of its states', () => {
    const federal = { ...texas, id: 'federal', jurisdictions: ['US'] };
    expect(at('2027-06-15T13:05:00Z', { rules: [federal] })).toMatchObject({ rule: federal, zone: 'America/Chicago' });
  });

  it('moves no rule that names no place, and none of another place', () => {
    const ofNewYork = { ...texas, jurisdictions: ['US-NY'] };
    expect(at('2027-06-15T13:05:00Z', { rules: [night, ofNewYork] })).toEqual({ kind: 'pass' });
    expect(at('2027-06-15T12:00:00Z', { rules: [night] })).toEqual({ kind: 'pass' });
  });

  it('ends an opening, too: from 09:00 to 09:20 in Denver people are spread over two minutes', () => {
    const morning = { ...texas, id: 'morning', startMinute: 560, endMinute: 600 };
    const spread = Array.from({ length: 500 }, (_, index) =>
      at('2027-06-15T13:05:00Z', { rules: [texas, morning], userId: `user-${index}` }),
    );
    const jitters = spread.map((verdict) => (verdict.kind === 'defer' ? verdict.jitterMs : Number.NaN));
    expect(Math.max(...jitters)).toBeLessThanOrEqual(2 * MINUTE_MS);
    expect(Math.max(...jitters)).toBeGreaterThan(1.9 * MINUTE_MS);
  });
});

describe('time to live', () => {
  const waitMs = OPENING - NOW;

  it.each<[string, Partial<QuietRule>, Partial<QuietHoursQuestion>]>([
    ['of the message', {}, { ttlMs: waitMs }],
    ['of the rule', { ttlMs: waitMs }, {}],
    ['of the rule, the smaller one', { ttlMs: waitMs }, { ttlMs: 9 * DAY_MS }],
    ['of the message, the smaller one', { ttlMs: 9 * DAY_MS }, { ttlMs: waitMs }],
    ['that began when the message was ready', {}, { ttlMs: waitMs + HOUR_MS, readyAt: NOW - HOUR_MS }],
    ['that was over long ago', {}, { ttlMs: HOUR_MS, readyAt: NOW - DAY_MS }],
  ])('%s: an opening at its end comes too late, one a moment earlier does not', (_name, rule, question) => {
    expect(withRule(rule, question)).toMatchObject({ kind: 'refuse', reason: 'EXPIRED', opening: OPENING });
    const later = (ttlMs: number | null | undefined) => ((ttlMs ?? null) === null ? null : (ttlMs ?? 0) + 2 * DAY_MS);
    const longer = { ttlMs: later(rule.ttlMs) };
    expect(withRule(longer, { ...question, ttlMs: later(question.ttlMs) })).toMatchObject({ kind: 'defer' });
  });

  it('is exact to the millisecond, and tells when it ended', () => {
    expect(ask({ ttlMs: waitMs })).toMatchObject({ reason: 'EXPIRED', opening: OPENING, expiresAt: OPENING });
    expect(ask({ ttlMs: waitMs + 1 })).toMatchObject({ kind: 'defer', opening: OPENING, jitterMs: 0 });
  });

  it('of a rule that does not hold the message counts for nothing', () => {
    const other = { ...night, id: 'other', channels: ['sms'], ttlMs: 1 };
    const noon = { ...night, id: 'noon', startMinute: 720, endMinute: 780, ttlMs: 1 };
    expect(ask({ rules: [night, other, noon] })).toMatchObject({ kind: 'defer', opening: OPENING });
  });

  it('of a rule that takes over later on the way to the opening counts', () => {
    const morning = { ...night, id: 'morning', startMinute: 450, endMinute: 540, ttlMs: HOUR_MS };
    expect(ask({ rules: [night, morning] })).toMatchObject({
      reason: 'EXPIRED',
      rule: night,
      opening: OPENING + HOUR_MS,
    });
  });

  it('does not matter at a time that is allowed', () => {
    expect(withRule({ ttlMs: 1 }, { now: OPENING, readyAt: NOW, ttlMs: 1 })).toEqual({ kind: 'pass' });
  });
});

describe('jitter', () => {
  const jitters = (more: Partial<QuietHoursQuestion>) =>
    Array.from({ length: 2_000 }, (_, index) => {
      const verdict = ask({ ...more, userId: `user-${index}` });
      return verdict.kind === 'defer' ? verdict.jitterMs : Number.NaN;
    });

  it('spreads people evenly over ten minutes from the opening', () => {
    const spread = jitters({});
    expect(Math.min(...spread)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...spread)).toBeLessThanOrEqual(10 * MINUTE_MS);
    const byMinute = spread.reduce((counts, jitterMs) => {
      const minute = Math.floor(jitterMs / MINUTE_MS);
      return counts.set(minute, (counts.get(minute) ?? 0) + 1);
    }, new Map<number, number>());
    expect(byMinute.size).toBe(10);
    for (const count of byMinute.values()) expect(count).toBeGreaterThan(100);
  });

  it('stays within a tenth of a short opening', () => {
    const spread = jitters({ rules: [night, { ...night, id: 'day', startMinute: 500, endMinute: 1_260 }] });
    expect(Math.max(...spread)).toBeLessThanOrEqual(2 * MINUTE_MS);
    expect(Math.max(...spread)).toBeGreaterThan(1.9 * MINUTE_MS);
  });

  it('measures the opening by the rules that concern the message', () => {
    const other = { ...night, id: 'other', channels: ['sms'], startMinute: 481, endMinute: 1_260 };
    expect(Math.max(...jitters({ rules: [night, other] }))).toBeGreaterThan(9.9 * MINUTE_MS);
  });

  it('stays within the time left to live', () => {
    const spread = jitters({ ttlMs: OPENING - NOW + MINUTE_MS });
    expect(Math.max(...spread)).toBeLessThan(MINUTE_MS);
    expect(Math.max(...spread)).toBeGreaterThan(0.95 * MINUTE_MS);
  });

  it('is the same for a user and an opening, whenever it is asked', () => {
    const later = ask({ now: Date.parse('2027-06-15T11:59:59.999Z') });
    expect(later).toEqual(ask());
    const nextNight = ask({ now: Date.parse('2027-06-16T01:30:00Z') });
    expect(nextNight).not.toMatchObject({ jitterMs: later.kind === 'defer' ? later.jitterMs : -1 });
  });

  it('never leads into quiet or past the time to live: asked again then, the gate passes', () => {
    const minute = fc.integer({ min: 0, max: 1_439 });
    const window = fc.tuple(minute, minute).map(([startMinute, endMinute]) => ({ ...night, startMinute, endMinute }));
    const question = fc.record({
      rules: fc.array(window, { minLength: 1, maxLength: 3 }),
      zones: fc.constantFrom(['Australia/Lord_Howe'], ['America/New_York', 'Europe/Berlin']),
      now: fc.integer({ min: Date.parse('2027-01-01'), max: Date.parse('2027-12-31') }),
      ttlMs: fc.option(fc.integer({ min: 1, max: 2 * DAY_MS }), { nil: null }),
      userId: fc.string(),
    });
    fc.assert(
      fc.property(question, (drawn) => {
        const verdict = ask({ ...drawn, readyAt: drawn.now });
        if (verdict.kind !== 'defer') return;
        const wakeAt = verdict.opening + verdict.jitterMs;
        expect(wakeAt).toBeLessThan(drawn.now + (drawn.ttlMs ?? Number.POSITIVE_INFINITY));
        expect(ask({ ...drawn, readyAt: drawn.now, now: wakeAt })).toEqual({ kind: 'pass' });
      }),
    );
  });
});
