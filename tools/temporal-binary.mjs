// Finds the Temporal server, or builds it with Go: from PATH, else from the project's cache, else from source.
// Only Node's own modules here, and nothing newer than Node 20: this runs beside `npm ci`.
//
// There is no download of the official binary: its checksums are not published where this project could have verified
// them, and a binary that nobody verified is not run. The Go module proxy verifies every module against go.sum.
import { execFile, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const POLL_MS = 500;
const LINE_EVERY_MS = 15_000;
const LOG_TAIL_LINES = 15;
/** First server that can skip time for one workflow, on which virtual runs rest. */
const SERVER_MIN = [1, 32];
const goModule = fileURLToPath(new URL('./temporal/', import.meta.url));

/**
 * The path of a Temporal CLI with its server. Builds it at most once per content of go.mod, however many processes ask.
 *
 * @throws Error that says what to do, if there is none and it cannot be built
 */
export async function findTemporal() {
  const onPath = await suitableOnPath();
  if (onPath !== undefined) return onPath;
  const folder = cacheFolder();
  const binary = path.join(folder, 'temporal');
  while (!existsSync(binary)) {
    if ((await output('go', ['version'])) === '') throw noServer('Go is not installed');
    mkdirSync(folder, { recursive: true });
    if (tryLock(folder)) await build(folder, binary);
    else await awaitOther(folder);
  }
  return binary;
}

/** Outside the checkout, so that `git clean` and a second clone keep it. */
function cacheFolder() {
  const version = createHash('sha256')
    .update(readFileSync(path.join(goModule, 'go.mod')))
    .digest('hex')
    .slice(0, 16);
  const caches = process.env.XDG_CACHE_HOME || path.join(homedir(), '.cache');
  return path.join(caches, 'tactful', 'temporal', version);
}

async function suitableOnPath() {
  for (const folder of (process.env.PATH ?? '').split(path.delimiter)) {
    const binary = path.join(folder, 'temporal');
    if (folder === '' || !existsSync(binary)) continue;
    const text = await output(binary, ['--version']);
    const server = /Server (\d+)\.(\d+)/.exec(text)?.slice(1).map(Number);
    if (server !== undefined && compare(server, SERVER_MIN) >= 0) return binary;
    console.error(`${binary} is not used: its server is older than ${SERVER_MIN.join('.')} (${text.trim()})`);
  }
  return undefined;
}

function output(file, argv) {
  return new Promise((resolve) => execFile(file, argv, (_error, stdout, stderr) => resolve(`${stdout}${stderr}`)));
}

function compare(left, right) {
  return left[0] - right[0] || left[1] - right[1];
}

function tryLock(folder) {
  const lock = path.join(folder, 'build.lock');
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' });
    return true;
  } catch {
    // The holder was killed: its lock would stand for ever.
    if (holderOf(folder) === undefined) rmSync(lock, { force: true });
    return false;
  }
}

function holderOf(folder) {
  try {
    const pid = Number(readFileSync(path.join(folder, 'build.lock'), 'utf8'));
    process.kill(pid, 0);
    return pid;
  } catch (error) {
    return error.code === 'EPERM' ? -1 : undefined;
  }
}

async function awaitOther(folder) {
  const stopShowing = showProgress(folder, 'another process builds the Temporal server');
  while (holderOf(folder) !== undefined) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  stopShowing();
}

async function build(folder, binary) {
  const log = openSync(path.join(folder, 'build.log'), 'w');
  const stopShowing = showProgress(folder, 'building the Temporal server with Go, once; this takes some minutes');
  const flags = ['-v', '-trimpath', '-tags', 'disable_grpc_modules', '-ldflags', '-s -w', '-o', `${binary}.partial`];
  const [file, ...argv] = endingWithUs(['go', 'build', ...flags, 'github.com/temporalio/cli/cmd/temporal']);
  const go = spawn(file, argv, {
    cwd: goModule,
    stdio: ['ignore', log, log],
    env: { ...process.env, CGO_ENABLED: '0' },
  });
  const kill = () => go.kill();
  process.once('exit', kill);
  try {
    const failure = await new Promise((resolve) => {
      go.once('error', (error) => resolve(error.message));
      go.once('exit', (code) => resolve(code === 0 ? undefined : `go build ended with ${code}:\n${tail(folder)}`));
    });
    if (failure !== undefined) throw noServer(failure);
    renameSync(`${binary}.partial`, binary); // a build that was cut off must not look finished
  } finally {
    process.off('exit', kill);
    stopShowing();
    closeSync(log);
    rmSync(path.join(folder, 'build.lock'), { force: true });
  }
}

function noServer(why) {
  const advice = `put temporal (server >= ${SERVER_MIN.join('.')}) on PATH, install Go >= 1.26.8, or set TEMPORAL_ADDRESS`;
  return new Error(`no Temporal server: ${why}\n${advice}`);
}

/** The command, so that the kernel ends it when this process is killed, where the system can. */
export function endingWithUs(command, signal = 'SIGTERM') {
  const hasSetpriv = spawnSync('setpriv', ['--pdeathsig', signal, 'true']).status === 0;
  return hasSetpriv ? ['setpriv', '--pdeathsig', signal, ...command] : command;
}

/** One line that changes on a terminal; elsewhere a new line now and then. */
function showProgress(folder, title) {
  const start = Date.now();
  const isTerminal = process.stderr.isTTY === true;
  console.error(title);
  const show = () => {
    const text = `  ${Math.round((Date.now() - start) / 1000)} s, ${counts(folder)}`;
    process.stderr.write(isTerminal ? `\r\x1b[K${text}` : `${text}\n`);
  };
  const timer = setInterval(show, isTerminal ? POLL_MS : LINE_EVERY_MS);
  return () => {
    clearInterval(timer);
    show();
    if (isTerminal) process.stderr.write('\n');
  };
}

function counts(folder) {
  const lines = logLines(folder);
  const downloaded = lines.filter((line) => line.startsWith('go: downloading')).length;
  return `${downloaded} modules downloaded, ${lines.length - downloaded} packages compiled`;
}

function tail(folder) {
  return logLines(folder).slice(-LOG_TAIL_LINES).join('\n');
}

function logLines(folder) {
  try {
    return readFileSync(path.join(folder, 'build.log'), 'utf8').split('\n').filter(Boolean);
  } catch {
    return [];
  }
}
