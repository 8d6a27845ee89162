import { readFileSync } from 'node:fs';
import { EVENT_TYPES } from './event-types.js';
import { EventSubscriptionChange, NewEventReplay, NewEventSubscription } from './subscriptions.dto.js';

const subscription = (types: unknown): object => ({ key: 'shop', name: 'Shop', endpoint: 'shop', types });
const read = (file: string): string => readFileSync(new URL(`../../../${file}`, import.meta.url), 'utf8');

describe('what a subscription may ask for', () => {
  it.each([['delivery.sent'], ['delivery.*'], ['decision.*'], ['consent.*'], ['*']])('is %s', (type) => {
    expect(NewEventSubscription.safeParse(subscription([type])).success).toBe(true);
  });

  it.each([['delivery'], ['delivery.lost'], ['*.sent'], ['delivery.s*'], ['test'], ['DELIVERY.SENT'], ['']])(
    'is not %s',
    (type) => {
      expect(NewEventSubscription.safeParse(subscription([type])).success).toBe(false);
    },
  );

  it('is something', () => {
    expect(NewEventSubscription.safeParse(subscription([])).success).toBe(false);
    expect(NewEventSubscription.parse(subscription(['*']))).toMatchObject({ format: 'standard' });
  });

  it('is explained, type by type', () => {
    const page = read('docs/reference/events.md');
    expect(EVENT_TYPES.filter((type) => !new RegExp(`(\`|^## )${type}(\`|$)`, 'm').test(page))).toEqual([]);
  });
});

describe('a change', () => {
  it('names what changes', () => {
    expect(EventSubscriptionChange.safeParse({}).success).toBe(false);
    expect(EventSubscriptionChange.safeParse({ state: 'paused' }).success).toBe(true);
    expect(EventSubscriptionChange.safeParse({ key: 'other' }).success).toBe(false);
  });
});

describe('a replay', () => {
  it('names what comes again: nobody sends everything by mistake', () => {
    expect(NewEventReplay.safeParse({}).success).toBe(false);
    expect(NewEventReplay.safeParse({ only_dead: false }).success).toBe(false);
    const since = '2027-06-15T01:30:00Z';
    for (const named of [{ since }, { until: since }, { only_dead: true }, { event_ids: [crypto.randomUUID()] }]) {
      expect(NewEventReplay.safeParse(named).success).toBe(true);
    }
  });
});
