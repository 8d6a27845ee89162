import { INVALID_TIMEZONE, readDeviceZones } from './device-zones.js';
import type { NewEventRow } from './events.repository.js';

const AT = Date.parse('2027-06-15T12:00:00Z');

const event = (timezone: unknown, more: Partial<NewEventRow> = {}): NewEventRow => ({
  id: 'event',
  userId: 'ada',
  messageId: 'm',
  type: 'track',
  name: 'viewed',
  properties: {},
  context: timezone === undefined ? {} : { timezone },
  occurredAt: AT,
  receivedAt: AT,
  clockDomain: 'real',
  ...more,
});

describe('zones of devices', () => {
  it('go by the newest event of each user, whatever order they come in', () => {
    const events = [
      event('Asia/Tokyo', { occurredAt: AT - 1 }),
      event('Europe/Paris'),
      event('Asia/Seoul', { occurredAt: AT - 2 }),
      event('Europe/Rome', { userId: 'bob' }),
    ];
    expect(readDeviceZones(events).zones).toEqual([
      { userId: 'ada', zone: 'Europe/Paris', at: AT },
      { userId: 'bob', zone: 'Europe/Rome', at: AT },
    ]);
  });

  it('count an event from the future as of when it came', () => {
    const ahead = event('Asia/Tokyo', { occurredAt: AT + 5_000 });
    expect(readDeviceZones([ahead]).zones).toEqual([{ userId: 'ada', zone: 'Asia/Tokyo', at: AT }]);
  });

  it.each([[undefined], [null]])('say nothing when the context says %s', (timezone) => {
    expect(readDeviceZones([event(timezone)])).toEqual({ zones: [], faults: [] });
  });

  it('of a virtual clock move nobody', () => {
    expect(readDeviceZones([event('Asia/Tokyo', { clockDomain: 'v' }), event('no', { clockDomain: 'v' })])).toEqual({
      zones: [],
      faults: [],
    });
  });

  it.each([['Mars/Olympus'], ['+02:00'], [7], [{ a: 1 }], ['']])('%j becomes one event of its own', (timezone) => {
    const { zones, faults } = readDeviceZones([event(timezone), event(timezone, { messageId: 'm2' })]);
    expect(zones).toEqual([]);
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatchObject({ name: INVALID_TIMEZONE, userId: 'ada', context: {} });
    expect(faults[0]?.messageId).toHaveLength(`${INVALID_TIMEZONE}:ada:`.length + 16);
  });

  it('tell faults of different users and values apart', () => {
    const events = [event('x'), event('y'), event('x', { userId: 'bob' })];
    expect(new Set(readDeviceZones(events).faults.map(({ messageId }) => messageId)).size).toBe(3);
  });
});
