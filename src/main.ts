import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { AppModule } from './app.module.js';
import { LegalOverlays } from './modules/policies/index.js';
import { verifySuppressionKey } from './platform/address/suppression-key.js';
import { readConfig } from './platform/config/config.js';
import { migrate } from './platform/database/migrate.js';
import { PartitionKeeper } from './platform/database/partition-keeper.js';
import { configureHttp } from './platform/http/configure-http.js';
import { createHttpAdapter } from './platform/http/http-adapter.js';
import { Log } from './platform/observability/log.js';
import { exitWithParent } from './platform/process/exit-with-parent.js';

const config = readConfig();
await migrate(config.database.url);
await verifySuppressionKey(config);
const adapter = createHttpAdapter(config.http);
const app = await NestFactory.create<NestFastifyApplication>(AppModule.register(config), adapter, {
  bodyParser: false,
  bufferLogs: true,
});
const log = app.get(Log);
app.useLogger(log);
configureHttp(app);
app.enableShutdownHooks(undefined, { useProcessExit: true });
exitWithParent(config.isSupervised, () => process.kill(process.pid, 'SIGTERM'));
await app.get(PartitionKeeper).start();
await app.get(LegalOverlays).install();
await app.listen(config.http.port, config.http.host);
log.info('api ready', { url: await app.getUrl() });
