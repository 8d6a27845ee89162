// A Temporal server without Docker, with the settings that runs, links and virtual time rest on.
import { spawn } from 'node:child_process';
import { Connection } from '@temporalio/client';
import { freePort } from './ports.mjs';
import { endingWithUs, findTemporal } from './temporal-binary.mjs';

const READY_MS_MAX = 30_000;
const STOP_MS_MAX = 10_000;
const LOG_CHARACTERS_MAX = 8000;
const KEYWORD = 2;
const INT = 3;
const SEARCH_ATTRIBUTES = {
  JourneyKey: KEYWORD,
  JourneyVersion: INT,
  UserKey: KEYWORD,
  StepId: KEYWORD,
  RunState: KEYWORD,
  ExitReason: KEYWORD,
};
const TYPE_NAMES = { [KEYWORD]: 'Keyword', [INT]: 'Int' };

function serverArguments({ dbFile, port, uiPort }) {
  const ui = uiPort === undefined ? ['--headless'] : ['--ui-port', String(uiPort)];
  return [
    ...['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(port), ...ui, '--log-level', 'error'],
    // Without these two the server writes a third as many steps a second.
    ...['--db-filename', dbFile, '--sqlite-pragma', 'journal_mode=WAL', '--sqlite-pragma', 'synchronous=NORMAL'],
    ...Object.entries(SEARCH_ATTRIBUTES).flatMap(([name, type]) => [
      '--search-attribute',
      `${name}=${TYPE_NAMES[type]}`,
    ]),
    ...['--dynamic-config-value', 'frontend.WorkflowTimeSkippingEnabled=true'],
    ...['--dynamic-config-value', 'history.timerProcessorMaxTimeShift="20ms"'], // the quotes belong to the value
  ];
}

/**
 * Starts a server that ends with this process; resolves when its default namespace answers.
 *
 * @param port must be free: the readiness probe would be answered by whoever holds it. 0 takes a free one.
 * @param uiPort the same; undefined for a server without a UI
 * @param isDetached in a process group of its own, out of reach of the terminal's Ctrl-C
 * @param onSpawn gets the process at once, before it is ready
 */
export async function startTemporal({ dbFile, port = 0, uiPort, isDetached = false, onSpawn = () => {} }) {
  const binary = await findTemporal();
  port ||= await freePort();
  if (uiPort === 0) uiPort = await freePort();
  const [file, ...argv] = endingWithUs([binary, ...serverArguments({ dbFile, port, uiPort })]);
  const child = spawn(file, argv, { stdio: ['ignore', 'ignore', 'pipe'], detached: isDetached });
  onSpawn(child);
  let log = '';
  let failure;
  child.stderr.on('data', (data) => (log = (log + data).slice(-LOG_CHARACTERS_MAX)));
  child.once('error', (error) => (failure = error));
  child.once('exit', (code, signal) => (failure ??= new Error(`temporal ended with ${code ?? signal}: ${log}`)));
  process.once('exit', () => child.kill());
  const address = `127.0.0.1:${port}`;
  await waitUntilReady(address, () => failure);
  child.unref();
  child.stderr.unref();
  return { child, address, ui: uiPort && `http://127.0.0.1:${uiPort}`, stop: () => stop(child) };
}

function stop(child) {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.ref();
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX);
    child.once('exit', () => {
      clearTimeout(timer);
      resolve();
    });
    child.kill('SIGTERM');
  });
}

/**
 * Registers our search attributes on a server of one's own (TEMPORAL_ADDRESS); a server started here has them already.
 *
 * @throws Error if an attribute exists with another type
 */
export async function addSearchAttributes({ address, namespace }) {
  const connection = Connection.lazy({ address });
  try {
    const deadline = Date.now() + READY_MS_MAX;
    await connection.withDeadline(deadline, async () => {
      const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
      const missing = Object.entries(SEARCH_ATTRIBUTES).filter(([name, type]) => {
        const found = customAttributes[name];
        if (found !== undefined && found !== type)
          throw new Error(`search attribute ${name} is not ${TYPE_NAMES[type]}`);
        return found === undefined;
      });
      if (missing.length === 0) return;
      await connection.operatorService.addSearchAttributes({
        namespace,
        searchAttributes: Object.fromEntries(missing),
      });
    });
  } finally {
    await connection.close();
  }
}

async function waitUntilReady(address, failure) {
  const connection = Connection.lazy({ address });
  const deadline = Date.now() + READY_MS_MAX;
  try {
    for (;;) {
      if (failure()) throw failure();
      try {
        await connection.withDeadline(Date.now() + 1000, () =>
          connection.workflowService.describeNamespace({ namespace: 'default' }),
        );
        return;
      } catch (error) {
        if (Date.now() > deadline) throw new Error(`temporal not ready on ${address}`, { cause: error });
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  } finally {
    await connection.close();
  }
}
