import { isOutcome } from './run-outcomes.js';

const IS = [
  'sent',
  'skipped',
  'nothing',
  'unknown',
  'delivered',
  'opened',
  'clicked',
  'bounced',
  'complained',
] as const;
const NONE = { answer: null, deliveryState: null, isDone: null };

describe('what became of a step', () => {
  it.each<[string, Partial<Parameters<typeof isOutcome>[0]>, readonly (typeof IS)[number][]]>([
    ['sent', { answer: 'sent', deliveryState: 'sent' }, ['sent']],
    ['sent, then delivered', { answer: 'sent', deliveryState: 'delivered' }, ['sent', 'delivered']],
    ['opened', { answer: 'sent', deliveryState: 'delivered', isOpened: true }, ['sent', 'delivered', 'opened']],
    [
      'followed',
      { answer: 'sent', deliveryState: 'delivered', isClicked: true },
      ['sent', 'delivered', 'opened', 'clicked'],
    ],
    ['sent, then bounced', { answer: 'sent', deliveryState: 'bounced' }, ['sent', 'bounced']],
    ['complained about', { answer: 'sent', deliveryState: 'complained' }, ['sent', 'delivered', 'complained']],
    ['sent, then dropped by the provider', { answer: 'sent', deliveryState: 'failed' }, []],
    ['refused by a gate', { answer: 'skip' }, ['skipped']],
    ['refused by the provider', { answer: 'skip', deliveryState: 'failed' }, ['skipped']],
    ['put off to the end', { answer: 'defer', deliveryState: 'released' }, ['skipped']],
    ['chosen silence', { answer: 'do_nothing' }, ['nothing']],
    ['in doubt', { answer: 'unknown', deliveryState: 'unknown' }, ['unknown']],
    ['in doubt, then heard of', { answer: 'unknown', deliveryState: 'delivered' }, ['sent', 'delivered']],
    ['done', { isDone: true }, ['sent']],
    ['not done', { isDone: false }, ['skipped']],
    ['not known', {}, []],
  ])('%s', (_name, outcome, expected) => {
    expect(IS.filter((is) => isOutcome({ ...NONE, ...outcome }, is))).toEqual(expected);
  });
});
