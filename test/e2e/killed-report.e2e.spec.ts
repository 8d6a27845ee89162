import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RunSnapshot } from '../../src/core/journeys/progress.js';
import type { EnrolmentView } from '../../src/modules/journeys/entry/enrolment.dto.js';
import type { RunView } from '../../src/modules/journeys/runs/runs.dto.js';
import type { RunMoveView } from '../../src/modules/run-views/run-views.dto.js';
import { RUN_STATE_QUERY } from '../../workflows/messages.js';
import { startTactful, until, type Tactful } from '../support/tactful.js';

const MINUTE_MS = 60_000;
const file = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

describe('a worker dies when it has told where a run waits, and before the run does', () => {
  let tactful: Tactful;
  let child: ChildProcess | undefined;
  const compiled = mkdtempSync(path.join(tmpdir(), 'tactful-compiled-'));
  beforeAll(async () => {
    tactful = await startTactful();
    await tactful.post('/api/journeys/templates', {
      key: 'tour',
      name: 'Tour',
      steps: [
        { kind: 'wait', id: 'rest', duration: 'P30D' },
        { kind: 'end', id: 'done' },
      ],
    });
    await tactful.post('/api/journeys/templates/tour/publish', {});
  }, 3 * MINUTE_MS);
  afterAll(async () => {
    child?.kill('SIGKILL');
    rmSync(compiled, { recursive: true, force: true });
    await tactful.stop();
  }, 3 * MINUTE_MS);

  async function enter(): Promise<EnrolmentView & { readonly read: () => Promise<RunView> }> {
    const email = `${crypto.randomUUID()}@example.org`;
    const { id: userId } = await tactful.post<{ id: string }>('/api/users', { email });
    const run = await tactful.post<EnrolmentView>(`/api/journeys/${userId}/enroll`, { journey: 'tour' });
    return { ...run, read: () => tactful.get<RunView>(`/api/runs/${run.id}`) };
  }

  it(
    'what the run tells once another worker has done the turn again stands, in its row and its path',
    async () => {
      // A worker that has not begun yet cannot be stopped.
      const first = await enter();
      await until(first.read, ({ state }) => state === 'waiting');
      await tactful.stopWorker();
      child = fork(file('../support/dying-reporter.main.ts'), {
        execArgv: ['--import', file('../support/compile-hooks.mjs')],
        env: { ...process.env, ...tactful.environment, LOG_LEVEL: 'silent', SPEC_COMPILED: compiled },
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      });
      const { id, workflow_id, read } = await enter();
      const [, signal] = (await once(child, 'exit')) as [number | null, string | null];
      expect(signal).toBe('SIGKILL');
      const told = await read();
      expect(told).toMatchObject({ state: 'waiting', step_id: 'rest' });
      const historyLength = async (): Promise<number> => {
        const rows = await tactful.query<{ length: number }>(
          'select history_length as length from journey_runs where id = $1',
          id,
        );
        return rows[0]?.length ?? Number.NaN;
      };
      const toldWith = await historyLength();
      tactful.startWorker();
      // The wait began when the turn was done again: Temporal gave the dead worker its time to answer first.
      const run = await until(read, ({ waits_until }) => waits_until !== told.waits_until);
      const { progress, moves } = await tactful.temporal.workflow
        .getHandle(workflow_id)
        .query<RunSnapshot, []>(RUN_STATE_QUERY);
      expect(Date.parse(run.waits_until ?? '')).toBe(progress?.waitsUntil);
      expect(run).toMatchObject({ state: 'waiting', step_id: 'rest' });
      // By this a report of the other worker would be known as the older one, were it only slow.
      expect(await historyLength()).toBeGreaterThan(toldWith);
      const { data } = await tactful.get<{ data: RunMoveView[] }>(`/api/runs/${id}/path`);
      expect(data.map(({ entered_at }) => Date.parse(entered_at))).toEqual(moves.map(({ enteredAt }) => enteredAt));
    },
    3 * MINUTE_MS,
  );
});
