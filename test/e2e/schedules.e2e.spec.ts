import type { ScheduleHandle } from '@temporalio/client';
import type { BulkEnrolmentView } from '../../src/modules/bulk-enrolments/bulk-enrolments.dto.js';
import { ScheduleKeeper } from '../../src/modules/bulk-enrolments/schedule-keeper.js';
import type { TriggersView } from '../../src/modules/bulk-enrolments/schedules.dto.js';
import { SchedulesService } from '../../src/modules/bulk-enrolments/index.js';
import { startTactful, until, type Tactful } from '../support/tactful.js';

const MINUTE_MS = 60_000;
const steps = [{ kind: 'end', id: 'done' }];
/** Three days from now, in every zone: it does not fire by itself while the spec runs. */
const ANOTHER_DAY = (new Date().getUTCDay() + 3) % 7;
const where = { kind: 'equals', attribute: 'lifecycle_stage', value: 'lead' };

describe('journeys that enrol people at set times, on the real servers', () => {
  let tactful: Tactful;
  beforeAll(async () => {
    tactful = await startTactful();
    const users = Array.from({ length: 5 }, (_, n) => ({ external_id: `s-${n}`, lifecycle_stage: 'lead' }));
    await tactful.post('/api/users/batch', { users });
  }, 2 * MINUTE_MS);
  afterAll(() => tactful.stop(), 3 * MINUTE_MS);

  async function publish(key: string, trigger: object, entry: object): Promise<void> {
    const triggers = [{ kind: 'schedule', where, per_second: 100, ...trigger }];
    await tactful.post('/api/journeys/templates', { key, name: key, entry, triggers, steps });
    await tactful.post(`/api/journeys/templates/${key}/publish`, {});
  }
  const settle = (): Promise<void> => tactful.app.get(ScheduleKeeper).settle();
  /** Those of this journey, as Temporal has them. */
  async function schedulesOf(key: string): Promise<readonly ScheduleHandle[]> {
    const [row] = await tactful.query<{ id: string }>('select id from journeys where key = $1', key);
    const handles: ScheduleHandle[] = [];
    for await (const { scheduleId } of tactful.temporal.schedule.list()) {
      if (scheduleId.startsWith(`journey-trigger:${row?.id}:`)) {
        handles.push(tactful.temporal.schedule.getHandle(scheduleId));
      }
    }
    return handles;
  }
  const kept = (key: string, count: number): Promise<readonly ScheduleHandle[]> =>
    until(
      async () => {
        await settle();
        return schedulesOf(key);
      },
      ({ length }) => length === count,
    );
  const enrolments = (key: string, isSo: (views: readonly BulkEnrolmentView[]) => boolean) =>
    until(
      async () =>
        (await tactful.get<{ data: readonly BulkEnrolmentView[] }>(`/api/journeys/templates/${key}/enrolments`)).data,
      isSo,
    );
  /** Temporal tells firings apart by the second for which they were meant. */
  function nextSecond(): Promise<number> {
    const second = (): number => Math.floor(Date.now() / 1_000);
    const before = second();
    return until(
      () => Promise.resolve(second()),
      (now) => now > before,
    );
  }
  const entries = (key: string) =>
    tactful.query<{ key: string }>(
      `select entry_key as key from journey_entries entry join journeys journey on journey.id = entry.journey_id
        where journey.key = $1`,
      key,
    );

  it(
    'a firing enrols everybody once, and the same firing again nobody',
    async () => {
      await publish('e2e_weekly', { cron: `0 9 * * ${ANOTHER_DAY}`, time_zone: 'Europe/Berlin' }, { mode: 'parallel' });
      const [handle] = await kept('e2e_weekly', 1);
      for (const count of [1, 2]) {
        await nextSecond();
        await handle?.trigger();
        const views = await enrolments(
          'e2e_weekly',
          ({ length, ...all }) => length === count && all[0]?.state === 'done',
        );
        expect(views[0]).toMatchObject({
          source: 'schedule',
          created_by: 'schedule',
          counts: { entered: 5, refused: 0 },
        });
        expect(await entries('e2e_weekly')).toHaveLength(5 * count);
      }
      const [cause] = await tactful.query<{ cause: string; journeyId: string }>(
        `select cause, journey_id as "journeyId" from bulk_enrolments where source = 'schedule' limit 1`,
      );
      const [fingerprint = '', ...instant] = (cause?.cause ?? '').split(':');
      const firing = { journeyId: cause?.journeyId ?? '', fingerprint, scheduledAt: Date.parse(instant.join(':')) };
      await Promise.all([1, 2, 3].map(() => tactful.app.get(SchedulesService).fire(firing)));
      expect(await enrolments('e2e_weekly', () => true)).toHaveLength(2);
    },
    2 * MINUTE_MS,
  );

  it(
    'tells when it fires next',
    async () => {
      await publish('e2e_monthly', { at: '09:00', day_of_month: 1, time_zone: 'UTC' }, { mode: 'once' });
      await kept('e2e_monthly', 1);
      const { data } = await tactful.get<TriggersView>('/api/journeys/templates/e2e_monthly/triggers');
      expect(data[0]?.next_firings?.[0]).toMatch(/^\d{4}-\d{2}-01T09:00:00.000Z$/);
    },
    2 * MINUTE_MS,
  );

  it(
    'goes when its journey lets nobody in, comes back with it, and is mended where Temporal was changed',
    async () => {
      await publish('e2e_paused', { at: '09:00', time_zone: 'user' }, { mode: 'after_exit' });
      const [handle] = await kept('e2e_paused', 1);
      await handle?.pause();
      await until(
        async () => {
          await settle();
          return handle?.describe();
        },
        (description) => description?.state.paused === false,
      );
      await handle?.delete();
      await kept('e2e_paused', 1);
      await tactful.post('/api/journeys/templates/e2e_paused/pause', { reason: 'spec' });
      await kept('e2e_paused', 0);
      await tactful.post('/api/journeys/templates/e2e_paused/resume', { reason: 'spec' });
      await kept('e2e_paused', 1);
    },
    2 * MINUTE_MS,
  );
});
