import type { PersonalSuppression, PersonSuppressions } from '../suppressions/index.js';
import { blockWords } from './block-words.js';
import { blocksOf, liftableOf, type BlockKind } from './blocks.js';

const NOW = 1_000;
const ADDRESSES = { email: 'e', sms: 's', push: 'p' };

const held = (id: string, more: Partial<PersonalSuppression> = {}): PersonalSuppression => ({
  ...{ id, addressHash: 's', channel: 'sms', purpose: null, reason: 'stop', source: 'spec', isShared: false },
  ...{ since: 0, until: null },
  ...more,
});
const standing = (...suppressions: readonly PersonalSuppression[]): PersonSuppressions => ({
  now: NOW,
  addresses: ADDRESSES,
  suppressions,
});
const SUBJECT = { purpose: 'marketing', channel: 'sms', legalBasis: 'consent' } as const;

describe('what keeps a message from a person', () => {
  it.each<[string, BlockKind | null, Partial<PersonalSuppression>, object?]>([
    ['a STOP by text', 'stop_by_text', {}],
    ['a stop that is wider than START', 'stop', { channel: null }],
    ['a stop of the person', 'stop', { addressHash: null }],
    ['a text that somebody has to read', 'review', { reason: 'manual', source: 'keyword_review' }],
    ['an operator', 'manual', { reason: 'manual' }],
    ['the person’s own unsubscribing', 'unsubscribe', { reason: 'unsubscribe' }],
    ['that of a shared address', 'unsubscribe_of_address', { reason: 'unsubscribe', isShared: true }],
    ['a complaint', 'complaint', { reason: 'complaint' }],
    ['an erasure', 'erasure', { reason: 'erasure', channel: null }],
    ['another address', null, { addressHash: 'x' }],
    ['the address of another channel', null, { addressHash: 'e', channel: null }],
    ['another channel', null, { channel: 'email' }],
    ['another purpose', null, { purpose: 'surveys' }],
    ['what is over', null, { until: NOW }],
    ['what is not over', 'stop_by_text', { until: NOW + 1 }],
    ['one purpose, where a receipt is asked about', null, { purpose: 'marketing' }, { purpose: null }],
    ['a complaint, where a receipt is asked about', null, { reason: 'complaint' }, { legalBasis: 'contract' }],
    ['a STOP, where a receipt is asked about', 'stop_by_text', {}, { legalBasis: 'contract', purpose: null }],
    ['an address, where messages go to the person', null, { channel: null }, { channel: 'in_app' }],
    [
      'the person, where messages go to the person',
      'stop',
      { addressHash: null, channel: null },
      { channel: 'in_app' },
    ],
    ['a channel that is called like a method', null, { channel: null }, { channel: 'constructor' }],
  ])('%s: %s', (_what, kind, more, subject = {}) => {
    const blocks = blocksOf(standing(held('1', more)), { ...SUBJECT, ...subject });
    expect(blocks.map((block) => block.kind)).toEqual(kind === null ? [] : [kind]);
  });

  it('is told as a whole, in the order of the gate, and may be ended in part', () => {
    const all = [
      held('1', { reason: 'unsubscribe' }),
      held('2', { reason: 'complaint', addressHash: null }),
      held('3'),
      held('4', { reason: 'unsubscribe', purpose: 'marketing', until: NOW + 1 }),
    ];
    const blocks = blocksOf(standing(...all), SUBJECT);
    expect(blocks.map(({ suppressionId }) => suppressionId)).toEqual(['3', '2', '1', '4']);
    expect(liftableOf(blocks)).toEqual(['1', '4']);
    expect(blockWords(blocks, 'sms', 'Shop').map((words) => words.split('.')[0])).toEqual([
      'because STOP was texted from this number',
      'because a message from us was reported as spam',
      'because you unsubscribed',
    ]);
  });

  it('names its end by a clock that is named too', () => {
    const until = Date.parse('2027-02-28T23:30:00Z');
    const [words] = blockWords([{ suppressionId: '1', kind: 'hard_bounce', until }], 'post', 'Shop');
    expect(words).toBe(
      'because messages to you came back, until 28 February 2027 at 23:30 UTC. If it works again, or there is another one, please tell Shop.',
    );
  });
});
