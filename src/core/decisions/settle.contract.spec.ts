import {
  candidate,
  capRule,
  contact,
  DECIDED_AT,
  decisionInput,
  grant,
  quietRule,
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

describe('what rests on a contract, behind what rests on consent', () => {
  const promo = candidate('promo', { value: 10 });
  const receipt = candidate('receipt', { value: 9, legalBasis: 'contract', purpose: 'transactional' });
  const full = (onHit: 'defer' | 'skip' | 'degrade_channel') => ({
    capRules: [capRule({ onHit })],
    contacts: [contact()],
  });
  const holdouts = [{ id: 'all', version: 1, salt: 'h', share: 1, purposes: ['marketing'] }];
  const STOPS: readonly [string, string, Partial<DecisionInput>][] = [
    ['quiet hours that it waits for', 'QUIET_HOURS', { quietRules: [quietRule()], now: NIGHT }],
    ['a cap that it waits for', 'CAP_REACHED', full('defer')],
    ['a cap that passes the step over', 'CAP_REACHED', full('skip')],
    ['a cap that wants another channel', 'CAP_REACHED', full('degrade_channel')],
    [
      'quiet hours that want another channel',
      'QUIET_HOURS',
      { quietRules: [quietRule({ onHit: 'switch_channel' })], now: NIGHT },
    ],
    ['a holdout', 'HOLDOUT', { holdouts }],
  ];

  it.each(STOPS)('is sent though the better one is stopped by %s', (_name, reason, more) => {
    const asked = { ...more, candidates: [promo, receipt] };
    expect(ask(asked).outcome).toMatchObject({ kind: 'act', action: 'receipt' });
    expect(fate(asked)).toEqual({ promo: reason, receipt: null });
  });

  it('is sent though the better one waits for the message of another run', () => {
    const rival = {
      runKey: 'other',
      journeyKey: 'winback',
      stepId: 'mail',
      runState: 'active' as const,
      candidate: candidate('rival', { value: 11 }),
      opening: DECIDED_AT - 1,
      passesOnAt: DECIDED_AT + HOUR_MS,
    };
    const asked = { rivals: [rival], capRules: [capRule()], candidates: [promo, receipt] };
    expect(ask({ ...asked, candidates: [promo] }).outcome).toMatchObject({ kind: 'defer', reason: 'LOWER_PRIORITY' });
    expect(ask(asked).outcome).toMatchObject({ kind: 'act', action: 'receipt' });
    expect(fate(asked)).toEqual({ promo: 'LOWER_PRIORITY', receipt: null });
  });

  it('does not open the race again for what rests on consent', () => {
    const behind = candidate('behind', { value: 9.5, channel: 'push' });
    const last = candidate('last', { value: 8, channel: 'push' });
    const quiet = { quietRules: [quietRule()], now: NIGHT, candidates: [promo, behind, receipt, last] };
    expect(fate(quiet)).toEqual({ promo: 'QUIET_HOURS', behind: 'QUIET_HOURS', receipt: null, last: 'LOWER_PRIORITY' });
    const held = { holdouts, candidates: [promo, { ...behind, addressHash: null }, receipt] };
    expect(fate(held)).toEqual({ promo: 'HOLDOUT', behind: 'ADDRESS_MISSING', receipt: null });
    const capped = {
      quietRules: [quietRule()],
      now: NIGHT,
      capRules: [capRule({ scope: { kind: 'channel', channel: 'push' } })],
      contacts: [contact({ channel: 'push' })],
    };
    const own = { ...capped, candidates: [promo, behind, receipt] };
    expect(fate(own)).toEqual({ promo: 'QUIET_HOURS', behind: 'CAP_REACHED', receipt: null });
  });

  it('leaves the answer as it is when it cannot go either', () => {
    const late = { ...receipt, ttlMs: 1 };
    const asked = { quietRules: [quietRule()], now: NIGHT, readyAt: NIGHT - 1, candidates: [promo, late] };
    expect(ask(asked).outcome).toMatchObject({ kind: 'defer', action: 'promo', reason: 'QUIET_HOURS' });
    expect(fate(asked)).toEqual({ promo: null, receipt: 'EXPIRED' });
    const held = { holdouts, readyAt: DECIDED_AT - 1, candidates: [promo, late] };
    expect(ask(held).outcome).toEqual({ kind: 'do_nothing', reason: 'HOLDOUT' });
  });
});
