// npm run bench: what our engine costs beside a hand-written workflow for the same journey, on the same server, in one
// run, in turns. Figures of one machine; the ratios are what counts (architecture: Performance).
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { startTemporal } from '../../tools/temporal.mjs';
import { inputOf, STEPS } from './journey.mjs';

const TASK_QUEUE = 'benchmark';
const ENGINE = 'journeyWorkflow';
const HAND_WRITTEN = 'handWritten';
const BUDGETED = 'handWrittenWithBudget';
const WORKFLOWS = [ENGINE, HAND_WRITTEN, BUDGETED];

const rounds = Number(process.env.BENCH_ROUNDS ?? 6);
const journeysPerRound = Number(process.env.BENCH_JOURNEYS ?? 100);
const inFlight = Number(process.env.BENCH_IN_FLIGHT ?? 50);

async function main() {
  const folder = mkdtempSync(path.join(tmpdir(), 'tactful-bench-'));
  const server = await startTemporal({ dbFile: path.join(folder, 'temporal.db') });
  const worker = fork(fileURLToPath(new URL('./worker.mjs', import.meta.url)), [server.address, TASK_QUEUE]);
  const connection = await Connection.connect({ address: server.address });
  try {
    await Promise.race([once(worker, 'message'), failure(worker)]);
    report(await measure(new Client({ connection }), worker));
  } finally {
    if (worker.connected) worker.send('stop');
    if (worker.exitCode === null) await once(worker, 'exit');
    await connection.close();
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function failure(worker) {
  const [code] = await once(worker, 'exit');
  throw new Error(`the worker ended with ${code} before it was ready`);
}

async function measure(client, worker) {
  const figures = new Map(WORKFLOWS.map((type) => [type, { seconds: 0, cpuMs: 0, journeys: 0 }]));
  console.log(
    `warming up, then ${rounds} rounds of ${journeysPerRound} journeys of ${STEPS} steps of each kind, ${inFlight} in flight`,
  );
  for (const type of WORKFLOWS) await runMany(client, type, journeysPerRound);
  for (let round = 0; round < rounds; round += 1) {
    // Another one first each time: the database grows, and whoever comes last has it a little harder.
    const order = WORKFLOWS.map((_, index) => WORKFLOWS[(index + round) % WORKFLOWS.length]);
    for (const type of order) {
      const figure = figures.get(type);
      const cpuBefore = await cpuMs(worker);
      const startedAt = performance.now();
      await runMany(client, type, journeysPerRound);
      figure.seconds += (performance.now() - startedAt) / 1_000;
      figure.cpuMs += (await cpuMs(worker)) - cpuBefore;
      figure.journeys += journeysPerRound;
    }
  }
  for (const type of WORKFLOWS) Object.assign(figures.get(type), await weigh(client, type));
  return figures;
}

let started = 0;

async function runOne(client, type) {
  started += 1;
  const workflowId = `${type}-${started}`;
  const handle = await client.workflow.start(type, { taskQueue: TASK_QUEUE, workflowId, args: [inputOf(started)] });
  await handle.result();
  return handle;
}

async function runMany(client, type, count) {
  let left = count;
  const runUntilNoneIsLeft = async () => {
    while (left-- > 0) await runOne(client, type);
  };
  await Promise.all(Array.from({ length: inFlight }, runUntilNoneIsLeft));
}

/** What one run leaves on the server: these figures are the same on every machine. */
async function weigh(client, type) {
  const { raw } = await (await runOne(client, type)).describe();
  const { stateTransitionCount, historyLength, historySizeBytes } = raw.workflowExecutionInfo;
  return {
    transitions: Number(stateTransitionCount),
    events: Number(historyLength),
    bytes: Number(historySizeBytes),
  };
}

async function cpuMs(worker) {
  worker.send('cpu');
  const [{ cpu }] = await once(worker, 'message');
  return (cpu.user + cpu.system) / 1_000;
}

function report(figures) {
  const [engine, handWritten, budgeted] = WORKFLOWS.map((type) => {
    const { seconds, cpuMs: cpu, journeys, ...weight } = figures.get(type);
    return { ...weight, cpuPerStep: cpu / (journeys * STEPS), journeysPerSecond: journeys / seconds };
  });
  const rows = [
    ['state transitions', 'transitions', 0],
    ['history events', 'events', 0],
    ['history bytes', 'bytes', 0],
    ['worker CPU per step, ms', 'cpuPerStep', 2],
    ['journeys per second', 'journeysPerSecond', 1],
  ];
  const ratio = (key, other) => `${(engine[key] / other[key]).toFixed(2)}x`;
  print(['', 'engine', 'by hand', 'ratio', 'by hand + budget', 'ratio']);
  for (const [title, key, digits] of rows) {
    const show = (figure) => figure[key].toFixed(digits);
    print([title, show(engine), show(handWritten), ratio(key, handWritten), show(budgeted), ratio(key, budgeted)]);
  }
  console.log('by hand: one activity per message or decision plus the timers, equal payloads.');
  console.log('budget: one closing activity a run, one search attribute update a wait and one at the end.');
}

function print([title, ...cells]) {
  console.log(title.padEnd(26) + cells.map((cell) => cell.padStart(18)).join(''));
}

await main();
