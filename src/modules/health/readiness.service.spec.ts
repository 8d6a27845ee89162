import { jest } from '@jest/globals';
import type { Database } from '../../platform/database/database.js';
import type { TemporalHealth } from '../../platform/temporal/temporal.health.js';
import { ReadinessService } from './readiness.service.js';

describe('ReadinessService', () => {
  beforeEach(() => jest.useFakeTimers({ now: 0 }));
  afterEach(() => jest.useRealTimers());

  it('asks database and Temporal once a second, however often it is asked', async () => {
    const query = jest.fn<Database['query']>().mockResolvedValue([]);
    const check = jest.fn<TemporalHealth['check']>().mockResolvedValue();
    const readiness = new ReadinessService({ query } as unknown as Database, { check } as unknown as TemporalHealth);
    const answers = await Promise.all([readiness.check(), readiness.check()]);
    expect(answers).toEqual([answers[0], { status: 'ok', database: 'ok', temporal: 'ok' }]);
    jest.advanceTimersByTime(999);
    check.mockRejectedValue(new Error('gone'));
    expect(await readiness.check()).toMatchObject({ status: 'ok' });
    expect([query.mock.calls.length, check.mock.calls.length]).toEqual([1, 1]);
    jest.advanceTimersByTime(1);
    expect(await readiness.check()).toEqual({ status: 'unavailable', database: 'ok', temporal: 'unavailable' });
    expect([query.mock.calls.length, check.mock.calls.length]).toEqual([2, 2]);
  });
});
