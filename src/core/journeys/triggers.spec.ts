import { keyOfEvent, triggerOf, type EventTrigger } from './triggers.js';

const above = (value: number) => ({ kind: 'greater_than', attribute: 'amount', value }) as const;
const bought = (more: Partial<EventTrigger> = {}): EventTrigger => ({ kind: 'event', event: 'bought', ...more });
const event = (properties: Readonly<Record<string, unknown>>) => ({ messageId: 'm-1', properties });

describe('which trigger an event meets', () => {
  it('is the first whose condition holds; one without a condition always holds', () => {
    const [big, small] = [bought({ where: above(100) }), bought({ where: above(10) })];
    expect(triggerOf([big, small], event({ amount: 500 }))).toBe(big);
    expect(triggerOf([big, small], event({ amount: 50 }))).toBe(small);
    expect(triggerOf([big, small], event({ amount: 5 }))).toBeNull();
    const plain = bought();
    expect(triggerOf([big, plain], event({}))).toBe(plain);
    expect(triggerOf([], event({}))).toBeNull();
  });
});

describe('what tells the runs of events apart', () => {
  const byOrder = bought({ entry_key: { property: 'order.id' } });
  it.each<[string, EventTrigger, Readonly<Record<string, unknown>>, string | null]>([
    ['the message id when nothing is said', bought(), {}, 'm-1'],
    ['the message id when it is said', bought({ entry_key: 'message_id' }), {}, 'm-1'],
    ['a text', byOrder, { order: { id: 'o-7' } }, 'o-7'],
    ['a number', byOrder, { order: { id: 7 } }, '7'],
    ['nothing where the property is missing', byOrder, { order: {} }, null],
    ['nothing where it is empty', byOrder, { order: { id: '' } }, null],
    ['nothing where it is neither text nor number', byOrder, { order: { id: { a: 1 } } }, null],
  ])('is %s', (_what, trigger, properties, expected) => {
    expect(keyOfEvent(trigger, event(properties))).toBe(expected);
  });
});
