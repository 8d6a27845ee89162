import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BulkEnrolmentView } from '../../src/modules/bulk-enrolments/bulk-enrolments.dto.js';
import type { RunView } from '../../src/modules/journeys/runs/runs.dto.js';
import { startTactful, until, type Tactful } from '../support/tactful.js';

const MINUTE_MS = 60_000;
const USERS = 1_000;
/** Where only entries matter: to begin a thousand runs costs what it costs. */
const LATER = '2127-01-01T00:00:00Z';
const steps = [{ kind: 'end', id: 'done' }];
const file = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

describe('many people enter, on the real servers', () => {
  let tactful: Tactful;
  beforeAll(async () => {
    tactful = await startTactful();
    for (let first = 0; first < USERS; first += 500) {
      const users = Array.from({ length: 500 }, (_, n) => ({ external_id: `u-${first + n}`, lifecycle_stage: 'lead' }));
      await tactful.post('/api/users/batch', { users });
    }
  }, 2 * MINUTE_MS);
  afterAll(() => tactful.stop(), 3 * MINUTE_MS);

  async function publish(key: string): Promise<string> {
    await tactful.post('/api/journeys/templates', { key, name: key, entry: { mode: 'once' }, steps });
    await tactful.post(`/api/journeys/templates/${key}/publish`, {});
    return `/api/journeys/templates/${key}/enrolments`;
  }
  const leads = { where: { kind: 'equals', attribute: 'lifecycle_stage', value: 'lead' } };
  const find = (url: string, id: string) => tactful.get<BulkEnrolmentView>(`${url}/${id}`);
  const reached = (url: string, id: string, isSo: (view: BulkEnrolmentView) => boolean) =>
    until(() => find(url, id), isSo);
  const isDone = ({ state }: BulkEnrolmentView): boolean => state === 'done';
  async function runsOf(journey: string): Promise<{ readonly runs: number; readonly users: number }> {
    const [row] = await tactful.query<{ runs: number; users: number }>(
      'select count(*)::int as runs, count(distinct user_id)::int as users from journey_runs where journey_key = $1',
      journey,
    );
    return row ?? { runs: 0, users: 0 };
  }

  it(
    '1,000 by a filter: each has one run, and a second time nothing changes',
    async () => {
      const url = await publish('e2e_filter');
      const order = { users: leads, per_second: 500, start_at: LATER };
      const { id } = await tactful.post<BulkEnrolmentView>(url, order);
      const view = await reached(url, id, isDone);
      expect(view.counts).toMatchObject({ users_total: USERS, entered: USERS, already_in: 0, refused: 0 });
      expect(await runsOf('e2e_filter')).toEqual({ runs: USERS, users: USERS });
      const again = await tactful.post<BulkEnrolmentView>(url, order);
      expect((await reached(url, again.id, isDone)).counts).toMatchObject({ entered: 0, already_in: USERS });
    },
    4 * MINUTE_MS,
  );

  it('the runs of those who enter begin and end, at the pace that was asked for', async () => {
    const url = await publish('e2e_begins');
    const ids = Array.from({ length: 60 }, (_, n) => `ext:u-${n}`);
    await tactful.post(url, { users: { ids }, per_second: 30 });
    await until(
      () => tactful.query(`select from journey_runs where journey_key = 'e2e_begins' and state = 'completed'`),
      ({ length }) => length === ids.length,
    );
  }, 240_000);

  it(
    '1,000 by a file, paused in the middle and resumed',
    async () => {
      const url = await publish('e2e_file');
      const lines = Array.from({ length: USERS }, (_, n) => `u-${n}`);
      const response = await tactful.app.inject({
        method: 'POST',
        url: `${url}/import?per_second=100&start_at=${LATER}`,
        headers: { 'content-type': 'text/csv' },
        payload: ['external_id', ...lines, 'nobody', 'u-0'].join('\n'),
      });
      expect(response.statusCode).toBe(202);
      const { id } = response.json<BulkEnrolmentView>();
      await reached(url, id, ({ counts }) => counts.entered > 0);
      await tactful.post(`${url}/${id}/pause`, {});
      const { counts: before } = await find(url, id);
      expect(before.entered).toBeLessThan(USERS);
      await tactful.post(`${url}/${id}/resume`, {});
      const view = await reached(url, id, isDone);
      expect(view).toMatchObject({ refused_by: { USER_UNKNOWN: 1 } });
      expect(view.counts).toMatchObject({ users_total: USERS + 2, entered: USERS, already_in: 1, refused: 1 });
      expect(await runsOf('e2e_file')).toEqual({ runs: USERS, users: USERS });
    },
    4 * MINUTE_MS,
  );

  it(
    'ends at once when it is cancelled, and its workflow with it',
    async () => {
      const url = await publish('e2e_cancelled');
      const { id } = await tactful.post<BulkEnrolmentView>(url, { users: leads, per_second: 50, start_at: LATER });
      await reached(url, id, ({ counts }) => counts.entered > 0);
      const { counts } = await tactful.post<BulkEnrolmentView>(`${url}/${id}/cancel`, {});
      await tactful.temporal.workflow.getHandle(`bulk-enrolment:${id}`).result();
      expect(await find(url, id)).toMatchObject({ state: 'cancelled', counts: { entered: counts.entered } });
      expect(counts.entered).toBeLessThan(USERS);
      expect(await runsOf('e2e_cancelled')).toEqual({ runs: counts.entered, users: counts.entered });
    },
    2 * MINUTE_MS,
  );

  it(
    'loses and doubles nobody when its worker is killed between a page and its answer',
    async () => {
      const url = await publish('e2e_killed');
      await tactful.stopWorker();
      const compiled = mkdtempSync(path.join(tmpdir(), 'tactful-compiled-'));
      const child = fork(file('../support/dying-worker.main.ts'), {
        execArgv: ['--import', file('../support/compile-hooks.mjs')],
        env: {
          ...process.env,
          ...tactful.environment,
          LOG_LEVEL: 'silent',
          SPEC_COMPILED: compiled,
          SPEC_DIES_AFTER_PAGE: '2',
        },
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      });
      const { id } = await tactful.post<BulkEnrolmentView>(url, { users: leads, per_second: 200, start_at: LATER });
      const [, signal] = (await once(child, 'exit')) as [number | null, string | null];
      rmSync(compiled, { recursive: true, force: true });
      expect(signal).toBe('SIGKILL');
      // Two pages of 50 people.
      expect((await find(url, id)).counts).toMatchObject({ entered: 100, looked_at: 100 });
      tactful.startWorker();
      const view = await reached(url, id, isDone);
      expect(view.counts).toMatchObject({ users_total: USERS, entered: USERS, already_in: 0, refused: 0 });
      expect(await runsOf('e2e_killed')).toEqual({ runs: USERS, users: USERS });
    },
    4 * MINUTE_MS,
  );

  it('an event lets its user in, and the run begins', async () => {
    const triggers = [{ kind: 'event', event: 'e2e_came' }];
    await tactful.post('/api/journeys/templates', { key: 'e2e_event', name: 'e2e', triggers, steps });
    await tactful.post('/api/journeys/templates/e2e_event/publish', {});
    const { id } = await tactful.post<{ id: string }>('/api/users', { external_id: 'e2e-comes' });
    await tactful.post('/api/events', { user_id: id, event_name: 'e2e_came' });
    const { data } = await until(
      () => tactful.get<{ data: readonly RunView[] }>(`/api/runs?user_id=${id}`),
      ({ data: [run] }) => run?.state === 'completed',
    );
    expect(data).toMatchObject([{ journey: 'e2e_event', state: 'completed' }]);
  });
});
