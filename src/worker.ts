import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { createActivities, createSinks } from '../activities/index.js';
import { activityServices } from './activity-services.js';
import { AppModule } from './app.module.js';
import { ReplayKeeper } from './modules/dead-letters/index.js';
import { DeliverySettler } from './modules/deliveries/index.js';
import { RunReporter } from './modules/journeys/index.js';
import { PayloadKeysKeeper } from './modules/payload-keys/index.js';
import { verifySuppressionKey } from './platform/address/suppression-key.js';
import { readConfig, type Config } from './platform/config/config.js';
import { PartitionKeeper } from './platform/database/partition-keeper.js';
import { Log } from './platform/observability/log.js';
import { Metrics } from './platform/observability/metrics.js';
import { exitWithParent } from './platform/process/exit-with-parent.js';
import { PAYLOAD_CODECS } from './platform/temporal/sealing.codec.js';
import { WorkerHost, type WorkerHostOptions } from './platform/temporal/worker-host.js';

const config = readConfig();
// The API has migrated the database before.
await verifySuppressionKey(config);

/** The SDK knows fewer levels; what is too much, `Log` leaves out. */
const SDK_LOG_LEVELS: Readonly<Record<Config['logLevel'], NonNullable<WorkerHostOptions['logLevel']>>> = {
  silent: 'ERROR',
  fatal: 'ERROR',
  error: 'ERROR',
  warn: 'WARN',
  info: 'INFO',
  debug: 'DEBUG',
  trace: 'DEBUG',
};

@Module({ imports: [AppModule.register(config)], providers: [WorkerHost] })
class WorkerModule {}

const app = await NestFactory.createApplicationContext(WorkerModule, { bufferLogs: true });
app.useLogger(app.get(Log));
app.enableShutdownHooks(undefined, { useProcessExit: true });
const host = app.get(WorkerHost);

exitWithParent(config.isSupervised, () => process.kill(process.pid, 'SIGTERM'));

const metrics = app.get(Metrics);
const health = createServer((request, response) => {
  if (request.url !== '/metrics') {
    response.writeHead(host.isRunning ? 200 : 503).end();
    return;
  }
  void metrics.render().then(({ contentType, text }) => {
    response.writeHead(200, { 'content-type': contentType }).end(text);
  });
});
health.listen(config.worker.healthPort, config.http.host);
health.unref();

await app.get(PartitionKeeper).start();
app.get(DeliverySettler).start();
app.get(ReplayKeeper).start();
app.get(PayloadKeysKeeper).start();

const reporter = app.get(RunReporter);
const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));
await host.run({
  address: config.temporal.address,
  namespace: config.temporal.namespace,
  taskQueue: config.temporal.taskQueue,
  cachedWorkflowsMax: config.worker.cachedWorkflowsMax,
  logLevel: SDK_LOG_LEVELS[config.logLevel],
  // Bundling at start costs seconds: use the bundle that `npm run build` left (`npm run dev` leaves none).
  workflows: existsSync(path('../workflows.bundle.js'))
    ? { workflowBundle: { codePath: path('../workflows.bundle.js') } }
    : { workflowsPath: path('../workflows/index.js') },
  activities: createActivities(activityServices(app)),
  sinks: createSinks({ reporter }),
  payloadCodecs: app.get(PAYLOAD_CODECS),
});
