// npm run bench:decisions: POST /api/decisions/next-best-action over a company of 1 million users and 10 million contacts,
// beside a hand-written handler that reads a row and inserts one. Figures of one machine, on which the load generator,
// the servers and PostgreSQL share the processors; the ratios are what counts (architecture: Performance).
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { freePort } from '../../tools/ports.mjs';
import { startPostgres } from '../../tools/postgres.mjs';
import { fill, userIdOf } from './decisions-data.mjs';
import { checkPlans, sequentialScans } from './decisions-plans.mjs';
import { definitions } from './decisions-definitions.mjs';
import { cpuSecondsOf, cpuSecondsOfAll, watchMachine } from './machine.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const KEY = 'benchmark-key-0123456789abcdef0123456789abcdef';
const SECRET = Buffer.alloc(32, 7).toString('base64');
const SETTINGS = { shared_buffers: '4GB', max_wal_size: '8GB', checkpoint_timeout: '15min', max_connections: 100 };
/** Until then code is still being compiled. */
const WARM_UP_REQUESTS = 8_000;
const REACH = { p99: 25, peak: 1_500, cpu: 3 };

const { values: options } = parseArgs({
  options: {
    users: { type: 'string', default: '1000000' },
    rate: { type: 'string', default: '500' },
    seconds: { type: 'string', default: '20' },
    pool: { type: 'string', default: '10' },
    only: { type: 'string', default: 'floor,local,key' },
    callers: { type: 'string', default: '4,8,16,32,64,128' },
    dist: { type: 'string', default: 'dist' },
    'cpu-profile': { type: 'string' },
  },
});
const users = Number(options.users);
const load = { rate: Number(options.rate), seconds: Number(options.seconds) };
const fromDist = (file) => import(pathToFileURL(path.join(root, options.dist, 'src', file)).href);
const say = (text) => console.log(text);

async function main() {
  const dataDir = path.join(root, '.cache', 'benchmark', `decisions-${users}`);
  const postgres = await startPostgres({ dataDir, settings: SETTINGS });
  const url = postgres.url('benchmark');
  try {
    await prepare(postgres, url);
    const settings = settingsOf(url);
    await withApi(settings.local, (api) => definitions(`http://127.0.0.1:${api.port}`));
    await checkPlans({ url, fromDist, userIdOf, users, say });
    await reset(url);
    const recordBytes = await recordBytesOf(url, settings.local);
    const warmMib = await warm(url);
    say(
      `${warmMib} MiB in memory; records of ${recordBytes} bytes; ${os.cpus().length} processors; node ${process.version}; pool of ${options.pool}`,
    );
    const rows = [];
    const refuseScans = await watchScans(url);
    for (const name of options.only.split(',')) {
      rows.push(await measure({ name, url, settings, recordBytes, postgres }));
    }
    await refuseScans();
    report(rows);
  } finally {
    await postgres.stop();
  }
}

async function prepare(postgres, url) {
  const admin = await connected(postgres.url());
  const { rowCount } = await admin.query(`select from pg_database where datname = 'benchmark'`);
  if (rowCount === 0) await admin.query('create database benchmark');
  await admin.end();
  const { migrate } = await fromDist('platform/database/migrate.js');
  await migrate(url);
  const client = await connected(url);
  await client.query('create table if not exists benchmark_filled (at timestamptz not null)');
  const { rows } = await client.query('select at from benchmark_filled');
  if (rows.length === 0) {
    say(`filling the database with ${users} users and ${users * 10} contacts: this takes minutes`);
    await fill(client, users, say);
    await client.query('insert into benchmark_filled values (now())');
    await client.query('create table floor_records (id uuid primary key default uuidv7(), user_id uuid, record text)');
  }
  await client.end();
}

/** Each run begins with the same tables: what an earlier one wrote is gone. */
async function reset(url) {
  const client = await connected(url);
  await client.query('truncate decisions, floor_records');
  await client.query('vacuum analyze contact_state');
  await client.query('checkpoint');
  await client.end();
}

/** A company that has run for a while has its tables in memory; a server that was just started reads them from disk. */
async function warm(url) {
  const client = await connected(url);
  await client.query('create extension if not exists pg_prewarm');
  const { rows } = await client.query(
    `select sum(pg_prewarm(oid::regclass)) * 8 / 1024 as mib from pg_class
      where relkind in ('r', 'i') and relnamespace = 'public'::regnamespace`,
  );
  await client.end();
  return Number(rows[0].mib);
}

/** What no plan shows beforehand: whether any statement of the run read a big table from end to end. */
async function watchScans(url) {
  const client = await connected(url);
  const before = await sequentialScans(client);
  return async () => {
    const after = await sequentialScans(client);
    await client.end();
    const isScanned = ([name, { isBig, scans }]) => isBig && scans > (before.get(name)?.scans ?? 0);
    const scanned = [...after].filter(isScanned).map(([name]) => name);
    if (scanned.length > 0) throw new Error(`read from end to end: ${scanned.join(', ')}`);
  };
}

async function connected(url) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return client;
}

/** One machine without keys, its log switched off; and production as it is run, with an API key and a log line each. */
function settingsOf(url) {
  const common = {
    PATH: process.env.PATH,
    DATABASE_URL: url,
    DATABASE_POOL_MAX: options.pool,
    SECRET_KEY: SECRET,
    OUTBOX_POLL_MS: '60000',
    TEMPORAL_ADDRESS: '127.0.0.1:9',
    SMTP_URL: 'smtp://127.0.0.1:9',
  };
  return {
    local: { ...common, LOG_LEVEL: 'error' },
    key: {
      ...common,
      NODE_ENV: 'production',
      BOOTSTRAP_API_KEY: KEY,
      PUBLIC_URL: 'https://tactful.example.com',
      EMAIL_FROM: 'Benchmark <hello@example.com>',
      COMPANY_NAME: 'Benchmark',
      COMPANY_ADDRESS: '1 Example Street',
    },
  };
}

async function recordBytesOf(url, settings) {
  await withApi(settings, async ({ port }) => {
    for (let n = 1; n <= 200; n += 1) await ask(port, userIdOf(1 + ((n * 7_919) % users)));
  });
  const client = await connected(url);
  const { rows } = await client.query('select avg(octet_length(record))::int as bytes from decisions');
  await client.end();
  return rows[0].bytes;
}

async function ask(port, userId) {
  const response = await fetch(`http://127.0.0.1:${port}/api/decisions/next-best-action`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ user_id: userId }),
  });
  if (response.status !== 201) throw new Error(`${response.status} ${await response.text()}`);
  return response.json();
}

async function measure({ name, url, settings, recordBytes, postgres }) {
  const target = { users, seed: 7, path: '/api/decisions/next-best-action' };
  if (name === 'floor') {
    const floor = fork(path.join(root, 'test/benchmark/decisions-floor.mjs'), [
      JSON.stringify({ url, poolMax: Number(options.pool), recordBytes }),
    ]);
    const [{ port }] = await once(floor, 'message');
    const figures = await press(
      { ...target, port, path: '/decide' },
      { server: floor.pid, postgres: postgres.child.pid },
    );
    floor.disconnect();
    await once(floor, 'exit');
    return { name, ...figures };
  }
  const headers = name === 'key' ? { authorization: `Bearer ${KEY}` } : {};
  return withApi(settings[name], async ({ port, pid }) => {
    const figures = await press({ ...target, headers, port }, { server: pid, postgres: postgres.child.pid });
    return { name, ...figures };
  });
}

/** Warm-up, the fixed rate, then more and more callers until it gets no faster. */
async function press(target, processes) {
  const generator = fork(path.join(root, 'test/benchmark/decisions-load.mjs'));
  const run = async (job) => {
    generator.send({ ...target, ...job });
    const [figures] = await once(generator, 'message');
    if (figures.failed > 0) throw new Error(`refused: ${JSON.stringify(figures.statuses)}`);
    return figures;
  };
  await run({ kind: 'closed', connections: 16, requests: WARM_UP_REQUESTS });
  const [before, machine] = [cpu(processes), watchMachine()];
  const steady = await run({ kind: 'atRate', connections: 64, ...load });
  say(`  ${load.rate}/s: ${machine()}`);
  const steadyCpu = perRequest(before, cpu(processes), steady.answered);
  let peak = null;
  for (const connections of options.callers.split(',').map(Number)) {
    const start = cpu(processes);
    const figures = await run({ kind: 'closed', connections, seconds: Math.min(10, load.seconds) });
    const perSecond = figures.answered / figures.seconds;
    const spent = perRequest(start, cpu(processes), figures.answered);
    say(`  ${connections} callers: ${perSecond.toFixed(0)}/s, p99 ${figures.p99.toFixed(1)} ms, CPU ${show(spent)}`);
    if (peak === null || perSecond > peak.perSecond) peak = { perSecond, connections, cpu: spent };
  }
  generator.disconnect();
  return { steady, steadyCpu, peak };
}

const show = ({ server, postgres }) => `${server.toFixed(2)} + ${postgres.toFixed(2)} ms`;

/** CPU seconds so far, of the server and of PostgreSQL with everything that it started. */
const cpu = ({ server, postgres }) => ({ server: cpuSecondsOf(server), postgres: cpuSecondsOfAll(postgres) });

function perRequest(before, after, requests) {
  const each = (name) => ((after[name] - before[name]) * 1_000) / requests;
  return { server: each('server'), postgres: each('postgres') };
}

async function withApi(environment, work) {
  const port = await freePort();
  const profile = options['cpu-profile'];
  const flags = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`];
  const child = spawn(process.execPath, [...flags, path.join(root, options.dist, 'src/main.js')], {
    env: { ...environment, PORT: String(port) },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  try {
    await untilReady(port, child);
    return await work({ port, pid: child.pid });
  } finally {
    child.kill('SIGTERM');
    if (child.exitCode === null) await once(child, 'exit');
  }
}

async function untilReady(port, child) {
  while (child.exitCode === null) {
    const isUp = await fetch(`http://127.0.0.1:${port}/health`).then(
      () => true,
      () => false,
    );
    if (isUp) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`the API ended with ${child.exitCode} before it was ready`);
}

function report(rows) {
  print([
    '',
    `p50 at ${load.rate}/s`,
    'p95',
    'p99',
    'peak/s',
    'callers',
    'CPU server',
    'CPU PostgreSQL',
    'sum',
    'x floor',
  ]);
  const floor = rows.find(({ name }) => name === 'floor');
  const sumOf = ({ steadyCpu }) => steadyCpu.server + steadyCpu.postgres;
  for (const row of rows) {
    const { steady, steadyCpu, peak } = row;
    const ratio = floor === undefined ? '' : (sumOf(row) / sumOf(floor)).toFixed(2);
    const times = [steady.p50, steady.p95, steady.p99].map((ms) => `${ms.toFixed(1)} ms`);
    const cpus = [steadyCpu.server, steadyCpu.postgres, sumOf(row)].map((ms) => `${ms.toFixed(2)} ms`);
    print([row.name, ...times, peak.perSecond.toFixed(0), String(peak.connections), ...cpus, ratio]);
  }
  say('latency counts from the instant at which a request was due; CPU is per request, at the fixed rate;');
  say(`reach: p99 < ${REACH.p99} ms at 500/s, peak >= ${REACH.peak}/s, at most ${REACH.cpu} x the floor's CPU.`);
}

function print([title, ...cells]) {
  say(title.padEnd(8) + cells.map((cell) => cell.padStart(16)).join(''));
}

await main();
