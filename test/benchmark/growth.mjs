// npm run bench:growth: what one step costs, and what the worker weighs, while more and more runs wait. The runs are the
// product's workflow with scripted activities, started through Temporal; the worker keeps as many as it does by default.
// Beside it at each level, in turns, the same journey written by hand: what the server and the machine do to both is not ours.
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
    /** Journeys of each kind that are lived through in each round, and rounds at each level. */
    journeys: { type: 'string', default: '100' },
    rounds: { type: 'string', default: '4' },
    cached: { type: 'string', default: '1000' },
  },
});
const levels = options.levels.split(',').map(Number);
const journeys = Number(options.journeys);
const rounds = Number(options.rounds);
const { plan, steps } = JOURNEYS.wide;
const ENGINE = 'journeyWorkflow';
const BY_HAND = 'handWrittenWithBudget';
const TASK_QUEUE = 'growth';
const IN_FLIGHT = 50;
const POLL_MS = 500;
/** A server that does less than this share of a processor has done what the starts left to it. */
const AT_REST = 0.3;

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
      for (const type of [ENGINE, BY_HAND]) await live(client, type);
      print([
        'waiting runs',
        'starts/s',
        'worker MB',
        'server MB',
        'CPU ms/step',
        'by hand',
        'ratio',
        'server ms/step',
      ]);
      let waiting = 0;
      for (const level of levels) {
        const filling = await timed(() =>
          together(level - waiting, IN_FLIGHT, () => start(client, ENGINE, parked(plan))),
        );
        const perSecond = (level - waiting) / filling;
        const firstNew = started - (level - waiting) + 1;
        waiting = level;
        await untilAllWait(client, level - woken);
        await untilAtRest(server.child.pid);
        const machine = watchMachine();
        const { engine, byHand, serverMs } = await liveInTurns({ client, worker, serverPid: server.child.pid });
        const load = machine();
        const perWake = await wake(client, worker, firstNew);
        const { rssBytes } = await ask(worker, 'heap');
        const { rssMb } = processFigures(server.child.pid);
        const cells = [perSecond.toFixed(1), (rssBytes / 2 ** 20).toFixed(0), rssMb.toFixed(0)];
        const costs = [engine, byHand, engine / byHand, serverMs].map((cost) => cost.toFixed(2));
        print([String(level), ...cells, ...costs], `woken ${perWake.toFixed(1)} ms; ${load}`);
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

async function untilAtRest(pid) {
  for (let before = null; ;) {
    const { cpuSeconds } = processFigures(pid);
    if (before !== null && cpuSeconds - before < (AT_REST * POLL_MS) / 1_000) return;
    before = cpuSeconds;
    await rest(POLL_MS);
  }
}

/** Medians of CPU milliseconds a step: the worker's for each kind, and the server's for the engine. */
async function liveInTurns({ client, worker, serverPid }) {
  const costs = { [ENGINE]: [], [BY_HAND]: [], server: [] };
  const perStep = (ms) => ms / (journeys * steps);
  for (let round = 0; round < rounds; round += 1) {
    for (const type of round % 2 === 0 ? [ENGINE, BY_HAND] : [BY_HAND, ENGINE]) {
      const [workerBefore, serverBefore] = [await cpuMs(worker), processFigures(serverPid).cpuSeconds];
      await live(client, type);
      costs[type].push(perStep((await cpuMs(worker)) - workerBefore));
      if (type === ENGINE) costs.server.push(perStep(1_000 * (processFigures(serverPid).cpuSeconds - serverBefore)));
    }
  }
  return { engine: median(costs[ENGINE]), byHand: median(costs[BY_HAND]), serverMs: median(costs.server) };
}

const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];

async function timed(work) {
  const startedAt = performance.now();
  await work();
  return (performance.now() - startedAt) / 1_000;
}

function start(client, type, which) {
  started += 1;
  const workflowId = `run-${started}`;
  return client.workflow.start(type, { taskQueue: TASK_QUEUE, workflowId, args: [inputOf(started, which)] });
}

const live = (client, type) => together(journeys, IN_FLIGHT, async () => (await start(client, type, plan)).result());

/** The oldest of the runs that were started last: at a high level they are out of the cache and have to be replayed. */
async function wake(client, worker, first) {
  const before = await cpuMs(worker);
  let next = first;
  await together(journeys, IN_FLIGHT, async () => {
    const handle = client.workflow.getHandle(`run-${next++}`);
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
