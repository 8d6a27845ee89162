// The measured worker, alone in its process so that its CPU time and its memory are its own. Answers over the parent's
// channel. With `heap` runs live in the main thread, the only one whose heap can be swept and weighed from here.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { DefaultLogger, makeTelemetryFilterString, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { answer } from './journey.mjs';

const POLLERS_MAX = 40;
const [address, taskQueue, codePath, mode, cachedMax] = process.argv.slice(2);

setFlagsFromString('--expose-gc');
const sweep = runInNewContext('gc');

Runtime.install({
  shutdownSignals: [],
  logger: new DefaultLogger('ERROR'),
  // On a busy machine it warns of each task that took long.
  telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'ERROR' }) } },
});
/** How long after its signal each bare run had done its activity, in milliseconds. */
let lags = [];
const connection = await NativeConnection.connect({ address });
const worker = await Worker.create({
  connection,
  taskQueue,
  workflowBundle: { codePath },
  activities: {
    runStep: async () => answer,
    chooseBranch: async () => 0,
    act: async () => ({ kind: 'done' }),
    // A machine that was held up for long makes time-outs late, and these ask.
    findEvent: async () => null,
    finishRun: async () => undefined,
    noteMove: async (sentAt) => void lags.push(Date.now() - sentAt),
  },
  // As in the product, where a report is a statement that nobody waits for.
  sinks: { progress: { report: { fn: () => undefined, callDuringReplay: false } } },
  debugMode: mode === 'heap',
  maxCachedWorkflows: Number(cachedMax),
  workflowTaskPollerBehavior: { type: 'autoscaling', maximum: POLLERS_MAX },
  activityTaskPollerBehavior: { type: 'autoscaling', maximum: POLLERS_MAX },
});
const running = worker.run();

const ANSWERS = {
  cpu: () => process.cpuUsage(),
  cached: () => worker.getStatus().numCachedWorkflows,
  lags: () => {
    const told = lags;
    lags = [];
    return told;
  },
  heap: () => {
    sweep();
    sweep();
    return { heapBytes: process.memoryUsage().heapUsed, rssBytes: process.memoryUsage().rss };
  },
};

process.on('message', (message) => {
  if (message === 'stop') worker.shutdown();
  else process.send(ANSWERS[message]());
});
// Without its parent it measures nothing.
process.once('disconnect', () => process.exit(1));
process.send('ready');
await running;
await connection.close();
process.exit(0);
