import fc from 'fast-check';
import { findingOf, type ListedMessage } from './look-up.js';

const NO_RIVALS = { heard: 0, alive: 0 };
const alike = (id: string): ListedMessage => ({ id, isAlike: true });
const other = (id: string): ListedMessage => ({ id, isAlike: false });

describe('what a list of messages says about one that is sought', () => {
  it.each<[string, readonly ListedMessage[], readonly string[], { heard: number; alive: number }, string]>([
    ['nothing is listed', [], [], NO_RIVALS, 'not_taken'],
    ['its words are listed', [alike('a')], [], NO_RIVALS, 'taken'],
    ['its words are listed, and belong to another delivery', [alike('a')], ['a'], NO_RIVALS, 'not_taken'],
    ['its words are listed twice, once for another delivery', [alike('a'), alike('b')], ['a'], NO_RIVALS, 'taken'],
    ['other words are listed that nobody owns', [other('a')], [], NO_RIVALS, 'unsure'],
    ['other words are listed that another delivery owns', [other('a')], ['a'], NO_RIVALS, 'not_taken'],
    [
      'its words are listed while another attempt with the same is under way',
      [alike('a')],
      [],
      { heard: 0, alive: 1 },
      'unsure',
    ],
    ['nothing is listed while another attempt with the same is under way', [], [], { heard: 0, alive: 1 }, 'not_taken'],
    [
      'its words are listed once, and were heard of for another delivery',
      [alike('a')],
      [],
      { heard: 1, alive: 0 },
      'not_taken',
    ],
    [
      'its words are listed twice, one was heard of for another',
      [alike('a'), alike('b')],
      [],
      { heard: 1, alive: 0 },
      'taken',
    ],
  ])('%s', (_what, listed, owned, rivals, kind) => {
    expect(findingOf({ listed, owned: new Set(owned), rivals })).toMatchObject({ kind });
  });

  it('never gives away what another delivery owns, and never says "not taken" of what may be it', () => {
    const message = fc.record({ id: fc.constantFrom('a', 'b', 'c', 'd'), isAlike: fc.boolean() });
    const listed = fc.uniqueArray(message, { selector: ({ id }) => id });
    const rivals = fc.record({ heard: fc.nat(2), alive: fc.nat(2) });
    fc.assert(
      fc.property(listed, fc.subarray(['a', 'b', 'c', 'd']), rivals, (messages, ids, others) => {
        const owned = new Set(ids);
        const finding = findingOf({ listed: messages, owned, rivals: others });
        if (finding.kind === 'taken') expect(owned.has(finding.providerMessageId)).toBe(false);
        const free = messages.filter(({ id }) => !owned.has(id));
        if (finding.kind === 'not_taken') expect(free.length).toBeLessThanOrEqual(others.heard);
      }),
    );
  });
});
