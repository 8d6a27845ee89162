import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { EnrolmentView } from '../../src/modules/journeys/entry/enrolment.dto.js';
import type { RunView } from '../../src/modules/journeys/runs/runs.dto.js';
import type { MigrationPreviewView, MigrationView } from '../../src/modules/journeys/migrations/migrations.dto.js';
import type { ReconcileView } from '../../src/modules/journeys/runs/run-reconcile.dto.js';
import { startTactful, until, type Tactful } from '../support/tactful.js';

const MINUTE_MS = 60_000;
const USERS = 60;
/** Of these, as many as have decided when the worker dies. */
const MOVES_BEFORE_DEATH = 8;
const file = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

const message = (id: string, more: object = {}) => ({ kind: 'message', id, channel: 'email', template: id, ...more });
const wait = (id: string, duration: string, next?: string) => ({ kind: 'wait', id, duration, next });
const end = (id: string) => ({ kind: 'end', id, reason: id });
const split = (percents: readonly number[], ...next: readonly string[]) => ({
  kind: 'split',
  id: 'lots',
  salt: 'spec',
  arms: next.map((step, index) => ({ name: `arm${index}`, percent: percents[index], next: step })),
});
const waitFor = (id: string, event: string) => ({
  kind: 'wait_for',
  id,
  event,
  timeout: 'P30D',
  on_event: 'second',
  on_timeout: 'lost',
});

/** Three arms, three steps to wait at. The first arm waits for time, the second for an event, the third finishes here. */
const one = [
  message('first'),
  // That one of them is empty happens to one in 10^10 groups of this size.
  split([34, 33, 33], 'rest', 'buys', 'stay'),
  wait('rest', 'P30D', 'second'),
  waitFor('buys', 'purchase'),
  wait('stay', 'P30D', 'old'),
  message('second', { next: 'done' }),
  message('old', { next: 'finished' }),
  end('done'),
  end('finished'),
  end('lost'),
];
/** The waits have other names, the event too, and the weights would send everybody to the last arm. */
const two = [
  { ...split([50, 50], 'pause', 'signs'), id: 'ways', salt: 'other' },
  wait('pause', 'P30D', 'second'),
  waitFor('signs', 'signup'),
  message('second', { next: 'lots' }),
  split([1, 1, 98], 'arm0', 'arm1', 'arm2'),
  ...['arm0', 'arm1', 'arm2', 'lost'].map(end),
];

describe('version 2 is published while users wait in version 1, on the real servers', () => {
  let tactful: Tactful;
  const children: ChildProcess[] = [];
  beforeAll(async () => {
    tactful = await startTactful();
    for (const key of ['first', 'second', 'old']) {
      await tactful.post('/api/message-templates', {
        key,
        channel: 'email',
        purpose: 'marketing',
        subject: key,
        html: `<p>${key} <a href="{{ unsubscribe_url }}">unsubscribe</a> {{ company.address }}</p>`,
        text: `${key} {{ unsubscribe_url }} {{ company.address }}`,
      });
    }
  }, 3 * MINUTE_MS);
  afterAll(async () => {
    for (const child of children) child.kill('SIGKILL');
    await tactful.stop();
  }, 3 * MINUTE_MS);

  async function publish(key: string, steps: object, isNew: boolean): Promise<void> {
    const definition = { key, name: key, steps };
    if (isNew) await tactful.post('/api/journeys/templates', definition);
    else await tactful.app.inject({ method: 'PUT', url: `/api/journeys/templates/${key}`, payload: definition });
    const { version } = await tactful.post<{ version: number }>(`/api/journeys/templates/${key}/publish`, {});
    expect(version).toBe(isNew ? 1 : 2);
  }
  async function person(n: number, key: string): Promise<{ readonly id: string; readonly email: string }> {
    const email = `${key}-${n}@example.org`;
    const { id } = await tactful.post<{ id: string }>('/api/users', { email });
    await tactful.post('/api/consents', { user_id: id, channel: 'email', status: 'granted', source: 'spec' });
    return { id, email };
  }
  const people = (key: string) => Promise.all(Array.from({ length: USERS }, (_, n) => person(n, key)));
  const enter = (users: readonly { id: string }[], journey: string) =>
    Promise.all(users.map(({ id }) => tactful.post<EnrolmentView>(`/api/journeys/${id}/enroll`, { journey })));
  const runs = (journey: string): Promise<readonly RunView[]> =>
    tactful.get<{ data: readonly RunView[] }>(`/api/runs?journey=${journey}&limit=200`).then(({ data }) => data);
  const reached = (journey: string, isSo: (run: RunView) => boolean): Promise<readonly RunView[]> =>
    until(
      () => runs(journey),
      (all) => all.length === USERS && all.every(isSo),
    );
  const subjects = async (email: string): Promise<readonly string[]> =>
    (await tactful.smtp.mailsTo(email)).map(({ subject }) => subject ?? '').sort();
  const happen = (users: readonly string[], name: string) =>
    Promise.all(users.map((user_id) => tactful.post('/api/events', { user_id, event_name: name })));
  /** What a month of waiting is for these runs. */
  const pass = (some: readonly RunView[], step: string) =>
    Promise.all(some.map(({ id }) => jump(id, { step, reason: 'spec' })));
  async function jump(id: string, payload: object): Promise<void> {
    const { statusCode, body } = await tactful.app.inject({ method: 'POST', url: `/api/runs/${id}/jump`, payload });
    if (statusCode !== 204) throw new Error(`${statusCode} ${body}`);
  }
  /** A worker in a process of its own. */
  function startMover(compiled: string, diesAfter: number): ChildProcess {
    const child = fork(file('../support/dying-mover.main.ts'), {
      execArgv: ['--import', file('../support/compile-hooks.mjs')],
      env: {
        ...process.env,
        ...tactful.environment,
        LOG_LEVEL: 'silent',
        SPEC_COMPILED: compiled,
        SPEC_DIES_AFTER_MOVES: String(diesAfter),
      },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    children.push(child);
    return child;
  }

  it(
    'all finish version 1, if nobody says otherwise',
    async () => {
      await publish('kept', one, true);
      const users = await people('kept');
      await enter(users, 'kept');
      const waiting = await reached('kept', ({ state, step_id }) => state === 'waiting' && step_id !== 'first');
      await publish('kept', two, false);
      const at = (step: string): readonly RunView[] => waiting.filter(({ step_id }) => step_id === step);
      await happen(
        at('buys').map(({ user_id }) => user_id),
        'purchase',
      );
      await pass(at('rest'), 'second');
      await pass(at('stay'), 'old');
      const ended = await reached('kept', ({ ended_at }) => ended_at !== null);
      expect(ended.map(({ version }) => version)).toEqual(Array(USERS).fill(1));
      expect(new Set(ended.map(({ reason }) => reason))).toEqual(new Set(['done', 'finished']));
      expect(await subjects(users[0]?.email ?? '')).toHaveLength(2);
    },
    3 * MINUTE_MS,
  );

  it(
    'with a map they move once, also when the worker dies in between; no message twice, arms as they were drawn',
    async () => {
      await publish('moved', one, true);
      const users = await people('moved');
      await enter(users, 'moved');
      const waiting = await reached('moved', ({ state, step_id }) => state === 'waiting' && step_id !== 'first');
      const at = (step: string): readonly RunView[] => waiting.filter(({ step_id }) => step_id === step);
      await publish('moved', two, false);
      // What a run that buys in version 1 would have reacted to, and what it will react to, both in time and too early.
      const [early = '', ...others] = at('buys').map(({ user_id }) => user_id);
      await happen([early], 'signup');
      const url = '/api/journeys/templates/moved/migrations';
      const request = { from_version: 1, to_version: 2, steps: { rest: 'pause', buys: 'signs' }, runs_per_second: 40 };
      const preview = await tactful.post<MigrationPreviewView>(`${url}/preview`, request);
      const moving = at('rest').length + at('buys').length;
      expect(preview.runs).toMatchObject({ all: USERS, to_move: moving, to_stay: USERS - moving });
      expect(preview.unmapped).toContain('stay');

      await tactful.stopWorker();
      const compiled = mkdtempSync(path.join(tmpdir(), 'tactful-compiled-'));
      const dying = startMover(compiled, MOVES_BEFORE_DEATH);
      const { id } = await tactful.post<MigrationView>(url, request);
      const [, signal] = (await once(dying, 'exit')) as [number | null, string | null];
      rmSync(compiled, { recursive: true, force: true });
      expect(signal).toBe('SIGKILL');
      const halfway = await tactful.get<MigrationView>(`${url}/${id}`);
      const decided = halfway.runs.moved + halfway.runs.stayed;
      expect(decided).toBeGreaterThanOrEqual(MOVES_BEFORE_DEATH);
      expect(decided).toBeLessThan(USERS);
      tactful.startWorker();
      const migrated = await until(
        () => tactful.get<MigrationView>(`${url}/${id}`),
        ({ status }) => status === 'done',
      );
      const stayed = USERS - moving;
      expect(migrated.runs).toEqual({ moved: moving, stayed, ended: 0, open: 0, failed: 0 });

      const after = await until(
        () => runs('moved'),
        (all) =>
          all.every(({ step_id, ended_at }) => ended_at !== null || ['pause', 'signs', 'stay'].includes(step_id ?? '')),
      );
      for (const before of at('rest')) {
        const run = after.find((each) => each.id === before.id);
        // The wait goes on to the same instant.
        expect(run).toMatchObject({ version: 2, step_id: 'pause', waits_until: before.waits_until });
      }
      // A second migration by the same map finds nobody to move.
      const again = await tactful.post<MigrationView>(url, request);
      const nobody = await until(
        () => tactful.get<MigrationView>(`${url}/${again.id}`),
        ({ status }) => status === 'done',
      );
      expect(nobody.runs).toMatchObject({ moved: 0, failed: 0 });

      // Each hears by the conditions of the version that it is in: a reconcile job finds nothing to put right in that.
      const heard = `select * from run_waits where run_key like 'moved:%' order by run_key, event_name`;
      const before = await tactful.query(heard);
      const { id: job } = await tactful.post<ReconcileView>('/api/runs/reconcile', { journey: 'moved' });
      const compared = await until(
        () => tactful.get<ReconcileView>(`/api/runs/reconcile/${job}`),
        ({ state }) => state !== 'running',
      );
      expect(compared).toMatchObject({ state: 'done', checked: USERS, unanswered: 0 });
      expect(await tactful.query(heard)).toEqual(before);

      // The one who had signed up before the run listened has gone on by itself.
      await happen(others, 'signup');
      await pass(at('rest'), 'second');
      await pass(at('stay'), 'old');
      const done = await reached('moved', ({ ended_at }) => ended_at !== null);
      const reasonOf = (run: RunView): unknown => done.find(({ id: each }) => each === run.id)?.reason;
      expect(new Set(at('rest').map(reasonOf))).toEqual(new Set(['arm0']));
      expect(new Set(at('buys').map(reasonOf))).toEqual(new Set(['arm1']));
      expect(new Set(at('stay').map(reasonOf))).toEqual(new Set(['finished']));
      const versions = new Map(done.map((run) => [run.id, run.version]));
      for (const run of waiting) expect(versions.get(run.id)).toBe(run.step_id === 'stay' ? 1 : 2);
      const stays = new Set(at('stay').map(({ user_id }) => user_id));
      for (const { id: user, email } of users) {
        expect(await subjects(email)).toEqual(stays.has(user) ? ['first', 'old'] : ['first', 'second']);
      }
      const left = await tactful.query(`select from run_waits where run_key like 'moved:%'`);
      expect(left).toEqual([]);
      const attributes = await Promise.all(
        done.slice(0, 5).map(async ({ workflow_id, version }) => {
          const { typedSearchAttributes } = await tactful.temporal.workflow.getHandle(workflow_id).describe();
          const shown = typedSearchAttributes.getAll().find(({ key }) => key.name === 'JourneyVersion');
          return [shown?.value, version];
        }),
      );
      for (const [shown, version] of attributes) expect(shown).toBe(version);
    },
    6 * MINUTE_MS,
  );
});
