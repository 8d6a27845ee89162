import { NewPolicy, PolicyDefinition } from './policies.dto.js';

const cap = { kind: 'cap', limit: 1, window: { kind: 'calendar', unit: 'day' } };
const gap = { kind: 'cap', window: { kind: 'min_gap', duration: 'PT30M' } };
const quiet = { kind: 'quiet_hours', start: '21:00', end: '08:00' };
const law = { kind: 'legal_overlay', jurisdictions: ['US-FL'], start: '20:00', end: '08:00', source: 'a law' };
const pause = { kind: 'pause', outcomes: ['dismissed'], count: 3, within: 'P7D', scope: 'action', pause_for: 'P30D' };
const fatigue = { kind: 'fatigue', half_life: 'P3D', contact_weight: 0.3 };
const lever = { kind: 'lever', target: 'issue', name: 'retention', weight: 10 };
const holdout = { kind: 'holdout', share: 0.1 };

/** Paths of the faults; none when it is accepted. */
function faults(definition: object): readonly string[] {
  const parsed = PolicyDefinition.safeParse(definition);
  return parsed.success ? [] : [...new Set(parsed.error.issues.map(({ path }) => path.join('.')))];
}

describe('PolicyDefinition', () => {
  it.each<[string, object]>([
    ['a cap', cap],
    ['a cap of nothing', { ...cap, limit: 0 }],
    ['a gap', gap],
    ['a gap of one', { ...gap, limit: 1 }],
    ['a week', { ...cap, window: { kind: 'calendar', unit: 'week' } }],
    ['31 days', { ...cap, window: { kind: 'rolling', duration: 'P31D' } }],
    ['a state that gives nothing back', { ...cap, gives_back_on: [] }],
    ['quiet hours', quiet],
    ['20 hours', { ...quiet, start: '04:00', end: '00:00' }],
    ['a whole day that is meant', { ...quiet, start: '08:00', end: '08:00', allow_long: true }],
    ['every channel', { ...quiet, channels: null }],
    ['a leap day of every year', { ...quiet, dates: ['02-29'] }],
    ['a law', law],
    ['a law for whole days', { ...law, weekdays: [7], start: '00:00', end: '00:00', allow_long: true }],
    ['a law for 20 hours', { ...law, start: '04:00', end: '00:00' }],
    ['a pause', pause],
    ['a model of fatigue', { ...fatigue, outcome_weights: { complained: 3, clicked: -0.5 }, threshold: 0.9 }],
    ['a lever', { ...lever, weight: -99.9 }],
    ['an arbitration', { kind: 'arbitration' }],
    ['a holdout of everybody', { ...holdout, share: 1 }],
  ])('accepts %s', (_what, definition) => {
    expect(faults(definition)).toEqual([]);
  });

  it.each<[string, object, string]>([
    ['a cap without a limit', { ...cap, limit: undefined }, 'limit'],
    ['a limit that decisions do not read', { ...cap, limit: 1_001 }, 'limit'],
    ['a gap for two', { ...gap, limit: 2 }, 'limit'],
    ['a window longer than is read', { ...cap, window: { kind: 'rolling', duration: 'P31DT1S' } }, 'window.duration'],
    ['a window of nothing', { ...cap, window: { kind: 'rolling', duration: 'PT0S' } }, 'window.duration'],
    ['a window in other words', { ...cap, window: { kind: 'rolling', duration: '1d' } }, 'window.duration'],
    ['a year', { ...cap, window: { kind: 'calendar', unit: 'year' } }, 'window.unit'],
    ['a scope that nothing has', { ...cap, scope: { kind: 'issue' } }, 'scope.kind'],
    ['a scope without its name', { ...cap, scope: { kind: 'group' } }, 'scope.group'],
    ['no purpose', { ...cap, purposes: [] }, 'purposes'],
    ['giving back what may be under way', { ...cap, gives_back_on: ['sending'] }, 'gives_back_on.0'],
    ['something else on a hit', { ...cap, on_hit: 'wait' }, 'on_hit'],
    ['more than 20 hours', { ...quiet, start: '03:59', end: '00:00' }, 'end'],
    ['a whole day that nobody asked for', { ...quiet, start: '08:00', end: '08:00' }, 'end'],
    ['a minute that no day has', { ...quiet, end: '24:00' }, 'end'],
    ['no channel', { ...quiet, channels: [] }, 'channels'],
    ['an eighth weekday', { ...quiet, weekdays: [1, 8] }, 'weekdays.1'],
    ['30 February', { ...quiet, dates: ['2028-02-30'] }, 'dates.0'],
    ['30 February of every year', { ...quiet, dates: ['02-30'] }, 'dates.0'],
    ['29 February of a common year', { ...quiet, effective_from: '2027-02-29' }, 'effective_from'],
    [
      'an end before the start',
      { ...quiet, effective_from: '2027-02-02', effective_until: '2027-02-02' },
      'effective_until',
    ],
    ['a country in words', { ...quiet, jurisdictions: ['usa'] }, 'jurisdictions.0'],
    ['a law of nowhere', { ...law, jurisdictions: undefined }, 'jurisdictions'],
    ['a law for a whole day that nobody asked for', { ...law, start: '08:00', end: '08:00' }, 'end'],
    ['a law for more than 20 hours', { ...law, start: '03:59', end: '00:00', allow_long: false }, 'end'],
    ['a law without a source', { ...law, source: null }, 'source'],
    [
      'a law that ends before it starts',
      { ...law, effective_from: '2027-02-02', effective_until: '2027-01-01' },
      'effective_until',
    ],
    ['a pause after nothing', { ...pause, count: 0 }, 'count'],
    ['a pause after an unknown kind', { ...pause, outcomes: ['yawned'] }, 'outcomes.0'],
    ['a pause for too long', { ...pause, pause_for: 'P93D' }, 'pause_for'],
    ['a threshold of 1', { ...fatigue, threshold: 1 }, 'threshold'],
    ['contacts that refresh', { ...fatigue, contact_weight: -0.1 }, 'contact_weight'],
    ['a half-life longer than is read', { ...fatigue, half_life: 'P15D' }, 'half_life'],
    ['a weight of an unknown kind', { ...fatigue, outcome_weights: { yawned: 1 } }, 'outcome_weights'],
    ['a lever that takes all', { ...lever, weight: -100 }, 'weight'],
    ['a lever on an action', { ...lever, target: 'action' }, 'target'],
    ['a factor that there is not', { kind: 'arbitration', use: { luck: true } }, 'use'],
    ['a share above 1', { ...holdout, share: 1.01 }, 'share'],
  ])('refuses %s', (_what, definition, path) => {
    expect(faults(definition)).toEqual([path]);
  });

  it('refuses keys that stand for something else in addresses', () => {
    for (const key of ['wakes', 'preview']) expect(NewPolicy.safeParse({ key, definition: cap }).success).toBe(false);
  });
});
