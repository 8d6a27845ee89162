import { decide } from '../../src/core/decisions/decide.js';
import type { DecisionInput, Rival } from '../../src/core/decisions/types.js';
import { HOUR_MS, MINUTE_MS } from '../../src/core/kernel/instant.js';
import { candidate, capRule, DECIDED_AT, decisionInput, quietRule } from '../support/decision-input.js';

// What seeds found, at its smallest.
describe('of two messages that waited for one opening under a limit of one, the one worth more goes first', () => {
  const rival = (more: Partial<Rival['candidate']>): Rival => ({
    runKey: 'winback:user-1:1',
    journeyKey: 'winback',
    stepId: 'offer',
    runState: 'active',
    candidate: candidate('better', { value: 3, ...more }),
    opening: DECIDED_AT - MINUTE_MS,
    passesOnAt: DECIDED_AT + MINUTE_MS,
  });
  const asked = (more: Partial<DecisionInput>): DecisionInput =>
    decisionInput({ capRules: [capRule({ limit: 1 })], rivals: [rival({})], ...more });

  it('as long as nothing else differs', () => {
    expect(decide(asked({})).outcome).toMatchObject({ kind: 'defer', reason: 'LOWER_PRIORITY' });
  });

  it('also when this journey is silent on its channel: the night of one journey is not that of another', () => {
    const quietRules = [quietRule({ origin: 'journey', channels: ['sms'], startMinute: 0, endMinute: 1_439 })];
    const consents = decisionInput().consents.map((record) => ({ ...record, channel: '*' }));
    const rivals = [rival({ channel: 'sms' })];
    const { outcome } = decide(asked({ quietRules, consents, rivals }));
    expect(outcome).toMatchObject({ kind: 'defer', reason: 'LOWER_PRIORITY' });
  });

  it('also when this one has been ready for longer than the better one lives', () => {
    const rivals = [rival({ ttlMs: HOUR_MS })];
    const { outcome } = decide(asked({ rivals, readyAt: DECIDED_AT - 2 * HOUR_MS }));
    expect(outcome).toMatchObject({ kind: 'defer', reason: 'LOWER_PRIORITY' });
  });
});
