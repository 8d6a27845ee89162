import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { createSinks } from '../../activities/index.js';
import type { Move } from '../../src/core/journeys/path.js';
import type { RunProgress } from '../../src/core/journeys/progress.js';
import type { RunReference } from '../../src/core/journeys/run-reference.js';
import { RunReporter, RunsRepository } from '../../src/modules/journeys/index.js';
import { RunReconciles } from '../../src/modules/journeys/runs/run-reconcile.repository.js';
import { Database } from '../../src/platform/database/database.js';
import { createTestApp } from '../support/app.js';
import { RunStage } from '../support/run-stage.js';

const T0 = Date.UTC(2097, 5, 15);
const HOUR_MS = 3_600_000;

type Run = RunReference & { readonly id: string };
interface Listed {
  readonly data: readonly { readonly id: string }[];
  readonly next_cursor: string | null;
}

const waitsAt = ({ runKey }: Run, stepId: string, more: Partial<RunProgress> = {}): RunProgress => ({
  runKey,
  seq: 1,
  state: 'waiting',
  stepId,
  waitsFor: `${stepId}: wait`,
  waitsUntil: T0 + HOUR_MS,
  waitsOn: [],
  ...more,
});
const move = (seq: number, more: Partial<Move> = {}): Move => ({
  seq,
  stepId: `step_${seq}`,
  visit: 1,
  enteredAt: T0,
  leftAt: null,
  outcome: null,
  reason: null,
  decisionId: null,
  nextStepId: null,
  turn: seq,
  ...more,
});

describe('runs', () => {
  let app: NestFastifyApplication;
  let stage: RunStage;
  let runs: RunsRepository;
  beforeAll(async () => {
    app = await createTestApp();
    stage = new RunStage(app);
    runs = app.get(RunsRepository);
    for (const journey of ['tour', 'other']) await stage.publish(journey, { mode: 'parallel' });
  });
  afterAll(() => app.close());

  let orders = 0;
  async function enter(journey = 'tour'): Promise<Run> {
    const { body } = await stage.api.post('/api/users', { email: `${crypto.randomUUID()}@example.org` });
    orders += 1;
    return stage.enter((body as { id: string }).id, journey, { entry_key: `order-${orders}` });
  }
  async function list(query: string): Promise<Listed> {
    const { status, body } = await stage.api.get(`/api/runs?${query}`);
    expect(status).toBe(200);
    return body as Listed;
  }
  const idsOf = async (query: string): Promise<readonly string[]> => (await list(query)).data.map(({ id }) => id);
  const pathOf = (run: Run): Promise<readonly object[]> =>
    stage.query('select seq, outcome, turn, decision_id from run_path where run_key = $1 order by seq', run.runKey);

  describe('report their path', () => {
    it('once for each step, however often and in whatever order the reports come', async () => {
      const run = await enter();
      const left = move(1, { leftAt: T0, outcome: 'sent', turn: 3 });
      await runs.report({ runKey: run.runKey, progress: waitsAt(run, 'b', { seq: 4 }), moves: [left, move(2)] });
      await runs.report({ runKey: run.runKey, progress: waitsAt(run, 'a', { seq: 2 }), moves: [move(1)] });
      await runs.report({ runKey: run.runKey, progress: null, moves: [left, move(2)] });
      expect(await pathOf(run)).toMatchObject([
        { seq: 1, outcome: 'sent', turn: 3 },
        { seq: 2, outcome: null, turn: 2 },
      ]);
      expect(await runs.find(run.id)).toMatchObject({ stepId: 'b' });
    });

    it('once for each turn: one that was done again, because its worker died, is told anew', async () => {
      const run = await enter();
      const told = (until: number) => waitsAt(run, 'a', { seq: 2, waitsUntil: T0 + until });
      const entered = (later: number) => move(1, { enteredAt: T0 + later, turn: 2 });
      await runs.report({ runKey: run.runKey, progress: told(HOUR_MS), moves: [entered(0)] });
      await runs.report({ runKey: run.runKey, progress: told(2 * HOUR_MS), moves: [entered(HOUR_MS)] });
      expect(await runs.find(run.id)).toMatchObject({ waitsUntil: T0 + 2 * HOUR_MS });
      const [first] = await stage.query('select entered_at from run_path where run_key = $1', run.runKey);
      expect(first).toEqual({ entered_at: T0 + HOUR_MS });
    });

    it('once for each turn: a worker that was slow tells nothing that another one has told anew', async () => {
      const run = await enter();
      const { fn: tell } = createSinks({ reporter: app.get(RunReporter) }).progress.report;
      const told = (historyLength: number, later: number): Promise<void> =>
        tell(
          { historyLength },
          {
            runKey: run.runKey,
            progress: waitsAt(run, 'a', { seq: 2, waitsUntil: T0 + later + HOUR_MS }),
            moves: [move(1, { enteredAt: T0 + later, turn: 2 })],
          },
        );
      const stored = async (): Promise<readonly unknown[]> => {
        const [first] = await stage.query<{ entered_at: number }>(
          'select entered_at from run_path where run_key = $1',
          run.runKey,
        );
        return [(await runs.find(run.id))?.waitsUntil, first?.entered_at];
      };
      await told(6, HOUR_MS);
      await told(3, 0);
      expect(await stored()).toEqual([T0 + 2 * HOUR_MS, T0 + HOUR_MS]);
      // The one that did it again is heard, also where both had as much of the history.
      await told(6, 2 * HOUR_MS);
      await told(9, 3 * HOUR_MS);
      expect(await stored()).toEqual([T0 + 4 * HOUR_MS, T0 + 3 * HOUR_MS]);
      // A later turn stands whatever its length: an execution that continues another one begins a new history.
      await runs.report({ runKey: run.runKey, progress: waitsAt(run, 'b', { seq: 3 }), moves: [], historyLength: 1 });
      expect(await runs.find(run.id)).toMatchObject({ stepId: 'b' });
    });

    it('after the end too, and without the decision that an earlier execution told of', async () => {
      const run = await enter();
      const decisionId = crypto.randomUUID();
      await runs.report({ runKey: run.runKey, progress: null, moves: [move(1, { decisionId, outcome: 'defer' })] });
      await runs.finish({ runKey: run.runKey, outcome: 'exited', reason: 'left', endedAt: null });
      await runs.report({ runKey: run.runKey, progress: null, moves: [move(1, { outcome: 'exited', turn: 9 })] });
      expect(await pathOf(run)).toMatchObject([{ outcome: 'exited', decision_id: decisionId }]);
    });
  });

  describe('are found', () => {
    const all: Run[] = [];
    const id = (index: number): string => all[index]?.id ?? '';
    beforeAll(async () => {
      await stage.query('truncate run_path, run_rejects, run_waits, journey_runs, outbox');
      await stage.query('delete from journey_entries');
      for (let index = 0; index < 4; index += 1) all.push(await enter());
      all.push(await enter('other'));
      const [first, second, third] = all;
      if (first === undefined || second === undefined || third === undefined) throw new Error('no runs');
      const tell = (run: Run, progress: RunProgress): Promise<unknown> =>
        runs.report({ runKey: run.runKey, progress, moves: [] });
      await tell(first, waitsAt(first, 'buys', { waitsOn: ['purchase', 'signup'] }));
      await tell(second, waitsAt(second, 'hello', { waitsOn: ['QUIET_HOURS'] }));
      await tell(third, waitsAt(third, 'buys', { waitsOn: ['purchase'] }));
      await runs.finish({ runKey: third.runKey, outcome: 'exited', reason: 'asked by phone', endedAt: T0 });
      await stage.query('update journey_runs set started_at = $2 where id = $1', first.id, new Date(T0));
      await stage.query('update journey_runs set version = 2 where id = $1', second.id);
    });

    it.each<[string, readonly number[]]>([
      ['journey=other', [4]],
      ['journey=tour&version=2', [1]],
      ['state=waiting', [1, 0]],
      ['step=buys', [2, 0]],
      ['waits_for=purchase', [0]],
      ['waits_for=QUIET_HOURS', [1]],
      ['waits_for=nothing', []],
      ['reason=asked%20by%20phone', [2]],
      ['started_until=2097-06-15T00:00:00Z&started_from=2097-06-14T00:00:00Z', []],
      ['started_from=2097-06-15T00:00:00Z', [0]],
      ['ended_from=2097-06-15T00:00:00Z&ended_until=2097-06-15T00:00:01Z', [2]],
      ['ended_until=2097-06-15T00:00:00Z', []],
      ['journey=tour&state=exited&step=buys&reason=asked%20by%20phone', [2]],
    ])('by %s', async (query, wanted) => {
      expect(await idsOf(query)).toEqual(wanted.map(id));
    });

    it('page by page, without gap or repetition while others are changed', async () => {
      const first = await list('journey=tour&limit=2');
      await stage.query(`update journey_runs set updated_at = now(), step_id = 'elsewhere' where id = $1`, id(3));
      const rest = await list(`journey=tour&limit=2&cursor=${first.next_cursor}`);
      expect([...first.data, ...rest.data].map((run) => run.id)).toEqual([3, 2, 1, 0].map(id));
      expect(rest.next_cursor).toBeNull();
      await stage.query('update journey_runs set step_id = null where id = $1', id(3));
    });

    it('only with a journey where a version is named', async () => {
      const { status, body } = await stage.api.get('/api/runs?version=2');
      expect([status, body]).toMatchObject([400, { errors: [{ path: 'version' }] }]);
    });

    it('and counted per state, step and reason', async () => {
      const { body } = await stage.api.get('/api/runs/counts?journey=tour');
      expect(body).toEqual({
        total: 4,
        by_state: [
          { state: 'waiting', runs: 2 },
          { state: 'exited', runs: 1 },
          { state: 'starting', runs: 1 },
        ],
        by_step: expect.arrayContaining([
          { step_id: 'buys', state: 'exited', runs: 1 },
          { step_id: 'buys', state: 'waiting', runs: 1 },
          { step_id: 'hello', state: 'waiting', runs: 1 },
          { step_id: null, state: 'starting', runs: 1 },
        ]),
        by_reason: [{ reason: 'asked by phone', state: 'exited', runs: 1 }],
      });
      expect((await stage.api.get('/api/runs/counts?waits_for=purchase')).body).toMatchObject({ total: 1 });
    });

    it.each<[string, string]>([
      [`step_id = 'buys'`, 'journey_runs_step'],
      [`state = 'waiting' and ended_at is null`, 'journey_runs_open'],
      [`reason = 'x'`, 'journey_runs_reason'],
      [`journey_key = 'tour'`, 'journey_runs_journey'],
      [`waits_on <> '{}' and waits_on @> array['purchase']`, 'journey_runs_waits'],
      [`started_at >= now() and started_at < now()`, 'journey_runs_started'],
      [`ended_at >= now() and ended_at < now()`, 'journey_runs_ended'],
    ])('by an index: %s', async (condition, index) => {
      // On a small table the planner reads everything: it is asked what it would do on a large one.
      const plan = await app.get(Database).transaction(async (transaction) => {
        await transaction.query({ text: 'set local enable_seqscan = off' });
        await transaction.query({ text: 'set local enable_sort = off' });
        return transaction.query({ text: `explain select id from journey_runs where ${condition}` });
      });
      expect(JSON.stringify(plan)).toContain(index);
    });
  });

  describe('that are put right', () => {
    it('keep what they reported meanwhile', async () => {
      const run = await enter();
      const reconciles = app.get(RunReconciles);
      const read = async (): Promise<NonNullable<Awaited<ReturnType<RunReconciles['recorded']>>>> => {
        const recorded = await reconciles.recorded(run.id);
        if (recorded?.row == null) throw new Error('no such run');
        return recorded;
      };
      const stale = await read();
      if (stale.row === null) throw new Error('no row');
      await runs.report({
        runKey: run.runKey,
        progress: waitsAt(run, 'new', { seq: 5 }),
        moves: [move(1, { turn: 5 })],
      });
      expect(await reconciles.replaceRow(stale, { ...stale.row, stepId: 'old' })).toBe(false);
      await reconciles.replaceMoves(run.runKey, [move(1, { turn: 1 })], [move(1, { turn: 1, outcome: 'failed' })]);
      expect(await read()).toMatchObject({ row: { stepId: 'new' }, path: [{ seq: 1, turn: 5, outcome: null }] });
      const fresh = await read();
      if (fresh.row === null) throw new Error('no row');
      expect(await reconciles.replaceRow(fresh, { ...fresh.row, stepId: 'mended' })).toBe(true);
      expect(await runs.find(run.id)).toMatchObject({ stepId: 'mended' });
      // What was put right came with no history: the report of that very turn is not compared with an older one's.
      const long = { runKey: run.runKey, progress: waitsAt(run, 'long', { seq: 6 }), moves: [], historyLength: 900 };
      await runs.report(long);
      const after = await read();
      if (after.row === null) throw new Error('no row');
      expect(await reconciles.replaceRow(after, { ...after.row, seq: 7 })).toBe(true);
      await runs.report({ ...long, progress: waitsAt(run, 'short', { seq: 7 }), historyLength: 5 });
      expect(await runs.find(run.id)).toMatchObject({ stepId: 'short' });
    });
  });
});
