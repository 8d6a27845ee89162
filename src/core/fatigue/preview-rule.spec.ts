import fc from 'fast-check';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../kernel/instant.js';
import type { CapRule, CapWindow, Contact } from './cap-rule.js';
import { gateCaps } from './gate-caps.js';
import { previewRule } from './preview-rule.js';

const START = Date.parse('2027-11-05T00:00:00Z');
const rule = (more: Partial<CapRule> = {}): CapRule => ({
  id: 'daily',
  version: 1,
  scope: { kind: 'global' },
  limit: 1,
  window: { kind: 'rolling', durationMs: DAY_MS },
  purposes: ['marketing'],
  givesBackOn: ['failed'],
  onHit: 'drop',
  ...more,
});
const contact = (hour: number, more: Partial<Contact> = {}): Contact => ({
  decisionId: `d-${hour}`,
  at: START + hour * HOUR_MS,
  channel: 'email',
  purpose: 'marketing',
  journeyKey: null,
  action: 'hello',
  group: null,
  tags: [],
  state: 'sent',
  ...more,
});
const stopped = (rules: CapRule, contacts: readonly Contact[], zones = ['UTC']) =>
  previewRule({ rule: rules, contacts, zones }).map(({ decisionId }) => decisionId);

describe('previewRule', () => {
  it('stops what comes too soon, and does not count what it stopped', () => {
    // The third comes 30 h after the first: it would be stopped if the second, which never went out, still counted.
    expect(stopped(rule(), [contact(0), contact(20), contact(30)])).toEqual(['d-20']);
  });

  it('gives back the place of what failed, and stops it all the same', () => {
    expect(stopped(rule(), [contact(0, { state: 'failed' }), contact(1), contact(2, { state: 'failed' })])).toEqual([
      'd-2',
    ]);
  });

  it('leaves alone what the rule is not about', () => {
    const contacts = [contact(0), contact(1, { channel: 'sms' }), contact(2, { purpose: 'news' })];
    expect(stopped(rule({ scope: { kind: 'channel', channel: 'email' } }), contacts)).toEqual([]);
  });

  it('stops everything under a limit of nothing', () => {
    expect(stopped(rule({ limit: 0 }), [contact(0), contact(100)])).toEqual(['d-0', 'd-100']);
  });

  it('agrees with the gate, asked contact by contact', () => {
    const window = fc.oneof(
      fc.integer({ min: 1, max: 100 }).map((hours): CapWindow => ({ kind: 'rolling', durationMs: hours * HOUR_MS })),
      fc
        .constantFrom('day' as const, 'week' as const, 'month' as const)
        .map((unit): CapWindow => ({ kind: 'calendar', unit })),
    );
    const some = fc.array(
      fc
        .record({
          minute: fc.integer({ min: 0, max: 20 * 24 * 4 }),
          channel: fc.constantFrom('email', 'sms'),
          state: fc.constantFrom<Contact['state']>('sent', 'failed', 'unknown'),
        })
        .map(({ minute, ...more }) => contact((minute * 15 * MINUTE_MS) / HOUR_MS, more)),
      { maxLength: 25 },
    );
    const zones = fc.uniqueArray(fc.constantFrom('America/New_York', 'Europe/Berlin', 'Asia/Tokyo'), { minLength: 1 });
    fc.assert(
      fc.property(
        window,
        fc.integer({ min: 0, max: 3 }),
        fc.boolean(),
        some,
        zones,
        (one, limit, isEmail, made, where) => {
          const asked = rule({
            window: one,
            limit,
            scope: isEmail ? { kind: 'channel', channel: 'email' } : { kind: 'global' },
          });
          const contacts = made
            .map((each, index) => ({ ...each, decisionId: `d-${String(index).padStart(2, '0')}` }))
            .sort((left, right) => left.at - right.at);
          const ordered = contacts.map((each, index) => ({
            ...each,
            decisionId: `d-${String(index).padStart(2, '0')}`,
          }));
          const went: Contact[] = [];
          const refused = ordered.filter((each) => {
            const verdict = gateCaps({
              ...each,
              rules: [asked],
              contacts: went,
              zones: where,
              legalBasis: 'consent',
              now: each.at,
            });
            if (verdict.kind === 'pass') went.push(each);
            return verdict.kind !== 'pass';
          });
          expect(previewRule({ rule: asked, contacts: [...ordered].reverse(), zones: where })).toEqual(refused);
        },
      ),
    );
  });
});
