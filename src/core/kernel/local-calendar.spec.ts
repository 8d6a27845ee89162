import fc from 'fast-check';
import { DAY_MS, HOUR_MS, MINUTE_MS } from './instant.js';
import { localPeriod, type CalendarUnit } from './local-calendar.js';

const ZONES = [
  'America/New_York',
  'America/St_Johns',
  'America/Sao_Paulo',
  'America/Santiago',
  'Europe/Berlin',
  'Africa/Casablanca',
  'Africa/Cairo',
  'Asia/Beirut',
  'Asia/Kathmandu',
  'Australia/Lord_Howe',
  'Pacific/Apia',
  'Pacific/Chatham',
];

/** The date that a clock shows, read without our code. */
function dateIn(zone: string, at: number): string {
  return new Intl.DateTimeFormat('en-CA', { timeZone: zone, dateStyle: 'short' }).format(at);
}

describe('localPeriod', () => {
  it.each<[string, CalendarUnit, string, string, string]>([
    ['America/New_York', 'day', '2027-03-14T12:00Z', '2027-03-14T05:00Z', '2027-03-15T04:00Z'],
    ['America/New_York', 'day', '2027-11-07T12:00Z', '2027-11-07T04:00Z', '2027-11-08T05:00Z'],
    ['Australia/Lord_Howe', 'day', '2027-10-03T00:00Z', '2027-10-02T13:30Z', '2027-10-03T13:00Z'],
    ['Asia/Beirut', 'day', '2027-03-28T12:00Z', '2027-03-27T22:00Z', '2027-03-28T21:00Z'],
    ['Europe/Berlin', 'week', '2027-06-20T21:59Z', '2027-06-13T22:00Z', '2027-06-20T22:00Z'],
    ['Europe/Berlin', 'week', '2027-06-20T22:00Z', '2027-06-20T22:00Z', '2027-06-27T22:00Z'],
    ['Europe/Berlin', 'week', '2028-01-01T12:00Z', '2027-12-26T23:00Z', '2028-01-02T23:00Z'],
    ['Europe/Berlin', 'month', '2028-02-29T12:00Z', '2028-01-31T23:00Z', '2028-02-29T23:00Z'],
    ['Europe/Berlin', 'month', '2027-12-31T23:30Z', '2027-12-31T23:00Z', '2028-01-31T23:00Z'],
    ['America/New_York', 'month', '2027-03-31T12:00Z', '2027-03-01T05:00Z', '2027-04-01T04:00Z'],
  ])('%s, the %s of %s: from %s to %s', (zone, unit, at, startAt, endAt) => {
    const expected = { startAt: Date.parse(startAt), endAt: Date.parse(endAt) };
    expect(localPeriod({ zone, unit, at: Date.parse(at) })).toEqual(expected);
  });

  it('leaves out a day that a zone skipped', () => {
    const zone = 'Pacific/Apia';
    const before = localPeriod({ zone, unit: 'day', at: Date.parse('2011-12-30T09:59Z') });
    const after = localPeriod({ zone, unit: 'day', at: Date.parse('2011-12-30T10:00Z') });
    expect(before.endAt).toBe(after.startAt);
    expect(dateIn(zone, after.startAt)).toBe('2011-12-31');
  });

  it('goes on with the new date in an hour that is repeated over midnight', () => {
    const zone = 'America/St_Johns';
    const [first, again] = ['2007-11-04T02:30:30Z', '2007-11-04T03:00:00Z'].map((at) => Date.parse(at));
    expect(dateIn(zone, first ?? 0)).toBe('2007-11-04');
    expect(dateIn(zone, again ?? 0)).toBe('2007-11-03');
    // The repeated hour is asked for first, so that nothing is remembered of the period yet.
    const period = localPeriod({ zone, unit: 'day', at: again ?? 0 });
    expect(localPeriod({ zone, unit: 'day', at: first ?? 0 })).toEqual(period);
    expect(localPeriod({ zone, unit: 'day', at: period.startAt - 1 }).endAt).toBe(period.startAt);
  });

  it('begins and ends exactly where the date, the Monday or the month changes', () => {
    const unit = fc.constantFrom<CalendarUnit>('day', 'week', 'month');
    const at = fc.integer({ min: Date.parse('2018-01-01') / MINUTE_MS, max: Date.parse('2037-12-31') / MINUTE_MS });
    const nameOf = (zone: string, one: CalendarUnit, instant: number): string => {
      const date = dateIn(zone, instant);
      if (one === 'month') return date.slice(0, 7);
      const day = Date.parse(`${date}T00:00Z`) / DAY_MS;
      return one === 'day' ? String(day) : String(Math.floor((day + 3) / 7));
    };
    fc.assert(
      fc.property(fc.constantFrom(...ZONES), unit, at, fc.nat(), (zone, one, minute, where) => {
        const instant = minute * MINUTE_MS;
        const { startAt, endAt } = localPeriod({ zone, unit: one, at: instant });
        const name = nameOf(zone, one, instant);
        const inside = startAt + (where % (endAt - startAt));
        expect([startAt, inside, endAt - 1].map((each) => nameOf(zone, one, each))).toEqual([name, name, name]);
        expect(nameOf(zone, one, startAt - 1)).not.toBe(name);
        expect(nameOf(zone, one, endAt)).not.toBe(name);
        expect(localPeriod({ zone, unit: one, at: inside })).toEqual({ startAt, endAt });
        expect(endAt - startAt).toBeGreaterThanOrEqual(23 * HOUR_MS);
      }),
    );
  });

  it('takes an unknown zone for a mistake', () => {
    expect(() => localPeriod({ zone: 'Mars/Olympus', unit: 'day', at: 0 })).toThrow('no such time zone');
  });
});
