import {
  candidate,
  capRule,
  contact,
  DECIDED_AT,
  decisionInput,
  grant,
  quietRule,
  suppression,
} from '../../../test/support/decision-input.js';
import { decide } from './decide.js';
import { explainDecision } from './explain.js';
import type { DecisionInput } from './types.js';

const explain = (more: Partial<DecisionInput>): string => {
  const input = decisionInput(more);
  return explainDecision(decide(input), { userLabel: 'Jane', decidedAt: input.now });
};
const night = { now: Date.parse('2027-06-15T22:00:00Z'), quietRules: [quietRule()] };

describe('explainDecision', () => {
  it.each<[string, Partial<DecisionInput>, string]>([
    [
      'an action',
      {},
      'At 2027-06-15T12:00Z, hello on email was chosen for Jane, because it was worth 1, more than doing nothing (0); it would have been different if doing nothing were worth 1 or more.',
    ],
    [
      'an action before another',
      { candidates: [candidate('offer', { value: 0.6 }), candidate('help', { value: 0.9, propensity: 0.5 })] },
      'At 2027-06-15T12:00Z, offer on email was chosen for Jane, because it was worth 0.6, more than doing nothing (0) and help (0.45); it would have been different if help were worth more than 0.6 instead of 0.45.',
    ],
    [
      'consent withdrawn',
      {
        consents: [
          grant(),
          grant({ id: 'w', status: 'withdrawn', statedAt: DECIDED_AT - 5, receivedAt: DECIDED_AT - 5 }),
        ],
      },
      'At 2027-06-15T12:00Z, Jane was not contacted, because the user withdrew consent (marketing on email); it would have been different if consent for marketing on email were granted.',
    ],
    [
      'a complaint, and no consent besides',
      { suppressions: [suppression({ reason: 'complaint' })], consents: [] },
      'At 2027-06-15T12:00Z, Jane was not contacted, because the recipient complained about earlier messages (also in the way: there is no consent for this purpose and channel); it would have been different if the suppression for complaint on email were lifted and if consent for marketing on email were granted.',
    ],
    [
      'an erased person',
      { user: { ...decisionInput().user, state: 'erased' } },
      'At 2027-06-15T12:00Z, Jane was not contacted, because the user was erased.',
    ],
    [
      'the daily limit',
      { capRules: [capRule()], contacts: [contact()] },
      'At 2027-06-15T12:00Z, Jane was not contacted, because a limit on contacts is reached (1 of 1 this calendar day, rule daily); it would have been different after 2027-06-16T00:00Z when the daily cap of 1 frees.',
    ],
    [
      'a rolling limit that defers',
      {
        capRules: [capRule({ onHit: 'defer', window: { kind: 'rolling', durationMs: 86_400_000 } })],
        contacts: [contact()],
      },
      'At 2027-06-15T12:00Z, hello for Jane was put off until 2027-06-16T11:00Z, because a limit on contacts is reached (1 of 1 in the last 24 hours, rule daily); it would have been different after 2027-06-16T11:00Z when the cap of 1 per 24 hours frees.',
    ],
    [
      'quiet hours',
      night,
      'At 2027-06-15T22:00Z, hello for Jane was put off until 2027-06-16T08:04:14Z, because it is a quiet hour for the recipient (in UTC, rule night, plus 254 seconds to spread the load); it would have been different after 2027-06-16T08:00Z when quiet hours end.',
    ],
    [
      'nothing worth more than silence',
      { doNothingValue: 1.5 },
      'At 2027-06-15T12:00Z, Jane was not contacted, because no action was worth more than doing nothing (hello was worth 1, doing nothing 1.5); it would have been different if hello were worth more than 1.5 instead of 1.',
    ],
    [
      'nothing eligible',
      { candidates: [candidate('hello', { eligibility: { kind: 'exists', attribute: 'cart' } })] },
      'At 2027-06-15T12:00Z, Jane was not contacted, because no action was open to this user (hello: the user does not meet the conditions of the action); it would have been different if the user met the conditions of hello.',
    ],
    [
      'the kill switch',
      { isKillSwitchOn: true },
      'At 2027-06-15T12:00Z, hello for Jane was put off until 2027-06-15T12:15Z, when it will be asked again, because all sending is switched off; it would have been different if sending were switched on.',
    ],
    [
      'no address',
      { candidates: [candidate('hello', { addressHash: null })] },
      'At 2027-06-15T12:00Z, Jane was not contacted, because the user has no address on this channel (email); it would have been different if the user had an address on email.',
    ],
  ])('%s', (_name, more, expected) => {
    expect(explain(more)).toBe(expected);
  });

  it('speaks of "this user" without a label, and stays one line with a hostile one', () => {
    const decision = decide(decisionInput({ consents: [] }));
    expect(explainDecision(decision, { decidedAt: DECIDED_AT })).toContain(', this user was not contacted');
    const hostile = explainDecision(decision, { userLabel: 'Ja\r\nne\u2028<b>', decidedAt: DECIDED_AT });
    expect(hostile).toContain(', Ja ne <b> was not contacted');
  });
});
