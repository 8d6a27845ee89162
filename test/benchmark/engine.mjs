// npm run bench: what our engine costs beside a hand-written workflow for the same journey, on the same server, in one
// run, in turns. Figures of one machine; the ratios are what counts (architecture: Performance).
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { startTemporal } from '../../tools/temporal.mjs';
import { inputOf, JOURNEYS, parked } from './journey.mjs';
import { watchMachine } from './machine.mjs';
import { ask, bundleWorkflows, cpuMs, together, withWorker } from './worker-process.mjs';

const ENGINE = 'journeyWorkflow';
const HAND_WRITTEN = 'handWritten';
const BUDGETED = 'handWrittenWithBudget';
const WORKFLOWS = [ENGINE, HAND_WRITTEN, BUDGETED];
const POLL_MS = 200;
/** What a first few runs cost once (code, caches) is no cost of a run. */
const FIRST_SHARE = 0.2;
/** Started, and a first task and a first activity asked for. */
const EVENTS_BEFORE_WAIT = 7;

const rounds = Number(process.env.BENCH_ROUNDS ?? 4);
const journeysPerRound = Number(process.env.BENCH_JOURNEYS ?? 200);
const inFlight = Number(process.env.BENCH_IN_FLIGHT ?? 50);
const cachedRuns = Number(process.env.BENCH_CACHED ?? 1_000);
/** Journeys of a round that end while as many are in flight as may be. */
const FULL = journeysPerRound - inFlight;
const names = (process.env.BENCH_ONLY ?? Object.keys(JOURNEYS).join(',')).split(',');

const pause = () => new Promise((resolve) => setTimeout(resolve, POLL_MS));

async function main() {
  const folder = mkdtempSync(path.join(tmpdir(), 'tactful-bench-'));
  const server = await startTemporal({ dbFile: path.join(folder, 'temporal.db') });
  const connection = await Connection.connect({ address: server.address });
  const client = new Client({ connection });
  const codePath = path.join(folder, 'workflows.js');
  try {
    writeFileSync(codePath, await bundleWorkflows());
    const place = { address: server.address, codePath };
    for (const name of names) {
      const { plan, steps } = JOURNEYS[name];
      const machine = watchMachine();
      const figures = await withWorker(
        { ...place, taskQueue: 'benchmark', mode: 'speed', cachedMax: 1_000 },
        (worker) => measure({ client, worker, plan, name, steps }),
      );
      for (const type of WORKFLOWS) Object.assign(figures.get(type), await weighCached({ place, client, type, plan }));
      report({ name, figures, steps, machine: machine() });
    }
  } finally {
    await connection.close();
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measure({ client, worker, plan, name, steps }) {
  const figures = new Map(WORKFLOWS.map((type) => [type, { fullSeconds: 0, cpuMs: 0, journeys: 0 }]));
  console.log(
    `${name}: warming up, then ${rounds} rounds of ${journeysPerRound} journeys of ${steps} steps of each kind, ${inFlight} in flight`,
  );
  for (const type of WORKFLOWS) await runMany(client, type, plan);
  for (let round = 0; round < rounds; round += 1) {
    // Another one first each time: the database grows, and whoever comes last has it a little harder.
    const order = WORKFLOWS.map((_, index) => WORKFLOWS[(index + round) % WORKFLOWS.length]);
    for (const type of order) {
      const figure = figures.get(type);
      const cpuBefore = await cpuMs(worker);
      figure.fullSeconds += await runMany(client, type, plan);
      figure.cpuMs += (await cpuMs(worker)) - cpuBefore;
      figure.journeys += journeysPerRound;
    }
  }
  for (const type of WORKFLOWS) Object.assign(figures.get(type), await weigh(client, type, plan));
  return figures;
}

let started = 0;

function start(client, type, plan, taskQueue = 'benchmark') {
  started += 1;
  return client.workflow.start(type, { taskQueue, workflowId: `${type}-${started}`, args: [inputOf(started, plan)] });
}

async function runOne(client, type, plan) {
  const handle = await start(client, type, plan);
  await handle.result();
  return handle;
}

/**
 * @returns seconds until so many were done that no other one could begin: after that, one that was held up on the way is
 *   waited for with nothing beside it, which says nothing about throughput
 */
async function runMany(client, type, plan) {
  const startedAt = performance.now();
  let done = 0;
  let fullSeconds = 0;
  await together(journeysPerRound, inFlight, async () => {
    await runOne(client, type, plan);
    done += 1;
    if (done === FULL) fullSeconds = (performance.now() - startedAt) / 1_000;
  });
  return fullSeconds;
}

/** What one run leaves on the server: these figures are the same on every machine. */
async function weigh(client, type, plan) {
  const { raw } = await (await runOne(client, type, plan)).describe();
  const { stateTransitionCount, historyLength, historySizeBytes } = raw.workflowExecutionInfo;
  return {
    transitions: Number(stateTransitionCount),
    events: Number(historyLength),
    bytes: Number(historySizeBytes),
  };
}

/** Memory of a worker of its own with so many waiting runs, less that with a fifth of them, for each run in between. */
async function weighCached({ place, client, type, plan }) {
  const taskQueue = `cached-${type}-${plan.journeyKey}`;
  return withWorker({ ...place, taskQueue, mode: 'heap', cachedMax: 2 * cachedRuns }, async (worker) => {
    const handles = [];
    const fill = async (count) => {
      await together(count - handles.length, inFlight, async () => {
        handles.push(await start(client, type, parked(plan), taskQueue));
      });
      await untilWaiting(handles);
      const cached = await ask(worker, 'cached');
      if (cached !== count) throw new Error(`${cached} runs are cached, not ${count}`);
      return ask(worker, 'heap');
    };
    const first = Math.round(FIRST_SHARE * cachedRuns);
    const before = await fill(first);
    const after = await fill(cachedRuns);
    const each = (name) => (after[name] - before[name]) / (cachedRuns - first) / 1_024;
    return { heapKb: each('heapBytes'), rssKb: each('rssBytes') };
  });
}

/** Each has sent its first message and set its timer. */
async function untilWaiting(handles) {
  const left = [...handles];
  await together(left.length, inFlight, async () => {
    const handle = left.pop();
    while (!isWaiting((await handle.describe()).raw)) await pause();
  });
}

const isWaiting = ({ workflowExecutionInfo, pendingActivities, pendingWorkflowTask }) =>
  Number(workflowExecutionInfo.historyLength) > EVENTS_BEFORE_WAIT &&
  pendingActivities.length === 0 &&
  pendingWorkflowTask === null;

function report({ name, figures, steps, machine }) {
  const [engine, handWritten, budgeted] = WORKFLOWS.map((type) => {
    const { fullSeconds, cpuMs: cpu, journeys, ...weight } = figures.get(type);
    const journeysPerSecond = (rounds * FULL) / fullSeconds;
    return { ...weight, cpuPerStep: cpu / (journeys * steps), journeysPerSecond };
  });
  const rows = [
    ['state transitions', 'transitions', 0],
    ['history events', 'events', 0],
    ['history bytes', 'bytes', 0],
    ['worker CPU per step, ms', 'cpuPerStep', 2],
    ['journeys per second', 'journeysPerSecond', 1],
    ['heap per cached run, KB', 'heapKb', 1],
    ['memory per cached run, KB', 'rssKb', 1],
  ];
  const ratio = (key, other) => `${(engine[key] / other[key]).toFixed(2)}x`;
  print([name, 'engine', 'by hand', 'ratio', 'by hand + budget', 'ratio']);
  for (const [title, key, digits] of rows) {
    const show = (figure) => figure[key].toFixed(digits);
    print([title, show(engine), show(handWritten), ratio(key, handWritten), show(budgeted), ratio(key, budgeted)]);
  }
  console.log(machine);
  console.log('by hand: one activity per message, decision, question or act plus the timers, equal payloads.');
  console.log('budget: one closing activity a run, one search attribute update a wait and one at the end.');
  console.log(
    'reach, against the budget: transitions and events 1.00x, bytes 1.3x, CPU 1.25x, journeys 0.85x, heap 120 KB.',
  );
}

function print([title, ...cells]) {
  console.log(title.padEnd(26) + cells.map((cell) => cell.padStart(18)).join(''));
}

await main();
