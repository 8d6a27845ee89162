import type { StepDefinition } from '../../src/core/journeys/definition.js';
import type { Move } from '../../src/core/journeys/path.js';
import type { RunSnapshot } from '../../src/core/journeys/progress.js';
import { RunExecutions, type RunExecution } from '../../src/modules/journeys/runs/run-executions.js';
import { Clock } from '../../src/platform/clock/clock.js';
import type { journeyWorkflow } from '../../workflows/index.js';
import { RUN_STATE_QUERY } from '../../workflows/messages.js';
import { describeOnTemporal } from '../support/environment.js';
import { JourneyStage, planOf, StagedRun } from '../support/journey-stage.js';
import { until } from '../support/until.js';

const TASK_QUEUE = 'journeys-path';
const EVENTS_MAX = 12;
const ROUNDS = 4;
const REPORT_MS_MAX = 60_000;

const loop: readonly StepDefinition[] = [
  { kind: 'message', id: 'hello', channel: 'email', template: 'hello' },
  {
    kind: 'wait_for',
    id: 'purchase',
    event: 'purchase',
    timeout: 'P30D',
    on_event: 'hello',
    on_timeout: 'done',
  },
  { kind: 'end', id: 'done', reason: 'done' },
];

const told = (moves: readonly Move[]): readonly string[] =>
  moves.map(({ seq, stepId, visit, outcome, reason }) =>
    [seq, `${stepId}#${visit}`, outcome ?? 'open', reason].filter((word) => word !== null).join(' '),
  );

describeOnTemporal('the path of a run', () => {
  const stage = new JourneyStage();
  beforeAll(() => stage.open(TASK_QUEUE));
  afterAll(() => stage.close());

  const find = ({ runKey }: StagedRun): Promise<RunExecution> =>
    new RunExecutions(stage.client, new Clock(), TASK_QUEUE).find(runKey);
  /** What the table of paths holds after all reports of the run: of each move the newest word. */
  const reported = (run: StagedRun): readonly Move[] => {
    const rows = new Map<number, Move>();
    for (const move of stage.movesOf(run.runKey)) {
      if (move.turn > (rows.get(move.seq)?.turn ?? -1)) {
        rows.set(move.seq, { ...move, decisionId: move.decisionId ?? rows.get(move.seq)?.decisionId ?? null });
      }
    }
    return [...rows.values()].sort((a, b) => a.seq - b.seq);
  };

  it('is reported as it is told on request, also when the run continues as new and after its end', async () => {
    const run = await stage.start(planOf(loop, ['unsubscribed']), {}, { eventsMax: EVENTS_MAX });
    const first = await run.handle.describe();
    for (let round = 1; round <= ROUNDS; round += 1) {
      await run.progress('waiting', 'purchase', round);
      await run.event('purchase');
    }
    const { seq } = await run.progress('waiting', 'purchase', ROUNDS + 1);
    const running = await find(run);
    expect(running).toMatchObject({ kind: 'running', isWhole: true, progress: { seq, stepId: 'purchase' } });
    const wanted = Array.from({ length: ROUNDS }, (_, index) => [
      `${2 * index + 1} hello#${index + 1} sent`,
      `${2 * index + 2} purchase#${index + 1} event purchase`,
    ]).flat();
    const last = `${2 * ROUNDS + 1} hello#${ROUNDS + 1} sent`;
    const open = 2 * ROUNDS + 2;
    if (running.kind === 'gone') throw new Error('the run is gone');
    expect(told(running.moves)).toEqual([...wanted, last, `${open} purchase#${ROUNDS + 1} open`]);
    expect((await run.handle.describe()).runId).not.toBe(first.runId);

    await run.event('unsubscribed');
    await run.result();
    const closed = await find(run);
    if (closed.kind !== 'closed') throw new Error(`the run is ${closed.kind}`);
    const end = `${open} purchase#${ROUNDS + 1} exited exit_event:unsubscribed`;
    expect(told(closed.moves)).toEqual([...wanted, last, end]);
    expect(closed.end).toMatchObject({ outcome: 'exited', reason: 'exit_event:unsubscribed' });
    await until(
      () => Promise.resolve(reported(run).at(-1)?.leftAt !== null),
      REPORT_MS_MAX,
      () => 'the report of the last step',
    );
    expect(reported(run)).toEqual(closed.moves);
  });

  it('ends where a run is cancelled, or an activity gives it up', async () => {
    const run = await stage.start(planOf([{ kind: 'wait', id: 'pause', duration: 'P30D' }, ...loop.slice(2)]));
    await run.progress('waiting', 'pause');
    await run.handle.cancel();
    await expect(run.result()).rejects.toThrow();
    const { moves, end } = await run.handle.query<RunSnapshot, []>(RUN_STATE_QUERY);
    expect(told(moves)).toEqual(['1 pause#1 exited cancelled']);
    expect(end).toMatchObject({ outcome: 'exited', reason: 'cancelled' });
    expect(moves[0]?.leftAt).toBe(end?.endedAt);
  });

  it('is told in full again by the worker that takes a run over: what died with the other one is not lost', async () => {
    const run = await stage.start(planOf(loop));
    await run.progress('waiting', 'purchase');
    const before = stage.movesOf(run.runKey).length;
    await stage.close();
    await stage.open(TASK_QUEUE);
    const handle = stage.client.workflow.getHandle<typeof journeyWorkflow>(run.handle.workflowId);
    const later = new StagedRun(run.runKey, handle, stage);
    await later.event('purchase');
    await later.progress('waiting', 'purchase', 2);
    const again = stage.movesOf(run.runKey).slice(before);
    expect(told(again)).toEqual([
      '1 hello#1 sent',
      '2 purchase#1 event purchase',
      '3 hello#2 sent',
      '4 purchase#2 open',
    ]);
  });
});
