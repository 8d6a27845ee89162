import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { startPostgres } from '../../tools/postgres.mjs';

const SETTINGS = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', max_connections: 200 };

/**
 * One server for the whole run, however many projects ask; `worker-database.mjs` gives each Jest worker its own database
 * in it. The folder is this run's own: a second run beside it must not pull the files from under the first.
 */
export default async function () {
  if (globalThis.postgresOfTests !== undefined || process.env.TEST_POSTGRES_FAILURE !== undefined) return;
  try {
    const folder = mkdtempSync(path.join(tmpdir(), 'tactful-postgres-'));
    globalThis.postgresOfTests = { folder, server: await startPostgres({ dataDir: folder, settings: SETTINGS }) };
    const url = globalThis.postgresOfTests.server.url();
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query('create database template_for_tests');
    await client.end();
    process.env.TEST_POSTGRES_URL = url;
  } catch (error) {
    // Thrown here, it would end the whole run, unit specs included: let the specs that need the server fail instead.
    process.env.TEST_POSTGRES_FAILURE = error.message;
  }
}
