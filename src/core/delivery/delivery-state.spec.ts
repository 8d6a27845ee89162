import fc from 'fast-check';

import {
  assertTransition,
  canTransition,
  DELIVERY_STATE_INITIAL,
  DELIVERY_TRANSITIONS,
  REPLAY_TRANSITIONS,
  statesBefore,
  type DeliveryState,
} from './delivery-state.js';

const HEARD: readonly DeliveryState[] = ['sent', 'failed', 'delivered', 'bounced', 'complained'];
const STATES = Object.keys(DELIVERY_TRANSITIONS) as readonly DeliveryState[];

function reachable(from: DeliveryState, seen: Set<DeliveryState> = new Set()): ReadonlySet<DeliveryState> {
  for (const next of DELIVERY_TRANSITIONS[from]) {
    if (seen.has(next)) continue;
    seen.add(next);
    reachable(next, seen);
  }
  return seen;
}

describe('delivery states', () => {
  it('are all reachable from the claim', () => {
    expect([...reachable(DELIVERY_STATE_INITIAL), DELIVERY_STATE_INITIAL].sort()).toEqual(
      expect.arrayContaining([...STATES].sort()),
    );
  });

  it('end in a complaint, the last that can be heard, and every state can come to the end', () => {
    const ends = STATES.filter((state) => DELIVERY_TRANSITIONS[state].length === 0);
    expect(ends).toEqual(['complained']);
    for (const state of STATES) {
      expect(ends.includes(state) || ends.some((end) => reachable(state).has(end))).toBe(true);
    }
  });

  it('never lead from a message that may have gone out back to sending', () => {
    for (const state of ['unknown', 'sent', 'failed', 'delivered', 'bounced', 'complained'] as const) {
      expect(reachable(state).has('sending')).toBe(false);
    }
    expect(DELIVERY_TRANSITIONS.released).toEqual(['sending']);
  });

  it('lead back for an operator only, from a refusal, and never by what is heard or settled', () => {
    for (const { from, to } of Object.values(REPLAY_TRANSITIONS)) expect(canTransition(from, to)).toBe(false);
    expect(statesBefore('released')).toEqual(['sending']);
    expect(statesBefore('failed')).not.toContain('released');
    const again = reachable(REPLAY_TRANSITIONS.released.to);
    expect(REPLAY_TRANSITIONS.released.from).toBe('failed');
    expect(again.has('sending')).toBe(true);
  });

  it('end the same in whatever order the same things are heard', () => {
    const heard = fc.shuffledSubarray([...HEARD], { minLength: 1 });
    const begin = fc.constantFrom<DeliveryState>('sending', 'unknown', 'sent', 'failed', 'delivered');
    const hear = (from: DeliveryState, words: readonly DeliveryState[]): DeliveryState =>
      words.reduce((state, word) => (canTransition(state, word) ? word : state), from);
    fc.assert(
      fc.property(begin, heard, (from, words) => {
        const end = hear(from, words);
        expect(hear(from, [...words].reverse())).toBe(end);
        expect(hear(from, [...words, ...words])).toBe(end);
      }),
    );
  });

  it.each<[DeliveryState, DeliveryState, boolean]>([
    ['sending', 'sent', true],
    ['sending', 'failed', true],
    ['sending', 'unknown', true],
    ['sending', 'released', true],
    ['sending', 'delivered', true],
    ['sending', 'sending', false],
    ['released', 'sent', false],
    ['sent', 'delivered', true],
    ['sent', 'failed', true],
    ['delivered', 'failed', false],
    ['bounced', 'delivered', false],
    ['bounced', 'complained', true],
    ['complained', 'bounced', false],
    ['sent', 'unknown', false],
    ['unknown', 'sent', true],
    ['unknown', 'failed', true],
    ['unknown', 'released', false],
    ['failed', 'delivered', true],
    ['delivered', 'complained', true],
    ['delivered', 'sent', false],
    ['failed', 'sent', false],
  ])('%s -> %s: %s', (from, to, expected) => {
    expect(canTransition(from, to)).toBe(expected);
    if (expected) expect(() => assertTransition(from, to)).not.toThrow();
    else expect(() => assertTransition(from, to)).toThrow(`from ${from} to ${to}`);
  });
});
