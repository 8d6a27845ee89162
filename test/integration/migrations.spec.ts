import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Migration } from '../../src/core/journeys/migrating-types.js';
import type { Plan } from '../../src/core/journeys/plan.js';
import type {
  MigrationPreviewView,
  MigrationRunView,
  MigrationView,
} from '../../src/modules/journeys/migrations/migrations.dto.js';
import { MigrationMover } from '../../src/modules/journeys/migrations/migrations.mover.js';
import {
  MigrationRunsRepository,
  type RunningMigration,
} from '../../src/modules/journeys/migrations/migrations-runs.repository.js';
import { RunReconciles, type RecordedRun } from '../../src/modules/journeys/runs/run-reconcile.repository.js';
import { RunsRepository } from '../../src/modules/journeys/runs/runs.repository.js';
import { createTestApp } from '../support/app.js';
import { RunStage } from '../support/run-stage.js';

const CLOSE_MS_MAX = 120_000;
const LISTENERS_FROM = 200_000;
const wait = (id: string, more: object = {}) => ({ kind: 'wait', id, duration: 'P30D', ...more });
const message = (id: string, template = id) => ({ kind: 'message', id, channel: 'email', template });
const end = (id = 'done') => ({ kind: 'end', id });
const over = (value: number) => ({ kind: 'greater_than', attribute: 'amount', value });
const order = (event: string, value: number) => ({
  kind: 'wait_for',
  id: 'order',
  events: [{ event, where: over(value), next: 'done' }],
  timeout: 'P30D',
  on_timeout: 'done',
});

describe('migrations of runs', () => {
  let app: NestFastifyApplication;
  let stage: RunStage;
  let journeys = 0;
  beforeAll(async () => {
    app = await createTestApp({ OUTBOX_POLL_MS: '60000' });
    stage = new RunStage(app);
    for (const key of ['hello', 'bye']) await stage.template(key);
    const action = { key: 'greet', name: 'greet', channel: 'email', template: 'hello' };
    expect((await stage.api.post('/api/actions', action)).status).toBe(201);
  });
  afterAll(() => app.close(), CLOSE_MS_MAX);

  /** Publishes versions of one journey, one after the other; answers its key. */
  async function publish(...versions: readonly (readonly object[] | object)[]): Promise<string> {
    journeys += 1;
    const key = `journey_${journeys}`;
    for (const [index, version] of versions.entries()) {
      const body = { key, name: key, ...(Array.isArray(version) ? { steps: version as object[] } : version) };
      const url = '/api/journeys/templates';
      const stored = await (index === 0 ? stage.api.post(url, body) : stage.api.put(`${url}/${key}`, body));
      const published = await stage.api.post(`${url}/${key}/publish`, {});
      expect([stored.status, published.status]).toEqual([index === 0 ? 201 : 200, 200]);
    }
    return key;
  }
  /** Runs enter the version that was current then: it is written down as if they had. */
  async function enter(
    key: string,
    version = 1,
  ): Promise<{ readonly runKey: string; readonly userId: string; readonly id: string }> {
    const userId = await stage.api.user();
    await stage.query(`update journeys set current_version = $2 where key = $1`, key, version);
    const run = await stage.enter(userId, key);
    await stage.query(`update journeys set current_version = 2 where key = $1`, key);
    return run;
  }
  const at = (runKey: string, step: string): Promise<unknown> =>
    stage.query(`update journey_runs set step_id = $2, state = 'waiting' where run_key = $1`, runKey, step);
  const request = (steps: object, more: object = {}) => ({ from_version: 1, to_version: 2, steps, ...more });
  const migrations = (key: string, path = ''): string => `/api/journeys/templates/${key}/migrations${path}`;
  const waits = (runKey: string): Promise<readonly object[]> =>
    stage.query(
      `select event_name as name, is_exit as "isExit", is_plain as "isPlain", listeners from run_waits
        where run_key = $1 order by event_name`,
      runKey,
    );
  async function running(key: string, steps: Migration['steps'], id: string): Promise<RunningMigration> {
    const [row] = await stage.query<{ journeyId: string; plan: Plan }>(
      `select journey_id as "journeyId", plan from journey_versions
        where version = 2 and journey_id = (select id from journeys where key = $1)`,
      key,
    );
    if (row === undefined) throw new Error('no version 2');
    return { id, fromVersion: 1, steps, offers: {}, ...row };
  }
  const start = async (key: string, steps: object): Promise<MigrationView> =>
    (await stage.api.post(migrations(key), request(steps))).body;

  it('shows beforehand who would go where, and changes nothing', async () => {
    const key = await publish([message('hello'), wait('pause'), wait('rest'), end()], [wait('later'), end()]);
    const runs = [await enter(key), await enter(key), await enter(key), await enter(key)];
    for (const [index, step] of ['pause', 'pause', 'rest'].entries()) await at(runs[index]?.runKey ?? '', step);
    await enter(key, 2);
    const steps = { pause: 'later', hello: { step: 'later', keep: 'restart' } };
    for (const [path, body] of [
      ['/preview', request(steps)],
      ['', request(steps, { dry_run: true })],
    ] as const) {
      const answer = await stage.api.post(migrations(key, path), body);
      expect(answer.status).toBe(200);
      expect(answer.body as MigrationPreviewView).toEqual({
        journey: key,
        from_version: 1,
        to_version: 2,
        runs: { all: 4, to_move: 2, to_stay: 1, unknown: 1, virtual: 0 },
        steps: [
          { step: 'hello', kind: 'message', runs: 0, to: { step: 'later', keep: 'restart' } },
          { step: 'pause', kind: 'wait', runs: 2, to: { step: 'later', keep: 'wait' } },
          { step: 'rest', kind: 'wait', runs: 1, to: null },
          { step: 'done', kind: 'end', runs: 0, to: null },
        ],
        unmapped: ['rest'],
      });
    }
    expect((await stage.api.get(migrations(key))).body).toEqual({ data: [], next_cursor: null });
  });

  it('refuses what would send somebody a message twice, and what is not there, and says where', async () => {
    const key = await publish(
      [message('hello'), wait('pause'), end()],
      [wait('later'), message('again', 'hello'), { kind: 'decide', id: 'offer', actions: ['greet'] }, end()],
    );
    const refused = await stage.api.post(migrations(key), request({ pause: 'later', nowhere: 'later' }));
    expect(refused).toMatchObject({
      status: 422,
      body: {
        code: 'MIGRATION_INVALID',
        errors: [
          { path: 'steps.pause', message: 'a run could come to "again", and may have sent the same before' },
          { path: 'steps.nowhere' },
        ],
      },
    });
    expect(await stage.api.post(migrations(key), request({ pause: 'offer' }, { to_version: 7 }))).toMatchObject({
      status: 422,
      body: { errors: [{ path: 'to_version', message: 'there is no such version' }] },
    });
    expect((await stage.api.post(migrations('no_such_journey'), request({ pause: 'x' }))).status).toBe(404);
    expect((await stage.api.post(migrations(key), request({}))).status).toBe(400);
  }, 120_000);

  it('knows the templates behind actions', async () => {
    const offer = { kind: 'decide', id: 'offer', actions: ['greet'] };
    const key = await publish([message('hello'), wait('pause'), end()], [wait('later'), offer, end()]);
    expect(await stage.api.post(migrations(key, '/preview'), request({ pause: 'later' }))).toMatchObject({
      status: 422,
      body: { errors: [{ message: 'a run could come to "offer", and may have sent the same before' }] },
    });
  });

  it('runs one at a time, is audited, listed by pages, and cancelled once', async () => {
    const key = await publish([wait('pause'), end()], [wait('later'), end()]);
    const first = await start(key, { pause: 'later' });
    expect(first).toMatchObject({ status: 'running', steps: { pause: { step: 'later', keep: 'wait' } } });
    expect(await stage.api.post(migrations(key), request({ pause: 'later' }))).toMatchObject({
      status: 409,
      body: { code: 'MIGRATION_RUNNING' },
    });
    expect((await stage.api.remove(migrations(key, `/${first.id}`))).status).toBe(204);
    expect(await stage.api.remove(migrations(key, `/${first.id}`))).toMatchObject({
      status: 409,
      body: { code: 'MIGRATION_OVER' },
    });
    const second = await start(key, { pause: { step: 'later', keep: 'restart' } });
    const page = (await stage.api.get(migrations(key, '?limit=1'))).body as { data: object[]; next_cursor: string };
    expect(page.data).toMatchObject([{ id: second.id }]);
    const next = (await stage.api.get(migrations(key, `?limit=1&cursor=${page.next_cursor}`))).body;
    expect(next).toMatchObject({ data: [{ id: first.id, status: 'cancelled' }], next_cursor: null });
    expect((await stage.api.get(migrations(key, `/${second.id}`))).body).toMatchObject({ status: 'running' });
    const other = await publish([wait('pause'), end()], [wait('later'), end()]);
    expect((await stage.api.get(migrations(other, `/${second.id}`))).status).toBe(404);
    const audited = await stage.query<{ action: string }>(
      `select action from audit_log where subject = $1 and action not like '%e.p%' order by id`,
      key,
    );
    expect(audited.map(({ action }) => action).filter((action) => action.includes('migrat'))).toEqual([
      'journey.migrate',
      'journey.cancel_migration',
      'journey.migrate',
    ]);
    await app.get(MigrationRunsRepository).finish(second.id);
  });

  describe('what a run listens to', () => {
    const versions = [
      { steps: [order('bought', 1), end()], exit: { events: ['left', 'moved'] } },
      { steps: [order('bought', 1_000), end()], exit: { events: ['left', { event: 'rated', where: over(1) }] } },
    ] as const;
    const steps = { order: { step: 'order', keep: 'wait' } } as const;
    const one = { index: 0, where: over(1), isExit: false };
    const two = { index: LISTENERS_FROM + 1, where: over(1_000), isExit: false };
    const rated = { index: LISTENERS_FROM, where: over(1) };

    async function offered() {
      const key = await publish(...versions);
      const run = await enter(key);
      const { id } = await start(key, steps);
      const migration = await running(key, steps, id);
      const now = await app.get(MigrationRunsRepository).offer(migration, run);
      return { key, run, id, migration, now };
    }
    const record = (runKey: string, migration: string, outcome: 'moved' | 'stayed') =>
      app.get(MigrationMover).record({
        runKey,
        migration,
        version: outcome === 'moved' ? 2 : 1,
        outcome,
        reason: outcome === 'moved' ? null : 'not_mapped',
        from: 'order',
        stepId: 'order',
        isWaitKept: true,
      });

    it('is both versions while it moves; what ends it in the other one does not end it yet', async () => {
      const { run } = await offered();
      expect(await waits(run.runKey)).toMatchObject([
        { name: 'bought', isPlain: false, isExit: false, listeners: [one, two] },
        { name: 'left', isExit: true, listeners: null },
        { name: 'moved', isExit: true, listeners: null },
        { name: 'rated', isPlain: false, isExit: false, listeners: [{ ...rated, isExit: false }] },
      ]);
      await stage.event(run.userId, 'bought', { properties: { amount: 2_000 } });
      const told = (await stage.told(run.runKey)) as { argument: { matches: number[] } }[];
      expect(told.map(({ argument }) => argument.matches)).toEqual([[0, LISTENERS_FROM + 1]]);
    });

    it('is the new version alone once it has moved, and its rows say so', async () => {
      const { run, id } = await offered();
      await at(run.runKey, 'where_it_was');
      await record(run.runKey, id, 'moved');
      const after = await waits(run.runKey);
      await record(run.runKey, id, 'moved');
      expect(after).toEqual(await waits(run.runKey));
      expect(after).toMatchObject([
        { name: 'bought', isPlain: false, listeners: [two] },
        { name: 'left', isExit: true, listeners: null },
        { name: 'rated', isPlain: false, listeners: [{ ...rated, isExit: true }] },
      ]);
      expect((await stage.api.get(`/api/runs/${run.id}`)).body).toMatchObject({
        version: 2,
        step_id: 'order',
      });
      const [entry] = await stage.query(
        `select version, moved_by as "movedBy" from journey_entries where run_key = $1`,
        run.runKey,
      );
      expect(entry).toEqual({ version: 2, movedBy: id });
    });

    it('is the old version alone once it has decided to stay', async () => {
      const { run, id, key } = await offered();
      await record(run.runKey, id, 'stayed');
      expect(await waits(run.runKey)).toMatchObject([
        { name: 'bought', listeners: [one] },
        { name: 'left', isExit: true },
        { name: 'moved', isExit: true },
      ]);
      expect((await stage.api.get(migrations(key, `/${id}`))).body).toMatchObject({
        runs: { open: 0, moved: 0, stayed: 1 },
        stayed_because: { not_mapped: 1 },
      });
    });

    it('is nothing once it has ended, also when it ended in between', async () => {
      const { run, id, key, migration } = await offered();
      await app.get(RunsRepository).finish({ runKey: run.runKey, outcome: 'exited', reason: 'spec', endedAt: null });
      expect(await app.get(MigrationRunsRepository).offer(migration, run)).toBeNull();
      expect(await app.get(MigrationRunsRepository).sweep(id)).toBe(0);
      expect((await stage.api.get(migrations(key, `/${id}`))).body).toMatchObject({ runs: { open: 0, ended: 1 } });
      await record(run.runKey, id, 'moved');
      expect(await waits(run.runKey)).toEqual([]);
    });

    it('loses nothing to a reconcile job that read it before, and what is surplus otherwise', async () => {
      const reconciles = app.get(RunReconciles);
      const names = async (runKey: string): Promise<readonly unknown[]> =>
        ((await waits(runKey)) as { name: string }[]).map(({ name }) => name);
      const read = async (id: string): Promise<RecordedRun> => {
        const recorded = await reconciles.recorded(id);
        if (recorded === null) throw new Error('no run');
        return recorded;
      };
      const { run, id } = await offered();
      const before = await read(run.id);
      const surplus = ['moved', 'rated'];
      // It is being moved: what only the other version reacts to is no surplus.
      expect(await reconciles.replaceWaits(before, surplus, [])).toEqual([]);
      await record(run.runKey, id, 'moved');
      expect(await reconciles.replaceWaits(before, surplus, [])).toEqual([]);
      expect(await names(run.runKey)).toEqual(['bought', 'left', 'rated']);
      const after = await read(run.id);
      // Moved there and back, and there again, while it was compared.
      expect(await reconciles.replaceWaits({ ...after, movedBy: crypto.randomUUID() }, ['rated'], [])).toEqual([]);
      expect(await reconciles.replaceWaits(after, ['rated', 'unheard_of'], [])).toEqual(['rated']);
      expect(await names(run.runKey)).toEqual(['bought', 'left']);
      expect(await reconciles.removeWaits(run.runKey)).toBe(2);
    });

    it('holds up an event that is being stored until it is sure to be heard', async () => {
      const { key, migration } = await offered();
      const run = await enter(key);
      const moves = app.get(MigrationRunsRepository);
      const order: string[] = [];
      // The event waits for the offer, or the offer for the event: whichever comes later sees what the other one did.
      await Promise.all([
        moves.offer(migration, run).then(() => order.push('offered')),
        stage.event(run.userId, 'rated', { properties: { amount: 5 } }).then(() => order.push('stored')),
      ]);
      const told = await stage.told(run.runKey);
      const [stored] = await stage.query<{ isBefore: boolean }>(
        `select event.received_at <= told.offered_at as "isBefore" from events event, journey_migration_runs told
          where event.user_id = $1 and told.run_key = $2`,
        run.userId,
        run.runKey,
      );
      expect(told.length === 1 || stored?.isBefore === true).toBe(true);
    });
  });

  it('lists its runs, each with what became of it, as many as it counts', async () => {
    const key = await publish([wait('pause'), end()], [wait('later'), end()]);
    const moves = app.get(MigrationRunsRepository);
    const { id } = await start(key, { pause: 'later' });
    const migration = await running(key, { pause: { step: 'later', keep: 'wait' } }, id);
    const decide = (runKey: string, outcome: 'moved' | 'stayed'): Promise<unknown> =>
      moves.record({
        runKey,
        migration: id,
        version: outcome === 'moved' ? 2 : 1,
        outcome,
        reason: outcome === 'moved' ? null : 'would_repeat',
        from: 'pause',
        stepId: outcome === 'moved' ? 'later' : 'pause',
        isWaitKept: true,
      });
    const fates: Record<string, (runKey: string) => Promise<unknown>> = {
      moved: (runKey) => decide(runKey, 'moved'),
      stayed: (runKey) => decide(runKey, 'stayed'),
      failed: (runKey) => moves.note(id, runKey, 'failed'),
      ended: (runKey) => app.get(RunsRepository).finish({ runKey, outcome: 'exited', reason: 'spec', endedAt: null }),
      told: (runKey) => moves.note(id, runKey, 'told'),
      offered: () => Promise.resolve(),
    };
    const runs = new Map<string, { readonly id: string; readonly userId: string; readonly runKey: string }>();
    for (const [fate, befall] of Object.entries(fates)) {
      const run = await enter(key);
      runs.set(fate, run);
      await moves.offer(migration, run);
      await befall(run.runKey);
    }
    await moves.sweep(id);
    await enter(key);
    const url = migrations(key, `/${id}/runs`);
    const read = async (query: string) =>
      (await stage.api.get(`${url}?${query}`)).body as { data: MigrationRunView[]; next_cursor: string | null };

    const all = (await read('')).data;
    const { runs: counts } = (await stage.api.get(migrations(key, `/${id}`))).body as MigrationView;
    expect(counts).toEqual({ open: 2, moved: 1, stayed: 1, failed: 1, ended: 1 });
    for (const [state, count] of Object.entries(counts)) {
      expect(all.filter((run) => run.state === state)).toHaveLength(count);
      expect((await read(`state=${state}`)).data).toEqual(all.filter((run) => run.state === state));
    }
    const of = (fate: string) => all.find(({ run_id }) => run_id === runs.get(fate)?.id);
    const nothing = { reason: null, from_step: null, to_step: null };
    const at = expect.any(String) as string;
    const isSettled = { offered_at: at, settled_at: at };
    expect(of('moved')).toEqual({
      run_id: runs.get('moved')?.id,
      user_id: runs.get('moved')?.userId,
      state: 'moved',
      reason: null,
      from_step: 'pause',
      to_step: 'later',
      ...isSettled,
    });
    expect(of('stayed')).toMatchObject({ reason: 'would_repeat', from_step: 'pause', to_step: null, ...isSettled });
    expect(of('failed')).toMatchObject({ ...nothing, ...isSettled });
    expect(of('ended')).toMatchObject({ ...nothing, ...isSettled });
    expect(of('told')).toMatchObject({ state: 'open', ...nothing, settled_at: null });
    expect(of('offered')).toMatchObject({ state: 'open', ...nothing, settled_at: null });

    const paged: MigrationRunView[] = [];
    for (let cursor = ''; paged.length < all.length;) {
      const page = await read(`limit=4${cursor}`);
      paged.push(...page.data);
      expect(page.next_cursor === null).toBe(paged.length === all.length);
      cursor = `&cursor=${page.next_cursor}`;
    }
    expect(paged).toEqual(all);
    const other = await publish([wait('pause'), end()]);
    expect((await stage.api.get(migrations(other, `/${id}/runs`))).status).toBe(404);
    expect((await stage.api.get(`${url}?state=told`)).status).toBe(400);
    await moves.finish(id);
  }, 120_000);

  it('is done when nobody is left to tell, and then tells nobody', async () => {
    const key = await publish([wait('pause'), end()], [wait('later'), end()]);
    const { id } = await start(key, { pause: 'later' });
    const mover = app.get(MigrationMover);
    expect(await mover.tell(id, 10, () => undefined)).toEqual({ kind: 'over' });
    expect((await stage.api.get(migrations(key, `/${id}`))).body).toMatchObject({ status: 'done' });
    expect(await mover.tell(id, 10, () => undefined)).toEqual({ kind: 'over' });
  });
});
