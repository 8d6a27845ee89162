import type { ScheduleTrigger } from '../../core/journeys/triggers.js';
import { fingerprintOf, isOurs, scheduleIdOf, toSchedule, toScheduledBulk } from './schedules.js';

const where = { kind: 'exists', attribute: 'email' } as const;
const nine = (more: Partial<ScheduleTrigger> = {}): ScheduleTrigger => {
  return { kind: 'schedule', at: '09:30', time_zone: 'Europe/Berlin', where, ...more };
};
const of = (trigger: ScheduleTrigger) => ({ journeyId: 'j-1', journeyKey: 'weekly', trigger });

describe('a schedule as Temporal keeps it', () => {
  it.each<[string, ScheduleTrigger, object]>([
    ['every day', nine(), { calendars: [{ hour: 9, minute: 30 }], timezone: 'Europe/Berlin' }],
    [
      'on days of the week',
      nine({ weekdays: ['monday', 'friday'] }),
      { calendars: [{ hour: 9, minute: 30, dayOfWeek: ['MONDAY', 'FRIDAY'] }] },
    ],
    ['on a day of the month', nine({ day_of_month: 31 }), { calendars: [{ hour: 9, minute: 30, dayOfMonth: 31 }] }],
    ['by an expression', nine({ at: undefined, cron: '0 9 * * 1-5' }), { cronExpressions: ['0 9 * * 1-5'] }],
    ['by the clocks of users, from the first of them on', nine({ time_zone: 'user' }), { timezone: 'Etc/GMT-14' }],
  ])('fires %s', (_what, trigger, spec) => {
    expect(toSchedule(of(trigger), 'queue')).toMatchObject({ spec, policies: { overlap: 'BUFFER_ONE' } });
  });

  it('has another name for another content, so that a changed one is never taken for the old one', () => {
    const names = [nine(), nine({ at: '09:31' }), nine({ per_second: 7 }), nine({ spread: 'PT1H' })].map(fingerprintOf);
    expect(new Set(names).size).toBe(4);
    expect(fingerprintOf({ ...nine() })).toBe(fingerprintOf(nine()));
    expect([isOurs(scheduleIdOf(of(nine()))), isOurs('somebody-elses')]).toEqual([true, false]);
  });
});

describe('what a firing orders', () => {
  const at = Date.parse('2027-03-09T19:30:00Z');

  it('is told apart by its instant, for the enrolment and for the runs of parallel journeys', () => {
    const [first, again, later] = [at, at, at + 1].map((instant) => toScheduledBulk(of(nine()), instant));
    expect(first?.cause).toBe(again?.cause);
    expect(first?.cause).not.toBe(later?.cause);
    expect(first).toMatchObject({ entryKey: '20270309T193000.000Z', startAt: at, localMinute: null, condition: where });
  });

  it('by the clocks of users is for the day that begins where days begin first', () => {
    const order = toScheduledBulk(of(nine({ time_zone: 'user', spread: 'PT1H', per_second: 7 })), at);
    expect(order).toMatchObject({ localMinute: 570, localDate: '2027-03-10', spreadMs: 3_600_000, perSecond: 7 });
  });
});
