// `npm start`: PostgreSQL, Temporal, mail server, API and worker on this machine, ended together. `npm run dev`: the same,
// rebuilt and restarted when a source file changes.
import { spawn } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { localAddress } from './dev/address.ts';
import { STAGE, createChildren } from './dev/children.mjs';
import { createHost } from './dev/host.mjs';
import { lockDataFolder } from './dev/lock.mjs';
import { printLines } from './dev/log-lines.mjs';
import { table } from './dev/table.mjs';
import { isPortFree } from './ports.mjs';
import { startPostgres } from './postgres.mjs';
import { addSearchAttributes, startTemporal } from './temporal.mjs';

const QUIET_MS = 200;
const END_MS_MAX = 55_000;
/** npm passes on the Ctrl-C that the terminal has sent us already: the second within this time is the first again. */
const SAME_SIGNAL_MS = 700;
const PARENT_POLL_MS = 500;

const startedAt = performance.now();
const root = fileURLToPath(new URL('..', import.meta.url));
process.chdir(root);
const isWatching = process.argv.includes('--watch');

let children;
let unlock = () => {};
let mailbox;
let hosts = [];
let areHostsUp = false;
let stoppingSince;

// First of all: a signal during start must not leave a process behind.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, onSignal);
stopWithNpm();

try {
  await start();
} catch (error) {
  if (stoppingSince === undefined) await fail(error);
}

async function start() {
  const { readEnvironment } = await import('./dev/environment.mjs');
  const environment = readEnvironment(root);
  unlock = lockDataFolder(environment.dataDir);
  await refuseTakenPorts(environment.ports);
  children = createChildren();
  await Promise.all([
    step('PostgreSQL', () => bringPostgres(environment)),
    step('Temporal', () => bringTemporal(environment)),
    step('mail server', () => bringMailbox(environment)),
    step(isWatching ? 'first build' : 'build', isWatching ? watchSources : build),
  ]);
  hosts = describeHosts(environment);
  // The API migrates the database: the worker must not meet the old tables.
  for (const { name, host } of hosts) await step(name, () => host.start());
  areHostsUp = true;
  await step('examples', () => seed(environment));
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  const { config, own } = environment;
  if (stoppingSince === undefined) {
    console.log(table({ config, hasMailbox: own.mailbox, isOpen: config.auth.mode === 'none', seconds }));
  }
}

async function step(name, run) {
  const from = performance.now();
  const note = await run();
  if (stoppingSince !== undefined) return;
  console.log(`${name.padEnd(12)} ${note ?? 'ready'} (${((performance.now() - from) / 1000).toFixed(1)} s)`);
}

async function refuseTakenPorts(ports) {
  const taken = [];
  for (const entry of ports) if (entry.port !== 0 && !(await isPortFree(entry.port))) taken.push(entry);
  if (taken.length === 0) return;
  const lines = taken.map(
    ({ variable, port }) => `  port ${port} is taken: stop whoever listens there, or set ${variable} to another port`,
  );
  throw new Error(['cannot start:', ...lines].join('\n'));
}

async function bringPostgres({ own, values, dataDir, config }) {
  if (!own.postgres) return 'your own, from DATABASE_URL';
  const server = await startPostgres({
    dataDir: path.join(dataDir, 'postgres'),
    port: values.POSTGRES_PORT,
    isDetached: true,
    onSpawn: (child) => supervise(child, 'PostgreSQL', 'SIGINT'),
  });
  await createDatabase(server.url(), new URL(config.database.url).pathname.slice(1));
  return undefined;
}

async function bringTemporal({ own, values, dataDir, config }) {
  if (!own.temporal) {
    await addSearchAttributes(config.temporal);
    return 'your own, from TEMPORAL_ADDRESS';
  }
  await startTemporal({
    dbFile: path.join(dataDir, 'temporal.db'),
    port: values.TEMPORAL_PORT,
    uiPort: values.TEMPORAL_UI_PORT,
    isDetached: true,
    onSpawn: (child) => supervise(child, 'Temporal', 'SIGTERM'),
  });
  return undefined;
}

async function bringMailbox({ own, values, dataDir }) {
  if (!own.mailbox) return 'your own, from SMTP_URL';
  const { startMailbox } = await import('./mailbox/mailbox.ts');
  mailbox = await startMailbox({
    smtpPort: values.MAILBOX_SMTP_PORT,
    httpPort: values.MAILBOX_HTTP_PORT,
    dataDir: path.join(dataDir, 'mailbox'),
  });
  return undefined;
}

function supervise(child, name, signal) {
  if (stoppingSince !== undefined) return child.kill('SIGKILL');
  children.add(child, STAGE.server, signal);
  child.once('exit', (code) => {
    if (stoppingSince === undefined) void fail(new Error(`${name} ended by itself (${code})`));
  });
}

/** The shipped journeys, ready to be entered. Without them everything still works, so a refusal is only told. */
async function seed({ config }) {
  const apiKey = process.env.TACTFUL_API_KEY || config.auth.bootstrapApiKey || undefined; // an empty one counts as not set
  if (config.auth.mode === 'required' && apiKey === undefined) return 'left out: TACTFUL_API_KEY is not set';
  const { seedExamples } = await import('./seed.mjs');
  try {
    const seeded = await seedExamples({ baseUrl: localAddress(config.http.host, config.http.port), apiKey });
    return `journey ${seeded.map(({ journey }) => journey).join(', ')} ready`;
  } catch (error) {
    return `not seeded: ${error.message}`;
  }
}

async function createDatabase(url, name) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [name]);
  if (rowCount === 0) await client.query(`create database ${client.escapeIdentifier(name)}`);
  await client.end();
}

function build() {
  const child = spawn(process.execPath, ['tools/build.mjs', '--if-changed'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  children.add(child, STAGE.worker);
  printLines(child.stdout, 'build');
  printLines(child.stderr, 'build');
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => (code === 0 ? resolve() : reject(new Error('the build failed: see its lines above'))));
  });
}

// One compiler for both hosts (each `nest start --watch` would delete the dist of the other), and no `node --watch`:
// it sends messages of its own through worker threads, which the Temporal worker takes for its own and dies of.
function watchSources() {
  const child = spawn('nest', ['build', '--watch'], { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  children.add(child, STAGE.worker);
  printLines(child.stdout, 'build');
  printLines(child.stderr, 'build');
  let timer;
  let restarting = Promise.resolve();
  return new Promise((resolve, reject) => {
    child.once('exit', () => (stoppingSince === undefined ? reject(new Error('the compiler ended')) : resolve()));
    child.stderr.on('data', (text) => {
      if (!String(text).includes('Successfully compiled')) return; // SWC reports on stderr
      resolve();
      clearTimeout(timer);
      timer = setTimeout(() => (restarting = restarting.then(restartHosts)), QUIET_MS);
    });
  });
}

async function restartHosts() {
  if (stoppingSince !== undefined || !areHostsUp) return;
  for (const { host } of hosts.toReversed()) await host.stop();
  for (const entry of hosts) {
    await entry.host.start().catch((error) => console.log(error.message));
  }
}

function describeHosts({ hostEnv, config }) {
  const common = { env: hostEnv, children, onGiveUp: fail, restarts: !isWatching };
  const local = (port) => `${localAddress(config.http.host, port)}/api/health`;
  const [api, worker] = [
    createHost({
      ...common,
      name: 'api',
      entry: 'dist/src/main.js',
      healthUrl: local(config.http.port),
      stage: STAGE.api,
    }),
    createHost({
      ...common,
      name: 'worker',
      entry: 'dist/src/worker.js',
      healthUrl: local(config.worker.healthPort),
      stage: STAGE.worker,
    }),
  ];
  return [
    { name: 'API', host: api },
    { name: 'worker', host: worker },
  ];
}

function onSignal() {
  if (stoppingSince === undefined) {
    console.log('\nstopping; a second Ctrl-C kills');
    void stop(0);
  } else if (performance.now() - stoppingSince > SAME_SIGNAL_MS) {
    children?.killAll();
    unlock();
    process.exit(1);
  }
}

async function fail(error) {
  if (stoppingSince !== undefined) return;
  console.error(
    error.name === 'ConfigError' || error.message.startsWith('cannot start')
      ? error.message
      : `cannot go on: ${error.message}`,
  );
  await stop(1);
}

async function stop(code) {
  stoppingSince = performance.now();
  for (const { host } of hosts) host.release();
  // The worker drains first, then the API; the servers they use go last.
  await children?.endAll(END_MS_MAX);
  await mailbox?.stop();
  unlock();
  process.exit(code);
}

/** If npm is killed, nobody is left to stop us by Ctrl-C. */
function stopWithNpm() {
  const parent = process.ppid;
  if (process.env.npm_lifecycle_event === undefined) return;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    onSignal();
  }, PARENT_POLL_MS);
  timer.unref();
}
