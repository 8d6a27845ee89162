import {
  candidate,
  capRule,
  contact,
  DECIDED_AT,
  decisionInput,
  grant,
  NEVER,
  quietRule,
  runIn,
  suppression,
} from '../../../test/support/decision-input.js';
import { DAY_MS, HOUR_MS } from '../kernel/instant.js';
import { decide } from './decide.js';
import type { DecisionInput, RunConflict } from './types.js';

const consents = ['email', 'sms', 'push'].map((channel) => grant({ id: `c-${channel}`, channel }));
const best = candidate('best', { channel: 'sms', value: 3 });
const sibling = candidate('sibling', { channel: 'sms', value: 2 });
const other = candidate('other', { channel: 'email', value: 1 });
const candidates = [best, sibling, other];
const ask = (more: Partial<DecisionInput>) => decide(decisionInput({ candidates, consents, ...more }));
const fate = (more: Partial<DecisionInput>): unknown =>
  Object.fromEntries(ask(more).candidates.map(({ key, lostBecause }) => [key, lostBecause]));
const NIGHT = Date.parse('2027-06-15T22:00:00Z');
const MORNING = Date.parse('2027-06-16T08:00:00Z');

describe('a rule that wants another channel tried first', () => {
  const quietRules = [quietRule({ channels: ['sms'], onHit: 'switch_channel' })];
  const capRules = [capRule({ scope: { kind: 'channel', channel: 'sms' }, onHit: 'degrade_channel' })];
  const contacts = [contact({ channel: 'sms' })];

  it('lets the best of another channel step in at a quiet hour, not the next of the same channel', () => {
    expect(ask({ quietRules, now: NIGHT }).outcome).toMatchObject({ kind: 'act', action: 'other', channel: 'email' });
    expect(fate({ quietRules, now: NIGHT })).toEqual({ best: 'QUIET_HOURS', sibling: 'QUIET_HOURS', other: null });
  });

  it('makes the best wait for its opening when no other channel is left', () => {
    const alone = { quietRules, now: NIGHT, candidates: [best, sibling] };
    const { outcome } = ask(alone);
    expect(outcome).toMatchObject({ kind: 'defer', action: 'best', reason: 'QUIET_HOURS' });
    expect(outcome.kind === 'defer' && outcome.until).toBeGreaterThanOrEqual(MORNING);
    expect(fate(alone)).toEqual({ best: null, sibling: 'QUIET_HOURS' });
  });

  it('lets another channel step in when a cap is full, and is silent when there is none', () => {
    expect(ask({ capRules, contacts }).outcome).toMatchObject({ kind: 'act', action: 'other' });
    const alone = ask({ capRules, contacts, candidates: [best, sibling] });
    expect(alone.outcome).toEqual({ kind: 'do_nothing', reason: 'CAP_REACHED' });
  });

  it('shuts nobody whom the rule does not concern, also on the same channel', () => {
    const tagged = {
      capRules: [capRule({ scope: { kind: 'tag', tag: 'promo' }, onHit: 'degrade_channel' })],
      contacts: [contact({ channel: 'sms', tags: ['promo'] })],
    };
    const promo = { ...best, tags: ['promo'] };
    const free = { ...tagged, candidates: [promo, sibling] };
    expect(ask(free).outcome).toMatchObject({ kind: 'act', action: 'sibling', channel: 'sms' });
    expect(fate(free)).toEqual({ best: 'CAP_REACHED', sibling: null });
    const three = { ...tagged, candidates: [promo, sibling, other] };
    expect(fate(three)).toEqual({ best: 'CAP_REACHED', sibling: null, other: 'LOWER_PRIORITY' });
  });

  it('falls back on the first that asked for another channel, not on the last', () => {
    const push = candidate('push', { channel: 'push', value: 1 });
    const both = [quietRule({ channels: ['sms'], onHit: 'switch_channel' })];
    const later = quietRule({ id: 'long', channels: ['push'], endMinute: 600, onHit: 'switch_channel' });
    const asked = { quietRules: [...both, later], now: NIGHT, candidates: [best, push] };
    expect(ask(asked).outcome).toMatchObject({ kind: 'defer', action: 'best', reason: 'QUIET_HOURS' });
    expect(fate(asked)).toEqual({ best: null, push: 'QUIET_HOURS' });
  });
});

describe('names that look like no name', () => {
  it('a group that is called null is not the same as no group', () => {
    const capRules = [capRule({ scope: { kind: 'group', group: 'null' } })];
    const asked = {
      capRules,
      contacts: [contact({ group: 'null' })],
      candidates: [candidate('free', { value: 1 }), candidate('capped', { value: 2, group: 'null' })],
    };
    expect(fate(asked)).toEqual({ capped: 'CAP_REACHED', free: null });
    expect(fate({ ...asked, candidates: [...asked.candidates].reverse() })).toEqual(fate(asked));
  });

  it('a tag with a tab in it is not two tags', () => {
    const capRules = [capRule({ scope: { kind: 'tag', tag: 'b' } })];
    const asked = { capRules, contacts: [contact({ tags: ['b'] })] };
    const [one, two] = [candidate('one', { tags: ['a\tb'] }), candidate('two', { value: 2, tags: ['a', 'b'] })];
    expect(fate({ ...asked, candidates: [one, two] })).toEqual({ two: 'CAP_REACHED', one: null });
  });

  it('an address whose hash reads null is not a missing one', () => {
    const suppressions = [suppression({ addressHash: 'null' })];
    const [no, yes] = [candidate('no', { addressHash: null, value: 2 }), candidate('yes', { addressHash: 'null' })];
    const asked = { suppressions, candidates: [no, yes] };
    expect(fate(asked)).toEqual({ no: 'ADDRESS_MISSING', yes: 'SUPPRESSED_HARD_BOUNCE' });
  });
});

describe('other ways in which a full cap is dealt with', () => {
  const full = (onHit: 'drop' | 'defer' | 'skip') => ({
    capRules: [capRule({ scope: { kind: 'channel', channel: 'sms' }, onHit })],
    contacts: [contact({ channel: 'sms' })],
  });

  it('drop: the next best is asked', () => {
    expect(fate(full('drop'))).toEqual({ best: 'CAP_REACHED', sibling: 'CAP_REACHED', other: null });
  });

  it('defer: the best waits, nobody steps in', () => {
    expect(ask(full('defer')).outcome).toMatchObject({ kind: 'defer', action: 'best', reason: 'CAP_REACHED' });
    expect(fate(full('defer'))).toEqual({ best: null, sibling: 'LOWER_PRIORITY', other: 'LOWER_PRIORITY' });
  });

  it('skip: the step is passed over, nobody steps in', () => {
    expect(ask(full('skip')).outcome).toEqual({ kind: 'do_nothing', reason: 'CAP_REACHED', isPassedOver: true });
    expect(fate(full('skip'))).toEqual({ best: 'CAP_REACHED', sibling: 'LOWER_PRIORITY', other: 'LOWER_PRIORITY' });
  });
});

describe('a message with a time to live', () => {
  const fleeting = candidate('hello', { ttlMs: 2 * HOUR_MS });
  const ready = (agoMs: number): Partial<DecisionInput> => ({
    candidates: [fleeting],
    readyAt: DECIDED_AT - agoMs,
  });

  it('goes out until it ends, and not at its end', () => {
    expect(ask(ready(2 * HOUR_MS - 1)).outcome).toMatchObject({ kind: 'act' });
    expect(ask(ready(2 * HOUR_MS)).outcome).toEqual({ kind: 'do_nothing', reason: 'EXPIRED' });
  });

  it('is given up at once when it would have to wait beyond its end', () => {
    const capRules = [capRule({ onHit: 'defer' })];
    const asked = { ...ready(0), capRules, contacts: [contact()] };
    expect(ask(asked).outcome).toEqual({ kind: 'do_nothing', reason: 'EXPIRED' });
    const patient = candidate('hello', { ttlMs: DAY_MS });
    expect(ask({ ...asked, candidates: [patient] }).outcome).toMatchObject({ kind: 'defer', reason: 'CAP_REACHED' });
    const slow = { ...ready(0), quietRules: [quietRule()], now: NIGHT, readyAt: NIGHT };
    expect(ask(slow).outcome).toEqual({ kind: 'do_nothing', reason: 'EXPIRED' });
  });

  it('leaves its place to one that is still timely', () => {
    const both = { candidates: [candidate('late', { value: 5, ttlMs: 1 }), other], readyAt: DECIDED_AT - 1 };
    expect(fate(both)).toEqual({ late: 'EXPIRED', other: null });
  });
});

describe('competing runs of one user', () => {
  const own: RunConflict = { group: 'sales', priority: 5, enteredAt: DECIDED_AT - HOUR_MS };
  const run = { ...runIn('active'), runKey: 'b', journeyKey: 'welcome', state: 'active' as const, conflict: own };
  const rival = { ...own, runKey: 'c', journeyKey: 'winback' };
  const against = (more: Partial<typeof rival>, basis: 'consent' | 'contract' = 'consent') =>
    ask({ run, otherRuns: [{ ...rival, ...more }], candidates: [candidate('hello', { legalBasis: basis })] }).outcome;

  it.each<[string, Partial<typeof rival>, string]>([
    ['a higher priority wins', { priority: 6 }, 'do_nothing'],
    ['a lower priority does not', { priority: 4 }, 'act'],
    ['at equal priority who entered first wins', { enteredAt: own.enteredAt - 1 }, 'do_nothing'],
    ['at equal priority who entered later does not', { enteredAt: own.enteredAt + 1 }, 'act'],
    ['at equal instants the smaller run key wins', { runKey: 'a' }, 'do_nothing'],
    ['at equal instants the larger run key does not', { runKey: 'c' }, 'act'],
    ['another group is no rival', { group: 'service', priority: 9 }, 'act'],
  ])('%s', (_name, more, kind) => {
    expect(against(more).kind).toBe(kind);
  });

  it('says which run stands in the way, and leaves messages that rest on a contract alone', () => {
    expect(against({ priority: 6 })).toEqual({ kind: 'do_nothing', reason: 'JOURNEY_CONFLICT' });
    const { gates } = ask({ run, otherRuns: [{ ...rival, priority: 6 }] });
    expect(gates.find(({ gate }) => gate === 'journey_conflict')?.facts).toEqual({
      group: 'sales',
      priority: 5,
      otherJourney: 'winback',
      otherRunKey: 'c',
      otherPriority: 6,
    });
    expect(against({ priority: 6 }, 'contract').kind).toBe('act');
  });
});

describe('a holdout', () => {
  const holdout = { id: 'global', version: 2, salt: 'h', share: 1, purposes: ['marketing'] };
  const holdouts = [holdout];

  it('is deliberate silence: it stands behind every other gate and nobody steps in', () => {
    expect(ask({ holdouts }).outcome).toEqual({ kind: 'do_nothing', reason: 'HOLDOUT' });
    expect(fate({ holdouts })).toEqual({ best: 'HOLDOUT', sibling: 'LOWER_PRIORITY', other: 'LOWER_PRIORITY' });
    const capped = { holdouts, capRules: [capRule()], contacts: [contact()] };
    expect(ask(capped).outcome).toEqual({ kind: 'do_nothing', reason: 'CAP_REACHED' });
  });

  it('records rule, share and where the user stands, and concerns its purposes only', () => {
    const verdict = ask({ holdouts }).gates.find(({ gate }) => gate === 'holdout');
    expect(verdict).toMatchObject({ kind: 'refuse', rule: 'global@2', facts: { share: 1, salt: 'h' } });
    expect(verdict?.facts['fraction']).toBeLessThan(1);
    expect(ask({ holdouts: [{ ...holdout, purposes: ['newsletter'] }] }).outcome.kind).toBe('act');
    expect(ask({ holdouts: [{ ...holdout, share: 0 }] }).outcome.kind).toBe('act');
    const contract = [candidate('receipt', { legalBasis: 'contract' })];
    expect(ask({ holdouts, candidates: contract }).outcome.kind).toBe('act');
  });

  it('holds out about its share of the users, the same ones every time', () => {
    const tenth = [{ ...holdout, share: 0.1 }];
    const isHeldOut = (id: string): boolean =>
      ask({ holdouts: tenth, user: { ...decisionInput().user, id } }).outcome.kind === 'do_nothing';
    const users = Array.from({ length: 3_000 }, (_, index) => `user-${index}`);
    const held = users.filter(isHeldOut);
    // Binomial: 300 expected, standard deviation 16.4; five of them.
    expect(Math.abs(held.length - 300)).toBeLessThan(82);
    expect(held.every(isHeldOut)).toBe(true);
  });
});

describe('three conditions, pauses and fatigue', () => {
  it.each(['eligibility', 'applicability', 'suitability'] as const)('%s takes a candidate out', (kind) => {
    const reason = { eligibility: 'NOT_ELIGIBLE', applicability: 'NOT_APPLICABLE', suitability: 'NOT_SUITABLE' }[kind];
    expect(fate({ candidates: [{ ...best, [kind]: NEVER }, other] })).toEqual({ best: reason, other: null });
    expect(ask({ candidates: [{ ...best, [kind]: NEVER }] }).outcome).toMatchObject({ reason: 'NOTHING_ELIGIBLE' });
  });

  it('names the first condition that fails', () => {
    const both = { ...best, eligibility: NEVER, suitability: NEVER };
    expect(fate({ candidates: [both] })).toEqual({ best: 'NOT_ELIGIBLE' });
  });

  const pauseRules = [
    {
      id: 'rest',
      version: 1,
      outcomes: ['dismissed' as const],
      count: 1,
      withinMs: DAY_MS,
      scope: 'action' as const,
      pauseMs: DAY_MS,
      purposes: ['marketing'],
    },
  ];
  const dismissal = {
    decisionId: 'd',
    kind: 'dismissed' as const,
    at: DECIDED_AT - HOUR_MS,
    channel: 'sms',
    purpose: 'marketing',
    action: 'best',
    group: null,
  };

  it('a pause takes out what it is about, until it ends', () => {
    const asked = { pauseRules, outcomes: [dismissal] };
    expect(fate(asked)).toEqual({ best: 'PAUSED_BY_RULE', sibling: null, other: 'LOWER_PRIORITY' });
    const verdict = ask(asked).gates.find(({ gate, kind }) => gate === 'pause' && kind === 'refuse');
    expect(verdict).toMatchObject({ candidates: ['best'], rule: 'rest@1', until: dismissal.at + DAY_MS });
    expect(ask({ ...asked, now: dismissal.at + DAY_MS }).outcome).toMatchObject({ action: 'best' });
  });

  const fatigueModel = {
    id: 'tired',
    version: 4,
    halfLifeMs: DAY_MS,
    contactWeight: 1,
    outcomeWeights: {},
    costPerScore: 2,
    threshold: null,
  };
  const tired = { fatigueModel, contacts: [contact({ at: DECIDED_AT })] };
  const COST = 2 * (1 - Math.exp(-1));

  it('fatigue costs what rests on consent', () => {
    const receipt = candidate('receipt', { legalBasis: 'contract', value: 1 });
    const scores = ask({ ...tired, candidates: [best, receipt] }).candidates;
    expect(scores.find(({ key }) => key === 'best')?.net).toBeCloseTo(3 - COST, 12);
    expect(scores.find(({ key }) => key === 'receipt')?.net).toBe(1);
    expect(ask({ ...tired, candidates: [other] }).outcome).toMatchObject({ reason: 'BELOW_THRESHOLD' });
  });

  it('a threshold refuses, with the score and the instant at which it has faded', () => {
    const asked = { ...tired, fatigueModel: { ...fatigueModel, costPerScore: 0, threshold: 0.5 } };
    expect(ask(asked).outcome).toEqual({ kind: 'do_nothing', reason: 'FATIGUED' });
    const verdict = ask(asked).gates.find(({ gate }) => gate === 'fatigue');
    expect(verdict?.facts).toEqual({ score: 1 - Math.exp(-1), threshold: 0.5 });
    const until = verdict?.until ?? 0;
    expect(ask({ ...asked, now: until - 1_000 }).outcome).toMatchObject({ reason: 'FATIGUED' });
    expect(ask({ ...asked, now: until }).outcome).toMatchObject({ kind: 'act' });
  });
});

describe('factors that are switched off', () => {
  const rich = candidate('rich', { propensity: 0.5, contextFactor: 2, value: 3, leverFactor: 4 });
  const ALL = { propensity: true, context: true, value: true, levers: true };

  it.each([
    ['none', ALL, 12],
    ['propensity', { ...ALL, propensity: false }, 24],
    ['context', { ...ALL, context: false }, 6],
    ['value', { ...ALL, value: false }, 4],
    ['levers', { ...ALL, levers: false }, 3],
  ])('%s', (_name, factors, priority) => {
    expect(ask({ candidates: [rich], factors }).candidates[0]).toMatchObject({ priority, net: priority });
  });
});
