import { DAY_MS, HOUR_MS } from '../../core/kernel/instant.js';
import { capRule } from '../../../test/support/decision-input.js';
import { areAlike, horizonsOf } from './horizons.js';

const NOTHING = { capRules: [], pauseRules: [], fatigueModel: null };
const pause = {
  id: 'pause',
  version: 1,
  outcomes: ['dismissed'],
  count: 3,
  withinMs: 7 * DAY_MS,
  scope: 'action',
  pauseMs: 30 * DAY_MS,
  purposes: ['marketing'],
} as const;
const model = {
  id: 'tired',
  version: 1,
  halfLifeMs: 5 * DAY_MS,
  contactWeight: 1,
  outcomeWeights: {},
  costPerScore: 0,
  threshold: 0.9,
} as const;

describe('how far back a decision looks', () => {
  it('is not at all without rules', () => {
    expect(horizonsOf(NOTHING)).toEqual({ contactsMs: 0, outcomesMs: 0 });
  });

  it('is the longest window of any cap; a local month in any zone is covered', () => {
    const hours = capRule({ window: { kind: 'rolling', durationMs: 6 * HOUR_MS } });
    const gap = capRule({ window: { kind: 'min_gap', durationMs: 9 * HOUR_MS } });
    expect(horizonsOf({ ...NOTHING, capRules: [hours, gap] })).toEqual({ contactsMs: 9 * HOUR_MS, outcomesMs: 0 });
    for (const [unit, days] of [
      ['day', 1],
      ['week', 7],
      ['month', 31],
    ] as const) {
      const rule = capRule({ window: { kind: 'calendar', unit } });
      expect(horizonsOf({ ...NOTHING, capRules: [rule] }).contactsMs).toBeGreaterThanOrEqual(
        days * DAY_MS + 2 * HOUR_MS,
      );
    }
  });

  it('covers the outcomes that began a pause which still goes on', () => {
    const horizons = horizonsOf({ ...NOTHING, pauseRules: [pause] });
    expect(horizons).toEqual({ contactsMs: 37 * DAY_MS, outcomesMs: 37 * DAY_MS });
  });

  it('covers eight half-lives of fatigue', () => {
    expect(horizonsOf({ ...NOTHING, fatigueModel: model })).toEqual({
      contactsMs: 40 * DAY_MS,
      outcomesMs: 40 * DAY_MS,
    });
  });

  it('is alike only in contacts, outcomes and devices', () => {
    const read = { contactsMs: 2, outcomesMs: 1 };
    expect(areAlike(read, { ...read, hasDevices: true })).toBe(false);
    expect(areAlike({ ...read, hasDevices: true }, { ...read, hasDevices: true })).toBe(true);
    expect(areAlike(read, { contactsMs: 2, outcomesMs: 1 })).toBe(true);
    expect(areAlike(read, { contactsMs: 1, outcomesMs: 1 })).toBe(false);
    expect(areAlike(read, { contactsMs: 2, outcomesMs: 2 })).toBe(false);
  });
});
