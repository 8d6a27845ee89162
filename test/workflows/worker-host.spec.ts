import { jest } from '@jest/globals';
import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import { TemporalHealth } from '../../src/platform/temporal/temporal.health.js';
import { WorkerHost, type WorkerHostOptions } from '../../src/platform/temporal/worker-host.js';
import type { StepAnswer } from '../../src/core/journeys/step-answer.js';
import type { journeyWorkflow } from '../../workflows/index.js';
import { JOURNEY_WORKFLOW } from '../../workflows/messages.js';
import { describeOnTemporal, fromSetup } from '../support/environment.js';
import { planOf } from '../support/journey-stage.js';
import { ScriptedActivities, sent } from '../support/scripted-activities.js';
import { until } from '../support/until.js';

const TASK_QUEUE = 'journeys-worker-host';
const CLOSED_PORT = '127.0.0.1:1';
const RUNS = 3;
/** History of a run whose first activity is scheduled: its start, one workflow task, the activity. */
const SCHEDULED_EVENTS = 5;
const SIGHTINGS = 10;
const DUE_MS_MAX = 30_000;
jest.setTimeout((RUNS + 1) * DUE_MS_MAX);

const plan = planOf([
  { kind: 'message', id: 'hello', channel: 'email', template: 'hello' },
  { kind: 'wait', id: 'rest', duration: 'P1D' },
  { kind: 'end', id: 'done', reason: 'done' },
]);

function optionsOf(activities: ScriptedActivities, taskQueue: string): WorkerHostOptions {
  return {
    address: fromSetup('TEST_TEMPORAL_ADDRESS'),
    namespace: 'default',
    taskQueue,
    cachedWorkflowsMax: 10,
    workflows: { workflowBundle: { codePath: fromSetup('TEST_WORKFLOW_BUNDLE') } },
    activities,
    sinks: { progress: { report: { fn: () => undefined } } },
    identity: 'worker',
    logLevel: 'ERROR',
  };
}

function startRun(
  connection: Connection | undefined,
  activities: ScriptedActivities,
  taskQueue: string,
  answer: () => Promise<StepAnswer>,
): Promise<WorkflowHandle> {
  const runKey = `trial:user:${crypto.randomUUID()}`;
  activities.write(runKey, { answer });
  const run = { runKey, userId: 'user', journeyKey: plan.journeyKey, journeyVersion: plan.version };
  return new Client(connection === undefined ? {} : { connection }).workflow.start<typeof journeyWorkflow>(
    JOURNEY_WORKFLOW,
    { taskQueue, workflowId: `journey:${runKey}`, args: [{ run, plan, clockDomain: 'real', enteredAt: Date.now() }] },
  );
}

describeOnTemporal('the host of a worker', () => {
  let connection: Connection | undefined;
  beforeAll(async () => {
    connection = await Connection.connect({ address: fromSetup('TEST_TEMPORAL_ADDRESS') });
  });
  afterAll(() => connection?.close());

  it('runs until it is shut down, and lets a message on its way finish first', async () => {
    const activities = new ScriptedActivities();
    const host = new WorkerHost();
    const running = host.run(optionsOf(activities, TASK_QUEUE));
    let begin = (): void => undefined;
    let release = (): void => undefined;
    const hasBegun = new Promise<void>((resolve) => (begin = resolve));
    const mayEnd = new Promise<void>((resolve) => (release = resolve));
    let hasEnded = false;
    const answer = async (): Promise<StepAnswer> => {
      begin();
      await mayEnd;
      hasEnded = true;
      return sent;
    };
    const handle = await startRun(connection, activities, TASK_QUEUE, answer);
    await hasBegun;
    expect(host.isRunning).toBe(true);
    const down = host.beforeApplicationShutdown();
    expect(hasEnded).toBe(false);
    release();
    await down;
    await running;
    expect(hasEnded).toBe(true);
    expect(host.isRunning).toBe(false);
    const { events } = await handle.fetchHistory();
    expect((events ?? []).some((event) => event.activityTaskCompletedEventAttributes)).toBe(true);
    await handle.terminate();
  });

  it('carries out no more activities at a time than it may', async () => {
    const activities = new ScriptedActivities();
    const taskQueue = `${TASK_QUEUE}-one`;
    const handles: WorkflowHandle[] = [];
    let atOnce = 0;
    let atOnceMax = 0;
    let done = 0;
    const answer = async (): Promise<StepAnswer> => {
      atOnce += 1;
      atOnceMax = Math.max(atOnceMax, atOnce);
      // While the server is asked so often, a worker with a place free would begin another one.
      let sightings = 0;
      const areAllDue = async (): Promise<boolean> => {
        const runs = await Promise.all(handles.map((handle) => handle.describe()));
        if (runs.every(({ historyLength }) => historyLength >= SCHEDULED_EVENTS)) sightings += 1;
        return sightings === SIGHTINGS;
      };
      await until(areAllDue, DUE_MS_MAX, () => 'every run has come to its message');
      atOnce -= 1;
      done += 1;
      return sent;
    };
    for (let run = 0; run < RUNS; run += 1) handles.push(await startRun(connection, activities, taskQueue, answer));
    const host = new WorkerHost();
    const running = host.run({ ...optionsOf(activities, taskQueue), maxConcurrentActivityTaskExecutions: 1 });
    await until(
      () => done === RUNS,
      RUNS * DUE_MS_MAX,
      () => 'every message has gone out',
    );
    await host.beforeApplicationShutdown();
    await running;
    expect(atOnceMax).toBe(1);
    await Promise.all(handles.map((handle) => handle.terminate()));
  });

  it('is told when the server cannot be reached', async () => {
    await expect(
      new WorkerHost().run({
        address: CLOSED_PORT,
        namespace: 'default',
        taskQueue: TASK_QUEUE,
        cachedWorkflowsMax: 10,
        workflows: { workflowBundle: { codePath: fromSetup('TEST_WORKFLOW_BUNDLE') } },
        activities: {},
      }),
    ).rejects.toThrow();
  });

  it('knows whether the server and our namespace answer', async () => {
    if (connection === undefined) throw new Error('no connection');
    await expect(new TemporalHealth(connection, 'default').check()).resolves.toBeUndefined();
    await expect(new TemporalHealth(connection, 'nowhere').check()).rejects.toThrow();
    const away = Connection.lazy({ address: CLOSED_PORT });
    await expect(new TemporalHealth(away, 'default').check()).rejects.toThrow();
    await away.close();
  });
});
