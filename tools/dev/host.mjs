// One process of ours (API or worker): started, awaited until it answers, started again after a crash.
import { spawn } from 'node:child_process';
import { printLines } from './log-lines.mjs';

const READY_MS_MAX = 60_000;
const POLL_MS = 50;
const BACK_OFF_MS = [1000, 2000, 4000, 8000, 16_000];
/** Up for this long, a process has earned a fresh count of crashes. */
const STEADY_MS = 60_000;
const END_MS_MAX = 55_000;

/**
 * @param options.name prefix of its log lines
 * @param options.entry file to run with Node
 * @param options.healthUrl answers below 500 once the process is ready
 * @param options.stage when to end it
 * @param options.onGiveUp called once, after too many crashes in a row
 * @param options.restarts false leaves a crashed process down: the next build starts it again
 */
export function createHost({ name, entry, env, healthUrl, stage, children, onGiveUp, restarts }) {
  let child;
  let crashes = 0;
  let isWanted = false;
  let startedAt = 0;
  let timer;

  function launch() {
    startedAt = Date.now();
    // Its own group keeps a Ctrl-C from it until its turn comes; the open stdin tells it when we are gone.
    child = spawn(process.execPath, ['--enable-source-maps', entry], {
      env,
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    });
    child.stdin.on('error', () => {});
    printLines(child.stdout, name);
    printLines(child.stderr, name);
    children.add(child, stage);
  }

  function relaunch(how) {
    if (!isWanted) return;
    if (!restarts) return console.log(`[${name}] ended with ${how}; waiting for the next build`);
    crashes = Date.now() - startedAt > STEADY_MS ? 1 : crashes + 1;
    const delay = BACK_OFF_MS[crashes - 1];
    if (delay === undefined) return onGiveUp(new Error(`${name} crashed ${crashes} times in a row (last: ${how})`));
    console.log(
      `[${name}] ended with ${how}; starting it again in ${delay / 1000} s (${crashes} of ${BACK_OFF_MS.length})`,
    );
    timer = setTimeout(() => {
      launch();
      child.once('exit', (code, signal) => relaunch(signal ?? `code ${code}`));
    }, delay);
  }

  return {
    /** Resolves when it answers. A process that ends before that is not tried again: its log says what to repair. */
    async start() {
      isWanted = true;
      launch();
      const started = child;
      await untilAnswering(healthUrl, started, name);
      if (started.exitCode !== null || started.signalCode !== null) return relaunch('its first request');
      started.once('exit', (code, signal) => relaunch(signal ?? `code ${code}`));
    },
    async stop() {
      isWanted = false;
      clearTimeout(timer);
      if (child !== undefined) await children.end(child, END_MS_MAX);
    },
    /** From now on an exit is no crash. */
    release() {
      isWanted = false;
      clearTimeout(timer);
    },
  };
}

async function untilAnswering(url, child, name) {
  const deadline = Date.now() + READY_MS_MAX;
  for (;;) {
    if (child.exitCode !== null || child.signalCode !== null) {
      throw new Error(`${name} did not start (${child.signalCode ?? `code ${child.exitCode}`}): see its lines above`);
    }
    if (await answers(url)) return;
    if (Date.now() > deadline) throw new Error(`${name} did not answer on ${url} within ${READY_MS_MAX / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

async function answers(url) {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(1000), headers: { connection: 'close' } });
    await response.body?.cancel();
    return response.status < 500;
  } catch {
    return false;
  }
}
