// A measured worker in a process of its own, for the workflows of `workflows.mjs`.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { sharedModules } from '../../tools/workflow-modules.mjs';

const file = (name) => fileURLToPath(new URL(name, import.meta.url));

export async function bundleWorkflows() {
  const { code } = await bundleWorkflowCode({
    workflowsPath: file('./workflows.mjs'),
    preloadModules: sharedModules(file('../..')),
    logger: new DefaultLogger('WARN'),
  });
  return code;
}

/**
 * Runs `work` with a worker that is ended afterwards.
 *
 * @param mode `speed`, or `heap` for runs that live where the heap can be weighed
 * @param cachedMax how many runs it keeps in memory
 */
export async function withWorker({ address, taskQueue, codePath, mode, cachedMax }, work) {
  const worker = fork(file('./worker.mjs'), [address, taskQueue, codePath, mode, String(cachedMax)]);
  try {
    await Promise.race([once(worker, 'message'), failure(worker)]);
    return await work(worker);
  } finally {
    if (worker.connected) worker.send('stop');
    if (worker.exitCode === null && worker.signalCode === null) await once(worker, 'exit');
  }
}

async function failure(worker) {
  const [code] = await once(worker, 'exit');
  throw new Error(`the worker ended with ${code} before it was ready`);
}

/** One question at a time. */
export async function ask(worker, question) {
  worker.send(question);
  const [answer] = await once(worker, 'message');
  return answer;
}

export async function cpuMs(worker) {
  const cpu = await ask(worker, 'cpu');
  return (cpu.user + cpu.system) / 1_000;
}

/** Does `work` so many times, so many at once. */
export async function together(count, atOnce, work) {
  let left = count;
  const workUntilNoneIsLeft = async () => {
    while (left-- > 0) await work();
  };
  await Promise.all(Array.from({ length: atOnce }, workUntilNoneIsLeft));
}
