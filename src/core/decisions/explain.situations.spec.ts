import {
  candidate,
  capRule,
  contact,
  DECIDED_AT,
  decisionInput,
  grant,
  NEVER,
  quietRule,
  userWith,
} from '../../../test/support/decision-input.js';
import { HOUR_MS } from '../kernel/instant.js';
import { decide } from './decide.js';
import { explainDecision } from './explain.js';
import type { DecisionInput } from './types.js';

/** One situation, and the sentence as somebody in marketing reads it. */
interface Situation {
  readonly name: string;
  readonly facts: Partial<DecisionInput>;
  readonly says: string;
}

const EVENING = Date.parse('2027-06-16T01:30:00Z');
const tips = candidate('trial_tips', { value: 12, propensity: 0.3 });
const offer = candidate('upgrade_offer', { value: 40, propensity: 0.05 });
const receipt = candidate('receipt', { value: 1, legalBasis: 'contract' });
const withdrawal = grant({ id: 'w', status: 'withdrawn', statedAt: DECIDED_AT - 5, receivedAt: DECIDED_AT - 5 });
const objection = { ...withdrawal, purpose: '*', channel: '*', brand: '*', isObjection: true };

const SITUATIONS: readonly Situation[] = [
  {
    name: 'acted',
    facts: { candidates: [tips, offer] },
    says: 'At 2027-06-15T12:00Z, trial_tips on email was chosen for Jane, because it was worth 3.6, more than doing nothing (0) and upgrade_offer (2); it would have been different if upgrade_offer were worth more than 3.6 instead of 2.',
  },
  {
    name: 'acted, with something better out of reach',
    facts: { candidates: [{ ...tips, channel: 'sms' }, offer] },
    says: 'At 2027-06-15T12:00Z, upgrade_offer on email was chosen for Jane, because it was worth 2, more than doing nothing (0); trial_tips (3.6) would have come first, but there is no consent for this purpose and channel (marketing on sms); it would have been different if consent for marketing on sms were granted.',
  },
  {
    name: 'no consent',
    facts: { candidates: [tips, offer], consents: [] },
    says: 'At 2027-06-15T12:00Z, Jane was not contacted, because there is no consent for this purpose and channel (marketing on email); it would have been different if consent for marketing on email were granted.',
  },
  {
    name: 'consent withdrawn',
    facts: { candidates: [tips], consents: [grant(), withdrawal] },
    says: 'At 2027-06-15T12:00Z, Jane was not contacted, because the user withdrew consent (marketing on email); it would have been different if consent for marketing on email were granted.',
  },
  {
    name: 'objection',
    facts: {
      candidates: [tips],
      consents: [grant(), objection],
    },
    says: 'At 2027-06-15T12:00Z, Jane was not contacted, because the user objects to direct marketing (marketing on email); it would have been different if the user took the objection back with a new consent for marketing on email.',
  },
  {
    name: 'quiet hours by law',
    facts: {
      now: EVENING,
      user: userWith({ zones: ['America/New_York'], jurisdictions: ['US-FL'] }),
      candidates: [candidate('flash_sale', { channel: 'sms' })],
      consents: [grant({ channel: 'sms' })],
      quietRules: [
        quietRule({
          id: 'us_fl_sms',
          origin: 'law',
          source: 'Fla. Stat. 501.059(8)(a)',
          channels: ['sms'],
          jurisdictions: ['US-FL'],
          startMinute: 20 * 60,
        }),
      ],
    },
    says: 'At 2027-06-16T01:30Z, flash_sale for Jane was put off until 2027-06-16T12:00:57Z, because it is a quiet hour for the recipient (by law, Fla. Stat. 501.059(8)(a), in America/New_York, rule us_fl_sms, plus 57 seconds to spread the load); it would have been different after 2027-06-16T12:00Z when quiet hours end.',
  },
  {
    name: 'daily cap',
    facts: { candidates: [tips], capRules: [capRule()], contacts: [contact()] },
    says: 'At 2027-06-15T12:00Z, Jane was not contacted, because a limit on contacts is reached (1 of 1 this calendar day, rule daily); it would have been different after 2027-06-16T00:00Z when the daily cap of 1 frees.',
  },
  {
    name: 'minimum gap',
    facts: {
      candidates: [tips],
      capRules: [capRule({ id: 'breather', onHit: 'defer', window: { kind: 'min_gap', durationMs: 4 * HOUR_MS } })],
      contacts: [contact()],
    },
    says: 'At 2027-06-15T12:00Z, trial_tips for Jane was put off until 2027-06-15T15:00Z, because a limit on contacts is reached (the last contact was less than 4 hours ago, rule breather); it would have been different after 2027-06-15T15:00Z when the minimum gap of 4 hours is over.',
  },
  {
    name: 'journey conflict',
    facts: {
      candidates: [tips],
      run: {
        runKey: 'winback:1:1',
        journeyKey: 'winback',
        state: 'active',
        conflict: { group: 'lifecycle', priority: 1, enteredAt: 5 },
      },
      otherRuns: [
        { runKey: 'onboarding:1:1', journeyKey: 'onboarding', group: 'lifecycle', priority: 9, enteredAt: 1 },
      ],
    },
    says: 'At 2027-06-15T12:00Z, Jane was not contacted, because another journey of the user comes first (onboarding has priority 9, this one 1); it would have been different if the journey onboarding had ended for the user.',
  },
  {
    name: 'fatigue',
    facts: {
      candidates: [tips],
      fatigueModel: {
        id: 'tired',
        version: 1,
        halfLifeMs: 72 * HOUR_MS,
        contactWeight: 0.4,
        outcomeWeights: {},
        costPerScore: 0,
        threshold: 0.6,
      },
      contacts: [1, 5, 30].map((hours) => contact({ decisionId: `d${hours}`, at: DECIDED_AT - hours * HOUR_MS })),
    },
    says: 'At 2027-06-15T12:00Z, Jane was not contacted, because the user has had too much of us lately (a fatigue of 0.6594, the limit is 0.6); it would have been different after 2027-06-16T04:47:21Z when the user is less tired of messages.',
  },
  {
    name: 'a pause after what became of earlier messages',
    facts: {
      candidates: [tips],
      pauseRules: [
        {
          id: 'bored',
          version: 1,
          outcomes: ['ignored', 'dismissed'],
          count: 2,
          withinMs: 240 * HOUR_MS,
          scope: 'action',
          pauseMs: 720 * HOUR_MS,
          purposes: ['marketing'],
        },
      ],
      outcomes: (['ignored', 'dismissed'] as const).map((kind, index) => ({
        decisionId: `d${index}`,
        kind,
        at: DECIDED_AT - (5 + index) * HOUR_MS,
        channel: 'email',
        purpose: 'marketing',
        action: 'trial_tips',
        group: null,
      })),
    },
    says: 'At 2027-06-15T12:00Z, Jane was not contacted, because what became of earlier messages calls for a pause (2 times ignored or dismissed, rule bored); it would have been different after 2027-07-15T07:00Z when the pause ends.',
  },
  {
    name: 'holdout',
    facts: {
      candidates: [tips],
      holdouts: [{ id: 'control_group', version: 1, salt: 'spring', share: 0.9, purposes: ['marketing'] }],
    },
    says: 'At 2027-06-15T12:00Z, Jane was not contacted, because the user is deliberately left alone, so that effects can be measured (90 % of all users are, rule control_group); it would have been different if the user were not held out.',
  },
  {
    name: 'kill switch',
    facts: { candidates: [tips], isKillSwitchOn: true },
    says: 'At 2027-06-15T12:00Z, trial_tips for Jane was put off until 2027-06-15T12:15Z, when it will be asked again, because all sending is switched off; it would have been different if sending were switched on.',
  },
  {
    name: 'a receipt behind an offer that has to wait',
    facts: { now: EVENING, candidates: [tips, offer, receipt], quietRules: [quietRule()] },
    says: 'At 2027-06-16T01:30Z, receipt on email was chosen for Jane, because it was worth 1, more than doing nothing (0); trial_tips (3.6) would have come first, but it is a quiet hour for the recipient (in UTC, rule night, plus 254 seconds to spread the load), and 1 more could not be chosen either; it would have been different after 2027-06-16T08:00Z when quiet hours end.',
  },
  {
    name: 'one that was chosen behind another of its channel',
    facts: {
      candidates: [{ ...tips, tags: ['tips'] }, offer, { ...offer, key: 'upgrade_hint', value: 20 }],
      capRules: [capRule({ scope: { kind: 'tag', tag: 'tips' }, onHit: 'degrade_channel' })],
      contacts: [contact({ tags: ['tips'] })],
    },
    says: 'At 2027-06-15T12:00Z, upgrade_offer on email was chosen for Jane, because it was worth 2, more than doing nothing (0) and upgrade_hint (1); trial_tips (3.6) would have come first, but a limit on contacts is reached (1 of 1 this calendar day, rule daily); it would have been different after 2027-06-16T00:00Z when the daily cap of 1 frees.',
  },
  {
    name: 'below the threshold',
    facts: { candidates: [{ ...offer, channelCost: 1.8 }], doNothingValue: 0.5 },
    says: 'At 2027-06-15T12:00Z, Jane was not contacted, because no action was worth more than doing nothing (upgrade_offer was worth 0.2 after costs of 1.8, doing nothing 0.5); it would have been different if upgrade_offer were worth more than 0.5 instead of 0.2.',
  },
  {
    name: 'expired',
    facts: { candidates: [candidate('flash_sale', { ttlMs: 2 * HOUR_MS })], readyAt: DECIDED_AT - 3 * HOUR_MS },
    says: 'At 2027-06-15T12:00Z, Jane was not contacted, because the message would come too late to make sense (it made sense before 2027-06-15T11:00Z, and would go out at 2027-06-15T12:00Z or later); it would have been different if flash_sale still made sense at 2027-06-15T12:00Z.',
  },
  {
    name: 'expired before quiet hours end',
    facts: {
      now: EVENING,
      readyAt: EVENING,
      candidates: [candidate('flash_sale', { ttlMs: 2 * HOUR_MS })],
      quietRules: [quietRule()],
    },
    says: 'At 2027-06-16T01:30Z, Jane was not contacted, because the message would come too late to make sense (it would have to wait for the end of quiet hours, in UTC, rule night); it would have been different if the message still made sense when quiet hours end.',
  },
  {
    name: 'lower priority among messages that wait beside it',
    facts: {
      candidates: [tips],
      capRules: [capRule({ onHit: 'defer' })],
      rivals: [
        {
          runKey: 'onboarding:1:1',
          journeyKey: 'onboarding',
          stepId: 'tour',
          runState: 'active',
          candidate: candidate('tour', { value: 5 }),
          opening: DECIDED_AT - 60_000,
          passesOnAt: DECIDED_AT + 60_000,
        },
      ],
    },
    says: 'At 2027-06-15T12:00Z, trial_tips for Jane was put off until 2027-06-15T12:01Z, because another action was worth more (tour of the journey onboarding is worth 5, this one 3.6); it would have been different after 2027-06-15T12:01Z when the message that waits beside it has had its turn.',
  },
  {
    name: 'beaten at the opening both waited for',
    facts: {
      candidates: [tips],
      capRules: [capRule({ onHit: 'defer' })],
      contacts: [contact({ journeyKey: 'onboarding', action: 'tour' })],
      beatenBy: 'decision-0',
    },
    says: 'At 2027-06-15T12:00Z, Jane was not contacted, because another action was worth more (it took the place that both waited for, 1 of 1 this calendar day, rule daily); it would have been different after 2027-06-16T00:00Z when the daily cap of 1 frees.',
  },
  {
    name: 'chosen in place of one that was beaten at the opening',
    facts: {
      candidates: [{ ...tips, tags: ['tips'] }, offer, { ...offer, key: 'upgrade_hint', value: 20 }],
      capRules: [capRule({ scope: { kind: 'tag', tag: 'tips' } })],
      contacts: [contact({ tags: ['tips'] })],
      beatenBy: 'decision-0',
    },
    says: 'At 2027-06-15T12:00Z, upgrade_offer on email was chosen for Jane, because it was worth 2, more than doing nothing (0) and upgrade_hint (1); trial_tips (3.6) would have come first, but another action was worth more (it took the place that both waited for, 1 of 1 this calendar day, rule daily); it would have been different after 2027-06-16T00:00Z when the daily cap of 1 frees.',
  },
  {
    name: 'put off by one rule, behind a better one that another rule drops',
    facts: {
      now: EVENING,
      candidates: [{ ...tips, channel: 'sms' }, offer],
      consents: [grant(), grant({ id: 's', channel: 'sms' })],
      quietRules: [
        quietRule({ id: 'silent_sms', channels: ['sms'], onHit: 'drop', endMinute: 600 }),
        quietRule({ id: 'silent_mail' }),
      ],
    },
    says: 'At 2027-06-16T01:30Z, upgrade_offer for Jane was put off until 2027-06-16T08:04:14Z, because it is a quiet hour for the recipient (in UTC, rule silent_mail, plus 254 seconds to spread the load); it would have been different after 2027-06-16T08:00Z when quiet hours end.',
  },
  {
    name: 'nothing for this user',
    facts: {
      candidates: [
        { ...tips, eligibility: NEVER },
        { ...offer, suitability: NEVER },
      ],
    },
    says: 'At 2027-06-15T12:00Z, Jane was not contacted, because no action was open to this user (trial_tips: the user does not meet the conditions of the action; upgrade_offer: the action is not right for the user); it would have been different if the user met the conditions of trial_tips.',
  },
];

describe('what a marketer reads', () => {
  it.each(SITUATIONS)('$name', ({ facts, says }) => {
    const input = decisionInput(facts);
    expect(explainDecision(decide(input), { userLabel: 'Jane', decidedAt: input.now })).toBe(says);
  });

  it.each(SITUATIONS)('$name: no code, no name of a field, no number without end', ({ says }) => {
    expect(says).not.toMatch(/[A-Z]+_[A-Z]|undefined|null|NaN|\d\.\d{5}|@\d/);
    expect(says).toMatch(/^At \d{4}-\d\d-\d\dT[\d:]+Z, .+\.$/);
  });

  it('speaks of the kill switch in the same way when nobody asked', () => {
    const input = decisionInput({ isKillSwitchOn: true });
    const says = (mood: 'supposed_then' | 'supposed_ahead'): string =>
      explainDecision(decide(input), { decidedAt: input.now, mood });
    expect(says('supposed_then')).toContain(
      'would have been put off until 2027-06-15T12:15Z, when it would have been asked',
    );
    expect(says('supposed_ahead')).toContain(
      'would be put off until 2027-06-15T12:15Z, when it would be asked again, ',
    );
  });
});
