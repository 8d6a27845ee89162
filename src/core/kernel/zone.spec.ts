import fc from 'fast-check';

import { DAY_MS, HOUR_MS, MINUTE_MS } from './instant.js';
import {
  advanceWallClock,
  isValidZone,
  localDay,
  localMinute,
  localTimeOfDayMs,
  nextLocalDay,
  zoneOffsetMs,
  zoneSpan,
} from './zone.js';

const at = (text: string): number => Date.parse(text);

describe('isValidZone', () => {
  it.each(['Europe/Berlin', 'America/Argentina/Buenos_Aires', 'UTC', 'Etc/GMT+5', 'Asia/Kathmandu'])(
    '%s is one',
    (zone) => {
      expect(isValidZone(zone)).toBe(true);
    },
  );

  it.each(['', 'Mars/Olympus', '+02:00', '-05:00', 'Europe/Berlin ', 'Europe', `A${'/a'.repeat(40)}`, '\u0000'])(
    '%j is none',
    (zone) => {
      expect(isValidZone(zone)).toBe(false);
    },
  );

  it('keeps working when more names are asked than the cache holds', () => {
    for (let bits = 0; bits < 2_048; bits += 1) {
      const zone = [...'europe/berl']
        .map((letter, index) => ((bits >> index) & 1 ? letter.toUpperCase() : letter))
        .join('');
      expect(zoneOffsetMs(`${zone}in`, 0)).toBe(HOUR_MS);
    }
  });
});

describe('zoneOffsetMs', () => {
  it.each<[string, string, number]>([
    ['UTC', '2027-06-15T00:00:00Z', 0],
    ['America/New_York', '2027-06-15T00:00:00Z', -240],
    ['America/New_York', '2027-03-14T06:59:59.999Z', -300],
    ['America/New_York', '2027-03-14T07:00:00Z', -240],
    ['Asia/Kathmandu', '2027-06-15T00:00:00Z', 345],
    ['Australia/Lord_Howe', '2027-06-15T00:00:00Z', 630],
    ['Australia/Lord_Howe', '2027-12-15T00:00:00Z', 660],
    ['Pacific/Kiritimati', '2027-06-15T00:00:00Z', 840],
    ['Pacific/Pago_Pago', '2027-06-15T00:00:00Z', -660],
  ])('%s at %s is %d minutes', (zone, instant, minutes) => {
    expect(zoneOffsetMs(zone, at(instant))).toBe(minutes * MINUTE_MS);
  });

  it('stops on an unknown zone and on what is no instant', () => {
    expect(() => zoneOffsetMs('Mars/Olympus', 0)).toThrow('no such time zone');
    for (const instant of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 253_402_300_800_000]) {
      expect(() => zoneOffsetMs('UTC', instant)).toThrow('instant out of range');
    }
  });
});

describe('zoneSpan', () => {
  it('holds the instant, and one offset from end to end', () => {
    const zone = fc.constantFrom('America/New_York', 'Australia/Lord_Howe', 'Asia/Beirut', 'Pacific/Apia', 'UTC');
    const instant = fc.integer({ min: 0, max: at('2040-01-01T00:00:00Z') });
    fc.assert(
      fc.property(zone, instant, fc.double({ min: 0, max: 1, noNaN: true }), (name, asked, share) => {
        const { offsetMs, from, until } = zoneSpan(name, asked);
        expect(asked).toBeGreaterThanOrEqual(from);
        expect(asked).toBeLessThan(until);
        const wall = new Intl.DateTimeFormat('sv-SE', { timeZone: name, dateStyle: 'short', timeStyle: 'medium' });
        for (const within of [from, from + Math.floor(share * (until - from - 1)), until - 1]) {
          const shown = Date.parse(`${wall.format(within).replace(' ', 'T')}Z`);
          expect(shown).toBe(Math.floor((within + offsetMs) / 1_000) * 1_000);
        }
      }),
    );
  });

  it('keeps working when more of a zone is asked for than the cache holds', () => {
    for (let month = 0; month < 8_300; month += 1) expect(zoneSpan('UTC', month * 32 * DAY_MS).offsetMs).toBe(0);
    expect(zoneSpan('America/New_York', at('2027-06-15T00:00:00Z')).offsetMs).toBe(-4 * HOUR_MS);
  });
});

describe('the local clock', () => {
  it('shows minute and time of day', () => {
    expect(localMinute('Asia/Kathmandu', at('2027-06-15T18:14:59.999Z'))).toBe(1_439);
    expect(localMinute('Asia/Kathmandu', at('2027-06-15T18:15:00Z'))).toBe(0);
    expect(localTimeOfDayMs('America/New_York', at('2027-06-15T01:30:00.250Z'))).toBe(21.5 * HOUR_MS + 250);
  });

  it('shows the local date', () => {
    const evening = localDay('America/New_York', at('2027-06-15T03:59:59Z'));
    expect(localDay('America/New_York', at('2027-06-15T04:00:00Z'))).toBe(evening + 1);
  });

  it.each<[string, string, string, string]>([
    ['a day of 24 h', 'America/New_York', '2027-06-15T12:00:00Z', '2027-06-16T04:00:00Z'],
    ['a day of 23 h', 'America/New_York', '2027-03-14T05:00:00Z', '2027-03-15T04:00:00Z'],
    ['a day of 25 h', 'America/New_York', '2027-11-07T04:00:00Z', '2027-11-08T05:00:00Z'],
    ['no midnight: the day begins at 01:00', 'Asia/Beirut', '2027-03-27T12:00:00Z', '2027-03-27T22:00:00Z'],
    [
      '23:00 to 24:00 twice: the day ends after the second',
      'Asia/Beirut',
      '2027-10-30T20:30:00Z',
      '2027-10-30T22:00:00Z',
    ],
  ])('%s', (_name, zone, from, next) => {
    expect(new Date(nextLocalDay(zone, at(from))).toISOString()).toBe(new Date(at(next)).toISOString());
  });
});

describe('advanceWallClock', () => {
  it('goes to the wall-clock time, or stops where clocks change', () => {
    const zone = 'America/New_York';
    const from = at('2027-03-14T05:00:00Z');
    expect(advanceWallClock({ zone, at: from, byMs: HOUR_MS })).toBe(from + HOUR_MS);
    expect(advanceWallClock({ zone, at: from, byMs: 8 * HOUR_MS })).toBe(at('2027-03-14T07:00:00Z'));
  });

  it('never passes a change of clocks, to the millisecond', () => {
    const zone = fc.constantFrom('America/New_York', 'Australia/Lord_Howe', 'Asia/Beirut', 'Antarctica/Troll');
    const instant = fc.integer({ min: at('2027-01-01T00:00:00Z'), max: at('2027-12-31T00:00:00Z') });
    fc.assert(
      fc.property(zone, instant, fc.integer({ min: 1, max: DAY_MS }), (name, from, byMs) => {
        const reached = advanceWallClock({ zone: name, at: from, byMs });
        expect(reached).toBeGreaterThan(from);
        expect(reached).toBeLessThanOrEqual(from + byMs);
        expect(zoneOffsetMs(name, reached - 1)).toBe(zoneOffsetMs(name, from));
        if (reached < from + byMs) expect(zoneOffsetMs(name, reached)).not.toBe(zoneOffsetMs(name, from));
      }),
    );
  });

  it('does not stop where nothing changes, wherever the step begins', () => {
    for (let hour = 0; hour < 40 * 24; hour += 1) {
      const from = at('2027-01-05T00:00:00Z') + hour * HOUR_MS;
      expect(advanceWallClock({ zone: 'Europe/Berlin', at: from, byMs: 2 * HOUR_MS })).toBe(from + 2 * HOUR_MS);
    }
  });

  it('refuses a step that is none or longer than a day', () => {
    for (const byMs of [0, -1, DAY_MS + 1])
      expect(() => advanceWallClock({ zone: 'UTC', at: 0, byMs })).toThrow('step');
  });
});
