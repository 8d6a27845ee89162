import fc from 'fast-check';
import { DAY_MS } from '../kernel/instant.js';
import { dayOf, fullLimit, fullText, type EntryCounter, type EntryLimits } from './entry-limits.js';

const MIDNIGHT = Date.parse('2027-06-16T00:00:00Z');
const NOON = MIDNIGHT - DAY_MS / 2;
const counter = (more: Partial<EntryCounter> = {}): EntryCounter => ({
  total: 0,
  day: dayOf(NOON),
  today: 0,
  running: 0,
  ...more,
});
const full = (limits: EntryLimits, more: Partial<EntryCounter>, now = NOON) =>
  fullLimit({ limits, counter: counter(more), now });

describe('limits on entries', () => {
  it.each<[string, EntryLimits, Partial<EntryCounter>, ReturnType<typeof fullLimit>]>([
    ['none', {}, { total: 9, today: 9, running: 9 }, null],
    ['one less than all', { total: 10 }, { total: 9 }, null],
    ['all', { total: 10 }, { total: 10 }, { limit: 'total', max: 10, freesAt: null }],
    ['one less than a day', { per_day: 10 }, { today: 9 }, null],
    ['a day', { per_day: 10 }, { today: 10 }, { limit: 'per_day', max: 10, freesAt: MIDNIGHT }],
    ['one less at a time', { running: 1 }, { running: 0 }, null],
    ['at a time', { running: 1 }, { running: 1 }, { limit: 'running', max: 1, freesAt: null }],
    [
      'the most lasting one first',
      { total: 1, per_day: 1, running: 1 },
      { total: 1, today: 1, running: 1 },
      { limit: 'total', max: 1, freesAt: null },
    ],
  ])('%s', (_name, limits, more, answer) => {
    expect(full(limits, more)).toEqual(answer);
  });

  it('counts days in UTC, to the millisecond', () => {
    const spent = { today: 10 };
    expect(full({ per_day: 10 }, spent, MIDNIGHT - 1)).toMatchObject({ freesAt: MIDNIGHT });
    expect(full({ per_day: 10 }, spent, MIDNIGHT)).toBeNull();
  });

  it('opens no new day for a clock that lags behind the last entry', () => {
    const spent = { day: dayOf(MIDNIGHT), today: 10 };
    expect(full({ per_day: 10 }, spent, MIDNIGHT - 1)).toMatchObject({ freesAt: MIDNIGHT + DAY_MS });
  });

  it('names an instant at which there is room, if nobody else comes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 0, max: 6 }), (max, today) => {
        const said = full({ per_day: max }, { today });
        expect(said === null).toBe(today < max);
        if (said?.freesAt !== null && said !== null) expect(full({ per_day: max }, { today }, said.freesAt)).toBeNull();
      }),
    );
  });

  it('says which limit it is, and when it frees', () => {
    expect(fullText({ limit: 'per_day', max: 3, freesAt: MIDNIGHT })).toBe(
      'at most 3 a day may enter, the next ones from 2027-06-16T00:00:00.000Z on',
    );
    expect(fullText({ limit: 'total', max: 3, freesAt: null })).toMatch(/3 may ever enter/);
    expect(fullText({ limit: 'running', max: 3, freesAt: null })).toMatch(/3 .*when a run ends/);
  });
});
