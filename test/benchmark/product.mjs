// The whole product as it is run: PostgreSQL, Temporal, API and worker in processes of their own, each of which can be
// killed and comes back.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { freePort } from '../../tools/ports.mjs';
import { startPostgres } from '../../tools/postgres.mjs';
import { startTemporal } from '../../tools/temporal.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const POLL_MS = 50;
const AGAIN_AFTER_MS = 500;
const END_MS_MAX = 20_000;

export const rest = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * @param folder where its data goes
 * @param dist what `npm run build` made
 * @param settings environment variables of API and worker, beside those that tie them together
 * @param postgres settings of postgresql.conf
 */
export async function startProduct({ folder, dist = 'dist', settings = {}, postgres: postgresSettings = {} }) {
  mkdirSync(folder, { recursive: true });
  const dataDir = path.join(folder, 'postgres');
  let postgres = await startPostgres({ dataDir, settings: postgresSettings });
  const pool = new pg.Pool({ connectionString: postgres.url('tactful'), max: 2 });
  // Idle connections are cut when the server ends; a query that fails says so itself.
  pool.on('error', () => undefined);
  const parts = {};
  try {
    await createDatabase(postgres.url());
    const [port, healthPort, temporalPort] = [await freePort(), await freePort(), await freePort()];
    const environment = {
      PATH: process.env.PATH,
      TZ: 'UTC',
      LOG_LEVEL: 'error',
      DATABASE_URL: postgres.url('tactful'),
      TEMPORAL_ADDRESS: `127.0.0.1:${temporalPort}`,
      PORT: String(port),
      WORKER_HEALTH_PORT: String(healthPort),
      SECRET_KEY: Buffer.alloc(32, 7).toString('base64'),
      TACTFUL_SUPERVISED: '1',
      ...settings,
    };
    const url = `http://127.0.0.1:${port}`;
    const host = (entry, healthUrl) => () =>
      startHost({ file: path.join(root, dist, 'src', entry), environment, healthUrl });
    parts.temporal = part(async () => {
      const { child } = await startTemporal({ dbFile: path.join(folder, 'temporal.db'), port: temporalPort });
      return child;
    });
    parts.api = part(host('main.js', `${url}/api/health`));
    parts.worker = part(host('worker.js', `http://127.0.0.1:${healthPort}/`));
    // The API migrates the database: the worker must not meet the old tables.
    for (const name of ['temporal', 'api', 'worker']) await parts[name].up();
    return {
      ...parts,
      url,
      temporalAddress: environment.TEMPORAL_ADDRESS,
      databaseUrl: environment.DATABASE_URL,
      get postgresPid() {
        return postgres.child.pid;
      },
      /** Without a warning; resolves when it is there again, on the same port. */
      async killPostgres() {
        const exit = once(postgres.child, 'exit');
        postgres.child.kill('SIGKILL');
        await exit;
        for (let isUp = false; !isUp;) {
          try {
            postgres = await startPostgres({ dataDir, port: postgres.port, settings: postgresSettings });
            isUp = true;
          } catch {
            // Its children hold on to the memory for a moment.
            await rest(AGAIN_AFTER_MS);
          }
        }
      },
      query: async (text, ...values) => (await pool.query(text, values)).rows,
      call: (method, route, body) => call(method, url + route, body),
      stop: () => stop(parts, pool, () => postgres.stop()),
    };
  } catch (error) {
    await stop(parts, pool, () => postgres.stop());
    throw error;
  }
}

async function stop(parts, pool, stopPostgres) {
  for (const name of ['worker', 'api', 'temporal']) await parts[name]?.stop();
  await pool.end();
  await stopPostgres();
}

async function createDatabase(url) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rowCount } = await client.query(`select from pg_database where datname = 'tactful'`);
  if (rowCount === 0) await client.query('create database tactful');
  await client.end();
}

/** One process that is wanted: where it ends by itself, or does not come up, it is started again. */
function part(start) {
  let isWanted = false;
  let child = null;
  let coming = null;
  let endedByItself = 0;

  async function bringUp() {
    while (isWanted) {
      try {
        child = await start();
        const mine = child;
        mine.once('exit', () => {
          if (child !== mine) return;
          child = null;
          if (!isWanted) return;
          endedByItself += 1;
          void up();
        });
        if (mine.exitCode === null && mine.signalCode === null) return;
      } catch {
        // What it needs is down itself, or it was killed on its way.
      }
      await rest(AGAIN_AFTER_MS);
    }
  }
  function up() {
    isWanted = true;
    coming ??= bringUp().finally(() => (coming = null));
    return coming;
  }
  async function end(signal) {
    isWanted = false;
    await coming;
    const mine = child;
    child = null;
    if (mine === null || mine.exitCode !== null || mine.signalCode !== null) return;
    mine.ref();
    const timer = setTimeout(() => mine.kill('SIGKILL'), END_MS_MAX);
    const exit = once(mine, 'exit');
    mine.kill(signal);
    await exit;
    clearTimeout(timer);
  }
  return {
    get pid() {
      return child?.pid;
    },
    get endedByItself() {
      return endedByItself;
    },
    up,
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
  };
}

async function startHost({ file, environment, healthUrl }) {
  const child = spawn(process.execPath, ['--enable-source-maps', file], {
    env: environment,
    // They end when their input does: with us, however we end.
    stdio: ['pipe', 'ignore', process.env.PRODUCT_LOG === undefined ? 'ignore' : 'inherit'],
  });
  child.stdin.on('error', () => undefined);
  while (child.exitCode === null && child.signalCode === null) {
    if (await answers(healthUrl)) return child;
    await rest(POLL_MS);
  }
  throw new Error(`${path.basename(file)} ended with ${child.exitCode ?? child.signalCode} before it was ready`);
}

async function answers(url) {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2_000), headers: { connection: 'close' } });
    await response.body?.cancel();
    return response.status < 500;
  } catch {
    return false;
  }
}

/** @throws Error with `status` set, where there was an answer */
async function call(method, url, body) {
  const response = await fetch(url, {
    method,
    signal: AbortSignal.timeout(30_000),
    ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (response.status >= 300) {
    throw Object.assign(new Error(`${method} ${url}: ${response.status} ${text}`), { status: response.status });
  }
  return text === '' ? undefined : JSON.parse(text);
}

/** Does `work` for each, so many at once. */
export async function forEach(items, atOnce, work) {
  const left = [...items];
  const workUntilNoneIsLeft = async () => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: atOnce }, workUntilNoneIsLeft));
}

const BATCH = 500;

/** Users `u0`, `u1` … who may be written to, with these attributes each. */
export async function createUsers({ call }, count, attributesOf = () => ({})) {
  for (let first = 0; first < count; first += BATCH) {
    const numbers = Array.from({ length: Math.min(BATCH, count - first) }, (_, n) => first + n);
    await call('POST', '/api/users/batch', {
      users: numbers.map((n) => ({
        external_id: `u${n}`,
        email: `u${n}@example.org`,
        attributes: attributesOf(n),
      })),
    });
    await call('POST', '/api/consents/batch', {
      consents: numbers.map((n) => ({ user_id: `ext:u${n}`, channel: 'email', status: 'granted', source: 'trial' })),
    });
  }
}

/** Messages of these keys, each with its key as subject. */
export async function createTemplates({ call }, keys) {
  for (const key of keys) {
    await call('POST', '/api/message-templates', {
      key,
      channel: 'email',
      purpose: 'marketing',
      subject: key,
      html: `<p>${key} <a href="{{ unsubscribe_url }}">unsubscribe</a> {{ company.address }}</p>`,
      text: `${key} {{ unsubscribe_url }} {{ company.address }}`,
    });
  }
}

export async function publish({ call }, definition) {
  await call('POST', '/api/journeys/templates', { name: definition.key, ...definition });
  await call('POST', `/api/journeys/templates/${definition.key}/publish`, {});
}
