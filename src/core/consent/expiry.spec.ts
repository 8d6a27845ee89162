import fc from 'fast-check';

import type { ConsentBasis } from './consent-record.js';
import { addMonthsUtc, evidenceKindsOf, expiryOf } from './expiry.js';

const text = (at: number | undefined): string | null => (at === undefined ? null : new Date(at).toISOString());

describe('expiryOf', () => {
  it.each<[string, string | null, string | null, string, string | null]>([
    ['implied', 'CA', 'purchase', '2026-11-21T15:30:00Z', '2028-11-21T15:30:00.000Z'],
    ['implied', 'CA', 'inquiry', '2026-11-21T15:30:00Z', '2027-05-21T15:30:00.000Z'],
    ['implied', 'CA-QC', 'purchase', '2024-02-29T00:00:00Z', '2026-02-28T00:00:00.000Z'],
    ['implied', 'CA', 'purchase', '2022-02-28T23:59:59Z', '2024-02-28T23:59:59.000Z'],
    ['implied', 'CA', 'inquiry', '2026-08-31T12:00:00Z', '2027-02-28T12:00:00.000Z'],
    ['implied', 'CA', 'inquiry', '2027-08-31T12:00:00Z', '2028-02-29T12:00:00.000Z'],
    ['implied', 'CA', 'inquiry', '2026-12-31T23:59:59Z', '2027-06-30T23:59:59.000Z'],
    ['implied', 'CA', null, '2026-11-21T15:30:00Z', '2027-05-21T15:30:00.000Z'],
    ['implied', 'CA', 'donation', '2026-11-21T15:30:00Z', '2027-05-21T15:30:00.000Z'],
    ['implied', 'CA-ON', 'Purchase', '2026-11-21T15:30:00Z', '2027-05-21T15:30:00.000Z'],
    ['implied', 'ca-on', 'purchase', '2026-11-21T15:30:00Z', '2028-11-21T15:30:00.000Z'],
    // The law took nothing away before its first day, and spares nothing that is older.
    ['implied', 'CA', 'purchase', '2012-06-30T23:59:59Z', '2014-07-01T00:00:00.000Z'],
    ['implied', 'CA', 'purchase', '2012-07-02T12:00:00Z', '2014-07-02T12:00:00.000Z'],
    ['implied', 'CA', 'inquiry', '1999-01-01T00:00:00Z', '2014-07-01T00:00:00.000Z'],
    ['implied', 'US-CA', 'purchase', '2026-11-21T15:30:00Z', null],
    ['implied', 'DE', 'purchase', '2026-11-21T15:30:00Z', null],
    ['implied', null, 'purchase', '2026-11-21T15:30:00Z', null],
    ['consent', 'CA', 'purchase', '2026-11-21T15:30:00Z', null],
  ])('%s in %s by %s at %s: %s', (basis, jurisdiction, evidenceKind, statedAt, expected) => {
    const found = expiryOf({ basis: basis as 'implied', jurisdiction, evidenceKind, statedAt: Date.parse(statedAt) });
    expect(text(found?.expiresAt)).toBe(expected);
  });
});

describe('evidenceKindsOf', () => {
  it.each<[ConsentBasis, string | null, readonly string[]]>([
    ['implied', 'CA', ['purchase', 'inquiry']],
    ['implied', 'CA-QC', ['purchase', 'inquiry']],
    ['implied', 'US-CA', []],
    ['implied', null, []],
    ['consent', 'CA', []],
  ])('%s in %s rests on one of %j', (basis, jurisdiction, kinds) => {
    expect(evidenceKindsOf({ basis, jurisdiction })).toEqual(kinds);
  });
});

describe('addMonthsUtc', () => {
  it('keeps the time of day, never leaves the month that is meant, and is at most three days short of the day', () => {
    const instants = fc.integer({ min: Date.UTC(1970, 0, 1), max: Date.UTC(2199, 11, 31) });
    fc.assert(
      fc.property(instants, fc.integer({ min: 0, max: 48 }), (at, months) => {
        const [before, after] = [new Date(at), new Date(addMonthsUtc(at, months))];
        expect(after.toISOString().slice(10)).toBe(before.toISOString().slice(10));
        const monthOf = (date: Date): number => date.getUTCFullYear() * 12 + date.getUTCMonth();
        expect(monthOf(after) - monthOf(before)).toBe(months);
        const missing = before.getUTCDate() - after.getUTCDate();
        expect(missing).toBeGreaterThanOrEqual(0);
        expect(missing).toBeLessThanOrEqual(3);
        const isLastDay = new Date(after.getTime() + 86_400_000).getUTCDate() === 1;
        expect(missing === 0 || isLastDay).toBe(true);
      }),
    );
  });
});
