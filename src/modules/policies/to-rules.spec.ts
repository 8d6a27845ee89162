import { everydayRule } from '../../core/quiet-hours/quiet-rule.js';
import { toRules } from './to-rules.js';

const DAY_MS = 86_400_000;
const stored = (definition: object, key = 'a', version = 1) => ({ key, version, definition });

describe('toRules', () => {
  it('means nothing special by no policy at all', () => {
    expect(toRules([])).toEqual({
      capRules: [],
      quietRules: [],
      pauseRules: [],
      fatigueModel: null,
      levers: { issues: {}, groups: {} },
      factors: { propensity: true, context: true, value: true, levers: true },
      doNothingValue: 0,
      holdouts: [],
    });
  });

  it('turns caps into the rules of their gate', () => {
    const window = { kind: 'rolling', duration: 'PT24H' };
    const { capRules } = toRules([
      stored({ kind: 'cap', limit: 2, window }),
      stored(
        {
          kind: 'cap',
          scope: { kind: 'journey', journey: 'welcome' },
          limit: 1,
          window: { kind: 'calendar', unit: 'month' },
          purposes: ['newsletter'],
          gives_back_on: ['failed', 'bounced'],
          on_hit: 'degrade_channel',
        },
        'b',
        3,
      ),
      stored({
        kind: 'cap',
        scope: { kind: 'group', group: 'offers' },
        window: { kind: 'min_gap', duration: 'PT30M' },
      }),
    ]);
    const usual = { id: 'a', version: 1, purposes: ['marketing'], givesBackOn: ['failed'], onHit: 'drop' };
    expect(capRules).toEqual([
      { ...usual, scope: { kind: 'global' }, limit: 2, window: { kind: 'rolling', durationMs: DAY_MS } },
      {
        id: 'b',
        version: 3,
        scope: { kind: 'journey', journeyKey: 'welcome' },
        limit: 1,
        window: { kind: 'calendar', unit: 'month' },
        purposes: ['newsletter'],
        givesBackOn: ['failed', 'bounced'],
        onHit: 'degrade_channel',
      },
      {
        ...usual,
        scope: { kind: 'group', group: 'offers' },
        limit: 1,
        window: { kind: 'min_gap', durationMs: 1_800_000 },
      },
    ]);
  });

  it('turns quiet hours of the company and of the law into the rules of their gate', () => {
    const { quietRules } = toRules([
      stored({ kind: 'quiet_hours', start: '21:30', end: '08:00' }),
      stored(
        {
          kind: 'legal_overlay',
          channels: ['sms'],
          jurisdictions: ['FR'],
          purposes: ['marketing'],
          weekdays: [7],
          dates: ['12-25', '2027-03-29'],
          start: '00:00',
          end: '00:00',
          effective_from: '2027-01-01',
          effective_until: '2028-01-01',
          on_hit: 'switch_channel',
          ttl: 'P2D',
          source: 'Code des postes',
        },
        'b',
        2,
      ),
      stored(
        { kind: 'legal_overlay', jurisdictions: ['US'], start: '21:00', end: '08:00', source: '47 CFR 64.1200' },
        'c',
      ),
    ]);
    const named = { id: 'a', version: 1, startMinute: 1_290, endMinute: 480 } as const;
    expect(quietRules).toEqual([
      everydayRule({ ...named, origin: 'policy', channels: ['email'] }),
      {
        id: 'b',
        version: 2,
        origin: 'law',
        channels: ['sms'],
        purposes: ['marketing'],
        jurisdictions: ['FR'],
        weekdays: [7],
        dates: ['12-25', '2027-03-29'],
        startMinute: 0,
        endMinute: 0,
        effectiveFrom: '2027-01-01',
        effectiveUntil: '2028-01-01',
        onHit: 'switch_channel',
        ttlMs: 2 * DAY_MS,
        source: 'Code des postes',
      },
      {
        ...everydayRule({ ...named, id: 'c', origin: 'law', channels: null, startMinute: 1_260 }),
        jurisdictions: ['US'],
        source: '47 CFR 64.1200',
      },
    ]);
  });

  it('reads the laws that were stored before whole days had to be meant', () => {
    const law = { kind: 'legal_overlay', jurisdictions: ['FR'], start: '08:00', end: '08:00', source: 'a law' };
    const { quietRules } = toRules([stored(law)]);
    expect(quietRules).toMatchObject([{ startMinute: 480, endMinute: 480 }]);
    expect(toRules([stored({ ...law, allow_long: true })]).quietRules).toEqual(quietRules);
  });

  it('turns pauses, fatigue and holdouts into what decisions ask', () => {
    const { pauseRules, fatigueModel, holdouts } = toRules([
      stored({ kind: 'pause', outcomes: ['dismissed'], count: 3, within: 'P7D', scope: 'group', pause_for: 'P30D' }),
      stored({ kind: 'fatigue', half_life: 'P3D', contact_weight: 0.3, outcome_weights: { clicked: -1 } }, 'b', 4),
      stored({ kind: 'holdout', share: 0.1 }, 'c'),
      stored({ kind: 'holdout', share: 0.2, salt: 'autumn', purposes: ['news'] }, 'd', 2),
    ]);
    expect(pauseRules).toEqual([
      {
        id: 'a',
        version: 1,
        outcomes: ['dismissed'],
        count: 3,
        withinMs: 7 * DAY_MS,
        scope: 'group',
        pauseMs: 30 * DAY_MS,
        purposes: ['marketing'],
      },
    ]);
    expect(fatigueModel).toEqual({
      id: 'b',
      version: 4,
      halfLifeMs: 3 * DAY_MS,
      contactWeight: 0.3,
      outcomeWeights: { clicked: -1 },
      costPerScore: 0,
      threshold: null,
    });
    expect(holdouts).toEqual([
      { id: 'c', version: 1, salt: 'c', share: 0.1, purposes: ['marketing'] },
      { id: 'd', version: 2, salt: 'autumn', share: 0.2, purposes: ['news'] },
    ]);
  });

  it('adds up levers of one name, and keeps issues and groups apart', () => {
    const lever = (target: string, name: string, weight: number) => stored({ kind: 'lever', target, name, weight });
    const { levers } = toRules([
      lever('issue', 'retention', 20),
      lever('issue', 'retention', 5),
      lever('group', 'retention', -50),
    ]);
    expect(levers).toEqual({ issues: { retention: 25 }, groups: { retention: -50 } });
  });

  it('takes the arbitration as it is set', () => {
    const { factors, doNothingValue } = toRules([
      stored({ kind: 'arbitration', use: { propensity: false }, do_nothing_value: 0.5 }),
    ]);
    expect(factors).toEqual({ propensity: false, context: true, value: true, levers: true });
    expect(doNothingValue).toBe(0.5);
  });

  it('fails on a definition that it cannot read, instead of passing over it', () => {
    expect(() => toRules([stored({ kind: 'nonsense' })])).toThrow();
    expect(() => toRules([stored({ kind: 'quiet_hours', channel: 'email', start: '21:30', end: '08:00' })])).toThrow();
  });

  it.each([{ kind: 'arbitration' }, { kind: 'fatigue', half_life: 'P3D', contact_weight: 0.3 }])(
    'fails on two of what there may be one: $kind',
    (definition) => {
      expect(() => toRules([stored(definition), stored(definition, 'b')])).toThrow('are in force');
    },
  );
});
