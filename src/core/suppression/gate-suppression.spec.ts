import fc from 'fast-check';

import type { LegalBasis } from '../kernel/legal-basis.js';
import { gateSuppression } from './gate-suppression.js';
import type { Suppression, SuppressionReason } from './suppression.js';

const NOW = 1_000;
const BY_GRAVITY: readonly SuppressionReason[] = [
  'erasure',
  'stop',
  'hard_bounce',
  'manual',
  'complaint',
  'unsubscribe',
  'soft_bounce',
];

const entry = (more: Partial<Suppression> = {}): Suppression => ({
  id: 's1',
  addressHash: 'hash',
  channel: 'email',
  purpose: null,
  reason: 'hard_bounce',
  since: 0,
  until: null,
  ...more,
});

const gate = (suppressions: readonly Suppression[], legalBasis: LegalBasis = 'consent', now = NOW) =>
  gateSuppression({ suppressions, addressHash: 'hash', channel: 'email', purpose: 'marketing', legalBasis, now });

describe('gateSuppression', () => {
  it.each<[SuppressionReason, boolean]>([
    ['hard_bounce', true],
    ['erasure', true],
    ['stop', true],
    ['manual', true],
    ['complaint', false],
    ['unsubscribe', false],
    ['soft_bounce', false],
  ])('%s stops marketing; stops what rests on a contract: %s', (reason, blocksContract) => {
    expect(gate([entry({ reason })])).toMatchObject({ kind: 'refuse', reason: `SUPPRESSED_${reason.toUpperCase()}` });
    expect(gate([entry({ reason })], 'contract').kind).toBe(blocksContract ? 'refuse' : 'pass');
  });

  it.each<[string, Partial<Suppression>, 'pass' | 'refuse']>([
    ['another address', { addressHash: 'other' }, 'pass'],
    ['the user as such', { addressHash: null }, 'refuse'],
    ['another channel', { channel: 'sms' }, 'pass'],
    ['every channel', { channel: null }, 'refuse'],
    ['another purpose', { purpose: 'surveys' }, 'pass'],
    ['this purpose', { purpose: 'marketing' }, 'refuse'],
    ['from this instant on', { since: NOW }, 'refuse'],
    ['from the next instant on', { since: NOW + 1 }, 'pass'],
    ['until the next instant', { until: NOW + 1 }, 'refuse'],
    ['until this instant', { until: NOW }, 'pass'],
  ])('%s', (_name, more, expected) => {
    expect(gate([entry(more)]).kind).toBe(expected);
  });

  it('matches only entries of the user as such when there is no address', () => {
    const ask = (suppression: Suppression) =>
      gateSuppression({
        suppressions: [suppression],
        addressHash: null,
        channel: 'email',
        purpose: 'marketing',
        legalBasis: 'consent',
        now: NOW,
      }).kind;
    expect(ask(entry())).toBe('pass');
    expect(ask(entry({ addressHash: null }))).toBe('refuse');
  });

  it('names the gravest and says when all of them are over', () => {
    const list = [
      entry({ id: 'u', reason: 'unsubscribe', until: NOW + 9 }),
      entry({ id: 'm', reason: 'manual', until: NOW + 5 }),
      entry({ id: 'later', reason: 'complaint', since: NOW + 8, until: NOW + 20 }),
      entry({ id: 'apart', reason: 'stop', since: NOW + 21, until: null }),
    ];
    expect(gate(list)).toEqual({ kind: 'refuse', reason: 'SUPPRESSED_MANUAL', suppressionId: 'm', until: NOW + 20 });
    expect(gate([...list, entry({ id: 'for-good', reason: 'unsubscribe' })])).toMatchObject({ until: null });
  });

  it('names the graver of any two: what a person said before what a server said', () => {
    for (const [rank, reason] of BY_GRAVITY.entries()) {
      for (const lesser of BY_GRAVITY.slice(rank + 1)) {
        const list = [entry({ id: 'a', reason: lesser }), entry({ id: 'b', reason })];
        expect(gate(list)).toMatchObject({ suppressionId: 'b' });
      }
    }
  });

  it('blocks, by purpose, also what rests on a contract', () => {
    expect(gate([entry({ purpose: 'marketing' })], 'contract').kind).toBe('refuse');
    expect(gate([entry({ purpose: 'receipts' })], 'contract').kind).toBe('pass');
  });

  it('names, of equal gravity, the one that holds longest, then the smallest id', () => {
    const short = entry({ id: 'a', until: NOW + 5 });
    const long = entry({ id: 'c', until: NOW + 9 });
    const twin = entry({ id: 'b', until: NOW + 9 });
    for (const list of [
      [short, long, twin],
      [twin, long, short],
    ]) {
      expect(gate(list)).toMatchObject({ suppressionId: 'b', until: NOW + 9 });
    }
  });

  it('passes at `until` and refuses at every instant before; the order of entries does not matter', () => {
    const instant = fc.integer({ min: 0, max: 30 });
    const entries = fc.uniqueArray(
      fc.record({
        id: fc.string({ minLength: 1, maxLength: 2 }),
        addressHash: fc.constantFrom('hash', 'other', null),
        channel: fc.constantFrom('email', 'sms', null),
        purpose: fc.constantFrom('marketing', 'surveys', null),
        reason: fc.constantFrom(...BY_GRAVITY),
        since: instant,
        until: fc.option(instant),
      }),
      { selector: ({ id }) => id, maxLength: 6 },
    );
    fc.assert(
      fc.property(entries, instant, (list, now) => {
        const verdict = gate(list, 'consent', now);
        expect(gate([...list].reverse(), 'consent', now)).toEqual(verdict);
        if (verdict.kind === 'pass') return;
        const end = verdict.until ?? 40;
        for (let at = now; at < end; at += 1) expect(gate(list, 'consent', at).kind).toBe('refuse');
        if (verdict.until !== null) expect(gate(list, 'consent', verdict.until).kind).toBe('pass');
      }),
    );
  });
});
