import fc from 'fast-check';

import { DAY_MS } from './instant.js';
import { dateOfDay, dayOfDate, isoWeekdayOf } from './local-date.js';

describe('calendar dates as numbers', () => {
  it.each<[string, number, number]>([
    ['1970-01-01', 0, 4],
    ['1969-12-31', -1, 3],
    ['1969-12-28', -4, 7],
    ['2024-02-29', 19_782, 4],
    ['2027-03-14', 20_891, 7],
    ['2027-03-15', 20_892, 1],
  ])('%s is day %d, weekday %d', (date, day, weekday) => {
    expect(dayOfDate(date)).toBe(day);
    expect(dateOfDay(day)).toBe(date);
    expect(isoWeekdayOf(day)).toBe(weekday);
  });

  it.each(['2027-02-29', '2027-13-01', '2027-00-10', '2027-04-31', '2027-1-5', '27-01-05', ' 2027-01-05', ''])(
    '%j is no date',
    (text) => {
      expect(dayOfDate(text)).toBeNull();
    },
  );

  it('counts on without a hole, weekdays too', () => {
    fc.assert(
      fc.property(fc.integer({ min: -30_000, max: 2_900_000 }), (day) => {
        expect(dayOfDate(dateOfDay(day))).toBe(day);
        expect(isoWeekdayOf(day)).toBe(new Date(day * DAY_MS).getUTCDay() || 7);
        expect(isoWeekdayOf(day + 1)).toBe((isoWeekdayOf(day) % 7) + 1);
      }),
    );
  });

  it('takes half a day for a mistake', () => {
    expect(() => dateOfDay(0.5)).toThrow('no day');
  });
});
