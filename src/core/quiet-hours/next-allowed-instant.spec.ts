import { readFileSync } from 'node:fs';

import fc from 'fast-check';

import { DAY_MS, HOUR_MS, MINUTE_MS } from '../kernel/instant.js';
import { findQuiet, nextAllowedInstant, nextQuietInstant } from './next-allowed-instant.js';
import { everydayRule, type QuietRule } from './quiet-rule.js';

interface Row {
  readonly name: string;
  readonly zones: readonly string[];
  readonly rules: readonly { readonly start: string; readonly end: string }[];
  readonly at: string;
  readonly expected: string | null;
}

const rows = JSON.parse(readFileSync('test/cases/quiet-hours.json', 'utf8')) as readonly Row[];

const minuteOf = (text: string): number => Number(text.slice(0, 2)) * 60 + Number(text.slice(3));
const rule = (startMinute: number, endMinute: number, id = 'night'): QuietRule =>
  everydayRule({ id, version: 1, origin: 'policy', channels: ['email'], startMinute, endMinute });
const iso = (instant: number | null): string | null =>
  instant === null ? null : new Date(instant).toISOString().replace('.000Z', 'Z');

/** The wall-clock minute by another way than the code under test: the formatted time itself. */
const clocks = new Map<string, Intl.DateTimeFormat>();
function wallMinute(zone: string, at: number): number {
  const known = clocks.get(zone);
  const clock = known ?? new Intl.DateTimeFormat('en-GB', { timeZone: zone, hour: '2-digit', minute: '2-digit' });
  clocks.set(zone, clock);
  return minuteOf(clock.format(at));
}

function isQuietByClock(rules: readonly QuietRule[], zones: readonly string[], at: number): boolean {
  return zones.some((zone) => {
    const minute = wallMinute(zone, at);
    return rules.some(({ startMinute: start, endMinute: end }) =>
      start < end ? start <= minute && minute < end : minute >= start || minute < end,
    );
  });
}

describe('nextAllowedInstant', () => {
  it('has a table worth its name', () => {
    expect(rows.length).toBeGreaterThanOrEqual(100);
    expect(rows.some(({ expected }) => expected === null)).toBe(true);
  });

  it.each(rows)('$name, $at', ({ zones, rules, at, expected }) => {
    const windows = rules.map(({ start, end }, index) => rule(minuteOf(start), minuteOf(end), `rule-${index}`));
    expect(iso(nextAllowedInstant({ rules: windows, zones, at: Date.parse(at) }))).toBe(expected);
  });

  const zones = fc.uniqueArray(
    fc.constantFrom(
      'America/New_York',
      'America/Santiago',
      'America/St_Johns',
      'Europe/Berlin',
      'Africa/Cairo',
      'Africa/Johannesburg',
      'Asia/Beirut',
      'Asia/Kathmandu',
      'Australia/Lord_Howe',
      'Pacific/Chatham',
      'Antarctica/Troll',
      'UTC',
    ),
    { minLength: 1, maxLength: 2 },
  );
  // Changes of clocks in those zones in 2027; instants are drawn around them.
  const changes = [
    '2027-03-14T07:00:00Z',
    '2027-11-07T06:00:00Z',
    '2027-03-14T05:30:00Z',
    '2027-04-04T03:00:00Z',
    '2027-09-05T04:00:00Z',
    '2027-03-28T01:00:00Z',
    '2027-10-31T01:00:00Z',
    '2027-04-29T22:00:00Z',
    '2027-10-28T21:00:00Z',
    '2027-03-27T22:00:00Z',
    '2027-10-30T21:00:00Z',
    '2027-04-03T15:00:00Z',
    '2027-10-02T15:30:00Z',
    '2027-04-03T14:00:00Z',
    '2027-09-25T14:00:00Z',
  ].map((text) => Date.parse(text));
  const instant = fc
    .tuple(fc.constantFrom(...changes), fc.integer({ min: -30 * HOUR_MS, max: 6 * HOUR_MS }))
    .map(([change, away]) => change + away);
  const minute = fc.oneof(fc.integer({ min: 0, max: 1_439 }), fc.constantFrom(0, 1, 60, 120, 150, 180, 1_380, 1_439));
  const windows = fc.array(
    fc.tuple(minute, minute).map(([start, end]) => rule(start, end)),
    { maxLength: 3 },
  );

  it('is what a search through every minute finds', () => {
    fc.assert(
      fc.property(windows, zones, instant, (rules, where, at) => {
        const horizonMs = 2 * DAY_MS;
        let expected: number | null = at;
        while (expected !== null && isQuietByClock(rules, where, expected)) {
          const next: number = Math.floor(expected / MINUTE_MS) * MINUTE_MS + MINUTE_MS;
          expected = next > at + horizonMs ? null : next;
        }
        expect(iso(nextAllowedInstant({ rules, zones: where, at, horizonMs }))).toBe(iso(expected));
      }),
      { numRuns: 300 },
    );
  }, 60_000);

  it('finds the end of an opening as a search through every minute does', () => {
    fc.assert(
      fc.property(windows, zones, instant, (rules, where, at) => {
        fc.pre(!isQuietByClock(rules, where, at));
        const withinMs = 6 * HOUR_MS;
        let expected = at;
        while (expected < at + withinMs && !isQuietByClock(rules, where, expected)) {
          expected = Math.min(at + withinMs, Math.floor(expected / MINUTE_MS) * MINUTE_MS + MINUTE_MS);
        }
        expect(iso(nextQuietInstant({ rules, zones: where, at, withinMs }))).toBe(iso(expected));
      }),
      { numRuns: 300 },
    );
  }, 60_000);

  it('looks no further than eight days unless told', () => {
    const at = Date.parse('2027-06-15T12:00:00Z');
    const allButOneMinute = [rule(0, 719), rule(720, 0)];
    expect(nextAllowedInstant({ rules: allButOneMinute, zones: ['UTC'], at })).toBe(at + DAY_MS - MINUTE_MS);
    expect(nextAllowedInstant({ rules: allButOneMinute, zones: ['UTC'], at, horizonMs: HOUR_MS })).toBeNull();
    const horizonMs = DAY_MS - MINUTE_MS;
    expect(nextAllowedInstant({ rules: allButOneMinute, zones: ['UTC'], at, horizonMs })).toBe(at + horizonMs);
    expect(nextAllowedInstant({ rules: allButOneMinute, zones: ['UTC'], at, horizonMs: horizonMs - 1 })).toBeNull();
    expect(nextAllowedInstant({ rules: [rule(0, 0)], zones: ['UTC'], at })).toBeNull();
  });

  it('names the rule and the zone that make it quiet', () => {
    const rules = [rule(60, 120, 'early'), rule(1_260, 480, 'night')];
    const at = Date.parse('2027-06-15T20:00:00Z');
    expect(findQuiet({ rules, zones: ['UTC', 'Europe/Berlin'], at })).toMatchObject({
      rule: { id: 'night' },
      zone: 'Europe/Berlin',
    });
  });

  it('takes no zone, an unknown zone or a broken minute for a mistake, never for "no quiet hours"', () => {
    const rules = [rule(1_260, 480)];
    expect(() => nextAllowedInstant({ rules, zones: [], at: 0 })).toThrow('at least one zone');
    expect(() => nextAllowedInstant({ rules, zones: ['Mars/Olympus'], at: 0 })).toThrow('no such time zone');
    for (const broken of [rule(-1, 480), rule(0, 1_440), rule(0.5, 480)]) {
      expect(() => nextAllowedInstant({ rules: [broken], zones: ['UTC'], at: 0 })).toThrow('no minute of a day');
    }
  });
});
