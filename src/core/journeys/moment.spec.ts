import fc from 'fast-check';
import { DAY_MS } from '../kernel/instant.js';
import { dateOfDay, isoWeekdayOf } from '../kernel/local-date.js';
import { instantOfLocal } from '../kernel/local-instant.js';
import { localDay, localMinute } from '../kernel/zone.js';
import { findMoment } from './moment.js';
import type { Moment } from './plan.js';

const NEW_YORK = 'America/New_York';
const LOS_ANGELES = 'America/Los_Angeles';
const BERLIN = 'Europe/Berlin';
const KIRITIMATI = 'Pacific/Kiritimati';
const PAGO_PAGO = 'Pacific/Pago_Pago';
const at = (text: string): number => Date.parse(text);
const FROM = at('2027-03-13T17:00:00Z');

const attribute = (more: Partial<Extract<Moment, { kind: 'attribute' }>> = {}): Moment => ({
  kind: 'attribute',
  attribute: 'attributes.ends',
  days: 0,
  offsetMs: 0,
  localMinute: null,
  ...more,
});
const localTime = (time: string, weekdays: readonly number[] = []): Moment => ({
  kind: 'local_time',
  localMinute: Number(time.slice(0, 2)) * 60 + Number(time.slice(3)),
  weekdays,
});
function find(moment: Moment, value: unknown, zones: readonly string[] = [NEW_YORK], from = FROM): string | null {
  const found = findMoment({ moment, value, zones, from });
  return found === null ? null : new Date(found).toISOString();
}

describe('a date of the profile', () => {
  it.each<[string, Moment, unknown, string]>([
    ['is its midnight', attribute(), '2027-06-15', '2027-06-15T04:00:00.000Z'],
    ['is its local time', attribute({ localMinute: 540 }), '2027-06-15', '2027-06-15T13:00:00.000Z'],
    ['three days before', attribute({ days: -3 }), '2027-06-15', '2027-06-12T04:00:00.000Z'],
    ['a week after, at nine', attribute({ days: 7, localMinute: 540 }), '2027-06-15', '2027-06-22T13:00:00.000Z'],
    ['elapsed time on top', attribute({ offsetMs: -3_600_000 }), '2027-06-15', '2027-06-15T03:00:00.000Z'],
    ['over the end of a month', attribute({ days: 1 }), '2028-02-28', '2028-02-29T05:00:00.000Z'],
    [
      'days over a change of clocks',
      attribute({ days: 1, localMinute: 720 }),
      '2027-03-13',
      '2027-03-14T16:00:00.000Z',
    ],
    ['a time in a gap moves on by it', attribute({ localMinute: 150 }), '2027-03-14', '2027-03-14T07:30:00.000Z'],
    ['a time that comes twice is its first', attribute({ localMinute: 90 }), '2027-11-07', '2027-11-07T05:30:00.000Z'],
    ['an instant is itself', attribute(), '2027-06-15T12:00:00+02:00', '2027-06-15T10:00:00.000Z'],
    [
      'an instant keeps its milliseconds',
      attribute({ days: 1 }),
      '2027-06-15T10:00:07.125Z',
      '2027-06-16T10:00:07.125Z',
    ],
    ['an instant keeps the local time', attribute({ days: 1 }), '2027-03-13T17:00:00Z', '2027-03-14T16:00:00.000Z'],
    [
      'an instant, at nine of its local day',
      attribute({ localMinute: 540 }),
      '2027-06-15T02:00:00Z',
      '2027-06-14T13:00:00.000Z',
    ],
    ['the second coming of a time stays', attribute(), '2027-11-07T06:30:00Z', '2027-11-07T06:30:00.000Z'],
    ['may be past', attribute(), '2020-01-01', '2020-01-01T05:00:00.000Z'],
    ['before 1970 is past in any case', attribute({ days: 300 }), '1962-05-01', '1970-01-01T00:00:00.000Z'],
    ['the last day but one of 2199', attribute(), '2199-12-30', '2199-12-30T05:00:00.000Z'],
  ])('%s', (_name, moment, value, expected) => {
    expect(find(moment, value)).toBe(expected);
  });

  it.each([
    [null],
    [undefined],
    [''],
    ['soon'],
    [1_813_017_600_000],
    [true],
    [{}],
    ['2027-02-29'],
    ['2027-02-30T10:00:00Z'],
    ['2027-06-15T10:00:00'],
    ['2027-06-15T25:00:00Z'],
    ['15.06.2027'],
    ['2027-6-15'],
    [' 2027-06-15'],
    ['2200-01-01'],
    ['2200-01-01T00:00:00Z'],
    ['2300-01-01T00:00:00Z'],
    ['9999-12-31'],
  ])('is not %j', (value) => {
    expect(find(attribute(), value)).toBeNull();
  });

  it('is not one from 2200 on, however long before it is meant', () => {
    expect(find(attribute({ days: -3_650 }), '2300-01-01T00:00:00Z')).toBeNull();
    expect(find(attribute({ offsetMs: 86_400_000 * 3_660 }), '2199-01-01')).toBeNull();
  });

  it('in one of several zones is the latest of them: nowhere too early', () => {
    expect(find(attribute({ localMinute: 540 }), '2027-06-15', [BERLIN, NEW_YORK, 'Asia/Tokyo'])).toBe(
      '2027-06-15T13:00:00.000Z',
    );
  });

  it.each<[string, Moment, string, readonly string[], string]>([
    // 2027-06-15T02:00Z is the 14th in New York and the 15th in Berlin.
    [
      'an instant that lies on two dates means the later one in all zones',
      attribute({ localMinute: 540 }),
      '2027-06-15T02:00:00Z',
      [BERLIN, NEW_YORK],
      '2027-06-15T13:00:00.000Z',
    ],
    [
      'so it does some days before',
      attribute({ localMinute: 540, days: -3 }),
      '2027-06-15T02:00:00Z',
      [NEW_YORK, BERLIN],
      '2027-06-12T13:00:00.000Z',
    ],
    [
      'an instant keeps the local time of each zone, and comes where it comes last',
      attribute({ days: 1 }),
      '2027-03-13T17:00:00Z',
      [NEW_YORK, BERLIN],
      '2027-03-14T17:00:00.000Z',
    ],
    [
      'a date on both sides of the date line begins where it begins last',
      attribute(),
      '2027-06-15',
      [KIRITIMATI, PAGO_PAGO],
      '2027-06-15T11:00:00.000Z',
    ],
    [
      'a time in the gap of one zone',
      attribute({ localMinute: 150 }),
      '2027-03-14',
      ['America/Chicago', 'America/Phoenix'],
      '2027-03-14T09:30:00.000Z',
    ],
  ])('in several zones: %s', (_name, moment, value, zones, expected) => {
    expect(find(moment, value, zones)).toBe(expected);
  });
});

describe('a local time', () => {
  it.each<[string, Moment, string, string]>([
    ['later today', localTime('18:00'), '2027-06-15T16:00:00Z', '2027-06-15T22:00:00.000Z'],
    ['this very instant', localTime('12:00'), '2027-06-15T16:00:00Z', '2027-06-15T16:00:00.000Z'],
    ['a millisecond too late', localTime('12:00'), '2027-06-15T16:00:00.001Z', '2027-06-16T16:00:00.000Z'],
    ['on the next Monday', localTime('09:00', [1]), '2027-06-15T16:00:00Z', '2027-06-21T13:00:00.000Z'],
    [
      'on the same weekday, past: in a week',
      localTime('09:00', [2]),
      '2027-06-15T16:00:00Z',
      '2027-06-22T13:00:00.000Z',
    ],
    [
      'on the first of several weekdays',
      localTime('09:00', [7, 4]),
      '2027-06-15T16:00:00Z',
      '2027-06-17T13:00:00.000Z',
    ],
    ['by the local weekday', localTime('21:00', [2]), '2027-06-16T00:30:00Z', '2027-06-16T01:00:00.000Z'],
    ['in a gap: moved on', localTime('02:30'), '2027-03-14T06:00:00Z', '2027-03-14T07:30:00.000Z'],
    ['twice: the first', localTime('01:30'), '2027-11-07T05:00:00Z', '2027-11-07T05:30:00.000Z'],
    ['twice, the first past: tomorrow', localTime('01:30'), '2027-11-07T05:30:00.001Z', '2027-11-08T06:30:00.000Z'],
  ])('%s', (_name, moment, from, expected) => {
    expect(find(moment, null, [NEW_YORK], at(from))).toBe(expected);
  });

  it('of yesterday, moved over midnight by a gap, may still come', () => {
    // Nuuk, 2027-03-27: clocks go from 23:00 to 00:00 of the 28th.
    const moved = find(localTime('23:30'), null, ['America/Nuuk'], at('2027-03-28T01:10:00Z'));
    expect(moved).toBe('2027-03-28T01:30:00.000Z');
  });

  it.each<[string, Moment, readonly string[], string, string]>([
    [
      'comes when the last of them has it, on one and the same date',
      localTime('09:00'),
      [NEW_YORK, LOS_ANGELES],
      '2027-06-14T14:00:00Z',
      '2027-06-14T16:00:00.000Z',
    ],
    [
      'is past only when the last of them has had it',
      localTime('09:00'),
      [NEW_YORK, LOS_ANGELES],
      '2027-06-14T16:00:00.001Z',
      '2027-06-15T16:00:00.000Z',
    ],
    [
      'of a weekday comes this week where one zone still has it before itself',
      localTime('09:00', [1]),
      [NEW_YORK, LOS_ANGELES],
      '2027-06-14T14:00:00Z',
      '2027-06-14T16:00:00.000Z',
    ],
    ['over an ocean', localTime('09:00'), [BERLIN, NEW_YORK], '2027-06-15T12:00:00Z', '2027-06-15T13:00:00.000Z'],
    [
      'over the date line is on the date that both of them reach',
      localTime('09:00'),
      ['Pacific/Auckland', 'Pacific/Honolulu'],
      '2027-06-15T12:00:00Z',
      '2027-06-15T19:00:00.000Z',
    ],
    [
      'over a day and an hour apart: of the weekday of that one date',
      localTime('09:00', [1]),
      [KIRITIMATI, PAGO_PAGO],
      // Tuesday 00:30 in Kiritimati, Sunday 23:30 in Pago Pago.
      '2027-06-14T10:30:00Z',
      '2027-06-14T20:00:00.000Z',
    ],
    [
      'of a date that is the day before yesterday in one of them',
      localTime('23:45'),
      [KIRITIMATI, PAGO_PAGO],
      // The 16th, 00:30, in Kiritimati, the 14th, 23:30, in Pago Pago.
      '2027-06-15T10:30:00Z',
      '2027-06-15T10:45:00.000Z',
    ],
    [
      'in the gap of one zone',
      localTime('02:30'),
      ['America/Chicago', 'America/Phoenix'],
      '2027-03-14T06:00:00Z',
      '2027-03-14T09:30:00.000Z',
    ],
    [
      'twice in one zone: its first',
      localTime('01:30'),
      [NEW_YORK, 'America/Panama'],
      '2027-11-07T05:00:00Z',
      '2027-11-07T06:30:00.000Z',
    ],
  ])('in several zones %s', (_name, moment, zones, from, expected) => {
    expect(find(moment, null, zones, at(from))).toBe(expected);
    expect(find(moment, null, [...zones].reverse(), at(from))).toBe(expected);
  });

  it('is the first instant at which the last of the zones comes to it on an allowed date', () => {
    const all = [
      NEW_YORK,
      LOS_ANGELES,
      BERLIN,
      KIRITIMATI,
      PAGO_PAGO,
      'America/Nuuk',
      'Australia/Lord_Howe',
      'Africa/Cairo',
      'Asia/Kathmandu',
    ];
    const daysAround = Array.from({ length: 25 }, (_, index) => index - 12);
    // By hand: every date around, each worked out for every zone, and none left out on the way.
    const byHand = (zones: readonly string[], minute: number, weekdays: readonly number[], from: number): number => {
      const instants = daysAround
        .map((days) => localDay('UTC', from) + days)
        .filter((day) => weekdays.length === 0 || weekdays.includes(isoWeekdayOf(day)))
        .map((day) => Math.max(...zones.map((zone) => instantOfLocal({ zone, date: dateOfDay(day), minute }).instant)));
      return Math.min(...instants.filter((instant) => instant >= from));
    };
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.constantFrom(...all), { minLength: 1, maxLength: 4 }),
        fc.uniqueArray(fc.integer({ min: 1, max: 7 })),
        fc.integer({ min: at('2026-01-01T00:00:00Z'), max: at('2029-01-01T00:00:00Z') }),
        fc.integer({ min: 0, max: 1439 }),
        (zones, weekdays, from, localMinute) => {
          const moment: Moment = { kind: 'local_time', localMinute, weekdays };
          const expected = byHand(zones, localMinute, weekdays, from);
          expect(findMoment({ moment, value: null, zones, from })).toBe(expected);
          // A run that comes again asks from a millisecond later: the next date, not the same one.
          const again = findMoment({ moment, value: null, zones, from: expected + 1 });
          expect(again).toBe(byHand(zones, localMinute, weekdays, expected + 1));
          expect((again ?? 0) - expected).toBeGreaterThan(DAY_MS / 2);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('in one zone is what it is in that zone named twice', () => {
    const moment = localTime('09:00', [1, 4]);
    expect(find(moment, null, [BERLIN, BERLIN])).toBe(find(moment, null, [BERLIN]));
  });

  it('is not before `from`, within eight days, on an allowed day, and shows that minute unless clocks changed', () => {
    const zones = fc.constantFrom(NEW_YORK, BERLIN, 'Australia/Lord_Howe', 'Asia/Kathmandu', 'Africa/Cairo');
    const weekdays = fc.uniqueArray(fc.integer({ min: 1, max: 7 }));
    const instants = fc.integer({ min: at('2026-01-01T00:00:00Z'), max: at('2029-01-01T00:00:00Z') });
    fc.assert(
      fc.property(zones, weekdays, instants, fc.integer({ min: 0, max: 1439 }), (zone, days, from, minute) => {
        const moment: Moment = { kind: 'local_time', localMinute: minute, weekdays: days };
        const found = findMoment({ moment, value: null, zones: [zone], from }) ?? 0;
        expect(found).toBeGreaterThanOrEqual(from);
        expect(found - from).toBeLessThanOrEqual(8 * 86_400_000);
        const shown = localMinute(zone, found);
        if (shown !== minute) expect([30, 60]).toContain((shown - minute + 1440) % 1440);
        else if (days.length > 0) expect(days).toContain(isoWeekdayOf(localDay(zone, found)));
        // What is found is found again from there.
        expect(findMoment({ moment, value: null, zones: [zone], from: found })).toBe(found);
      }),
    );
  });
});
