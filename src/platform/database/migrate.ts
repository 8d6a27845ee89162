import { Migrator } from '@mikro-orm/migrations';
import { MikroORM } from '@mikro-orm/postgresql';
import pg from 'pg';
import { migrations } from './migrations/index.js';

/** Any fixed number: whoever holds it migrates, everybody else waits. */
const MIGRATION_LOCK = 7_246_301;

/**
 * Brings the schema of the database at `url` up to date. Any number of processes may call it at once: one migrates, the
 * others wait and find nothing left to do.
 *
 * @throws the database's error, with nothing half-applied: each migration is one transaction
 */
export async function migrate(url: string): Promise<void> {
  const lock = new pg.Client({ connectionString: url });
  await lock.connect();
  try {
    await lock.query('select pg_advisory_lock($1)', [MIGRATION_LOCK]);
    const orm = await MikroORM.init({
      clientUrl: url,
      entities: [],
      discovery: { warnWhenNoEntities: false },
      extensions: [Migrator],
      migrations: { migrationsList: migrations, snapshot: false, silent: true },
      timezone: 'UTC',
    });
    try {
      await orm.migrator.up();
    } finally {
      await orm.close(true);
    }
  } finally {
    await lock.end();
  }
}
