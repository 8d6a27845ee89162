import type { ConsentRecord } from '../../core/consent/consent-record.js';
import { isOptedOut } from './opt-outs.js';

const record = (id: string, at: number, more: Partial<ConsentRecord> = {}): ConsentRecord => ({
  ...{ id, purpose: 'targeting', channel: '*', brand: '*', status: 'withdrawn', basis: 'consent', isObjection: false },
  ...{ statedAt: at, receivedAt: at, expiresAt: null },
  ...more,
});
const OUT = record('1', 10);
const granted = (more: Partial<ConsentRecord> = {}): ConsentRecord =>
  record('2', 20, { channel: 'audience', brand: 'default', status: 'granted', ...more });
const OBJECTION = record('3', 30, { purpose: '*', isObjection: true });

describe('an opt-out of sale, sharing or targeting', () => {
  it.each<[string, boolean, readonly ConsentRecord[]]>([
    ['nothing said', false, []],
    ['sale', true, [record('1', 10, { purpose: 'sale' })]],
    ['sharing', true, [record('1', 10, { purpose: 'sharing' })]],
    ['targeting', true, [OUT]],
    ['denied, not withdrawn', true, [record('1', 10, { status: 'denied' })]],
    ['another purpose', false, [record('1', 10, { purpose: 'marketing' })]],
    ['on the channel itself', true, [record('1', 10, { channel: 'audience', brand: 'default' })]],
    ['on another channel', false, [record('1', 10, { channel: 'email' })]],
    ['for another brand', false, [record('1', 10, { brand: 'other' })]],
    ['granted later', false, [OUT, granted()]],
    ['granted before', true, [OUT, granted({ statedAt: 5, receivedAt: 5 })]],
    ['granted later on another channel', true, [OUT, granted({ channel: 'web' })]],
    ['granted later for another brand', true, [OUT, granted({ brand: 'other' })]],
    ['another purpose granted later', true, [OUT, granted({ purpose: 'advertising' })]],
    ['one of two granted later', true, [OUT, record('0', 10, { purpose: 'sale' }), granted()]],
    ['implied later, in no word of the person', true, [OUT, granted({ basis: 'implied' })]],
    ['asked later, not answered', true, [OUT, granted({ status: 'pending' })]],
    ['asked, never refused', false, [granted({ status: 'pending' })]],
    ['granted later, until now', true, [OUT, granted({ expiresAt: 100 })]],
    ['granted later, and still so', false, [OUT, granted({ expiresAt: 101 })]],
    ['granted later, and undone by an objection', true, [OUT, granted(), OBJECTION]],
    ['an objection alone, which its own purpose is asked about', false, [OBJECTION]],
  ])('%s: %s', (_what, is, consents) => {
    expect(isOptedOut({ consents, channel: 'audience', brand: 'default', now: 100 })).toBe(is);
    expect(isOptedOut({ consents: [...consents].reverse(), channel: 'audience', brand: 'default', now: 100 })).toBe(is);
  });
});
