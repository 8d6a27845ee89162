// npm run bench:callbacks: signed callbacks of a provider against a running API, as fast as so many connections can: how
// many a second are taken, how many are applied, what each costs, and whether one was lost. Each callback is a request of
// its own with one event. First all of a few messages (opened again and again), then one of each of many messages.
import { spawn } from 'node:child_process';
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { freePort } from '../../tools/ports.mjs';
import { startPostgres } from '../../tools/postgres.mjs';
import { percentile, processFigures, watchMachine } from './machine.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { values: options } = parseArgs({
  options: {
    callbacks: { type: 'string', default: '10000' },
    connections: { type: 'string', default: '32' },
    dist: { type: 'string', default: 'dist' },
  },
});
const callbacks = Number(options.callbacks);
const connections = Number(options.connections);
const FEW = 20;
const POLL_MS = 50;
const APPLIED_MS_MAX = 600_000;
const rest = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const keys = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });

async function main() {
  const folder = mkdtempSync(path.join(tmpdir(), 'tactful-bench-'));
  const postgres = await startPostgres({ dataDir: path.join(folder, 'postgres') });
  try {
    const admin = await connected(postgres.url());
    await admin.query('create database tactful');
    await admin.end();
    await withApi(postgres.url('tactful'), async (api) => {
      const client = await connected(postgres.url('tactful'));
      const address = await prepare(api, client);
      await press(`${callbacks} of ${FEW} messages`, { api, client, address, messages: FEW, event: 'open' });
      await press(`one of each of ${callbacks} messages`, {
        api,
        client,
        address,
        messages: callbacks,
        event: 'delivered',
      });
      await client.end();
    });
  } finally {
    await postgres.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function connected(url) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return client;
}

/** An account, a person for each message, and the messages, as if they had been sent. */
async function prepare({ url }, client) {
  const callbackKey = keys.publicKey.export({ format: 'der', type: 'spki' }).toString('base64');
  const account = await call('POST', `${url}/api/providers`, {
    key: 'grid',
    kind: 'sendgrid',
    credentials: { api_key: 'SG.benchmark', callback_key: callbackKey },
  });
  const BATCH = 500;
  for (let first = 0; first < callbacks; first += BATCH) {
    const numbers = Array.from({ length: Math.min(BATCH, callbacks - first) }, (_, index) => first + index);
    const users = numbers.map((number) => ({ external_id: `u${number}`, email: `u${number}@example.org` }));
    await call('POST', `${url}/api/users/batch`, { users });
  }
  await client.query(`insert into deliveries (id, idempotency_key, user_id, decision_id, run_key, step_id, visit, channel,
      provider, action, template, template_version, purpose, address, state, attempt_token, deadline_at,
      provider_message_id, claimed_at)
    select uuidv7(), external_id, id, uuidv7(), external_id, 'step', 1, 'email', 'grid', 'offer', 'offer', 1, 'marketing',
      email, 'sent', gen_random_uuid(), now(), external_id, now() from users`);
  await client.query('analyze');
  return account.callback_url;
}

async function press(what, { api, client, address, messages, event }) {
  await client.query('truncate provider_callbacks');
  const { pathname } = new URL(address);
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const signed = Array.from({ length: callbacks }, (_, number) =>
    signedCallback(`${event}-${number}`, event, `u${number % messages}`),
  );
  const [took, told] = [[], watchMachine()];
  const [cpuBefore, startedAt] = [processFigures(api.pid).cpuSeconds, performance.now()];
  let next = 0;
  const sender = async () => {
    while (next < callbacks) {
      const { headers, body } = signed[next++];
      const sentAt = performance.now();
      const status = await post({ url: api.url, agent, pathname, headers, body });
      if (status !== 200) throw new Error(`answered ${status}`);
      took.push(performance.now() - sentAt);
    }
  };
  await Promise.all(Array.from({ length: connections }, sender));
  const takenS = (performance.now() - startedAt) / 1_000;
  const left = async () =>
    (await client.query(`select from provider_callbacks where state <> 'applied' limit 1`)).rowCount;
  while ((await left()) > 0 && performance.now() - startedAt < APPLIED_MS_MAX) await rest(POLL_MS);
  const appliedS = (performance.now() - startedAt) / 1_000;
  agent.destroy();
  await report(what, { client, event, takenS, appliedS, took, cpuS: processFigures(api.pid).cpuSeconds - cpuBefore });
  console.log(`  ${told()}`);
}

async function report(what, { client, event, takenS, appliedS, took, cpuS }) {
  const { rows } =
    await client.query(`select (select count(*)::int from provider_callbacks where state = 'applied') as applied,
    (select sum(open_count)::int from deliveries) as opens, (select count(*)::int from deliveries where state = 'delivered') as delivered`);
  const [{ applied, opens, delivered }] = rows;
  const counted = event === 'open' ? opens : delivered;
  took.sort((one, other) => one - other);
  const ms = (share) => `${percentile(took, share).toFixed(1)} ms`;
  console.log(`${what}, ${connections} connections:`);
  console.log(
    `  taken ${(callbacks / takenS).toFixed(0)}/s (p50 ${ms(0.5)}, p99 ${ms(0.99)}), applied ${(callbacks / appliedS).toFixed(0)}/s`,
  );
  console.log(
    `  ${((cpuS * 1_000) / callbacks).toFixed(2)} ms CPU of the API each; lost ${callbacks - applied}, counted ${counted}`,
  );
  if (applied !== callbacks || counted !== callbacks) process.exitCode = 1;
}

function signedCallback(id, event, messageId) {
  const timestamp = String(Math.floor(Date.now() / 1_000));
  const item = {
    event,
    sg_event_id: createHash('md5').update(id).digest('hex'),
    timestamp: Number(timestamp),
    email: 'a@example.org',
    sg_message_id: `${messageId}.recvd-1`,
  };
  const body = JSON.stringify([item]);
  const signature = sign('sha256', Buffer.from(timestamp + body), keys.privateKey).toString('base64');
  return {
    headers: {
      'content-type': 'application/json',
      'x-twilio-email-event-webhook-signature': signature,
      'x-twilio-email-event-webhook-timestamp': timestamp,
    },
    body,
  };
}

function post({ url, agent, pathname, headers, body }) {
  return new Promise((resolve, reject) => {
    const options_ = { method: 'POST', agent, headers: { ...headers, 'content-length': Buffer.byteLength(body) } };
    const sent = request(url + pathname, options_, (answer) =>
      answer.resume().on('end', () => resolve(answer.statusCode)),
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

async function call(method, url, body) {
  const response = await fetch(url, {
    method,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (response.status >= 300) throw new Error(`${method} ${url}: ${response.status} ${await response.text()}`);
  return response.json();
}

async function withApi(databaseUrl, work) {
  const port = await freePort();
  const environment = {
    PATH: process.env.PATH,
    DATABASE_URL: databaseUrl,
    SECRET_KEY: Buffer.alloc(32, 7).toString('base64'),
    OUTBOX_POLL_MS: '60000',
    TEMPORAL_ADDRESS: '127.0.0.1:9',
    SMTP_URL: 'smtp://127.0.0.1:9',
    LOG_LEVEL: 'error',
    PORT: String(port),
  };
  const stdio = ['ignore', 'ignore', 'inherit'];
  const child = spawn(process.execPath, [path.join(root, options.dist, 'src/main.js')], { env: environment, stdio });
  const url = `http://127.0.0.1:${port}`;
  try {
    while (
      !(await fetch(`${url}/api/health`).then(
        ({ ok }) => ok,
        () => false,
      ))
    ) {
      if (child.exitCode !== null) throw new Error(`the API ended with ${child.exitCode} before it was ready`);
      await rest(POLL_MS);
    }
    await work({ url, pid: child.pid });
  } finally {
    child.kill('SIGTERM');
    if (child.exitCode === null) await once(child, 'exit');
  }
}

await main();
