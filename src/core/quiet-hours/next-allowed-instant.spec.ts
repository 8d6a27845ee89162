import { readFileSync } from 'node:fs';

import fc from 'fast-check';

import { DAY_MS, HOUR_MS, MINUTE_MS } from '../kernel/instant.js';
import { findQuiet, nextAllowedInstant, nextQuietInstant, type PlaceZones } from './next-allowed-instant.js';
import { everydayRule, type QuietRule } from './quiet-rule.js';

interface RuleRow {
  readonly start: string;
  readonly end: string;
  readonly weekdays?: readonly number[];
  readonly dates?: readonly string[];
  readonly from?: string;
  readonly until?: string;
  readonly channels?: readonly string[];
  readonly purposes?: readonly string[];
  readonly jurisdictions?: readonly string[];
}

interface Message {
  readonly channel: string;
  readonly purpose: string;
  readonly jurisdictions: readonly string[];
}

interface Row {
  readonly name: string;
  readonly zones: readonly string[];
  readonly rules: readonly RuleRow[];
  readonly at: string;
  readonly message?: Message;
  readonly expected: string | null;
}

const rows = JSON.parse(readFileSync('test/cases/quiet-hours.json', 'utf8')) as readonly Row[];
const MESSAGE: Message = { channel: 'sms', purpose: 'marketing', jurisdictions: ['US-FL'] };

const minuteOf = (text: string): number => Number(text.slice(0, 2)) * 60 + Number(text.slice(3));
const iso = (instant: number | null): string | null =>
  instant === null ? null : new Date(instant).toISOString().replace('.000Z', 'Z');

function rule(startMinute: number, endMinute: number, more: Partial<QuietRule> = {}): QuietRule {
  const window = { id: 'night', version: 1, origin: 'policy', channels: null, startMinute, endMinute } as const;
  return { ...everydayRule(window), ...more };
}

function ruleOf(row: RuleRow, index: number): QuietRule {
  return rule(minuteOf(row.start), minuteOf(row.end), {
    id: `rule-${index}`,
    channels: row.channels ?? null,
    purposes: row.purposes ?? null,
    jurisdictions: row.jurisdictions ?? null,
    weekdays: row.weekdays ?? null,
    dates: row.dates ?? null,
    effectiveFrom: row.from ?? null,
    effectiveUntil: row.until ?? null,
  });
}

describe('nextAllowedInstant', () => {
  it('has a table worth its name', () => {
    expect(rows.length).toBeGreaterThanOrEqual(500);
    expect(rows.filter(({ expected }) => expected === null).length).toBeGreaterThan(3);
  });

  it.each(rows)('$name, $at', ({ zones, rules, at, message = MESSAGE, expected }) => {
    const question = { rules: rules.map(ruleOf), zones, ...message, at: Date.parse(at) };
    expect(iso(nextAllowedInstant(question))).toBe(expected);
    expect(findQuiet(question) === null).toBe(expected === at);
  });

  it('looks no further than eight days unless told', () => {
    const at = Date.parse('2027-06-15T12:00:00Z');
    const allButOneMinute = { ...MESSAGE, rules: [rule(0, 719), rule(720, 0)], zones: ['UTC'], at };
    expect(nextAllowedInstant(allButOneMinute)).toBe(at + DAY_MS - MINUTE_MS);
    expect(nextAllowedInstant({ ...allButOneMinute, horizonMs: HOUR_MS })).toBeNull();
    const horizonMs = DAY_MS - MINUTE_MS;
    expect(nextAllowedInstant({ ...allButOneMinute, horizonMs })).toBe(at + horizonMs);
    expect(nextAllowedInstant({ ...allButOneMinute, horizonMs: horizonMs - 1 })).toBeNull();
    const untilDayNine = { ...allButOneMinute, rules: [rule(720, 720, { effectiveUntil: '2027-06-23' })] };
    expect(nextAllowedInstant(untilDayNine)).toBe(at + 8 * DAY_MS);
    expect(
      nextAllowedInstant({
        ...untilDayNine,
        at: at - 1,
        rules: [rule(720, 720, { effectiveUntil: '2027-06-23' }), rule(0, 720)],
      }),
    ).toBeNull();
  });

  it('takes no zone, an unknown zone or a broken rule for a mistake, never for "no quiet hours"', () => {
    const ask = (broken: QuietRule, zones = ['UTC']) =>
      nextAllowedInstant({ ...MESSAGE, rules: [broken], zones, at: 0 });
    expect(() => ask(rule(1_260, 480), [])).toThrow('at least one zone');
    expect(() => ask(rule(1_260, 480), ['Mars/Olympus'])).toThrow('no such time zone');
    for (const [start, end] of [
      [-1, 480],
      [0, 1_440],
      [0.5, 480],
    ] as const) {
      expect(() => ask(rule(start, end))).toThrow('no minute of a day');
    }
    for (const weekday of [0, 8, 1.5])
      expect(() => ask(rule(0, 60, { weekdays: [weekday] }))).toThrow('no ISO weekday');
    for (const date of ['2027-02-29', '02-30', '1-1', '2027-1-01', '', '12-25 ']) {
      expect(() => ask(rule(0, 60, { dates: [date] }))).toThrow('no date');
    }
    for (const date of ['2027-02-29', '02-28']) {
      expect(() => ask(rule(0, 60, { effectiveFrom: date }))).toThrow('no date');
      expect(() => ask(rule(0, 60, { effectiveUntil: date }))).toThrow('no date');
    }
  });
});

describe('findQuiet', () => {
  const evening = Date.parse('2027-06-15T20:00:00Z');
  const ask = (rules: readonly QuietRule[]) =>
    findQuiet({ ...MESSAGE, rules, zones: ['UTC', 'Europe/Berlin'], at: evening });

  it('names the rule and the zone that make it quiet', () => {
    const hit = ask([rule(60, 120, { id: 'early' }), rule(1_260, 480, { id: 'night' })]);
    expect(hit).toMatchObject({ rule: { id: 'night' }, zone: 'Europe/Berlin' });
  });

  it('names the strictest of several: drop before switch of channel before waiting', () => {
    const waits = rule(1_200, 480, { id: 'waits' });
    const switches = rule(1_200, 480, { id: 'switches', onHit: 'switch_channel' });
    const drops = rule(1_260, 480, { id: 'drops', onHit: 'drop' });
    expect(ask([waits, switches])).toMatchObject({ rule: { id: 'switches' }, zone: 'UTC' });
    expect(ask([waits, drops, switches])).toMatchObject({ rule: { id: 'drops' }, zone: 'Europe/Berlin' });
    expect(ask([waits, rule(60, 120, { onHit: 'drop' })])).toMatchObject({ rule: { id: 'waits' }, zone: 'UTC' });
  });
});

/** What the wall clock shows, by another way than the code under test: the formatted time itself. */
interface Wall {
  readonly date: string;
  readonly minute: number;
}

const clocks = new Map<string, Intl.DateTimeFormat>();
function wallOf(zone: string, at: number): Wall {
  const known = clocks.get(zone);
  const clock = known ?? new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'short' });
  clocks.set(zone, clock);
  const text = clock.format(at);
  return { date: text.slice(0, 10), minute: minuteOf(text.slice(11)) };
}

function dayBefore(date: string): string {
  return new Date(Date.parse(date) - DAY_MS).toISOString().slice(0, 10);
}

function isStartDay({ weekdays, dates, effectiveFrom, effectiveUntil }: QuietRule, date: string): boolean {
  if (effectiveFrom !== null && date < effectiveFrom) return false;
  if (effectiveUntil !== null && date >= effectiveUntil) return false;
  if (weekdays === null && dates === null) return true;
  const weekday = new Date(Date.parse(date)).getUTCDay();
  return (
    [...(weekdays ?? [])].some((day) => day % 7 === weekday) || [...(dates ?? [])].some((day) => date.endsWith(day))
  );
}

/** What places the drawn jurisdictions are, and clocks on the walls of theirs that are none of the person's. */
const CLOCKS_OF: Readonly<Record<string, readonly string[]>> = {
  US: ['America/New_York', 'America/Anchorage', 'Pacific/Honolulu'],
  'US-FL': ['America/New_York', 'America/Chicago'],
  'US-TX': ['America/Chicago', 'America/Denver'],
  FR: ['Europe/Paris'],
  AU: ['Australia/Lord_Howe', 'Australia/Perth'],
};
const elsewhereOf = (zones: readonly string[], { jurisdictions }: Message): readonly PlaceZones[] =>
  jurisdictions
    .map((place) => ({ place, zones: CLOCKS_OF[place] ?? [] }))
    .filter((its) => !its.zones.some((zone) => zones.includes(zone)));

/**
 * A clock on every wall: in the zones of the person for all rules that speak of the message, and, for rules that name
 * places, in the zones of each place of the person that they name and that has none of the person's. No jumps, no
 * offsets.
 */
function clockWatcher({ rules, zones, message }: Omit<Drawn, 'at'>): (at: number) => boolean {
  const isNamed = (codes: readonly string[], place: string): boolean =>
    codes.includes(place) || codes.includes(place.slice(0, 2));
  const walls = rules.flatMap((asked) => {
    const { channels, purposes, jurisdictions: codes } = asked;
    if (channels !== null && !channels.includes(message.channel)) return [];
    if (purposes !== null && !purposes.includes(message.purpose)) return [];
    const named = codes === null ? [] : message.jurisdictions.filter((place) => isNamed(codes, place));
    if (codes !== null && named.length === 0) return [];
    const foreign = named
      .map((place) => CLOCKS_OF[place] ?? [])
      .filter((its) => !its.some((own) => zones.includes(own)));
    return [...new Set([...zones, ...foreign.flat()])].map((zone) => ({ zone, asked }));
  });
  return (at) =>
    walls.some(({ zone, asked }) => {
      const { startMinute: start, endMinute: end } = asked;
      const { date, minute: shown } = wallOf(zone, at);
      if (start < end) return start <= shown && shown < end && isStartDay(asked, date);
      return (shown >= start && isStartDay(asked, date)) || (shown < end && isStartDay(asked, dayBefore(date)));
    });
}

/** Instants at which clocks change in the zone of the same row; questions are drawn around them. */
const CHANGES: readonly (readonly [string, string])[] = [
  ['America/New_York', '2027-03-14T07:00:00Z'],
  ['America/New_York', '2027-11-07T06:00:00Z'],
  ['America/St_Johns', '2027-03-14T05:30:00Z'],
  ['America/Santiago', '2027-04-04T03:00:00Z'],
  ['America/Santiago', '2027-09-05T04:00:00Z'],
  ['America/Sao_Paulo', '2018-11-04T03:00:00Z'],
  ['Atlantic/Azores', '2027-03-28T01:00:00Z'],
  ['Europe/Berlin', '2027-03-28T01:00:00Z'],
  ['Europe/London', '2027-10-31T01:00:00Z'],
  ['Africa/Casablanca', '2024-03-10T02:00:00Z'],
  ['Africa/Casablanca', '2024-04-14T02:00:00Z'],
  ['Africa/Cairo', '2027-04-29T22:00:00Z'],
  ['Africa/Cairo', '2027-10-28T21:00:00Z'],
  ['Africa/Johannesburg', '2027-12-31T22:00:00Z'],
  ['Asia/Beirut', '2027-03-27T22:00:00Z'],
  ['Asia/Beirut', '2027-10-30T21:00:00Z'],
  ['Asia/Kathmandu', '2028-02-28T18:15:00Z'],
  ['Asia/Pyongyang', '2018-05-04T15:00:00Z'],
  ['Australia/Lord_Howe', '2027-04-03T15:00:00Z'],
  ['Australia/Lord_Howe', '2027-10-02T15:30:00Z'],
  ['Pacific/Chatham', '2027-04-03T14:00:00Z'],
  ['Pacific/Chatham', '2027-09-25T14:00:00Z'],
  ['Pacific/Apia', '2011-12-30T10:00:00Z'],
  ['Pacific/Kwajalein', '1993-08-21T12:00:00Z'],
  ['Antarctica/Troll', '2027-03-28T01:00:00Z'],
  ['UTC', '2027-12-31T23:59:59Z'],
];
const ZONES = [...new Set(CHANGES.map(([zone]) => zone))];

interface Drawn {
  readonly rules: readonly QuietRule[];
  readonly zones: readonly string[];
  readonly message: Message;
  readonly at: number;
}

const minute = fc.oneof(fc.integer({ min: 0, max: 1_439 }), fc.constantFrom(0, 1, 60, 120, 150, 180, 1_380, 1_439));
const orNull = <Value>(arbitrary: fc.Arbitrary<Value>) => fc.option(arbitrary, { nil: null });

/** A rule with every field, its dates near the change, so that they matter. */
function ruleNear(change: number): fc.Arbitrary<QuietRule> {
  const near = fc
    .integer({ min: -3, max: 3 })
    .map((days) => new Date(change + days * DAY_MS).toISOString().slice(0, 10));
  const date = fc.oneof(
    near,
    near.map((text) => text.slice(5)),
  );
  return fc.record({
    id: fc.constant('drawn'),
    version: fc.constant(1),
    origin: fc.constant('policy' as const),
    channels: orNull(fc.subarray(['sms', 'email'])),
    purposes: orNull(fc.subarray(['marketing', 'survey'])),
    jurisdictions: orNull(fc.subarray(['US', 'US-FL', 'US-TX', 'FR', 'AU'], { minLength: 1 })),
    weekdays: orNull(fc.subarray([1, 2, 3, 4, 5, 6, 7])),
    dates: orNull(fc.array(date, { maxLength: 3 })),
    startMinute: minute,
    endMinute: minute,
    effectiveFrom: orNull(near),
    effectiveUntil: orNull(near),
    onHit: fc.constantFrom('defer' as const, 'drop' as const, 'switch_channel' as const),
    ttlMs: fc.constant(null),
    source: fc.constant(null),
  });
}

const drawn: fc.Arbitrary<Drawn> = fc.constantFrom(...CHANGES).chain(([zone, text]) => {
  const change = Date.parse(text);
  const windows = fc.tuple(minute, minute).map(([start, end]) => rule(start, end));
  return fc.record({
    rules: fc.array(fc.oneof(windows, ruleNear(change)), { minLength: 1, maxLength: 4 }),
    zones: fc.array(fc.constantFrom(...ZONES), { maxLength: 2 }).map((others) => [zone, ...others]),
    message: fc.record({
      channel: fc.constantFrom('sms', 'email'),
      purpose: fc.constantFrom('marketing', 'survey'),
      jurisdictions: fc.subarray(['US', 'US-FL', 'US-TX', 'FR', 'AU']),
    }),
    at: fc.integer({ min: -40 * HOUR_MS, max: 20 * HOUR_MS }).map((away) => change + away),
  });
});

const nextMinute = (at: number): number => Math.floor(at / MINUTE_MS) * MINUTE_MS + MINUTE_MS;

describe('for any rules, zones and instants', () => {
  it('the next allowed instant is what a search through every minute finds', () => {
    fc.assert(
      fc.property(drawn, ({ rules, zones, message, at }) => {
        const horizonMs = 3 * DAY_MS;
        const isQuiet = clockWatcher({ rules, zones, message });
        const placesElsewhere = elsewhereOf(zones, message);
        let expected = at;
        while (expected <= at + horizonMs && isQuiet(expected)) {
          expected = nextMinute(expected);
        }
        const found = nextAllowedInstant({ rules, zones, placesElsewhere, ...message, at, horizonMs });
        expect(iso(found)).toBe(expected > at + horizonMs ? null : iso(expected));
      }),
      { numRuns: 500 },
    );
  }, 120_000);

  it('the end of an opening is what a search through every minute finds', () => {
    fc.assert(
      fc.property(drawn, ({ rules, zones, message, at }) => {
        const withinMs = 12 * HOUR_MS;
        const isQuiet = clockWatcher({ rules, zones, message });
        const placesElsewhere = elsewhereOf(zones, message);
        let expected = at;
        while (expected < at + withinMs && !isQuiet(expected)) {
          expected = Math.min(at + withinMs, nextMinute(expected));
        }
        expect(iso(nextQuietInstant({ rules, zones, placesElsewhere, ...message, at, withinMs }))).toBe(iso(expected));
      }),
      { numRuns: 300 },
    );
  }, 120_000);
});
