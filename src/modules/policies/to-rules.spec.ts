import { PolicyDefinition } from './policies.dto.js';
import { toRules } from './to-rules.js';

describe('toRules', () => {
  it('turns stored policies into the rules of the gates', () => {
    const { capRules, quietRules } = toRules([
      { key: 'a', version: 1, definition: { kind: 'cap', limit: 2, window: { kind: 'rolling', duration: 'PT24H' } } },
      {
        key: 'b',
        version: 3,
        definition: {
          kind: 'cap',
          scope: { kind: 'journey', journey: 'welcome' },
          limit: 1,
          window: { kind: 'calendar', unit: 'day' },
          purposes: ['newsletter'],
          on_hit: 'defer',
        },
      },
      { key: 'c', version: 2, definition: { kind: 'quiet_hours', channel: 'email', start: '21:30', end: '08:00' } },
    ]);
    expect(capRules).toEqual([
      {
        id: 'a',
        version: 1,
        scope: { kind: 'global' },
        limit: 2,
        window: { kind: 'rolling', durationMs: 86_400_000 },
        purposes: ['marketing'],
        onHit: 'drop',
      },
      {
        id: 'b',
        version: 3,
        scope: { kind: 'journey', journeyKey: 'welcome' },
        limit: 1,
        window: { kind: 'calendar', unit: 'day' },
        purposes: ['newsletter'],
        onHit: 'defer',
      },
    ]);
    expect(quietRules).toEqual([{ id: 'c', version: 2, channel: 'email', startMinute: 1_290, endMinute: 480 }]);
  });

  it('fails on a definition that it cannot read, instead of passing over it', () => {
    expect(() => toRules([{ key: 'a', version: 1, definition: { kind: 'nonsense' } }])).toThrow();
  });
});

describe('the length of quiet hours', () => {
  it.each<[string, string, boolean, boolean]>([
    ['21:00', '08:00', false, true],
    ['04:00', '00:00', false, true],
    ['03:59', '00:00', false, false],
    ['08:00', '08:00', false, false],
    ['08:00', '08:00', true, true],
  ])('from %s to %s, allow_long %s: accepted %s', (start, end, allow_long, isAccepted) => {
    expect(PolicyDefinition.safeParse({ kind: 'quiet_hours', start, end, allow_long }).success).toBe(isAccepted);
  });
});

describe('the window of a cap', () => {
  it.each<[string, boolean]>([
    ['P31D', true],
    ['P31DT1S', false],
    ['PT0S', false],
    ['1d', false],
  ])('%s: accepted %s', (duration, isAccepted) => {
    const definition = { kind: 'cap', limit: 1, window: { kind: 'rolling', duration } };
    expect(PolicyDefinition.safeParse(definition).success).toBe(isAccepted);
  });
});
