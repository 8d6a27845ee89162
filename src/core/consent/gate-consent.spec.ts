import fc from 'fast-check';

import { isConsented } from '../../../test/simulation/oracle/consent.js';
import { ALL, type ConsentBasis, type ConsentRecord, type ConsentStatus } from './consent-record.js';
import { foldConsent } from './fold-consent.js';
import { gateConsent } from './gate-consent.js';

const NOW = 1_000_000;
const ABOUT = { purpose: 'marketing', channel: 'email', brand: 'default' };

/** A statement at `statedAt`, received at once unless `receivedAt` says otherwise. */
const record = (status: ConsentStatus, statedAt: number, more: Partial<ConsentRecord> = {}): ConsentRecord => ({
  id: `r-${status}-${statedAt}`,
  ...ABOUT,
  status,
  basis: 'consent',
  statedAt,
  receivedAt: statedAt,
  expiresAt: null,
  isObjection: false,
  ...more,
});

const EVERYTHING = { purpose: ALL, channel: ALL, brand: ALL };
const objection = (statedAt: number, more: Partial<ConsentRecord> = {}): ConsentRecord =>
  record('withdrawn', statedAt, { id: `o-${statedAt}`, ...EVERYTHING, isObjection: true, ...more });

/** A grant that the law reads out of a purchase. */
const implied = (statedAt: number, expiresAt: number | null = null): ConsentRecord =>
  record('granted', statedAt, { id: `i-${statedAt}`, basis: 'implied', expiresAt });

const gate = (consents: readonly ConsentRecord[], now = NOW) =>
  gateConsent({ consents, ...ABOUT, legalBasis: 'consent', now });

describe('gateConsent', () => {
  it.each<[string, readonly ConsentRecord[], string]>([
    ['no record is no consent', [], 'CONSENT_MISSING'],
    ['a grant', [record('granted', 10)], 'pass'],
    ['a grant at this very instant', [record('granted', NOW)], 'pass'],
    ['a pending opt-in', [record('pending', 10)], 'CONSENT_PENDING'],
    ['a denial', [record('denied', 10)], 'CONSENT_DENIED'],
    ['a withdrawal after a grant', [record('granted', 10), record('withdrawn', 20)], 'CONSENT_WITHDRAWN'],
    ['a grant after a withdrawal', [record('withdrawn', 10), record('granted', 20)], 'pass'],
    ['withdrawn beats denied at one instant', [record('denied', 10), record('withdrawn', 10)], 'CONSENT_WITHDRAWN'],
    ['denied beats pending at one instant', [record('pending', 10), record('denied', 10)], 'CONSENT_DENIED'],
    ['pending beats granted at one instant', [record('granted', 10), record('pending', 10)], 'CONSENT_PENDING'],
    ['a grant of another purpose', [record('granted', 10, { purpose: 'analytics' })], 'CONSENT_MISSING'],
    ['a grant of another channel', [record('granted', 10, { channel: 'sms' })], 'CONSENT_MISSING'],
    ['a grant of another brand', [record('granted', 10, { brand: 'other' })], 'CONSENT_MISSING'],
    ['a withdrawal elsewhere', [record('granted', 10), record('withdrawn', 20, { channel: 'sms' })], 'pass'],
    ['the last millisecond before expiry', [record('granted', 10, { expiresAt: NOW + 1 })], 'pass'],
    ['the instant of expiry', [record('granted', 10, { expiresAt: NOW })], 'CONSENT_EXPIRED'],
    ['an older lasting grant behind an expired one', [record('granted', 10), implied(20, NOW)], 'pass'],
    ['two grants that expired', [implied(10, 50), record('granted', 20, { expiresAt: NOW })], 'CONSENT_EXPIRED'],
    [
      'a lasting grant before a withdrawal, behind one that expired',
      [record('granted', 10), record('withdrawn', 20), record('granted', 30, { expiresAt: NOW })],
      'CONSENT_EXPIRED',
    ],
    [
      'a lasting grant before a question that waits, behind one that expired',
      [record('granted', 10), record('pending', 20), implied(30, NOW)],
      'CONSENT_EXPIRED',
    ],
    ['a grant by mere law after one that was withdrawn', [record('withdrawn', 10), implied(20)], 'CONSENT_WITHDRAWN'],
    ['one before that', [implied(10), record('withdrawn', 20)], 'CONSENT_WITHDRAWN'],
    ['one at that instant', [implied(10), record('withdrawn', 10)], 'CONSENT_WITHDRAWN'],
    [
      'one before a withdrawal that was told late',
      [implied(50), record('withdrawn', 20, { receivedAt: 90 })],
      'CONSENT_WITHDRAWN',
    ],
    ['one after a withdrawal elsewhere', [record('withdrawn', 10, { channel: 'sms' }), implied(20)], 'pass'],
    ['one after a question that waits', [record('pending', 10), implied(20)], 'pass'],
    [
      'one after a withdrawal and a question that waits',
      [record('withdrawn', 10), record('pending', 20), implied(30)],
      'CONSENT_PENDING',
    ],
    [
      'one after an express grant that lifted a withdrawal and expired',
      [record('withdrawn', 10), record('granted', 20, { expiresAt: NOW }), implied(30)],
      'CONSENT_EXPIRED',
    ],
    [
      'a contract beside a grant that expired',
      [record('granted', 10, { expiresAt: NOW }), record('granted', 20, { basis: 'contract' })],
      'CONSENT_EXPIRED',
    ],
    [
      'a late record with an older time',
      [record('withdrawn', 50), record('granted', 20, { receivedAt: 90 })],
      'CONSENT_WITHDRAWN',
    ],
    [
      'a grant dated ahead of a withdrawal',
      [record('granted', 9e9, { receivedAt: 20 }), record('withdrawn', 50)],
      'CONSENT_WITHDRAWN',
    ],
    [
      'a grant dated in the future, received last',
      [record('withdrawn', 50), record('granted', 9e9, { receivedAt: 90 })],
      'CONSENT_WITHDRAWN',
    ],
    ['only a grant dated in the future', [record('granted', NOW + 1, { receivedAt: 90 })], 'CONSENT_MISSING'],
    ['a grant received in the future', [record('granted', 10, { receivedAt: NOW + 1 })], 'CONSENT_MISSING'],
    [
      'a withdrawal dated in the future',
      [record('granted', 10), record('withdrawn', 9e9, { receivedAt: 90 })],
      'CONSENT_WITHDRAWN',
    ],
    [
      'a grant stated before a withdrawal that was told late',
      [record('withdrawn', 10, { receivedAt: 90 }), record('granted', 50)],
      'pass',
    ],
    [
      'a grant after a withdrawal that was dated in the future',
      [record('withdrawn', 9e9, { receivedAt: 20 }), record('granted', 50)],
      'pass',
    ],
    ['an objection after a grant', [record('granted', 10), objection(20)], 'OBJECTION'],
    ['an objection of somebody who never spoke before', [objection(20)], 'OBJECTION'],
    ['a grant after an objection', [objection(10), record('granted', 20)], 'pass'],
    [
      'a grant elsewhere after an objection',
      [objection(10), record('granted', 20, { channel: 'sms' }), record('granted', 20, { brand: 'other' })],
      'OBJECTION',
    ],
    ['an objection and a grant at one instant', [record('granted', 10), objection(10)], 'OBJECTION'],
    ['a late objection with an older time', [record('granted', 50), objection(20, { receivedAt: 90 })], 'pass'],
    ['an objection dated in the future', [record('granted', 10), objection(9e9, { receivedAt: 90 })], 'OBJECTION'],
    ['a denial after an objection', [objection(10), record('denied', 20)], 'CONSENT_DENIED'],
    [
      'a grant that expired after an objection',
      [objection(10), record('granted', 20, { expiresAt: 30 })],
      'CONSENT_EXPIRED',
    ],
    [
      'a withdrawal of one channel for every purpose and brand',
      [record('granted', 10), record('withdrawn', 20, { purpose: ALL, brand: ALL })],
      'CONSENT_WITHDRAWN',
    ],
    [
      'a withdrawal of another channel for every purpose and brand',
      [record('granted', 10), record('withdrawn', 20, { purpose: ALL, brand: ALL, channel: 'sms' })],
      'pass',
    ],
    ['a denial for every brand', [record('granted', 10), record('denied', 20, { brand: ALL })], 'CONSENT_DENIED'],
    [
      'a withdrawal of another purpose on every channel',
      [record('granted', 10), record('withdrawn', 20, { ...EVERYTHING, purpose: 'sale' })],
      'pass',
    ],
  ])('%s: %#', (_name, consents, expected) => {
    const verdict = gate(consents);
    expect(verdict.kind === 'pass' ? 'pass' : verdict.reason).toBe(expected);
  });

  it.each<[ConsentBasis, 'pass' | string]>([
    ['consent', 'pass'],
    ['implied', 'pass'],
    ['soft_opt_in', 'pass'],
    ['legitimate_interest', 'pass'],
    ['contract', 'CONSENT_MISSING'],
  ])('%s alone: %s', (basis, expected) => {
    const verdict = gate([record('granted', 10, { basis })]);
    expect(verdict.kind === 'pass' ? 'pass' : verdict.reason).toBe(expected);
  });

  const refusals: readonly (readonly [string, ConsentRecord])[] = [
    ['CONSENT_WITHDRAWN', record('withdrawn', 10)],
    ['CONSENT_DENIED', record('denied', 10)],
    ['OBJECTION', objection(10)],
  ];
  it.each(refusals)('%s is lifted by nothing but what the person says', (reason, refused) => {
    for (const basis of ['implied', 'soft_opt_in', 'legitimate_interest', 'contract'] as const) {
      const grant = record('granted', 20, { basis });
      expect(gate([refused, grant])).toEqual({ kind: 'refuse', reason, recordId: refused.id, until: null });
      expect(gate([refused, record('granted', 30), grant])).toMatchObject({ kind: 'pass', basis: 'consent' });
    }
    expect(gate([refused, record('granted', 20)])).toMatchObject({ kind: 'pass', basis: 'consent' });
  });

  it('rests on what the person said rather than on what the law implies, then on what lasts longest', () => {
    const restsOn = (...consents: readonly ConsentRecord[]) => {
      const [first, second] = [gate(consents), gate([...consents].reverse())];
      expect(second).toEqual(first);
      return first.recordId;
    };
    const express = record('granted', 10, { id: 'express', expiresAt: NOW + 1 });
    expect(restsOn(express, implied(20))).toBe('express');
    expect(restsOn(express, implied(20), record('granted', 5, { id: 'longer', expiresAt: NOW + 2 }))).toBe('longer');
    expect(restsOn(express, record('granted', 5, { id: 'lasting' }))).toBe('lasting');
    expect(restsOn(implied(10, NOW + 2), implied(20, NOW + 1))).toBe('i-10');
    expect(restsOn(record('granted', 10), record('granted', 20))).toBe('r-granted-20');
    expect(restsOn(record('granted', 10, { id: 'a' }), record('granted', 10, { id: 'b' }))).toBe('b');
    expect(restsOn(record('granted', 10, { id: 'old', expiresAt: 20 }), implied(5, 30))).toBe('i-5');
  });

  it('names the record that decided, and the basis of a grant', () => {
    expect(gate([record('granted', 10, { id: 'g', basis: 'soft_opt_in' })])).toEqual({
      kind: 'pass',
      basis: 'soft_opt_in',
      recordId: 'g',
    });
    expect(gate([record('granted', 10), record('denied', 20, { id: 'd' })])).toMatchObject({ recordId: 'd' });
  });

  it('opens again with the earliest grant to come, whatever the order of the records, and never in the past', () => {
    const [soon, later] = [record('granted', NOW + 5), record('granted', NOW + 9)];
    expect(gate([later, soon])).toMatchObject({ until: NOW + 5 });
    expect(gate([soon, later])).toMatchObject({ until: NOW + 5 });
    expect(gate([record('granted', 10, { expiresAt: 500 })])).toMatchObject({ until: null });
    expect(gate([record('granted', 10, { expiresAt: 500 }), soon])).toMatchObject({ until: NOW + 5 });
    expect(gate([record('granted', NOW + 2, { channel: 'sms' }), soon])).toMatchObject({ until: NOW + 5 });
    expect(gate([record('granted', NOW)])).toMatchObject({ kind: 'pass' });
  });

  it('says when a dated grant will begin to hold, if it will decide', () => {
    expect(gate([record('granted', NOW + 5, { receivedAt: 90 })])).toMatchObject({ until: NOW + 5 });
    expect(gate([record('withdrawn', 95), record('granted', NOW + 5, { receivedAt: 90 })])).toMatchObject({
      until: null,
    });
    expect(gate([record('granted', NOW + 5, { receivedAt: 90 })], NOW + 5)).toMatchObject({ kind: 'pass' });
    expect(gate([record('withdrawn', 95), implied(NOW + 5), record('granted', NOW + 9)])).toMatchObject({
      until: NOW + 9,
    });
  });

  it('lets a message that rests on a contract pass without and against any record', () => {
    const consents = [record('withdrawn', 10), objection(20)];
    expect(gateConsent({ consents, ...ABOUT, legalBasis: 'contract', now: NOW })).toEqual({
      kind: 'pass',
      basis: 'contract',
      recordId: null,
    });
  });
});

describe('foldConsent', () => {
  const instant = fc.integer({ min: 0, max: 6 });
  const records = fc.uniqueArray(
    fc.record({
      id: fc.string({ minLength: 1, maxLength: 2 }),
      purpose: fc.constantFrom('marketing', ALL),
      channel: fc.constantFrom('email', ALL),
      brand: fc.constantFrom('default', 'other', ALL),
      status: fc.constantFrom<ConsentStatus>('granted', 'denied', 'withdrawn', 'pending'),
      basis: fc.constantFrom<ConsentBasis>(
        'consent',
        'consent',
        'soft_opt_in',
        'implied',
        'contract',
        'legitimate_interest',
      ),
      statedAt: instant,
      receivedAt: instant,
      expiresAt: fc.option(instant),
      isObjection: fc.constant(false),
    }),
    { selector: ({ id }) => id, maxLength: 8 },
  );

  it('gives one state for every order of arrival', () => {
    const shuffled = records.chain((list) =>
      fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })),
    );
    fc.assert(
      fc.property(shuffled, instant, ([list, other], now) => {
        expect(foldConsent({ consents: other, ...ABOUT, now })).toEqual(foldConsent({ consents: list, ...ABOUT, now }));
      }),
    );
  });

  it('never turns a refusal into a permission by one more statement that is no grant', () => {
    fc.assert(
      fc.property(
        records,
        fc.constantFrom<ConsentStatus>('denied', 'withdrawn', 'pending'),
        instant,
        (list, status, at) => {
          const before = gate(list, 3);
          const after = gate([...list, record(status, at, { id: 'new' })], 3);
          if (before.kind === 'refuse') expect(after.kind).toBe('refuse');
        },
      ),
    );
  });

  it('is not undone by a record that is older than the one that decides, whenever it arrives', () => {
    fc.assert(
      fc.property(
        records,
        fc.constantFrom<ConsentStatus>('granted', 'denied', 'withdrawn', 'pending'),
        (list, status) => {
          const before = foldConsent({ consents: list, ...ABOUT, now: 7 });
          // A grant by mere law counts only where nobody refused before it: that is for the tables above.
          if (before === null || (before.status === 'granted' && before.basis !== 'consent')) return;
          const late = record(status, -1, { id: 'late', receivedAt: 6, expiresAt: 0 });
          expect(foldConsent({ consents: [...list, late], ...ABOUT, now: 7 })).toEqual(before);
        },
      ),
    );
  });

  it('permits exactly if the person was not refused since, and only by their own word after a refusal', () => {
    fc.assert(
      fc.property(records, fc.integer({ min: 0, max: 8 }), (list, now) => {
        expect(gate(list, now).kind === 'pass').toBe(isConsented(list, ABOUT, now));
      }),
      { numRuns: 2_000 },
    );
  });

  it('gains nothing from a grant that is dated in the future', () => {
    fc.assert(
      fc.property(records, instant, (list, receivedAt) => {
        const dated = record('granted', 8, { id: 'dated', receivedAt });
        const now = 7;
        expect(foldConsent({ consents: [...list, dated], ...ABOUT, now })).toEqual(
          foldConsent({ consents: list, ...ABOUT, now }),
        );
      }),
    );
  });

  it('never answers with a record about something else, and finds what was said about all only when asked about all', () => {
    fc.assert(
      fc.property(records, instant, (list, now) => {
        const found = foldConsent({ consents: list, ...ABOUT, now });
        expect(found === null || found.brand !== 'other').toBe(true);
        const ofAll = foldConsent({ consents: list, ...EVERYTHING, now });
        expect(ofAll === null || [ofAll.purpose, ofAll.channel, ofAll.brand].every((part) => part === ALL)).toBe(true);
      }),
    );
  });

  it('lets a withdrawal that is newer than everything win at once', () => {
    fc.assert(
      fc.property(records, (list) => {
        expect(gate([...list, record('withdrawn', 7, { id: 'new' })], 7)).toMatchObject({
          reason: 'CONSENT_WITHDRAWN',
        });
      }),
    );
  });
});
