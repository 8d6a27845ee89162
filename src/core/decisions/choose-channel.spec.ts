import fc from 'fast-check';
import { candidate, capRule, contact, decisionInput, grant, quietRule } from '../../../test/support/decision-input.js';
import { choiceText, placeChannels } from './choose-channel.js';
import { decide } from './decide.js';
import { explainCandidate } from './explain-candidate.js';
import { explainDecision } from './explain.js';
import type { Candidate, ChannelChoice, DecisionInput } from './types.js';

const CHANNELS = ['push', 'email', 'sms', 'in_app'] as const;
const ALL = CHANNELS.map((channel) => candidate(`remind_${channel}`, { channel }));
const CONSENTS = CHANNELS.map((channel) => grant({ id: channel, channel }));
const CARRIED = new Map<string, number | null>([
  ['push', null],
  ['email', 0.001],
  ['sms', 0.05],
]);

function inputOf(known: Partial<Parameters<typeof placeChannels>[1]> = {}, more: Partial<DecisionInput> = {}) {
  const candidates = placeChannels(more.candidates ?? ALL, { preferred: null, costs: CARRIED, ...known });
  return decisionInput({ consents: CONSENTS, ...more, candidates });
}
const orderOf = (input: DecisionInput): readonly string[] => decide(input).candidates.map(({ channel }) => channel);
const without = (...channels: readonly string[]): readonly Candidate[] =>
  ALL.map((one) => (channels.includes(one.channel) ? { ...one, addressHash: null } : one));

describe('the best channel of a message', () => {
  it('is the cheapest, of several as cheap the one that the step names first', () => {
    expect(orderOf(inputOf())).toEqual(['push', 'in_app', 'email', 'sms']);
    expect(orderOf(inputOf({}, { candidates: ALL.toReversed() }))).toEqual(['in_app', 'push', 'email', 'sms']);
    expect(decide(inputOf()).outcome).toMatchObject({ kind: 'act', action: 'remind_push', channel: 'push' });
  });

  it('is the one that the person prefers, whatever it costs', () => {
    expect(orderOf(inputOf({ preferred: 'sms' }))).toEqual(['sms', 'push', 'in_app', 'email']);
  });

  it('leaves worth, costs and the other factors alone: all are worth as much as a message of one channel', () => {
    const costs = new Map([...CARRIED, ['email', 1_000]]);
    for (const score of decide(inputOf({ preferred: 'email', costs })).candidates) {
      expect(score).toMatchObject({ net: 1, priority: 1, channelCost: 0 });
    }
  });

  it.each<[string, Partial<DecisionInput>, string]>([
    ['no address', { candidates: without('sms') }, 'push'],
    ['no consent', { consents: CONSENTS.filter(({ channel }) => channel !== 'sms') }, 'push'],
    ['no address on two', { candidates: without('sms', 'push') }, 'in_app'],
    [
      'a fault in the text',
      { candidates: ALL.map((one) => (one.channel === 'sms' ? { ...one, renderFault: 'x' } : one)) },
      'push',
    ],
    [
      'quiet hours that ask for another channel',
      { quietRules: [quietRule({ channels: ['sms'], startMinute: 0, endMinute: 1_080, onHit: 'switch_channel' })] },
      'push',
    ],
    [
      'a cap that asks for another channel',
      {
        capRules: [capRule({ scope: { kind: 'channel', channel: 'sms' }, onHit: 'degrade_channel' })],
        contacts: [contact({ channel: 'sms' })],
      },
      'push',
    ],
  ])('is the next one where the preferred one is out of reach: %s', (_why, more, channel) => {
    expect(decide(inputOf({ preferred: 'sms' }, more)).outcome).toMatchObject({ kind: 'act', channel });
  });

  it('is waited for, where the preferred one only has to wait', () => {
    const quietRules = [quietRule({ channels: ['sms'], startMinute: 0, endMinute: 1_080 })];
    const { outcome } = decide(inputOf({ preferred: 'sms' }, { quietRules }));
    expect(outcome).toMatchObject({ kind: 'defer', action: 'remind_sms', reason: 'QUIET_HOURS' });
  });

  describe('without an account', () => {
    it('is none that needs one, as long as another can go out', () => {
      const input = inputOf({ preferred: 'sms', costs: new Map() });
      const { outcome, candidates } = decide(input);
      expect(outcome).toMatchObject({ kind: 'act', channel: 'email' });
      expect(candidates.filter(({ lostBecause }) => lostBecause === 'NO_PROVIDER_ACCOUNT')).toMatchObject([
        { channel: 'sms' },
        { channel: 'push' },
      ]);
      expect(
        explainCandidate({ input, decision: decide(input) }, 'remind_sms', { decidedAt: input.now }),
      ).toMatchObject({
        sentence: expect.stringContaining('because no account carries messages of this channel (sms)'),
        change: 'if there were an account for sms',
      });
    });

    it('waits for its account, where all of them need one', () => {
      const candidates = ALL.filter(({ channel }) => channel === 'sms' || channel === 'push');
      expect(decide(inputOf({ preferred: 'sms', costs: new Map() }, { candidates })).outcome).toMatchObject({
        ...{ kind: 'act', channel: 'sms' },
      });
    });
  });

  it('is the same for the same facts in any order of what is carried, and keeps every message', () => {
    fc.assert(
      fc.property(
        fc.shuffledSubarray(ALL, { minLength: 2 }),
        fc.constantFrom(null, ...CHANNELS),
        fc.array(fc.tuple(fc.constantFrom(...CHANNELS), fc.constantFrom(null, 0, 0.01, 3))),
        (candidates, preferred, carried) => {
          const placed = placeChannels(candidates, { preferred, costs: new Map(carried) });
          expect(placed.map(({ key }) => key).toSorted()).toEqual(candidates.map(({ key }) => key).toSorted());
          expect(placed.map(({ choice }) => choice?.place)).toEqual(candidates.map((_, place) => place));
          const choices = placed.map(({ choice }) => choice as ChannelChoice);
          for (const [index, choice] of choices.entries()) {
            const next = choices[index + 1];
            if (next === undefined) continue;
            expect(next.isPreferred).toBe(false);
            expect(choice.isPreferred || choice.cost <= next.cost).toBe(true);
          }
          expect(choices.every(({ hasNoAccount }) => hasNoAccount)).toBe(false);
        },
      ),
    );
  });
});

describe('why a channel comes first', () => {
  const sentence = (input: DecisionInput): string =>
    explainDecision(decide(input), { decidedAt: input.now, userLabel: 'Jane', weighed: input.candidates });

  it('is told with the decision', () => {
    expect(sentence(inputOf({ preferred: 'sms' }))).toBe(
      'At 2027-06-15T12:00Z, remind_sms on sms was chosen for Jane, because it was worth 1, more than doing nothing (0), and comes before remind_push (1), because the person prefers its channel; it would have been different if the person preferred push to other channels.',
    );
    const candidates = ALL.filter(({ channel }) => channel === 'sms' || channel === 'email');
    expect(sentence(inputOf({}, { candidates }))).toContain(
      'comes before remind_sms (1), because its channel costs less (0.001 against 0.05)',
    );
    expect(sentence(inputOf())).toContain('comes before remind_in_app (1), because it stands first in the step');
  });

  it('is told of the one that was passed over, with what would have put it first', () => {
    const input = inputOf({ preferred: 'sms' });
    const decision = decide(input);
    expect(explainCandidate({ input, decision }, 'remind_email', { decidedAt: input.now })).toMatchObject({
      sentence:
        'At 2027-06-15T12:00Z, remind_email was not chosen for this user, because remind_sms comes before it, because the person prefers its channel; it would have been different if the person preferred email to other channels.',
      change: 'if the person preferred email to other channels',
      reason: 'LOWER_PRIORITY',
    });
    const preferring = inputOf({ preferred: 'email' });
    expect(decide(preferring).outcome).toMatchObject({ kind: 'act', action: 'remind_email' });
  });

  it('is about money only where nobody is preferred', () => {
    const choice = { place: 0, isPreferred: false, cost: 1, hasNoAccount: false };
    expect(choiceText({ ...choice, isPreferred: true }, { ...choice, cost: 0 })).toBe('the person prefers its channel');
    expect(choiceText(choice, choice)).toBe('it stands first in the step');
  });
});
