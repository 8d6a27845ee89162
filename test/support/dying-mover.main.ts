import { NestFactory } from '@nestjs/core';
import { createActivities, createSinks } from '../../activities/index.js';
import { activityServices } from '../../src/activity-services.js';
import { AppModule } from '../../src/app.module.js';
import { MigrationMover, RunReporter } from '../../src/modules/journeys/index.js';
import { readConfig } from '../../src/platform/config/config.js';
import { PAYLOAD_CODECS } from '../../src/platform/temporal/sealing.codec.js';
import { WorkerHost } from '../../src/platform/temporal/worker-host.js';
import { fromSetup } from './environment.js';

// A worker that carries runs and migrations and dies in the middle of one: a run has recorded that it moved, and before
// it hears so.
const config = readConfig();
const app = await NestFactory.createApplicationContext(AppModule.register(config), { logger: false });
const mover = app.get(MigrationMover);
const reporter = app.get(RunReporter);
process.once('disconnect', () => process.exit(1));

let recorded = 0;
const record: MigrationMover['record'] = async (decided) => {
  const now = await mover.record(decided);
  recorded += 1;
  if (recorded === Number(process.env['SPEC_DIES_AFTER_MOVES'])) process.kill(process.pid, 'SIGKILL');
  return now;
};

await new WorkerHost().run({
  address: config.temporal.address,
  namespace: config.temporal.namespace,
  taskQueue: config.temporal.taskQueue,
  cachedWorkflowsMax: 200,
  logLevel: 'ERROR',
  workflows: { workflowBundle: { codePath: fromSetup('TEST_WORKFLOW_BUNDLE') } },
  activities: createActivities({
    ...activityServices(app),
    mover: { record, tell: (...given) => mover.tell(...given) },
  }),
  sinks: createSinks({ reporter }),
  payloadCodecs: app.get(PAYLOAD_CODECS),
});
