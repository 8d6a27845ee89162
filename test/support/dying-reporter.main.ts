import { NestFactory } from '@nestjs/core';
import { createActivities, createSinks } from '../../activities/index.js';
import { activityServices } from '../../src/activity-services.js';
import { AppModule } from '../../src/app.module.js';
import { RunReporter } from '../../src/modules/journeys/index.js';
import { readConfig } from '../../src/platform/config/config.js';
import { PAYLOAD_CODECS } from '../../src/platform/temporal/sealing.codec.js';
import { WorkerHost } from '../../src/platform/temporal/worker-host.js';
import { fromSetup } from './environment.js';

// A worker that dies when it has told where a run waits, and before Temporal hears that the run waits there.
const config = readConfig();
const app = await NestFactory.createApplicationContext(AppModule.register(config), { logger: false });
const reporter = app.get(RunReporter);
process.once('disconnect', () => process.exit(1));

const report: RunReporter['report'] = async (told) => {
  await reporter.report(told);
  if (told.progress?.state === 'waiting') process.kill(process.pid, 'SIGKILL');
};

await new WorkerHost().run({
  address: config.temporal.address,
  namespace: config.temporal.namespace,
  taskQueue: config.temporal.taskQueue,
  cachedWorkflowsMax: 200,
  logLevel: 'ERROR',
  workflows: { workflowBundle: { codePath: fromSetup('TEST_WORKFLOW_BUNDLE') } },
  activities: createActivities(activityServices(app)),
  sinks: createSinks({ reporter: { report } }),
  payloadCodecs: app.get(PAYLOAD_CODECS),
});
