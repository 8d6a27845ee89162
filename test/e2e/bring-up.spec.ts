import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { until } from '../support/until.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const START_MS_MAX = 120_000;
const STOP_MS_MAX = 30_000;
const PORTS = [
  'PORT',
  'WORKER_HEALTH_PORT',
  'POSTGRES_PORT',
  'TEMPORAL_PORT',
  'TEMPORAL_UI_PORT',
  'MAILBOX_SMTP_PORT',
  'MAILBOX_HTTP_PORT',
] as const;
/** What would turn the run from its own servers, or from local mode. */
const FOREIGN = ['DATABASE_URL', 'TEMPORAL_ADDRESS', 'SMTP_URL', 'NODE_ENV', 'SECRET_KEY', 'npm_lifecycle_event'];

interface Supervisor {
  readonly child: ChildProcessByStdio<null, Readable, Readable>;
  readonly exit: Promise<number | null>;
  output(): string;
}

let dataDir: string;
let ports: Record<string, string>;
let running: Supervisor[] = [];

/** `npm start` without npm, on ports and data of its own. */
function startSupervisor(): Supervisor {
  const env: NodeJS.ProcessEnv = { ...process.env, ...ports, DATA_DIR: dataDir };
  for (const name of FOREIGN) delete env[name];
  const child = spawn(process.execPath, ['tools/dev.mjs'], { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (text += String(data)));
  const exit = new Promise<number | null>((resolve) => child.once('close', resolve));
  const supervisor = { child, exit, output: () => text };
  running.push(supervisor);
  return supervisor;
}

async function untilUp(supervisor: Supervisor): Promise<void> {
  await until(
    () => {
      if (supervisor.child.exitCode !== null) throw new Error(supervisor.output());
      return supervisor.output().includes('Tactful is up');
    },
    START_MS_MAX,
    supervisor.output,
  );
}

/** Living processes that were given our data folder: every descendant inherits it, whoever its parent is by now. */
function leftovers(): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      if (/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))) return false;
      return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`DATA_DIR=${dataDir}`);
    } catch {
      return false; // gone, or nobody's that we may look at
    }
  });
}

const untilGone = (): Promise<void> =>
  until(
    () => leftovers().length === 0,
    STOP_MS_MAX,
    () => `still running: ${leftovers().join(', ')}`,
  );

async function listenOn(port: number): Promise<Server> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return server;
}

async function freePorts(): Promise<Record<string, string>> {
  const servers = await Promise.all(PORTS.map(() => listenOn(0)));
  const found = servers.map((server, index) => [PORTS[index], String((server.address() as { port: number }).port)]);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return Object.fromEntries(found) as Record<string, string>;
}

const answer = async (variable: string, where: string): Promise<number> =>
  (await fetch(`http://127.0.0.1:${ports[variable]}${where}`)).status;

beforeEach(async () => {
  dataDir = mkdtempSync(path.join(tmpdir(), 'tactful-bring-up-'));
  ports = await freePorts();
});

afterEach(async () => {
  for (const { child } of running) child.kill('SIGKILL');
  running = [];
  await untilGone();
  rmSync(dataDir, { recursive: true, force: true });
});

describe('npm start', () => {
  it(
    'brings everything up, refuses a second on the same data, and takes everything down again',
    async () => {
      const supervisor = startSupervisor();
      await untilUp(supervisor);
      expect(supervisor.output()).toMatch(/No authentication/);
      for (const [variable, where] of [
        ['PORT', '/api/health'],
        ['WORKER_HEALTH_PORT', '/'],
        ['MAILBOX_HTTP_PORT', '/'],
        ['TEMPORAL_UI_PORT', '/'],
      ] as const) {
        expect([variable, await answer(variable, where)]).toEqual([variable, 200]);
      }

      const second = startSupervisor();
      expect(await second.exit).toBe(1);
      expect(second.output()).toMatch(/another "npm start" \(process \d+\) uses .* set DATA_DIR/);

      supervisor.child.kill('SIGTERM');
      expect(await supervisor.exit).toBe(0);
      expect(leftovers()).toEqual([]);
    },
    START_MS_MAX + STOP_MS_MAX,
  );

  it(
    'leaves nothing running when it is killed, and starts again on the same data',
    async () => {
      const supervisor = startSupervisor();
      await untilUp(supervisor);
      expect(leftovers().length).toBeGreaterThan(4);
      supervisor.child.kill('SIGKILL');
      await untilGone();

      const next = startSupervisor();
      await untilUp(next);
      next.child.kill('SIGINT');
      expect(await next.exit).toBe(0);
    },
    2 * START_MS_MAX,
  );

  it(
    'stops half-way without leaving anything behind',
    async () => {
      const supervisor = startSupervisor();
      await until(() => /PostgreSQL +ready/.test(supervisor.output()), START_MS_MAX, supervisor.output);
      supervisor.child.kill('SIGTERM');
      expect(await supervisor.exit).toBe(0);
      expect(leftovers()).toEqual([]);
    },
    START_MS_MAX,
  );

  it.each(['PORT', 'MAILBOX_SMTP_PORT', 'TEMPORAL_PORT'])(
    'names a taken %s and starts nothing',
    async (variable) => {
      const taken = await listenOn(Number(ports[variable]));
      const supervisor = startSupervisor();
      expect(await supervisor.exit).toBe(1);
      expect(supervisor.output()).toContain(`port ${ports[variable]} is taken`);
      expect(supervisor.output()).toContain(`set ${variable} to another port`);
      expect(leftovers()).toEqual([]);
      await new Promise((resolve) => taken.close(resolve));
    },
    START_MS_MAX,
  );
});
