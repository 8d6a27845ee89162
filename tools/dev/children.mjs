// The processes that the supervisor answers for: each ends with it, in order, however it ends.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const watchdogFile = fileURLToPath(new URL('./watchdog.mjs', import.meta.url));

/** Ended in this order: whoever uses a server goes before the server. */
export const STAGE = { worker: 0, api: 1, server: 2 };

/** Keeps the list of living children, and a watchdog that ends them if this process is killed. */
export function createChildren() {
  const living = new Map();
  // A group of its own: a Ctrl-C in the terminal must not end the watchdog before its time.
  const watchdog = spawn(process.execPath, [watchdogFile], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  watchdog.stdin.on('error', () => {}); // it was killed: then only pdeathsig protects
  const tell = () => watchdog.stdin.write(`${JSON.stringify([...living.values()])}\n`);

  return {
    add(child, stage, signal = 'SIGTERM') {
      if (child.pid === undefined) return;
      living.set(child, { pid: child.pid, stage, signal });
      child.once('exit', () => {
        living.delete(child);
        tell();
      });
      tell();
    },

    /** Ends one child and waits for it; after `forceAfterMs` without mercy. */
    end: (child, forceAfterMs) => end(child, living.get(child)?.signal ?? 'SIGTERM', forceAfterMs),

    async endAll(forceAfterMs) {
      for (const stage of Object.values(STAGE)) {
        const members = [...living].filter(([, entry]) => entry.stage === stage);
        await Promise.all(members.map(([child, { signal }]) => end(child, signal, forceAfterMs)));
      }
      await release(watchdog);
    },

    killAll() {
      for (const child of living.keys()) child.kill('SIGKILL');
    },
  };
}

function hasEnded(child) {
  return child.exitCode !== null || child.signalCode !== null || child.pid === undefined;
}

function end(child, signal, forceAfterMs) {
  if (hasEnded(child)) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), forceAfterMs);
    child.ref();
    child.once('exit', () => {
      clearTimeout(timer);
      resolve();
    });
    child.kill(signal);
  });
}

/** With its input at an end and nothing on its list, the watchdog leaves at once. */
function release(watchdog) {
  if (hasEnded(watchdog)) return Promise.resolve();
  return new Promise((resolve) => {
    watchdog.once('exit', resolve);
    watchdog.stdin.end();
  });
}
