import fc from 'fast-check';
import { DAY_MS, HOUR_MS } from '../../core/kernel/instant.js';
import { gateCaps } from '../../core/fatigue/gate-caps.js';
import type { Contact } from '../../core/fatigue/cap-rule.js';
import { Cap } from './contact-definitions.dto.js';
import { mayBeLooser } from './may-be-looser.js';
import { PolicyDefinition } from './policies.dto.js';
import { toCapRule } from './to-rules.js';

const definition = (input: object): PolicyDefinition => PolicyDefinition.parse(input);
const cap = (more: object = {}) =>
  definition({ kind: 'cap', limit: 2, window: { kind: 'rolling', duration: 'P2D' }, on_hit: 'defer', ...more });
const quiet = (more: object = {}) => definition({ kind: 'quiet_hours', start: '21:00', end: '08:00', ...more });
const pause = (more: object = {}) =>
  definition({
    kind: 'pause',
    outcomes: ['dismissed'],
    count: 3,
    within: 'P7D',
    scope: 'action',
    pause_for: 'P7D',
    ...more,
  });
const lever = definition({ kind: 'lever', target: 'issue', name: 'retention', weight: 5 });

describe('mayBeLooser', () => {
  it.each<[string, PolicyDefinition | null, PolicyDefinition | null, boolean]>([
    ['a new cap', null, cap(), false],
    ['new quiet hours', null, quiet(), false],
    ['a new lever, which may bring something to the front', null, lever, true],
    ['nothing before and after', null, null, false],
    ['a lifted cap', cap(), null, true],
    ['a lifted lever', lever, null, true],
    ['another kind', cap(), quiet(), true],
    ['the same again', cap(), cap(), false],
    ['the same quiet hours again', quiet(), quiet({ allow_long: false }), false],
    ['other quiet hours', quiet(), quiet({ start: '20:00' }), true],
    ['a smaller limit', cap(), cap({ limit: 1 }), false],
    ['a larger limit', cap(), cap({ limit: 3 }), true],
    ['a longer window', cap(), cap({ window: { kind: 'rolling', duration: 'P3D' } }), false],
    ['a shorter window', cap(), cap({ window: { kind: 'rolling', duration: 'P1D' } }), true],
    ['another kind of window', cap(), cap({ window: { kind: 'calendar', unit: 'month' } }), true],
    [
      'another unit',
      cap({ window: { kind: 'calendar', unit: 'day' } }),
      cap({ window: { kind: 'calendar', unit: 'week' } }),
      true,
    ],
    ['more purposes', cap(), cap({ purposes: ['news', 'marketing'] }), false],
    ['other purposes', cap(), cap({ purposes: ['news'] }), true],
    ['another scope', cap(), cap({ scope: { kind: 'channel', channel: 'email' } }), true],
    ['fewer states that give back', cap(), cap({ gives_back_on: [] }), false],
    ['more states that give back', cap(), cap({ gives_back_on: ['failed', 'bounced'] }), true],
    ['something else on a hit', cap(), cap({ on_hit: 'drop' }), true],
    ['a longer pause', pause(), pause({ pause_for: 'P8D', within: 'P8D', count: 2 }), false],
    ['a shorter pause', pause(), pause({ pause_for: 'P6D' }), true],
    ['a pause within less', pause(), pause({ within: 'P6D' }), true],
    ['a pause after more', pause(), pause({ count: 4 }), true],
    ['a pause after more kinds', pause(), pause({ outcomes: ['ignored', 'dismissed'] }), false],
    ['a pause after fewer kinds', pause({ outcomes: ['ignored', 'dismissed'] }), pause(), true],
    ['a pause of something else', pause(), pause({ scope: 'channel' }), true],
  ])('%s', (_what, before, after, expected) => {
    expect(mayBeLooser(before, after)).toBe(expected);
  });

  it('never overlooks a cap that lets through what the one before did not', () => {
    const now = Date.parse('2027-06-15T12:00:00Z');
    const window = fc.oneof(
      fc.integer({ min: 1, max: 72 }).map((hours) => ({ kind: 'rolling', duration: `PT${hours}H` })),
      fc.integer({ min: 1, max: 72 }).map((hours) => ({ kind: 'min_gap', duration: `PT${hours}H` })),
      fc.constantFrom('day', 'week', 'month').map((unit) => ({ kind: 'calendar', unit })),
    );
    const anyCap = fc
      .record({
        window,
        limit: fc.integer({ min: 0, max: 3 }),
        purposes: fc.constantFrom(['marketing'], ['news'], ['marketing', 'news']),
        gives_back_on: fc.subarray(['failed', 'bounced']),
        scope: fc.constantFrom({ kind: 'global' }, { kind: 'channel', channel: 'email' }),
      })
      .map((one) => Cap.parse({ kind: 'cap', ...one, limit: one.window.kind === 'min_gap' ? 1 : one.limit }));
    const contacts = fc.array(
      fc.record({
        hours: fc.integer({ min: 0, max: 24 * 20 }),
        purpose: fc.constantFrom('marketing', 'news'),
        channel: fc.constantFrom('email', 'sms'),
        state: fc.constantFrom<Contact['state']>('sent', 'failed', 'bounced'),
      }),
      { maxLength: 6 },
    );
    fc.assert(
      fc.property(anyCap, anyCap, contacts, fc.constantFrom('marketing', 'news'), (before, after, made, purpose) => {
        const passes = (one: Cap): boolean =>
          gateCaps({
            rules: [toCapRule({ id: 'a', version: 1 }, one)],
            contacts: made.map(({ hours, ...more }, index) => ({
              ...more,
              decisionId: `d-${index}`,
              at: now - hours * HOUR_MS,
              journeyKey: null,
              action: 'hello',
              group: null,
              tags: [],
            })),
            zones: ['Europe/Berlin'],
            channel: 'email',
            purpose,
            legalBasis: 'consent',
            journeyKey: null,
            tags: [],
            group: null,
            now: now + DAY_MS,
          }).kind === 'pass';
        if (!passes(before) && passes(after)) expect(mayBeLooser(before, after)).toBe(true);
      }),
    );
  });
});
