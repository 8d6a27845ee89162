import { MINUTE_MS } from '../kernel/instant.js';
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

const ask = (more: Partial<QuietHoursQuestion> = {}) =>
  gateQuietHours({
    rules: [night],
    zones: ['America/New_York'],
    channel: 'email',
    legalBasis: 'consent',
    userId: 'user-1',
    now: Date.parse('2027-06-15T01:30:00Z'),
    ...more,
  });

const OPENING = Date.parse('2027-06-15T12:00:00Z');

describe('gateQuietHours', () => {
  it('puts a message off until the window opens, with the rule and the zone', () => {
    expect(ask()).toMatchObject({
      kind: 'defer',
      reason: 'QUIET_HOURS',
      rule: night,
      zone: 'America/New_York',
      opening: OPENING,
    });
  });

  it.each<[string, Partial<QuietHoursQuestion>]>([
    ['by day', { now: OPENING }],
    ['on a channel without a rule', { channel: 'sms' }],
    ['without rules', { rules: [] }],
    ['when it rests on a contract', { legalBasis: 'contract' }],
  ])('passes %s', (_name, more) => {
    expect(ask(more)).toEqual({ kind: 'pass' });
  });

  it('refuses when no time is allowed within eight days', () => {
    const always = { ...night, startMinute: 480 };
    expect(ask({ rules: [always] })).toEqual({
      kind: 'refuse',
      reason: 'NO_ALLOWED_TIME',
      rule: always,
      zone: 'America/New_York',
    });
  });

  const jitters = (rules: readonly QuietRule[]) =>
    Array.from({ length: 2_000 }, (_, index) => {
      const verdict = ask({ rules, userId: `user-${index}` });
      return verdict.kind === 'defer' ? verdict.jitterMs : Number.NaN;
    });

  it('spreads people evenly over ten minutes from the opening', () => {
    const spread = jitters([night]);
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
    const spread = jitters([night, { ...night, id: 'day', startMinute: 500, endMinute: 1_260 }]);
    expect(Math.max(...spread)).toBeLessThanOrEqual(2 * MINUTE_MS);
    expect(Math.max(...spread)).toBeGreaterThan(1.9 * MINUTE_MS);
  });

  it('is the same for a user and an opening, whenever it is asked', () => {
    const later = ask({ now: Date.parse('2027-06-15T11:59:59.999Z') });
    expect(later).toEqual(ask());
    const nextNight = ask({ now: Date.parse('2027-06-16T01:30:00Z') });
    expect(nextNight).not.toMatchObject({ jitterMs: later.kind === 'defer' ? later.jitterMs : -1 });
  });
});
