// node test/benchmark/simulation.mjs [--users 10000] [--days 30] [--dist dist]: how fast journeys are tried on paper.
// `dist` must be built. 10,000 users with consents, ten earlier contacts each and five rules; the demo's journey, and one
// that weighs ten actions and writes every other day. Meanwhile somebody asks the same process every 20 ms: what the
// simulation costs others is how long they wait.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { freePort } from '../../tools/ports.mjs';
import { startPostgres } from '../../tools/postgres.mjs';
import { fill } from './decisions-data.mjs';
import { definitions } from './decisions-definitions.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const ASK_EVERY_MS = 20;
const { values: options } = parseArgs({
  options: {
    users: { type: 'string', default: '10000' },
    days: { type: 'string', default: '30' },
    dist: { type: 'string', default: 'dist' },
  },
});
const users = Number(options.users);
const days = Number(options.days);
const say = (text) => console.log(text);
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const oftenAsked = {
  key: 'often',
  name: 'Often',
  exit: { events: ['purchase'] },
  steps: [
    {
      kind: 'decide',
      id: 'weigh',
      actions: Array.from({ length: 10 }, (_, index) => `action_${index + 1}`),
      max_visits: 100,
      on_max_visits: 'done',
    },
    { kind: 'wait_for', id: 'comes', event: 'visit', timeout: 'P2D', on_event: 'weigh', on_timeout: 'weigh' },
    { kind: 'end', id: 'done' },
  ],
};

const folder = mkdtempSync(path.join(os.tmpdir(), 'tactful-simulation-'));
const postgres = await startPostgres({ dataDir: path.join(folder, 'postgres') });
try {
  const url = postgres.url('benchmark');
  await prepare(url);
  await withApi(url, measure);
} finally {
  await postgres.stop();
  rmSync(folder, { recursive: true, force: true });
}

async function prepare(url) {
  const admin = new pg.Client({ connectionString: postgres.url() });
  await admin.connect();
  await admin.query('create database benchmark');
  await admin.end();
  const { migrate } = await import(
    pathToFileURL(path.join(root, options.dist, 'src/platform/database/migrate.js')).href
  );
  await migrate(url);
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await fill(client, users, () => undefined);
  await client.query(`update users set attributes = attributes
    || '{"product_pages": 20, "visitor_type": "returning", "product_minutes": 30, "page_value": 0}'`);
  await client.query('vacuum analyze');
  await client.end();
}

async function withApi(url, work) {
  const port = await freePort();
  const child = spawn(process.execPath, [path.join(root, options.dist, 'src/main.js')], {
    env: {
      PATH: process.env.PATH,
      PORT: String(port),
      DATABASE_URL: url,
      SECRET_KEY: Buffer.alloc(32, 7).toString('base64'),
      TEMPORAL_ADDRESS: '127.0.0.1:9',
      SMTP_URL: 'smtp://127.0.0.1:9',
      LOG_LEVEL: 'error',
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  try {
    const origin = `http://127.0.0.1:${port}`;
    while (!(await fetch(`${origin}/api/health`).then(Boolean, () => false))) {
      if (child.exitCode !== null) throw new Error(`the API ended with ${child.exitCode}`);
      await pause(100);
    }
    await work(origin);
  } finally {
    child.kill('SIGTERM');
    if (child.exitCode === null) await once(child, 'exit');
  }
}

async function measure(origin) {
  const post = async (route, body) => {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${origin}${route}`, { method: 'POST', headers, body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`${route}: ${await response.text()}`);
    return response.json();
  };
  await definitions(origin);
  const example = (kind) =>
    globSync(path.join(root, `examples/browse-abandonment/${kind}.*.json`)).map((file) =>
      JSON.parse(readFileSync(file, 'utf8')),
    );
  for (const template of example('message-template')) await post('/api/message-templates', template);
  for (const action of example('action')) await post('/api/actions', action);
  for (const journey of [...example('journey'), oftenAsked]) await post('/api/journeys/templates', journey);
  say(`${users} users, ${days} days, ${os.cpus().length} processors, node ${process.version}`);
  await report('nobody simulates', { origin, isOver: after(2_000) });
  for (const journey of ['browse_abandonment', 'browse_abandonment', 'often']) {
    const events = { kind: 'rates', per_day: { purchase: 0.01, visit: 0.1 } };
    const { id } = await post(`/api/journeys/templates/${journey}/simulate`, { users: { limit: users }, days, events });
    let view;
    const isOver = async () => {
      view = await (await fetch(`${origin}/api/journeys/simulations/${id}`)).json();
      return view.state !== 'queued' && view.state !== 'running';
    };
    await report(journey, { origin, isOver });
    if (view.state !== 'done') throw new Error(`${view.state}: ${view.fault}`);
    const { duration_ms: ms, decisions, sent } = view.result;
    const perSecond = (count) => Math.round((count * 1_000) / ms);
    say(
      `  ${ms} ms: ${perSecond(users)} users/s, ${perSecond(decisions)} decisions/s; ${decisions} decisions, ${sent} sent`,
    );
  }
}

function after(ms) {
  const startedAt = performance.now();
  return async () => performance.now() - startedAt > ms;
}

async function report(what, { origin, isOver }) {
  const waits = [];
  while (!(await isOver())) {
    const askedAt = performance.now();
    await (await fetch(`${origin}/api/health`)).text();
    waits.push(performance.now() - askedAt);
    await pause(ASK_EVERY_MS);
  }
  const sorted = waits.sort((left, right) => left - right);
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]?.toFixed(1);
  say(`${what}: others wait p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, at most ${at(1)} ms`);
}
