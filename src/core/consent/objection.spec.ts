import fc from 'fast-check';

import { ALL, type ConsentRecord, type ConsentStatus } from './consent-record.js';
import { gateConsent } from './gate-consent.js';
import { isObjecting } from './objection.js';

const EMAIL = { purpose: 'marketing', channel: 'email', brand: 'default' };
const EVERYTHING = { purpose: ALL, channel: ALL, brand: ALL };
const at = (instant: number, more: Partial<ConsentRecord>): ConsentRecord => ({
  id: `r${instant}`,
  ...EMAIL,
  status: 'granted',
  basis: 'consent',
  statedAt: instant,
  receivedAt: instant,
  expiresAt: null,
  isObjection: false,
  ...more,
});
const objection = (instant: number): ConsentRecord =>
  at(instant, { id: `o${instant}`, ...EVERYTHING, status: 'withdrawn', isObjection: true });

describe('isObjecting', () => {
  it.each<[string, readonly ConsentRecord[], boolean]>([
    ['nobody who said nothing', [], false],
    ['nobody who withdrew everything without objecting', [at(10, { ...EVERYTHING, status: 'withdrawn' })], false],
    ['who objected', [objection(10)], true],
    ['who granted before', [at(5, {}), objection(10)], true],
    ['nobody who granted marketing again', [objection(10), at(20, { channel: 'sms' })], false],
    ['nobody who granted everything again', [objection(10), at(20, { purpose: ALL })], false],
    [
      'who granted everything but marketing',
      [objection(10), at(20, { purpose: ALL }), at(30, { status: 'denied' })],
      true,
    ],
    ['who granted something else again', [objection(10), at(20, { purpose: 'service_news' })], true],
    ['who bought something since', [objection(10), at(20, { basis: 'implied' })], true],
    ['who is our customer', [objection(10), at(20, { basis: 'contract' })], true],
    ['who granted again and objected again', [objection(10), at(20, {}), objection(30)], true],
    ['who granted again and withdrew that', [objection(10), at(20, {}), at(30, { status: 'withdrawn' })], true],
    ['whose new grant has expired', [objection(10), at(20, { expiresAt: 50 })], true],
    ['whose new grant begins later', [objection(10), at(200, {})], true],
    ['whose late grant is older', [at(5, { receivedAt: 90 }), objection(10)], true],
  ])('%s: %#', (_who, consents, expected) => {
    expect(isObjecting({ consents, now: 100 })).toBe(expected);
  });

  it('means that no marketing which rests on consent may go out, whatever its channel and brand', () => {
    const part = (word: string) => fc.constantFrom(word, 'other', ALL);
    const instant = fc.integer({ min: 0, max: 6 });
    const records = fc.array(
      fc.record({
        id: fc.uuid(),
        purpose: part('marketing'),
        channel: part('email'),
        brand: part('default'),
        basis: fc.constantFrom('consent' as const, 'implied' as const),
        status: fc.constantFrom<ConsentStatus>('granted', 'granted', 'denied', 'withdrawn', 'pending'),
        statedAt: instant,
        receivedAt: instant,
        expiresAt: fc.option(instant),
      }),
      { maxLength: 6 },
    );
    const asked = fc.record({ purpose: fc.constant('marketing'), channel: part('email'), brand: part('default') });
    let objecting = 0;
    fc.assert(
      fc.property(records, fc.option(instant), asked, instant, (list, objectedAt, subject, now) => {
        const consents = [...list.map((more) => at(0, more)), ...(objectedAt === null ? [] : [objection(objectedAt)])];
        if (!isObjecting({ consents, now })) return;
        objecting += 1;
        expect(gateConsent({ consents, ...subject, legalBasis: 'consent', now }).kind).toBe('refuse');
      }),
    );
    expect(objecting).toBeGreaterThan(0);
  });
});
