import {
  candidate,
  capRule,
  contact,
  decisionInput,
  quietRule,
  userWith,
} from '../../../test/support/decision-input.js';
import { decide } from './decide.js';
import type { DecisionInput } from './types.js';
import { waitingCandidate } from './waiting-candidate.js';

const NIGHT = Date.parse('2027-06-15T22:00:00Z');
const MORNING = Date.parse('2027-06-16T08:00:00Z');
const ask = (more: Partial<DecisionInput>) => {
  const input = decisionInput(more);
  return waitingCandidate(input, decide(input));
};

describe('the message that waits', () => {
  it('is the one that was put off, with its opening and, after it, the instant at which the run asks again', () => {
    const two = [candidate('best', { value: 2 }), candidate('other')];
    const waiting = ask({ now: NIGHT, quietRules: [quietRule()], candidates: two });
    expect(waiting).toMatchObject({ candidate: { key: 'best', value: 2 }, opening: MORNING });
    expect(waiting?.wakeAt).toBeGreaterThan(MORNING);
    expect(waiting?.wakeAt).toBeLessThanOrEqual(MORNING + 600_000);
  });

  it('waits for a cap too, without a spread', () => {
    const midnight = Date.parse('2027-06-16T00:00:00Z');
    const waiting = ask({ capRules: [capRule({ onHit: 'defer' })], contacts: [contact()] });
    expect(waiting).toMatchObject({ candidate: { key: 'hello' }, opening: midnight, wakeAt: midnight });
  });

  it('is told by the gate that put it off, not by another one that stands in its way too', () => {
    const rules = { quietRules: [quietRule()], capRules: [capRule({ onHit: 'defer' })] };
    expect(ask({ now: NIGHT, ...rules, contacts: [contact({ at: NIGHT - 1 })] })).toMatchObject({ opening: MORNING });
  });

  it('is none where something goes out, where nothing is done, and where nobody knows when', () => {
    expect(ask({})).toBeNull();
    expect(ask({ consents: [] })).toBeNull();
    expect(ask({ isKillSwitchOn: true })).toBeNull();
    expect(ask({ user: userWith({ hold: { since: 0, until: null } }) })).toBeNull();
  });

  it('is none where the decision speaks of a message that is not there, or of no instant', () => {
    const input = decisionInput({ now: NIGHT, quietRules: [quietRule()] });
    const decision = decide(input);
    expect(waitingCandidate({ candidates: [] }, decision)).toBeNull();
    expect(waitingCandidate(input, { ...decision, gates: [] })).toBeNull();
    const gates = decision.gates.map((gate) => ({ ...gate, until: null }));
    expect(waitingCandidate(input, { ...decision, gates })).toBeNull();
    const others = decision.gates.map((gate) => ({ ...gate, candidates: ['somebody_else'] }));
    expect(waitingCandidate(input, { ...decision, gates: others })).toBeNull();
    const passing = decision.gates.map((gate) => ({ ...gate, kind: 'pass' as const }));
    expect(waitingCandidate(input, { ...decision, gates: passing })).toBeNull();
  });
});
