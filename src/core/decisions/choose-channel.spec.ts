import fc from 'fast-check';
import { candidate, capRule, contact, decisionInput, grant, quietRule } from '../../../test/support/decision-input.js';
import { placeChannels } from './choose-channel.js';
import { decide } from './decide.js';
import { explainCandidate } from './explain-candidate.js';
import { explainDecision } from './explain.js';
import type { Candidate, DecisionInput } from './types.js';

const CHANNELS = ['push', 'email', 'sms', 'in_app'] as const;
const ALL = CHANNELS.map((channel) => candidate(`remind_${channel}`, { channel }));
const CONSENTS = CHANNELS.map((channel) => grant({ id: channel, channel }));
const COSTS = new Map<string, number | null>([
  ['push', null],
  ['email', 0.001],
  ['sms', 0.05],
]);

type Known = Partial<Parameters<typeof placeChannels>[1]>;
function inputOf(known: Known = {}, more: Partial<DecisionInput> = {}): DecisionInput {
  const plain = { preferred: null, costs: COSTS, isCarried: () => true };
  const candidates = placeChannels(more.candidates ?? ALL, { ...plain, ...known });
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
    const costs = new Map([...COSTS, ['email', 1_000]]);
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

  describe('that nobody carries', () => {
    const isCarried = (channel: string): boolean => channel !== 'sms' && channel !== 'push';

    it('comes after those that somebody does, also where it is preferred', () => {
      const input = inputOf({ preferred: 'sms', isCarried });
      expect(orderOf(input)).toEqual(['in_app', 'email', 'sms', 'push']);
      expect(
        explainCandidate({ input, decision: decide(input) }, 'remind_sms', { decidedAt: input.now }),
      ).toMatchObject({
        sentence: expect.stringContaining(
          'because remind_in_app comes before it (no active account carries sms to them)',
        ),
        change: 'if an active account carried sms',
      });
      expect(
        explainCandidate({ input, decision: decide(input) }, 'remind_push', { decidedAt: input.now }),
      ).toMatchObject({
        change: 'if an active account carried push and the person preferred push',
      });
    });

    it('is chosen, to wait for its account, where no other is open to the person', () => {
      const candidates = without('in_app', 'email');
      expect(decide(inputOf({ isCarried }, { candidates })).outcome).toMatchObject({ kind: 'act', channel: 'push' });
      const consents = CONSENTS.filter(({ channel }) => channel === 'sms');
      expect(decide(inputOf({ isCarried }, { consents })).outcome).toMatchObject({ kind: 'act', channel: 'sms' });
    });
  });

  it('is the same for the same facts in any order of what is carried, and keeps every message', () => {
    fc.assert(
      fc.property(
        fc.shuffledSubarray(ALL, { minLength: 2 }),
        fc.constantFrom(null, ...CHANNELS),
        fc.array(fc.tuple(fc.constantFrom(...CHANNELS), fc.constantFrom(null, 0, 0.01, 3))),
        fc.subarray([...CHANNELS]),
        (candidates, preferred, costs, carried) => {
          const isCarried = (channel: string): boolean => (carried as readonly string[]).includes(channel);
          const placed = placeChannels(candidates, { preferred, costs: new Map(costs), isCarried });
          expect(placed.map(({ key }) => key).toSorted()).toEqual(candidates.map(({ key }) => key).toSorted());
          expect(placed.map(({ choice }) => choice?.place)).toEqual(candidates.map((_, place) => place));
          const keyOf = ({ choice }: Candidate): readonly number[] =>
            choice === undefined ? [] : [Number(!choice.isCarried), Number(!choice.isPreferred), choice.cost];
          const sorted = placed.toSorted((left, right) => {
            const at = keyOf(left).findIndex((part, index) => part !== keyOf(right)[index]);
            return at < 0
              ? candidates.findIndex(({ key }) => key === left.key) -
                  candidates.findIndex(({ key }) => key === right.key)
              : (keyOf(left)[at] ?? 0) - (keyOf(right)[at] ?? 0);
          });
          expect(placed).toEqual(sorted);
        },
      ),
    );
  });
});

describe('why a channel comes first', () => {
  const sentence = (input: DecisionInput): string =>
    explainDecision(decide(input), { decidedAt: input.now, userLabel: 'Jane', weighed: input.candidates });
  const explained = (input: DecisionInput, key: string) =>
    explainCandidate({ input, decision: decide(input) }, key, { decidedAt: input.now });
  const two = ALL.filter(({ channel }) => channel === 'sms' || channel === 'email');
  const night = [quietRule({ channels: ['sms'], startMinute: 0, endMinute: 1_080 })];

  it('is told with the decision', () => {
    expect(sentence(inputOf({ preferred: 'sms' }))).toBe(
      'At 2027-06-15T12:00Z, remind_sms on sms was chosen for Jane, because it was worth 1, more than doing nothing (0), and comes before remind_push (1), since they prefer sms; it would have been different if the person preferred push.',
    );
    expect(sentence(inputOf({}, { candidates: two }))).toContain(
      'comes before remind_sms (1), since it costs less (0.001 against 0.05)',
    );
    expect(sentence(inputOf())).toContain('comes before remind_in_app (1), since it stands before it in the step');
  });

  it('is told of the one that was passed over, with what would have put it first', () => {
    expect(explained(inputOf({ preferred: 'sms' }), 'remind_email')).toMatchObject({
      sentence:
        'At 2027-06-15T12:00Z, remind_email was not chosen for this user, because remind_sms comes before it (they prefer sms); it would have been different if the person preferred email.',
      change: 'if the person preferred email',
      reason: 'LOWER_PRIORITY',
    });
    expect(decide(inputOf({ preferred: 'email' })).outcome).toMatchObject({ kind: 'act', action: 'remind_email' });
  });

  it('is told of one that is put off behind the preferred one', () => {
    const { sentence: text } = explained(inputOf({ preferred: 'sms' }, { quietRules: night }), 'remind_email');
    expect(text).toContain(
      'because remind_sms comes before it (they prefer sms) and is waited for until 2027-06-15T18:0',
    );
    expect(text).toContain('because it is a quiet hour for the recipient');
  });

  it('is told of one behind a preferred one that waits while another goes out', () => {
    const candidates = [...two, candidate('receipt', { channel: 'in_app', legalBasis: 'contract', purpose: 'orders' })];
    const costs = new Map([...COSTS, ['in_app', 1]]);
    const input = inputOf({ preferred: 'sms', costs }, { candidates, quietRules: night });
    expect(decide(input).outcome).toMatchObject({ kind: 'act', action: 'receipt' });
    expect(explained(input, 'remind_email').sentence).toContain(
      'because remind_sms comes before it (they prefer sms) and left no room for a lesser one',
    );
  });

  it('is no matter where silence is worth as much: then only worth would change it', () => {
    const input = inputOf({ preferred: 'sms' }, { doNothingValue: 1 });
    expect(explained(input, 'remind_email').change).toBe('if remind_email were worth more than 1 instead of 1');
    expect(
      decide(input)
        .counterfactuals.map(({ change }) => change)
        .join(),
    ).not.toContain('preferred');
  });
});
