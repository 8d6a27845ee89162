// The measured worker, alone in its process so that its CPU time is its own. Answers `cpu` over the parent's channel.
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { answer } from './journey.mjs';

const POLLERS_MAX = 40;
const [address, taskQueue] = process.argv.slice(2);

Runtime.install({ shutdownSignals: [], logger: new DefaultLogger('ERROR') });
const connection = await NativeConnection.connect({ address });
const worker = await Worker.create({
  connection,
  taskQueue,
  workflowBundle: await bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('./workflows.mjs', import.meta.url)),
    logger: new DefaultLogger('WARN'),
  }),
  activities: { runStep: async () => answer, finishRun: async () => undefined },
  sinks: { progress: { report: { fn: () => undefined } } },
  maxCachedWorkflows: 1_000,
  workflowTaskPollerBehavior: { type: 'autoscaling', maximum: POLLERS_MAX },
  activityTaskPollerBehavior: { type: 'autoscaling', maximum: POLLERS_MAX },
});
const running = worker.run();

process.on('message', (message) => {
  if (message === 'stop') worker.shutdown();
  else process.send({ cpu: process.cpuUsage() });
});
// Without its parent it measures nothing.
process.once('disconnect', () => process.exit(1));
process.send('ready');
await running;
await connection.close();
process.exit(0);
