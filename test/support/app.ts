import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { AppModule } from '../../src/app.module.js';
import { readConfig } from '../../src/platform/config/config.js';
import { Database } from '../../src/platform/database/database.js';
import { migrate } from '../../src/platform/database/migrate.js';
import { configureHttp } from '../../src/platform/http/configure-http.js';
import { createHttpAdapter } from '../../src/platform/http/http-adapter.js';

/** Nobody listens there. The defaults may be the servers of a developer's own `npm start`, which no spec may touch. */
const NO_SERVERS = { TEMPORAL_ADDRESS: '127.0.0.1:9', SMTP_URL: 'smtp://127.0.0.1:9' };

/**
 * The whole API on an empty database, without a listening socket: use `app.inject`.
 *
 * @param settings environment variables that this app reads otherwise than the test run does
 */
export async function createTestApp(settings: Readonly<Record<string, string>> = {}): Promise<NestFastifyApplication> {
  const config = readConfig({ ...process.env, LOG_LEVEL: 'fatal', ...NO_SERVERS, ...settings });
  await migrate(config.database.url);
  const module = await Test.createTestingModule({ imports: [AppModule.register(config)] }).compile();
  const adapter = createHttpAdapter(config.http);
  const app = module.createNestApplication<NestFastifyApplication>(adapter, { bodyParser: false, logger: ['error'] });
  await emptyTables(app.get(Database));
  configureHttp(app);
  await app.init();
  await app.getHttpAdapter().getInstance().ready();
  return app;
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
