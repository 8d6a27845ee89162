// npm run bench:enrolment: how many people enter a journey a second by a bulk enrolment, beside bare starts of the same
// workflow with the same input, on the same servers, with the same worker, in one run, in turns. Figures of one machine,
// which everything shares; the ratio is what counts (architecture: Performance).
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { NestFactory } from '@nestjs/core';
import { Client } from '@temporalio/client';
import { startPostgres } from '../../tools/postgres.mjs';
import { addSearchAttributes, startTemporal } from '../../tools/temporal.mjs';

const { values: options } = parseArgs({
  options: { users: { type: 'string', default: '1000' }, rounds: { type: 'string', default: '3' } },
});
const users = Number(options.users);
const rounds = Number(options.rounds);
const IN_FLIGHT = 50;
const PER_SECOND = 1_000;
const POLL_MS = 20;
const QUEUE = 'benchmark';
const root = fileURLToPath(new URL('../..', import.meta.url));
const fromDist = (file) => import(pathToFileURL(path.join(root, 'dist', file)).href);
const everybody = { kind: 'equals', attribute: 'lifecycle_stage', value: 'lead' };

/** Runs that have come to their wait: then the worker is done with them. */
let settled = 0;

async function main() {
  const folder = mkdtempSync(path.join(tmpdir(), 'tactful-bench-'));
  const postgres = await startPostgres({ dataDir: path.join(folder, 'postgres') });
  const temporal = await startTemporal({ dbFile: path.join(folder, 'temporal.db') });
  try {
    await addSearchAttributes({ address: temporal.address, namespace: 'default' });
    await withProduct({ url: postgres.url(), address: temporal.address }, measure);
  } finally {
    await temporal.stop();
    await postgres.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function withProduct({ url, address }, work) {
  const { readConfig } = await fromDist('src/platform/config/config.js');
  const { migrate } = await fromDist('src/platform/database/migrate.js');
  const { AppModule } = await fromDist('src/app.module.js');
  const SECRET_KEY = `bench:${Buffer.alloc(32, 7).toString('base64')}`;
  const temporal = { TEMPORAL_ADDRESS: address, TEMPORAL_TASK_QUEUE: QUEUE };
  const config = readConfig({ ...process.env, DATABASE_URL: url, SECRET_KEY, LOG_LEVEL: 'error', ...temporal });
  await migrate(url);
  const app = await NestFactory.createApplicationContext(AppModule.register(config), { logger: ['error'] });
  const worker = await startWorker(app, address);
  try {
    await work(app);
  } finally {
    await worker.stop();
    await app.close();
  }
}

async function startWorker(app, address) {
  const { createBulkActivities } = await fromDist('activities/bulk-enrolment.activity.js');
  const { BulkPages, SchedulesService } = await fromDist('src/modules/bulk-enrolments/index.js');
  const { WorkerHost } = await fromDist('src/platform/temporal/worker-host.js');
  const { PAYLOAD_CODECS } = await fromDist('src/platform/temporal/sealing.codec.js');
  const host = new WorkerHost();
  const finished = host.run({
    address,
    namespace: 'default',
    taskQueue: QUEUE,
    cachedWorkflowsMax: 2_000,
    workflows: { workflowBundle: { codePath: path.join(root, 'dist', 'workflows.bundle.js') } },
    activities: createBulkActivities({ bulkPages: app.get(BulkPages), schedules: app.get(SchedulesService) }),
    sinks: { progress: { report: { fn: () => (settled += 1) } } },
    payloadCodecs: app.get(PAYLOAD_CODECS),
  });
  return {
    async stop() {
      await host.beforeApplicationShutdown();
      await finished;
    },
  };
}

async function measure(app) {
  const { Database } = await fromDist('src/platform/database/database.js');
  const { JourneysService } = await fromDist('src/modules/journeys/definitions/journeys.service.js');
  const { BulkEnrolmentsService } = await fromDist('src/modules/bulk-enrolments/bulk-enrolments.service.js');
  const database = app.get(Database);
  await database.query({
    text: `with person as (
        insert into users (external_id, lifecycle_stage) select 'bench-' || n, 'lead' from generate_series(1, $1) n
        returning id)
      insert into contact_state (user_id) select id from person`,
    values: [users],
  });
  const journeys = app.get(JourneysService);
  const bulk = app.get(BulkEnrolmentsService);
  const seconds = { bare: 0, entered: 0, begun: 0 };
  for (let round = 1; round <= rounds; round += 1) {
    const key = `bench_${round}`;
    const steps = [
      { kind: 'wait', id: 'wait', duration: 'P30D' },
      { kind: 'end', id: 'done', reason: 'done' },
    ];
    const definition = { key, name: key, entry: { mode: 'once' }, exit: { events: [] }, steps };
    await journeys.create(definition, 'benchmark');
    await journeys.publish(key, 'benchmark');
    const input = await bareInput(database, key);
    seconds.bare += await timed(() => startBare(app.get(Client), input, round));
    await until(() => settled >= users * (2 * round - 1));
    const order = { users: { where: everybody }, per_second: PER_SECOND };
    const startedAt = performance.now();
    const { id } = await bulk.start(key, order, 'benchmark');
    await until(async () => (await bulk.find(key, id)).state === 'done');
    seconds.entered += (performance.now() - startedAt) / 1_000;
    await until(
      async () => (await database.query({ text: `select from outbox where kind = 'start_run' limit 1` })).length === 0,
    );
    seconds.begun += (performance.now() - startedAt) / 1_000;
    await until(() => settled >= users * 2 * round);
  }
  report(seconds);
}

async function bareInput(database, key) {
  const [{ plan }] = await database.query({
    text: `select plan from journey_versions version join journeys journey on journey.id = version.journey_id where key = $1`,
    values: [key],
  });
  return (number) => ({
    run: { runKey: `bare:${key}:${number}`, userId: `user-${number}`, journeyKey: key, journeyVersion: 1 },
    plan,
    clockDomain: 'real',
    enteredAt: Date.now(),
    isPaused: false,
  });
}

async function startBare(client, inputOf, round) {
  let left = users;
  const startUntilNoneIsLeft = async () => {
    for (let number = left--; number > 0; number = left--) {
      const workflowId = `bare-${round}-${number}`;
      await client.workflow.start('journeyWorkflow', { taskQueue: QUEUE, workflowId, args: [inputOf(number)] });
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, startUntilNoneIsLeft));
}

async function timed(work) {
  const startedAt = performance.now();
  await work();
  return (performance.now() - startedAt) / 1_000;
}

async function until(isSo) {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
}

function report(seconds) {
  const rate = (name) => (users * rounds) / seconds[name];
  console.log(`${rounds} rounds of ${users} users, ${IN_FLIGHT} bare starts in flight; a second:`);
  console.log(`bare starts of the workflow     ${rate('bare').toFixed(1)}`);
  console.log(
    `users entered (committed)       ${rate('entered').toFixed(1)}  ${(rate('entered') / rate('bare')).toFixed(2)}x`,
  );
  console.log(
    `runs begun by bulk enrolment    ${rate('begun').toFixed(1)}  ${(rate('begun') / rate('bare')).toFixed(2)}x`,
  );
}

await main();
