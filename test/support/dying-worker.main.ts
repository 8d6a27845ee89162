import { NestFactory } from '@nestjs/core';
import { createBulkActivities } from '../../activities/bulk-enrolment.activity.js';
import type { EnrolPageAnswer, EnrolPageInput } from '../../activities/contract.js';
import { AppModule } from '../../src/app.module.js';
import { BulkPages, SchedulesService } from '../../src/modules/bulk-enrolments/index.js';
import { readConfig } from '../../src/platform/config/config.js';
import { PAYLOAD_CODECS } from '../../src/platform/temporal/sealing.codec.js';
import { WorkerHost } from '../../src/platform/temporal/worker-host.js';
import { fromSetup } from './environment.js';

// A worker that enrols many and dies, once a page is committed and before anybody is told of it.
const config = readConfig();
const app = await NestFactory.createApplicationContext(AppModule.register(config), { logger: false });
const pages = app.get(BulkPages);
process.once('disconnect', () => process.exit(1));

async function run(input: EnrolPageInput): Promise<EnrolPageAnswer> {
  const answer = await pages.run(input);
  if (input.page === Number(process.env['SPEC_DIES_AFTER_PAGE'])) process.kill(process.pid, 'SIGKILL');
  return answer;
}

await new WorkerHost().run({
  address: config.temporal.address,
  namespace: config.temporal.namespace,
  taskQueue: config.temporal.taskQueue,
  cachedWorkflowsMax: 50,
  logLevel: 'ERROR',
  workflows: { workflowBundle: { codePath: fromSetup('TEST_WORKFLOW_BUNDLE') } },
  activities: createBulkActivities({ bulkPages: { run }, schedules: app.get(SchedulesService) }),
  payloadCodecs: app.get(PAYLOAD_CODECS),
});
