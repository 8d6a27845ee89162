import { candidate, decisionInput, NEVER } from '../../../test/support/decision-input.js';
import { decide } from './decide.js';
import type { DecisionInput } from './types.js';

/** What the arbitration as a whole says, beside its word on each candidate. */
const arbitrationOf = (more: Partial<DecisionInput>) =>
  decide(decisionInput(more)).gates.find(({ gate, candidates }) => gate === 'next_best_action' && candidates === null);

describe('the word of the arbitration in a record', () => {
  const two = [candidate('best', { value: 2 }), candidate('other')];

  it('passes with the best, its worth, and that of doing nothing', () => {
    expect(arbitrationOf({ candidates: two, doNothingValue: 0.5 })).toEqual({
      ...{ gate: 'next_best_action', candidates: null, kind: 'pass', reason: null, rule: null, until: null },
      facts: { candidates: 2, best: 'best', net: 2, doNothingValue: 0.5 },
    });
  });

  it('refuses for want of worth where any was open', () => {
    const candidates = [...two, candidate('never', { eligibility: NEVER })];
    expect(arbitrationOf({ candidates, doNothingValue: 9 })).toMatchObject({
      kind: 'refuse',
      reason: 'BELOW_THRESHOLD',
      facts: { candidates: 3, best: null, net: null },
    });
  });

  it('refuses for want of anything where none was', () => {
    const candidates = [candidate('never', { eligibility: NEVER }), candidate('off', { isActive: false })];
    expect(arbitrationOf({ candidates })).toMatchObject({ kind: 'refuse', reason: 'NOTHING_ELIGIBLE' });
    expect(arbitrationOf({ candidates: [] })).toMatchObject({ kind: 'refuse', reason: 'NOTHING_ELIGIBLE' });
  });

  it('holds no verdict of a candidate where there is none', () => {
    const gates = decide(decisionInput({ candidates: [] })).gates;
    expect(gates.map(({ gate }) => gate)).toEqual(['kill_switch', 'identity', 'exit', 'next_best_action']);
  });
});
