import { DAY_MS, HOUR_MS } from '../../core/kernel/instant.js';
import { drawEvents, SimulatedEvents, type SimulatedEvent } from './simulated-events.js';

const FROM = Date.parse('2027-03-08T10:00:00Z');
const USERS = Array.from({ length: 200 }, (_, index) => `user-${index}`);

const draw = (perDay: Readonly<Record<string, number>>, seed = 'a', userId = 'user-0', days = 30) =>
  drawEvents({ perDay, seed, userId, from: FROM, days });

describe('events that are drawn', () => {
  it('are the same for the same seed and user, and others for another', () => {
    expect(draw({ visit: 0.5 })).toEqual(draw({ visit: 0.5 }));
    expect(draw({ visit: 0.5 })).not.toEqual(draw({ visit: 0.5 }, 'b'));
    expect(draw({ visit: 0.5 })).not.toEqual(draw({ visit: 0.5 }, 'a', 'user-1'));
  });

  it('do not depend on what else is drawn', () => {
    expect(draw({ visit: 0.5, purchase: 0.5 }).filter(({ name }) => name === 'visit')).toEqual(draw({ visit: 0.5 }));
  });

  it('happen as often as they are probable, at most once a day, within that day', () => {
    expect(draw({ visit: 0 })).toEqual([]);
    const daily = draw({ visit: 1 });
    expect(daily).toHaveLength(30);
    for (const [day, { occurredAt }] of daily.entries()) {
      expect(occurredAt).toBeGreaterThan(FROM + day * DAY_MS);
      expect(occurredAt).toBeLessThanOrEqual(FROM + (day + 1) * DAY_MS);
    }
    const drawn = USERS.flatMap((userId) => draw({ visit: 0.1 }, 'a', userId)).length;
    // 6,000 draws: five standard deviations are 116.
    expect(Math.abs(drawn - 600)).toBeLessThan(116);
  });
});

describe('events of a simulated user', () => {
  const event = (name: string, hours: number, properties: object = {}): SimulatedEvent => ({
    messageId: `${name}${hours}`,
    name,
    occurredAt: FROM + hours * HOUR_MS,
    properties: { ...properties },
  });
  const events = new SimulatedEvents([event('visit', 5), event('visit', 2, { page: 'a' }), event('buy', 3)]);
  const where = { kind: 'equals', attribute: 'page', value: 'a' } as const;
  const found = (names: readonly string[], after: number, until: number) =>
    events.findFirst({
      kind: 'find_event',
      stepId: 's',
      events: names,
      after: FROM + after * HOUR_MS,
      until: FROM + until * HOUR_MS,
    })?.messageId;

  it('are found by their time: after is exclusive, until inclusive', () => {
    expect(found(['visit', 'buy'], 0, 9)).toBe('visit2');
    expect(found(['visit', 'buy'], 2, 9)).toBe('buy3');
    expect(found(['visit'], 2, 5)).toBe('visit5');
    expect(found(['visit'], 2, 4.9)).toBeUndefined();
  });

  it('that meet a condition are found with it, others only by name', () => {
    const listeners = [{ index: 4, event: 'visit', where }];
    const ask = { kind: 'find_event', stepId: 's', events: [], listeners, until: FROM + 9 * HOUR_MS } as const;
    expect(events.findFirst({ ...ask, after: FROM })).toMatchObject({ messageId: 'visit2', matches: [4] });
    expect(events.findFirst({ ...ask, after: FROM + 2 * HOUR_MS })).toBeNull();
  });

  it('count within the time before now, or since the entry, up to now', () => {
    const holds = (more: object, hours: number) =>
      events.holds({ kind: 'event', name: 'visit', ...more }, { now: FROM + hours * HOUR_MS, entryAt: FROM });
    expect(holds({}, 1.9)).toBe(false);
    expect(holds({}, 2)).toBe(true);
    expect(holds({ at_least: 2 }, 4.9)).toBe(false);
    expect(holds({ at_least: 2 }, 5)).toBe(true);
    expect(holds({ within: 'PT3H' }, 4.9)).toBe(true);
    expect(holds({ within: 'PT3H', at_least: 2 }, 5)).toBe(false);
    expect(holds({ within: 'PT2H', where }, 3.9)).toBe(true);
    expect(holds({ within: 'PT2H', where }, 4)).toBe(false);
  });
});
