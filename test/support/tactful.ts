import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Client } from '@temporalio/client';
import { createActivities, createSinks } from '../../activities/index.js';
import { activityServices } from '../../src/activity-services.js';
import { RunReporter } from '../../src/modules/journeys/index.js';
import { Database } from '../../src/platform/database/database.js';
import { PAYLOAD_CODECS } from '../../src/platform/temporal/sealing.codec.js';
import { WorkerHost } from '../../src/platform/temporal/worker-host.js';
import { createTestApp } from './app.js';
import { fromSetup } from './environment.js';
import { startSmtp, type TestSmtp } from './smtp.js';

/** The whole product in one process, on a real PostgreSQL, a real Temporal server and a real mail server. */
export interface Tactful {
  readonly app: NestFastifyApplication;
  readonly smtp: TestSmtp;
  readonly temporal: Client;
  /** What another process needs to work for the same product. */
  readonly environment: Readonly<Record<'SMTP_URL' | 'TEMPORAL_ADDRESS' | 'TEMPORAL_TASK_QUEUE', string>>;
  /** Sends JSON and answers the body; throws on every status from 300 on. */
  post<T = unknown>(url: string, payload: object): Promise<T>;
  get<T = unknown>(url: string): Promise<T>;
  query<Row extends object>(text: string, ...values: unknown[]): Promise<readonly Row[]>;
  startWorker(): void;
  stopWorker(): Promise<void>;
  stop(): Promise<void>;
}

const POLL_MS = 25;
/** Not the default: a start on the wrong queue must not go unseen. */
const TASK_QUEUE = 'journeys-of-specs';

/** @param settings environment variables that this one reads otherwise than the test run does */
export async function startTactful(settings: Readonly<Record<string, string>> = {}): Promise<Tactful> {
  const smtp = await startSmtp();
  const address = fromSetup('TEST_TEMPORAL_ADDRESS');
  const environment = { SMTP_URL: smtp.url, TEMPORAL_ADDRESS: address, TEMPORAL_TASK_QUEUE: TASK_QUEUE };
  const app = await createTestApp({ ...environment, OUTBOX_POLL_MS: '200', ...settings });
  let worker: { readonly host: WorkerHost; readonly finished: Promise<void> } | undefined;

  async function call<T>(method: 'GET' | 'POST', url: string, payload?: object): Promise<T> {
    const response = await app.inject({ method, url, ...(payload === undefined ? {} : { payload }) });
    if (response.statusCode >= 300) throw new Error(`${method} ${url}: ${response.statusCode} ${response.body}`);
    return response.json<T>();
  }
  function startWorker(): void {
    const host = new WorkerHost();
    const reporter = app.get(RunReporter);
    const activities = createActivities(activityServices(app));
    const finished = host.run({
      address,
      namespace: 'default',
      taskQueue: TASK_QUEUE,
      cachedWorkflowsMax: 200,
      workflows: { workflowBundle: { codePath: fromSetup('TEST_WORKFLOW_BUNDLE') } },
      activities,
      sinks: createSinks({ reporter }),
      payloadCodecs: app.get(PAYLOAD_CODECS),
    });
    worker = { host, finished };
  }
  async function stopWorker(): Promise<void> {
    await worker?.host.beforeApplicationShutdown();
    await worker?.finished;
    worker = undefined;
  }
  startWorker();
  return {
    app,
    smtp,
    temporal: app.get(Client),
    environment,
    post: (url, payload) => call('POST', url, payload),
    get: (url) => call('GET', url),
    query: (text, ...values) => app.get(Database).query({ text, values }),
    startWorker,
    stopWorker,
    async stop() {
      await stopWorker();
      await app.close();
      await smtp.stop();
    },
  };
}

/** Asks until the answer satisfies; the test's own time-out ends a wait that never does. */
export async function until<T>(ask: () => Promise<T>, satisfies: (value: T) => boolean): Promise<T> {
  for (;;) {
    const value = await ask();
    if (satisfies(value)) return value;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
