import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { Connection } from '@temporalio/client';
import { AppModule } from '../../src/app.module.js';
import { DeliveriesService } from '../../src/modules/deliveries/index.js';
import { readConfig } from '../../src/platform/config/config.js';
import { Database } from '../../src/platform/database/database.js';
import { migrate } from '../../src/platform/database/migrate.js';
import { configureHttp } from '../../src/platform/http/configure-http.js';
import { createHttpAdapter } from '../../src/platform/http/http-adapter.js';
import type { ClosableConnection } from '../../src/platform/temporal/connection.js';
import { CONNECTION } from '../../src/platform/temporal/temporal.module.js';

/** Nobody listens there. The defaults may be the servers of a developer's own `npm start`, which no spec may touch. */
const NO_SERVERS = { TEMPORAL_ADDRESS: '127.0.0.1:9', SMTP_URL: 'smtp://127.0.0.1:9' };

/** More than a busy machine needs between a claim and the first byte of its message. */
const PATIENCE_MS = 10_000;

/**
 * The whole API on an empty database, without a listening socket: use `app.inject`.
 *
 * @param settings environment variables that this app reads otherwise than the test run does
 * @param isHurried whether a message that leaves late is claimed anew after half a second, as in production: on a busy
 *   machine that happens to any message, so only specs about lateness ask for it
 */
export async function createTestApp(
  settings: Readonly<Record<string, string>> = {},
  { isHurried = false } = {},
): Promise<NestFastifyApplication> {
  const config = readConfig({ ...process.env, LOG_LEVEL: 'fatal', ...NO_SERVERS, ...settings });
  await migrate(config.database.url);
  const building = Test.createTestingModule({ imports: [AppModule.register(config)] });
  if (config.temporal.address === NO_SERVERS.TEMPORAL_ADDRESS) building.overrideProvider(CONNECTION).useValue(nobody());
  const module = await building.compile();
  const adapter = createHttpAdapter(config.http);
  const app = module.createNestApplication<NestFastifyApplication>(adapter, { bodyParser: false, logger: ['error'] });
  await emptyTables(app.get(Database));
  if (!isHurried) bePatient(app.get(DeliveriesService));
  configureHttp(app);
  await app.init();
  await app.getHttpAdapter().getInstance().ready();
  return app;
}

/** Fails at once. The product would ask again and again for some seconds, at every start of a run and at its end. */
function nobody(): ClosableConnection {
  const connection = Connection.lazy({ address: NO_SERVERS.TEMPORAL_ADDRESS, connectTimeout: 100, interceptors: [] });
  return { connection, close: () => connection.close() };
}

function bePatient(deliveries: DeliveriesService): void {
  const send = deliveries.send.bind(deliveries);
  deliveries.send = (line, claimed, message, startWithinMs) =>
    send(line, claimed, message, startWithinMs + PATIENCE_MS);
}

/** Leaves the schema, the list of migrations and the one row of controls. */
async function emptyTables(database: Database): Promise<void> {
  const tables = await database.query<{ name: string }>({
    text: `select relname as name from pg_class
      where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition
        and relname not in ('mikro_orm_migrations', 'controls')`,
  });
  await database.query({ text: `truncate ${tables.map(({ name }) => `"${name}"`).join(', ')} cascade` });
  await database.query({ text: 'update controls set is_kill_switch_on = false, version = 1, changed_by = null' });
}
