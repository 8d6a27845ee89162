import { readFileSync } from 'node:fs';

import fc from 'fast-check';

import { DAY_MS, HOUR_MS, MINUTE_MS } from './instant.js';
import { addCalendarDays, instantOfLocal } from './local-instant.js';

interface Row {
  readonly name: string;
  readonly zone: string;
  readonly date?: string;
  readonly minute: number | null;
  readonly at?: string;
  readonly days?: number;
  readonly expected: string;
  readonly shifted: 'gap' | null;
}

const rows = JSON.parse(readFileSync('test/cases/local-times.json', 'utf8')) as readonly Row[];
const scheduled = rows.filter(({ date }) => date !== undefined);
const added = rows.filter(({ days }) => days !== undefined);
const iso = (instant: number): string => new Date(instant).toISOString().replace('.000Z', 'Z');

describe('instantOfLocal', () => {
  it('has a table worth its name', () => {
    expect(scheduled.length).toBeGreaterThan(300);
    expect(scheduled.filter(({ shifted }) => shifted === 'gap').length).toBeGreaterThan(30);
  });

  it.each(scheduled)('$zone, $date minute $minute: $name', ({ zone, date = '', minute, expected, shifted }) => {
    const found = instantOfLocal({ zone, date, minute: minute ?? 0 });
    expect({ ...found, instant: iso(found.instant) }).toEqual({ instant: expected, shifted });
  });

  it('shows the time that was asked, earlier nowhere; in a gap by as much later as clocks went forward', () => {
    const zone = fc.constantFrom('America/New_York', 'Australia/Lord_Howe', 'Asia/Beirut', 'Antarctica/Troll');
    const day = fc.date({ min: new Date('2026-01-01'), max: new Date('2029-12-31'), noInvalidDate: true });
    fc.assert(
      fc.property(zone, day, fc.integer({ min: 0, max: 1_439 }), (name, on, minute) => {
        const date = on.toISOString().slice(0, 10);
        const { instant, shifted } = instantOfLocal({ zone: name, date, minute });
        const asked = Date.parse(`${date}T00:00:00Z`) + minute * MINUTE_MS;
        const shown = wall(name, instant);
        if (shifted === null) expect(shown).toBe(asked);
        else expect([30 * MINUTE_MS, HOUR_MS, 2 * HOUR_MS]).toContain(shown - asked);
        for (const earlierMs of [30 * MINUTE_MS, HOUR_MS, 2 * HOUR_MS]) {
          expect(wall(name, instant - earlierMs)).not.toBe(asked);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('takes a date or minute that is none for a mistake', () => {
    const ask = (date: string, minute: number) => () => instantOfLocal({ zone: 'UTC', date, minute });
    expect(ask('2027-02-29', 0)).toThrow('no date');
    for (const minute of [-1, 1_440, 0.5]) expect(ask('2027-02-28', minute)).toThrow('no minute');
    expect(() => instantOfLocal({ zone: 'Mars/Olympus', date: '2027-02-28', minute: 0 })).toThrow('no such time zone');
  });
});

describe('addCalendarDays', () => {
  it.each(added)('$zone, $at + $days at $minute: $name', ({ zone, at = '', days = 0, minute, expected, shifted }) => {
    const found = addCalendarDays({ zone, at: Date.parse(at), days, ...(minute === null ? {} : { atMinute: minute }) });
    expect({ ...found, instant: iso(found.instant) }).toEqual({ instant: expected, shifted });
  });

  it('is not elapsed time: 24 h after noon before the clocks go forward are 13:00', () => {
    const at = Date.parse('2027-03-13T17:00:00Z');
    expect(iso(at + DAY_MS)).toBe('2027-03-14T17:00:00Z');
    expect(iso(addCalendarDays({ zone: 'America/New_York', at, days: 1 }).instant)).toBe('2027-03-14T16:00:00Z');
  });

  it('keeps seconds and milliseconds of the local time', () => {
    const at = Date.parse('2027-06-15T12:34:56.789Z');
    expect(addCalendarDays({ zone: 'Asia/Kathmandu', at, days: 2 })).toEqual({
      instant: at + 2 * DAY_MS,
      shifted: null,
    });
  });

  it('takes a number of days or a minute that is none for a mistake', () => {
    for (const days of [-1, 0.5, 3_661]) {
      expect(() => addCalendarDays({ zone: 'UTC', at: 0, days })).toThrow('number of days');
    }
    expect(() => addCalendarDays({ zone: 'UTC', at: 0, days: 1, atMinute: 1_440 })).toThrow('no minute');
  });
});

/** What a clock shows, by its formatted text: another way than the code under test. */
function wall(zone: string, at: number): number {
  const text = new Intl.DateTimeFormat('sv-SE', {
    timeZone: zone,
    dateStyle: 'short',
    timeStyle: 'medium',
  }).format(at);
  return Date.parse(`${text.replace(' ', 'T')}Z`);
}
