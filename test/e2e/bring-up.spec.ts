import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { settings } from '../../src/platform/config/settings.js';
import { until } from '../support/until.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const START_MS_MAX = 120_000;
const STOP_MS_MAX = 90_000;
const JANE = 'jane@example.com';
const PORTS = [
  'PORT',
  'WORKER_HEALTH_PORT',
  'POSTGRES_PORT',
  'TEMPORAL_PORT',
  'TEMPORAL_UI_PORT',
  'MAILBOX_SMTP_PORT',
  'MAILBOX_HTTP_PORT',
] as const;
/**
 * What would turn the run from its own servers, or from local mode. Empty and not left out: a `.env` in the project's
 * folder would fill the gap.
 */
const UNSET = Object.fromEntries([...Object.keys(settings), 'TACTFUL_API_KEY'].map((name) => [name, '']));

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
  const env: NodeJS.ProcessEnv = { ...process.env, ...UNSET, ...ports, DATA_DIR: dataDir };
  delete env['npm_lifecycle_event'];
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

/** Below the ports of outgoing connections, one of which could take it before the server that it is for. */
async function listenBelowOutgoing(): Promise<Server> {
  for (;;) {
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(randomInt(20_000, 32_000), '127.0.0.1', () => resolve(true));
    });
    if (isFree) return server;
  }
}

async function freePorts(): Promise<Record<string, string>> {
  const servers = await Promise.all(PORTS.map(() => listenBelowOutgoing()));
  const found = servers.map((server, index) => [PORTS[index], String((server.address() as { port: number }).port)]);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return Object.fromEntries(found) as Record<string, string>;
}

const answer = async (variable: string, where: string): Promise<number> =>
  (await fetch(`http://127.0.0.1:${ports[variable]}${where}`)).status;

async function api<Body>(where: string, body?: object): Promise<Body> {
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  const response = await fetch(`http://127.0.0.1:${ports['PORT']}${where}`, body === undefined ? {} : init);
  if (!response.ok) throw new Error(`${where}: ${response.status} ${await response.text()}`);
  return (await response.json()) as Body;
}

/** A mail, a wait long enough to be killed in, and another mail. Answers the run's id. */
async function enrolInTwoMails(): Promise<string> {
  const mail = (id: string): object => ({ kind: 'message', id, channel: 'email', template: 'welcome' });
  const wait = { kind: 'wait', id: 'pause', duration: 'PT10S' };
  const steps = [mail('first'), wait, mail('second'), { kind: 'end', id: 'done' }];
  await api('/api/journeys/templates', { key: 'two_mails', name: 'Two mails', steps });
  await api('/api/journeys/templates/two_mails/publish', {});
  const { id } = await api<{ id: string }>('/api/users', { email: JANE });
  await api('/api/consents', { user_id: id, channel: 'email', status: 'granted', source: 'spec' });
  return (await api<{ id: string }>(`/api/journeys/${id}/enroll`, { journey: 'two_mails' })).id;
}

async function mailsToJane(): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${ports['MAILBOX_HTTP_PORT']}/api/messages?to=${JANE}`);
  return ((await response.json()) as { items: unknown[] }).items.length;
}

beforeEach(async () => {
  dataDir = mkdtempSync(path.join(tmpdir(), 'tactful bring-up-'));
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
    'leaves nothing running when it is killed; the next start goes on with what waits, and sends nothing twice',
    async () => {
      const supervisor = startSupervisor();
      await untilUp(supervisor);
      expect(leftovers().length).toBeGreaterThan(4);
      const runId = await enrolInTwoMails();
      await until(async () => (await mailsToJane()) === 1, STOP_MS_MAX, supervisor.output);
      supervisor.child.kill('SIGKILL');
      await untilGone();

      const next = startSupervisor();
      await untilUp(next);
      const runState = async (): Promise<unknown> => (await api<{ state: string }>(`/api/runs/${runId}`)).state;
      await until(async () => (await runState()) === 'completed', START_MS_MAX, next.output);
      const deliveries = await api<{ data: { state: string }[] }>(`/api/deliveries`);
      expect(deliveries.data.map(({ state }) => state)).toEqual(['sent', 'sent']);
      expect(await mailsToJane()).toBe(2);
      next.child.kill('SIGINT');
      expect(await next.exit).toBe(0);
    },
    3 * START_MS_MAX,
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
