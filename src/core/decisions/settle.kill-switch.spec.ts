import {
  candidate,
  capRule,
  contact,
  DECIDED_AT,
  decisionInput,
  grant,
  quietRule,
  runIn,
} from '../../../test/support/decision-input.js';
import { HOUR_MS } from '../kernel/instant.js';
import { decide } from './decide.js';
import type { DecisionInput } from './types.js';

const consents = ['email', 'sms', 'push'].map((channel) => grant({ id: `c-${channel}`, channel }));
const best = candidate('best', { channel: 'sms', value: 3 });
const sibling = candidate('sibling', { channel: 'sms', value: 2 });
const other = candidate('other', { channel: 'email', value: 1 });
const candidates = [best, sibling, other];
const ask = (more: Partial<DecisionInput>) => decide(decisionInput({ candidates, consents, ...more }));
const fate = (more: Partial<DecisionInput>): unknown =>
  Object.fromEntries(ask(more).candidates.map(({ key, lostBecause }) => [key, lostBecause]));
const NIGHT = Date.parse('2027-06-15T22:00:00Z');

describe('the kill switch', () => {
  const QUARTER_HOUR_MS = 900_000;
  const off: Partial<DecisionInput> = { isKillSwitchOn: true };

  it('puts off what would go out, to be asked again soon, and loses nothing', () => {
    const until = DECIDED_AT + QUARTER_HOUR_MS;
    expect(ask(off).outcome).toEqual({ kind: 'defer', action: 'best', reason: 'KILL_SWITCH', until });
    expect(fate(off)).toEqual({ best: null, sibling: 'LOWER_PRIORITY', other: 'LOWER_PRIORITY' });
    expect(ask(off).gates[0]).toMatchObject({ gate: 'kill_switch', kind: 'defer', reason: 'KILL_SWITCH', until: null });
    expect(ask({ ...off, run: null }).outcome).toMatchObject({ kind: 'defer', reason: 'KILL_SWITCH' });
  });

  it('stops what rests on a contract too', () => {
    const receipt = candidate('receipt', { value: 9, legalBasis: 'contract' });
    expect(ask({ ...off, candidates: [receipt] }).outcome).toMatchObject({ kind: 'defer', action: 'receipt' });
    const both = { ...off, candidates: [best, { ...receipt, value: 1 }] };
    expect(ask(both).outcome).toMatchObject({ kind: 'defer', action: 'best' });
    expect(fate(both)).toEqual({ best: null, receipt: 'KILL_SWITCH' });
  });

  it.each<[string, Partial<DecisionInput>]>([
    ['quiet hours', { quietRules: [quietRule({ channels: ['sms'] })], now: NIGHT }],
    ['a cap', { capRules: [capRule()], contacts: [contact()] }],
    ['a holdout', { holdouts: [{ id: 'all', version: 1, salt: 'h', share: 1, purposes: ['marketing'] }] }],
  ])('is told before %s, which are asked when sending is switched on again', (_name, more) => {
    expect(ask({ ...off, ...more }).outcome).toMatchObject({ kind: 'defer', action: 'best', reason: 'KILL_SWITCH' });
  });

  it('weighs no messages of other runs, which cannot go either', () => {
    const rival = {
      ...{ runKey: 'other', journeyKey: 'winback', stepId: 'mail', runState: 'active' as const },
      ...{ candidate: candidate('rival', { value: 9 }), opening: DECIDED_AT, passesOnAt: DECIDED_AT + HOUR_MS },
    };
    const asked = { capRules: [capRule()], rivals: [rival] };
    const weighed = (more: Partial<DecisionInput>) => ask(more).gates.some(({ gate }) => gate === 'pending_candidates');
    expect(weighed(asked)).toBe(true);
    expect(weighed({ ...asked, ...off })).toBe(false);
  });

  it('does not keep what is too late, nor what would be silence without it', () => {
    const late = { ...best, ttlMs: HOUR_MS };
    const asked = { ...off, readyAt: DECIDED_AT - HOUR_MS };
    expect(ask({ ...asked, candidates: [late] }).outcome).toEqual({ kind: 'do_nothing', reason: 'EXPIRED' });
    expect(ask({ ...asked, candidates: [late, other] }).outcome).toMatchObject({ kind: 'defer', action: 'other' });
    expect(ask({ ...off, doNothingValue: 5 }).outcome).toEqual({ kind: 'do_nothing', reason: 'BELOW_THRESHOLD' });
    expect(ask({ ...off, consents: [] }).outcome).toEqual({ kind: 'do_nothing', reason: 'CONSENT_MISSING' });
    expect(ask({ ...off, run: runIn('exited') }).outcome).toEqual({ kind: 'do_nothing', reason: 'RUN_EXITED' });
    expect(ask({ ...off, candidates: [] }).outcome).toEqual({ kind: 'do_nothing', reason: 'NOTHING_ELIGIBLE' });
  });
});
