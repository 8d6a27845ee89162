import fc from 'fast-check';

import {
  candidate,
  capRule,
  contact,
  DECIDED_AT,
  decisionInput,
  grant,
  quietRule,
  userWith,
} from '../../../test/support/decision-input.js';
import { isScored } from './arbitrate.js';
import { decide } from './decide.js';
import { explainCandidate } from './explain-candidate.js';
import { explainDecision } from './explain.js';
import type { DecisionInput } from './types.js';

/** One situation in which an action was not chosen, and the sentence about it as somebody in marketing reads it. */
interface Loss {
  readonly name: string;
  readonly key: string;
  readonly facts: Partial<DecisionInput>;
  readonly says: string;
}

const EVENING = Date.parse('2027-06-16T01:30:00Z');
const tips = candidate('trial_tips', { value: 12, propensity: 0.3 });
const offer = candidate('upgrade_offer', { value: 40, propensity: 0.05 });
const receipt = candidate('receipt', { value: 1, legalBasis: 'contract' });
const withdrawal = grant({ id: 'w', status: 'withdrawn', statedAt: DECIDED_AT - 5, receivedAt: DECIDED_AT - 5 });
const objection = { ...withdrawal, purpose: '*', channel: '*', brand: '*', isObjection: true };

/** Why one action lost, whatever won. */
const LOSSES: readonly Loss[] = [
  {
    name: 'to an action that was worth more',
    key: 'upgrade_offer',
    facts: { candidates: [tips, offer] },
    says: 'At 2027-06-15T12:00Z, upgrade_offer was not chosen for Jane, because another action was worth more (trial_tips 3.6, upgrade_offer 2); it would have been different if upgrade_offer were worth more than 3.6 instead of 2.',
  },
  {
    name: 'to an action that is waited for',
    key: 'upgrade_offer',
    facts: {
      now: EVENING,
      candidates: [{ ...tips, channel: 'sms' }, offer],
      consents: [grant(), grant({ id: 's', channel: 'sms' })],
      quietRules: [quietRule({ channels: ['sms'] })],
    },
    says: 'At 2027-06-16T01:30Z, upgrade_offer was not chosen for Jane, because another action was worth more (trial_tips 3.6, upgrade_offer 2) and is waited for until 2027-06-16T08:04:14Z, because it is a quiet hour for the recipient; it would have been different if upgrade_offer were worth more than 3.6 instead of 2.',
  },
  {
    name: 'for want of consent, while another one won',
    key: 'trial_tips',
    facts: { candidates: [{ ...tips, channel: 'sms' }, offer] },
    says: 'At 2027-06-15T12:00Z, trial_tips was not chosen for Jane, because there is no consent for this purpose and channel (marketing on sms); it would have been different if consent for marketing on sms were granted.',
  },
  {
    name: 'for want of consent and of worth',
    key: 'upgrade_offer',
    facts: { candidates: [tips, { ...offer, channel: 'sms' }] },
    says: 'At 2027-06-15T12:00Z, upgrade_offer was not chosen for Jane, because there is no consent for this purpose and channel (marketing on sms); it would have been different if consent for marketing on sms were granted and if upgrade_offer were worth more than 3.6 instead of 2.',
  },
  {
    name: 'to silence, while another one won',
    key: 'upgrade_offer',
    facts: { candidates: [tips, offer], doNothingValue: 3 },
    says: 'At 2027-06-15T12:00Z, upgrade_offer was not chosen for Jane, because upgrade_offer was worth 2, not more than doing nothing (3); it would have been different if upgrade_offer were worth more than 3.6 instead of 2.',
  },
  {
    name: 'to the cap that all others hit too',
    key: 'upgrade_offer',
    facts: { candidates: [tips, offer], capRules: [capRule()], contacts: [contact()] },
    says: 'At 2027-06-15T12:00Z, upgrade_offer was not chosen for Jane, because a limit on contacts is reached (1 of 1 this calendar day, rule daily); it would have been different after 2027-06-16T00:00Z when the daily cap of 1 frees.',
  },
  {
    name: 'to one that waits for the kill switch',
    key: 'upgrade_offer',
    facts: { candidates: [tips, offer], isKillSwitchOn: true },
    says: 'At 2027-06-15T12:00Z, upgrade_offer was not chosen for Jane, because another action was worth more (trial_tips 3.6, upgrade_offer 2) and is waited for until 2027-06-15T12:15Z, because all sending is switched off; it would have been different if sending were switched on and if upgrade_offer were worth more than 3.6 instead of 2.',
  },
  {
    name: 'behind one that was held out',
    key: 'upgrade_offer',
    facts: {
      candidates: [tips, { ...offer, purpose: 'news' }],
      consents: [grant(), grant({ id: 'n', purpose: 'news' })],
      holdouts: [{ id: 'control_group', version: 1, salt: 'spring', share: 1, purposes: ['marketing'] }],
    },
    says: 'At 2027-06-15T12:00Z, upgrade_offer was not chosen for Jane, because another action was worth more (trial_tips 3.6, upgrade_offer 2) and left no room for a lesser one, because the user is deliberately left alone, so that effects can be measured; it would have been different if upgrade_offer were worth more than 3.6 instead of 2.',
  },
  {
    name: 'behind one that waits, while a receipt was worth less and went out',
    key: 'upgrade_offer',
    facts: {
      now: EVENING,
      candidates: [tips, { ...offer, channel: 'sms' }, receipt],
      consents: [grant(), grant({ id: 's', channel: 'sms' })],
      quietRules: [quietRule()],
    },
    says: 'At 2027-06-16T01:30Z, upgrade_offer was not chosen for Jane, because another action was worth more (trial_tips 3.6, upgrade_offer 2) and left no room for a lesser one, because it is a quiet hour for the recipient (in UTC, rule night, plus 254 seconds to spread the load); it would have been different if upgrade_offer were worth more than 3.6 instead of 2.',
  },
  {
    name: 'to a receipt, of a person who objects: what it is worth is not asked',
    key: 'trial_tips',
    facts: { candidates: [tips, receipt], consents: [grant(), objection] },
    says: 'At 2027-06-15T12:00Z, trial_tips was not chosen for Jane, because the user objects to direct marketing (marketing on email).',
  },
  {
    name: 'to silence, of a person who objects',
    key: 'trial_tips',
    facts: { candidates: [tips], consents: [grant(), objection] },
    says: 'At 2027-06-15T12:00Z, trial_tips was not chosen for Jane, because the user objects to direct marketing (marketing on email); it would have been different if the user took the objection back with a new consent for marketing on email.',
  },
  {
    name: 'with a person who was erased',
    key: 'upgrade_offer',
    facts: { candidates: [tips, offer], user: userWith({ state: 'erased' }) },
    says: 'At 2027-06-15T12:00Z, upgrade_offer was not chosen for Jane, because the user was erased.',
  },
];

describe('why an action was not chosen', () => {
  it.each(LOSSES)('$name', ({ key, facts, says }) => {
    const input = decisionInput(facts);
    const explained = explainCandidate({ input, decision: decide(input) }, key, {
      userLabel: 'Jane',
      decidedAt: input.now,
    });
    expect(explained).toMatchObject({ standing: 'lost', sentence: says });
  });

  it.each<[string, Partial<DecisionInput>, object]>([
    ['chosen', { candidates: [tips, offer] }, { standing: 'chosen', reason: null, after: null }],
    [
      'waits',
      { candidates: [tips, offer], capRules: [capRule({ onHit: 'defer' })], contacts: [contact()] },
      { standing: 'waits', reason: 'CAP_REACHED', after: Date.parse('2027-06-16T00:00:00Z') },
    ],
  ])('says of the one that won: %s', (_name, facts, expected) => {
    const input = decisionInput(facts);
    const decision = decide(input);
    const context = { decidedAt: input.now };
    const explained = explainCandidate({ input, decision }, 'trial_tips', context);
    expect(explained).toMatchObject({ ...expected, sentence: explainDecision(decision, context) });
  });

  it('speaks of what was only supposed, in the past and ahead', () => {
    const input = decisionInput({ candidates: [tips, offer] });
    const both = { input, decision: decide(input) };
    const says = (mood: 'supposed_then' | 'supposed_ahead', key: string): string =>
      explainCandidate(both, key, { decidedAt: input.now, mood }).sentence;
    expect(says('supposed_then', 'upgrade_offer')).toMatch(
      /upgrade_offer would not have been chosen for this user, .+; it would have been different if/,
    );
    expect(says('supposed_ahead', 'trial_tips')).toMatch(
      /trial_tips on email would be chosen for this user, .+; it would be different if/,
    );
  });

  it('names a worth from which the action really would have been chosen', () => {
    const channel = fc.constantFrom('email', 'sms');
    const candidates = fc.tuple(...['a', 'b', 'c'].map((key) => fc.tuple(fc.constant(key), channel, fc.nat(9))));
    const onHit = fc.constantFrom('drop' as const, 'defer' as const, 'skip' as const, 'degrade_channel' as const);
    const rules = fc.record({ onHit, on: channel, heldOut: fc.constantFrom(0, 0, 1), doNothingValue: fc.nat(4) });
    fc.assert(
      fc.property(candidates, rules, fc.boolean(), (some, { onHit, on, heldOut, doNothingValue }, hasSms) => {
        const input = decisionInput({
          candidates: some.map(([key, to, value]) => candidate(key, { channel: to, value, purpose: `for_${key}` })),
          consents: some.flatMap(([key, to]) =>
            to === 'sms' && !hasSms ? [] : grant({ id: key, purpose: `for_${key}`, channel: to }),
          ),
          capRules: [capRule({ onHit, purposes: ['for_a'], scope: { kind: 'channel', channel: on } })],
          contacts: [contact({ purpose: 'for_a', channel: on })],
          holdouts: [{ id: 'h', version: 1, salt: 's', share: heldOut, purposes: ['for_b'] }],
          doNothingValue,
        });
        const decision = decide(input);
        for (const { key, net } of decision.candidates.filter(isScored)) {
          const { change } = explainCandidate({ input, decision }, key, { decidedAt: input.now });
          const [, bar] = new RegExp(`^if ${key} were worth more than (\\d+) instead of`).exec(change ?? '') ?? [];
          if (bar === undefined || / and if /.test(change ?? '')) continue;
          const raised = input.candidates.map((each) =>
            each.key === key ? { ...each, channelCost: net - Number(bar) - 0.5 } : each,
          );
          expect(decide({ ...input, candidates: raised }).outcome).toMatchObject({ kind: 'act', action: key });
        }
      }),
    );
  });

  it('refuses to speak of an action that was not weighed', () => {
    const input = decisionInput();
    const both = { input, decision: decide(input) };
    expect(() => explainCandidate(both, 'other', { decidedAt: input.now })).toThrow('was not weighed');
  });
});
