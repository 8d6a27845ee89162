// npm run bench:growth: what one step costs, and what the worker weighs, while more and more runs wait. The runs are the
// product's workflow with scripted activities, started through Temporal; the worker keeps as many as it does by default.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { startTemporal } from '../../tools/temporal.mjs';
import { inputOf, JOURNEYS, parked } from './journey.mjs';
import { processFigures, watchMachine } from './machine.mjs';
import { ask, bundleWorkflows, cpuMs, together, withWorker } from './worker-process.mjs';

const { values: options } = parseArgs({
  options: {
    levels: { type: 'string', default: '1000,10000,100000' },
    /** Journeys that are lived through at each level. */
    journeys: { type: 'string', default: '200' },
    cached: { type: 'string', default: '1000' },
  },
});
const levels = options.levels.split(',').map(Number);
const journeys = Number(options.journeys);
const { plan, steps } = JOURNEYS.wide;
const TYPE = 'journeyWorkflow';
const TASK_QUEUE = 'growth';
const IN_FLIGHT = 50;
const POLL_MS = 500;

const rest = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
let started = 0;
let woken = 0;

async function main() {
  const folder = mkdtempSync(path.join(tmpdir(), 'tactful-bench-'));
  const server = await startTemporal({ dbFile: path.join(folder, 'temporal.db') });
  const connection = await Connection.connect({ address: server.address });
  const client = new Client({ connection });
  const codePath = path.join(folder, 'workflows.js');
  try {
    writeFileSync(codePath, await bundleWorkflows());
    const place = {
      address: server.address,
      taskQueue: TASK_QUEUE,
      codePath,
      mode: 'speed',
      cachedMax: options.cached,
    };
    await withWorker(place, async (worker) => {
      await live(client);
      print(['waiting runs', 'starts/s', 'worker MB', 'server MB', 'CPU ms/step', 'woken CPU ms', 'journeys/s']);
      let waiting = 0;
      for (const level of levels) {
        const machine = watchMachine();
        const filling = await timed(() => together(level - waiting, IN_FLIGHT, () => start(client, parked(plan))));
        const perSecond = (level - waiting) / filling;
        const firstNew = started - (level - waiting) + 1;
        waiting = level;
        await untilAllWait(client, level - woken);
        const [cpuBefore, seconds] = [await cpuMs(worker), await timed(() => live(client))];
        const perStep = ((await cpuMs(worker)) - cpuBefore) / (journeys * steps);
        const perWake = await wake(client, worker, firstNew);
        const { rssBytes } = await ask(worker, 'heap');
        const { rssMb } = processFigures(server.child.pid);
        const cells = [perSecond, rssBytes / 2 ** 20, rssMb, perStep, perWake, journeys / seconds];
        print([String(level), ...cells.map((cell) => cell.toFixed(1))], machine());
      }
    });
  } finally {
    await connection.close();
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Else the rest of the starts would be counted with the steps. */
async function untilAllWait(client, count) {
  while ((await client.workflow.count(`RunState = 'waiting'`)).count < count) await rest(POLL_MS);
}

async function timed(work) {
  const startedAt = performance.now();
  await work();
  return (performance.now() - startedAt) / 1_000;
}

function start(client, which) {
  started += 1;
  const workflowId = `${TYPE}-${started}`;
  return client.workflow.start(TYPE, { taskQueue: TASK_QUEUE, workflowId, args: [inputOf(started, which)] });
}

const live = (client) => together(journeys, IN_FLIGHT, async () => (await start(client, plan)).result());

/** The oldest of the runs that were started last: at a high level they are out of the cache and have to be replayed. */
async function wake(client, worker, first) {
  const before = await cpuMs(worker);
  let next = first;
  await together(journeys, IN_FLIGHT, async () => {
    const handle = client.workflow.getHandle(`${TYPE}-${next++}`);
    await handle.signal('event', { messageId: 'm', name: 'called', occurredAt: Date.now() });
    await handle.result();
  });
  woken += journeys;
  return ((await cpuMs(worker)) - before) / journeys;
}

function print([title, ...cells], more = '') {
  console.log(`${title.padEnd(14)}${cells.map((cell) => cell.padStart(14)).join('')}   ${more}`);
}

await main();
