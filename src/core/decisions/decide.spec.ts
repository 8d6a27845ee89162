import {
  candidate,
  capRule,
  contact,
  DECIDED_AT,
  decisionInput,
  grant,
  quietRule,
  suppression,
  NEVER,
  runIn,
  userWith,
} from '../../../test/support/decision-input.js';
import { decide } from './decide.js';
import type { Candidate, DecisionInput, DecisionOutcome } from './types.js';

const OPENING = Date.parse('2027-06-16T08:00:00Z');
const MIDNIGHT = Date.parse('2027-06-16T00:00:00Z');
const NIGHT = Date.parse('2027-06-15T22:00:00Z');

const outcome = (more: Partial<DecisionInput>): DecisionOutcome => decide(decisionInput(more)).outcome;
const silence = (more: Partial<DecisionInput>): string => {
  const found = outcome(more);
  return found.kind === 'do_nothing' ? found.reason : found.kind;
};
const withCandidate = (more: Partial<Candidate>): Partial<DecisionInput> => ({
  candidates: [candidate('hello', more)],
});

/** One obstacle for each gate, in gate order. */
const OBSTACLES: readonly (readonly [string, Partial<DecisionInput>])[] = [
  ['USER_ERASED', { user: userWith({ state: 'erased' }) }],
  ['SUPPRESSED_HARD_BOUNCE', { suppressions: [suppression()] }],
  ['CONSENT_MISSING', { consents: [] }],
  ['RUN_EXITED', { run: runIn('exited') }],
  ['BELOW_THRESHOLD', { doNothingValue: 1 }],
  ['NO_ALLOWED_TIME', { quietRules: [quietRule({ endMinute: 1_260 })] }],
  ['CAP_REACHED', { capRules: [capRule()], contacts: [contact()] }],
];

describe('decide: one candidate', () => {
  it('acts when nothing stands in the way', () => {
    expect(outcome({})).toEqual({ kind: 'act', action: 'hello', channel: 'email', template: 'hello_mail' });
  });

  it.each<[string, Partial<DecisionInput>]>([
    ...OBSTACLES.map(([reason, more]): [string, Partial<DecisionInput>] => [reason, more]),
    ['USER_UNKNOWN', { user: userWith({ state: 'unknown' }) }],
    ['ACTION_INACTIVE', withCandidate({ isActive: false })],
    ['TEMPLATE_MISSING', withCandidate({ templateVersion: null })],
    ['RENDER_FAILED', withCandidate({ renderFault: 'undefined variable' })],
    ['ADDRESS_MISSING', withCandidate({ addressHash: null })],
    [
      'CONSENT_WITHDRAWN',
      { consents: [grant(), grant({ id: 'w', status: 'withdrawn', statedAt: DECIDED_AT, receivedAt: DECIDED_AT })] },
    ],
    ['CONSENT_EXPIRED', { consents: [grant({ expiresAt: DECIDED_AT })] }],
    ['RUN_PAUSED', { run: runIn('paused') }],
    ['NOTHING_ELIGIBLE', withCandidate({ eligibility: NEVER })],
    ['NOTHING_ELIGIBLE', { candidates: [] }],
  ])('does nothing: %s', (reason, more) => {
    expect(silence(more)).toBe(reason);
  });

  it('lets the first gate that refuses decide, whatever refuses after it', () => {
    for (const [index, [reason]] of OBSTACLES.entries()) {
      const from = OBSTACLES.slice(index).map(([, more]) => more);
      expect(silence(Object.assign({}, ...from) as Partial<DecisionInput>)).toBe(reason);
    }
  });

  it('asks the gates that no candidate concerns also when there is no candidate', () => {
    expect(silence({ candidates: [], user: userWith({ state: 'erased' }) })).toBe('USER_ERASED');
    expect(silence({ candidates: [], run: runIn('exited') })).toBe('RUN_EXITED');
    expect(outcome({ run: null }).kind).toBe('act');
  });

  it('waits for quiet hours to end, a little after the opening', () => {
    const found = outcome({ now: NIGHT, quietRules: [quietRule()] });
    expect(found).toMatchObject({ kind: 'defer', action: 'hello', reason: 'QUIET_HOURS' });
    if (found.kind !== 'defer') return;
    expect(found.until).toBeGreaterThanOrEqual(OPENING);
    expect(found.until).toBeLessThanOrEqual(OPENING + 600_000);
  });

  it('waits for a limit that defers, to the instant', () => {
    const more = { capRules: [capRule({ onHit: 'defer' })], contacts: [contact()] };
    expect(outcome(more)).toEqual({ kind: 'defer', action: 'hello', reason: 'CAP_REACHED', until: MIDNIGHT });
  });

  it('waits for quiet hours first when a limit is reached too', () => {
    const more = { now: NIGHT, quietRules: [quietRule()], capRules: [capRule()], contacts: [contact()] };
    expect(outcome(more)).toMatchObject({ kind: 'defer', reason: 'QUIET_HOURS' });
  });

  it('lets what rests on a contract pass without consent, through quiet hours and limits, but not suppression', () => {
    const more = {
      ...withCandidate({ legalBasis: 'contract', purpose: 'transactional' }),
      now: NIGHT,
      consents: [],
      quietRules: [quietRule()],
      capRules: [capRule({ limit: 0, purposes: ['marketing', 'transactional'] })],
    };
    expect(outcome(more).kind).toBe('act');
    expect(silence({ ...more, suppressions: [suppression({ reason: 'complaint' })] })).toBe('act');
    expect(silence({ ...more, suppressions: [suppression({ reason: 'stop' })] })).toBe('SUPPRESSED_STOP');
  });
});

describe('decide: several candidates', () => {
  const best = candidate('best', { value: 3, channel: 'sms', addressHash: 'phone' });
  const next = candidate('next', { value: 2 });
  const third = candidate('third', { value: 1 });
  const consents = [grant(), grant({ id: 'sms', channel: 'sms' })];
  const candidates = [third, next, best];
  const lost = (more: Partial<DecisionInput>) =>
    decide(decisionInput({ candidates, consents, ...more })).candidates.map(({ key, lostBecause }) => [
      key,
      lostBecause,
    ]);

  it('chooses the best and says why the others lost', () => {
    expect(outcome({ candidates, consents })).toMatchObject({ kind: 'act', action: 'best' });
    expect(lost({})).toEqual([
      ['best', null],
      ['next', 'LOWER_PRIORITY'],
      ['third', 'LOWER_PRIORITY'],
    ]);
  });

  it('goes on to the next best when a gate before the arbitration refuses the best', () => {
    expect(outcome({ candidates })).toMatchObject({ kind: 'act', action: 'next' });
    expect(lost({ consents: [grant()] })[0]).toEqual(['best', 'CONSENT_MISSING']);
  });

  it('goes on to the next best when a limit refuses the best', () => {
    const capRules = [capRule({ scope: { kind: 'channel', channel: 'sms' } })];
    const contacts = [contact({ channel: 'sms' })];
    expect(outcome({ candidates, consents, capRules, contacts })).toMatchObject({ kind: 'act', action: 'next' });
    expect(lost({ capRules, contacts })).toEqual([
      ['best', 'CAP_REACHED'],
      ['next', null],
      ['third', 'LOWER_PRIORITY'],
    ]);
  });

  it('goes on to the next best when the best has no allowed time at all', () => {
    const quietRules = [quietRule({ channels: ['sms'], startMinute: 0, endMinute: 0 })];
    expect(outcome({ candidates, consents, quietRules })).toMatchObject({ kind: 'act', action: 'next' });
  });

  it('waits with the best, also when a lesser one could go out now', () => {
    const quietRules = [quietRule({ channels: ['sms'] })];
    expect(outcome({ candidates, consents, quietRules, now: NIGHT })).toMatchObject({ kind: 'defer', action: 'best' });
  });

  it('never falls below doing nothing when it goes on', () => {
    const capRules = [capRule({ scope: { kind: 'channel', channel: 'sms' } })];
    const contacts = [contact({ channel: 'sms' })];
    const more = { candidates, consents, capRules, contacts, doNothingValue: 2 };
    expect(silence(more)).toBe('CAP_REACHED');
    expect(lost(more)).toEqual([
      ['best', 'CAP_REACHED'],
      ['next', 'BELOW_THRESHOLD'],
      ['third', 'BELOW_THRESHOLD'],
    ]);
  });

  it('gives the reason of the candidate that ranks highest when all are refused', () => {
    const suppressions = [suppression({ addressHash: 'phone', channel: 'sms' })];
    expect(silence({ candidates, consents: [], suppressions })).toBe('SUPPRESSED_HARD_BOUNCE');
    expect(silence({ candidates, consents: [] })).toBe('CONSENT_MISSING');
  });

  it('does not count candidates that are merely not eligible, unless none is', () => {
    const closed = { ...best, eligibility: NEVER };
    expect(silence({ candidates: [closed, { ...next, addressHash: null }], consents })).toBe('ADDRESS_MISSING');
    expect(silence({ candidates: [closed, { ...next, eligibility: NEVER }], consents })).toBe('NOTHING_ELIGIBLE');
  });

  it('lets the end of the run decide only while somebody is left to ask about', () => {
    expect(silence({ candidates, consents: [grant()], run: runIn('exited') })).toBe('RUN_EXITED');
    expect(silence({ candidates, consents: [], run: runIn('exited') })).toBe('CONSENT_MISSING');
    expect(silence({ candidates: [{ ...next, eligibility: NEVER }], run: runIn('exited') })).toBe('RUN_EXITED');
  });

  it('marks every contender with the gate that concerned everybody', () => {
    expect(lost({ run: runIn('exited'), doNothingValue: 1, consents: [grant()] })).toEqual([
      ['best', 'CONSENT_MISSING'],
      ['next', 'RUN_EXITED'],
      ['third', 'BELOW_THRESHOLD'],
    ]);
  });
});

describe('decide: the record', () => {
  it('holds every gate in order, for every candidate, also after a refusal', () => {
    const { gates } = decide(decisionInput({ isKillSwitchOn: true, candidates: [candidate('a'), candidate('b')] }));
    expect(gates.map(({ gate, candidates }) => `${gate} ${candidates?.join(' ') ?? '*'}`)).toEqual([
      'kill_switch *',
      'identity *',
      'identity a b',
      'suppression a b',
      'consent a b',
      'exit *',
      'journey_conflict a b',
      'next_best_action a b',
      'pause a b',
      'fatigue a b',
      'next_best_action *',
      'expiry a b',
      'quiet_hours a b',
      'caps a b',
      'holdout a b',
    ]);
  });

  it('names rule, version, count, limit and the winning decision of a limit', () => {
    const { gates } = decide(decisionInput({ capRules: [capRule()], contacts: [contact()] }));
    expect(gates.find(({ gate }) => gate === 'caps')).toEqual({
      gate: 'caps',
      candidates: ['hello'],
      kind: 'refuse',
      reason: 'CAP_REACHED',
      rule: 'daily@2',
      until: MIDNIGHT,
      facts: { window: 'calendar day', limit: 1, count: 1, decisionId: 'decision-0' },
    });
  });

  it('names the record that consent rests on, and the zone that quiet hours were read in', () => {
    const zoned = userWith({ zones: ['UTC', 'Asia/Tokyo'] });
    const { gates } = decide(decisionInput({ user: zoned, quietRules: [quietRule()] }));
    expect(gates.find(({ gate }) => gate === 'consent')?.facts).toMatchObject({
      recordId: 'consent-1',
      basis: 'consent',
    });
    expect(gates.find(({ gate }) => gate === 'quiet_hours')).toMatchObject({
      kind: 'defer',
      rule: 'night@1',
      facts: { zone: 'Asia/Tokyo' },
    });
  });

  it('takes a user without a zone for a mistake, also when no rule would look at it', () => {
    expect(() => outcome({ user: userWith({ zones: [] }) })).toThrow('at least one zone');
  });
});
