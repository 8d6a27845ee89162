import { Client, Connection } from '@temporalio/client';
import { TemporalHealth } from '../../src/platform/temporal/temporal.health.js';
import { WorkerHost } from '../../src/platform/temporal/worker-host.js';
import type { journeyWorkflow } from '../../workflows/index.js';
import { JOURNEY_WORKFLOW } from '../../workflows/messages.js';
import { describeOnTemporal, fromSetup } from '../support/environment.js';
import { planOf } from '../support/journey-stage.js';
import { ScriptedActivities, sent } from '../support/scripted-activities.js';

const TASK_QUEUE = 'journeys-worker-host';
const CLOSED_PORT = '127.0.0.1:1';

describeOnTemporal('the host of a worker', () => {
  let connection: Connection | undefined;
  beforeAll(async () => {
    connection = await Connection.connect({ address: fromSetup('TEST_TEMPORAL_ADDRESS') });
  });
  afterAll(() => connection?.close());

  it('runs until it is shut down, and lets a message on its way finish first', async () => {
    const activities = new ScriptedActivities();
    const host = new WorkerHost();
    const running = host.run({
      address: fromSetup('TEST_TEMPORAL_ADDRESS'),
      namespace: 'default',
      taskQueue: TASK_QUEUE,
      cachedWorkflowsMax: 10,
      workflows: { workflowBundle: { codePath: fromSetup('TEST_WORKFLOW_BUNDLE') } },
      activities,
      sinks: { progress: { report: { fn: () => undefined } } },
      identity: 'worker',
      logLevel: 'ERROR',
    });
    let begin = (): void => undefined;
    let release = (): void => undefined;
    const hasBegun = new Promise<void>((resolve) => (begin = resolve));
    const mayEnd = new Promise<void>((resolve) => (release = resolve));
    let hasEnded = false;
    const runKey = `trial:user:${crypto.randomUUID()}`;
    activities.write(runKey, {
      answer: async () => {
        begin();
        await mayEnd;
        hasEnded = true;
        return sent;
      },
    });
    const plan = planOf([
      { kind: 'message', id: 'hello', channel: 'email', template: 'hello' },
      { kind: 'wait', id: 'rest', duration: 'P1D' },
      { kind: 'end', id: 'done', reason: 'done' },
    ]);
    const client = new Client(connection === undefined ? {} : { connection });
    const run = { runKey, userId: 'user', journeyKey: plan.journeyKey, journeyVersion: plan.version };
    const handle = await client.workflow.start<typeof journeyWorkflow>(JOURNEY_WORKFLOW, {
      taskQueue: TASK_QUEUE,
      workflowId: `journey:${runKey}`,
      args: [{ run, plan, clockDomain: 'real' }],
    });
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
