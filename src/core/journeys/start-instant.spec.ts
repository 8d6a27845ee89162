import fc from 'fast-check';
import { HOUR_MS } from '../kernel/instant.js';
import { startInstant } from './start-instant.js';

const NOW = Date.parse('2027-03-10T12:00:00Z');
const plain = {
  userId: 'ada',
  salt: 'job',
  from: NOW,
  now: NOW,
  local: null,
  zones: ['Europe/Berlin'],
  spreadMs: 0,
} as const;
const at = (text: string): number => Date.parse(text);

describe('when a run of many begins', () => {
  it('is the instant that was named, where nothing else is asked', () => {
    expect(startInstant(plain)).toBe(NOW);
    expect(startInstant({ ...plain, from: NOW - HOUR_MS })).toBe(NOW - HOUR_MS);
  });

  it.each([
    ['Europe/Berlin', '2027-03-11T08:00:00Z'],
    ['America/New_York', '2027-03-10T14:00:00Z'],
    ['Asia/Kathmandu', '2027-03-11T03:15:00Z'],
  ])('is the next 09:00 of a user in %s', (zone, expected) => {
    const local = { minute: 540, date: null };
    expect(startInstant({ ...plain, local, zones: [zone] })).toBe(at(expected));
  });

  it('is the next local time from now on, also where a late page comes to the user', () => {
    const local = { minute: 14 * 60, date: null };
    expect(startInstant({ ...plain, local, now: NOW + 2 * HOUR_MS })).toBe(at('2027-03-11T13:00:00Z'));
  });

  it('is never too early anywhere: of several zones the latest instant', () => {
    const zones = ['Europe/Berlin', 'America/New_York'];
    const local = { minute: 540, date: '2027-03-12' };
    expect(startInstant({ ...plain, local, zones })).toBe(at('2027-03-12T14:00:00Z'));
  });

  it.each([
    // Noon in UTC: 13:00 in Berlin, 07:00 in New York, 04:00 in Los Angeles.
    [['Europe/Berlin', 'America/New_York'], '2027-03-10T14:00:00Z'],
    [['America/Los_Angeles', 'America/New_York'], '2027-03-10T17:00:00Z'],
    [['Europe/Berlin', 'Asia/Kathmandu'], '2027-03-11T08:00:00Z'],
  ])('is at the next 09:00 that %j have all come to on one date', (zones, expected) => {
    const local = { minute: 540, date: null };
    expect(startInstant({ ...plain, local, zones })).toBe(at(expected));
    // The next time is the one of the date that would be named.
    const named = { minute: 540, date: expected.slice(0, 10) };
    expect(startInstant({ ...plain, local: named, zones })).toBe(at(expected));
  });

  it('is on the day of the user by their own calendar, and on no other when that has passed', () => {
    const local = { minute: 540, date: '2027-03-10' };
    expect(startInstant({ ...plain, local, zones: ['Pacific/Kiritimati'] })).toBe(NOW);
    expect(startInstant({ ...plain, local, zones: ['Pacific/Pago_Pago'] })).toBe(at('2027-03-10T20:00:00Z'));
  });

  it('property: lies in the spread, and is the same for the same user whenever it is asked', () => {
    fc.assert(
      fc.property(fc.uuid(), fc.uuid(), fc.integer({ min: 1, max: 10 * HOUR_MS }), (userId, salt, spreadMs) => {
        const asked = { ...plain, userId, salt, spreadMs };
        const instant = startInstant(asked);
        expect(instant).toBeGreaterThanOrEqual(NOW);
        expect(instant).toBeLessThan(NOW + spreadMs);
        expect(startInstant({ ...asked, now: NOW + HOUR_MS })).toBe(instant);
      }),
    );
  });

  it('spreads a herd evenly: of 10,000 users a tenth begins in each tenth of the spread', () => {
    const tenths = Array<number>(10).fill(0);
    for (let user = 0; user < 10_000; user += 1) {
      const instant = startInstant({ ...plain, userId: `user-${user}`, spreadMs: HOUR_MS });
      const tenth = Math.floor((instant - NOW) / (HOUR_MS / 10));
      tenths[tenth] = (tenths[tenth] ?? 0) + 1;
    }
    expect(Math.min(...tenths)).toBeGreaterThan(850);
    expect(Math.max(...tenths)).toBeLessThan(1_150);
  });
});
