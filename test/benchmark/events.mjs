// npm run bench:events: how long after POST /api/events the run that waits for it has moved, and the move is recorded, at
// more and more events a second of which a tenth matches a wait; beside bare signals to bare workflows that do one activity
// each, on the same server. API, worker, PostgreSQL and Temporal in processes of their own, all on this machine.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { percentile, processFigures, watchMachine } from './machine.mjs';
import { createUsers, publish, rest, startProduct } from './product.mjs';
import { ask, bundleWorkflows, together, withWorker } from './worker-process.mjs';

const { values: options } = parseArgs({
  options: {
    runs: { type: 'string', default: '20000' },
    rates: { type: 'string', default: '50,100,200,300,400' },
    seconds: { type: 'string', default: '30' },
    /** Runs that the worker keeps in memory; all of them, unless told otherwise. */
    cached: { type: 'string' },
    dist: { type: 'string', default: 'dist' },
  },
});
const runs = Number(options.runs);
const rates = options.rates.split(',').map(Number);
const seconds = Number(options.seconds);
const MATCHING_EVERY = 10;
const JOURNEY = 'listens';
const CONNECTIONS = 64;
const STARTS_IN_FLIGHT = 50;
const POLL_MS = 500;
/** After the last event; what has not moved by then is counted as lost. */
const DRAIN_MS_MAX = 60_000;
const P95_MS_MAX = 1_000;
const ENTERING_PER_SECOND = 500;
const MOVES = rates.reduce((sum, rate) => sum + Math.ceil((rate * seconds) / MATCHING_EVERY), 0);

async function main() {
  if (MOVES > runs) throw new Error(`${MOVES} runs are to move, and only ${runs} wait`);
  const folder = mkdtempSync(path.join(tmpdir(), 'tactful-bench-'));
  let product;
  try {
    product = await startProduct({
      folder,
      dist: options.dist,
      settings: { WORKER_CACHED_WORKFLOWS_MAX: options.cached ?? String(runs + 1_000) },
    });
    await fill(product);
    const bare = await pressBare(product, folder);
    const ours = await press(product);
    report(bare, ours);
  } finally {
    await product?.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** So many runs that wait for an event. */
async function fill(product) {
  const startedAt = Date.now();
  await createUsers(product, runs, () => ({ bench: true }));
  await publish(product, {
    key: JOURNEY,
    entry: { mode: 'once' },
    steps: [
      { kind: 'wait_for', id: 'buys', event: 'bought', timeout: 'P30D', on_event: 'after', on_timeout: 'done' },
      { kind: 'wait', id: 'after', duration: 'P30D', next: 'done' },
      { kind: 'end', id: 'done', reason: 'done' },
    ],
  });
  const createdAt = Date.now();
  await product.call('POST', `/api/journeys/templates/${JOURNEY}/enrolments`, {
    users: { where: { kind: 'equals', attribute: 'attributes.bench', value: true } },
    per_second: ENTERING_PER_SECOND,
  });
  while ((await waiting(product)) < runs) await rest(POLL_MS);
  const entered = (Date.now() - createdAt) / 1_000;
  console.log(
    `${runs} users in ${((createdAt - startedAt) / 1_000).toFixed(0)} s, their runs wait after ${entered.toFixed(0)} s: ${(runs / entered).toFixed(0)} a second`,
  );
}

async function waiting(product) {
  const [{ count }] = await product.query(
    `select count(*)::int as count from journey_runs where step_id = 'buys' and state = 'waiting'`,
  );
  return count;
}

/** Signals at a tenth of each rate, each to a workflow that waits for it. */
async function pressBare({ temporalAddress }, folder) {
  const codePath = path.join(folder, 'workflows.js');
  writeFileSync(codePath, await bundleWorkflows());
  const connection = await Connection.connect({ address: temporalAddress });
  const client = new Client({ connection });
  const place = { address: temporalAddress, taskQueue: 'bare', codePath, mode: 'speed', cachedMax: MOVES + 100 };
  try {
    return await withWorker(place, async (worker) => {
      let started = 0;
      await together(MOVES, STARTS_IN_FLIGHT, async () => {
        started += 1;
        await client.workflow.start('bareWait', { taskQueue: 'bare', workflowId: `bare-${started}`, args: [] });
      });
      const figures = [];
      let next = 0;
      for (const rate of rates) {
        const machine = watchMachine();
        const sent = await atRate(rate / MATCHING_EVERY, (dueAt) => {
          next += 1;
          return client.workflow.getHandle(`bare-${next}`).signal('event', { sentAt: dueAt });
        });
        const lags = [];
        for (const until = Date.now() + DRAIN_MS_MAX; lags.length < sent && Date.now() < until; await rest(POLL_MS)) {
          lags.push(...(await ask(worker, 'lags')));
        }
        figures.push({ rate: rate / MATCHING_EVERY, ...summaryOf(lags, sent), machine: machine() });
      }
      return figures;
    });
  } finally {
    await connection.close();
  }
}

async function press(product) {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const figures = [];
  let moved = 0;
  let seen = 0;
  for (const rate of rates) {
    const machine = watchMachine();
    const before = cpuOf(product);
    const dueAts = new Map();
    let answered = [];
    await atRate(rate, async (dueAt) => {
      seen += 1;
      const isMatch = seen % MATCHING_EVERY === 0;
      const user = isMatch ? `u${moved++}` : `u${(seen * 7_919) % runs}`;
      if (isMatch) dueAts.set(user, dueAt);
      await post(agent, product.url, { user_id: `ext:${user}`, event_name: isMatch ? 'bought' : 'viewed' });
      answered.push(Date.now() - dueAt);
    });
    const spent = spentSince(before, cpuOf(product));
    const lags = await lagsOf(product, dueAts);
    answered = answered.sort((a, b) => a - b);
    figures.push({
      rate,
      ...summaryOf(lags, dueAts.size),
      answerP95: percentile(answered, 0.95),
      spent,
      machine: machine(),
    });
  }
  agent.destroy();
  return figures;
}

/** Calls `work` so often a second, whatever it takes; its wait counts, since it is told when it was due. */
async function atRate(rate, work) {
  const count = Math.round(rate * seconds);
  const startedAt = Date.now();
  const underWay = [];
  for (let sent = 0; sent < count;) {
    for (; sent < count && (sent * 1_000) / rate <= Date.now() - startedAt; sent += 1) {
      const call = work(startedAt + (sent * 1_000) / rate);
      // Looked at when all are done; until then it is nobody's.
      call.catch(() => undefined);
      underWay.push(call);
    }
    await rest(2);
  }
  const failed = (await Promise.allSettled(underWay)).find(({ status }) => status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  return count;
}

/** From the instant at which each event was due to the one at which the move of its run stood in the table of runs. */
async function lagsOf(product, dueAts) {
  const users = [...dueAts.keys()];
  for (const until = Date.now() + DRAIN_MS_MAX; ; await rest(POLL_MS)) {
    const rows = await product.query(
      `select users.external_id as user, (extract(epoch from run.updated_at) * 1000)::float8 as at
        from journey_runs run join users on users.id = run.user_id
        where users.external_id = any($1) and run.step_id = 'after'`,
      users,
    );
    if (rows.length === users.length || Date.now() > until) return rows.map(({ user, at }) => at - dueAts.get(user));
  }
}

function post(agent, url, body) {
  const text = JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const call = request(
      `${url}/api/events`,
      { method: 'POST', agent, headers: { 'content-type': 'application/json', 'content-length': text.length } },
      (response) => {
        response.resume();
        response.once('end', () =>
          response.statusCode < 300
            ? resolve()
            : reject(new Error(`an event was answered with ${response.statusCode}`)),
        );
      },
    );
    call.once('error', reject);
    call.end(text);
  });
}

function summaryOf(lags, sent) {
  const sorted = [...lags].sort((a, b) => a - b);
  const [p50, p95, p99] = [0.5, 0.95, 0.99].map((share) => percentile(sorted, share));
  return { p50, p95, p99, moved: sorted.length, lost: sent - sorted.length };
}

const cpuOf = (product) =>
  ['api', 'worker', 'temporal'].map((name) => [name, processFigures(product[name].pid).cpuSeconds]);

const spentSince = (before, after) =>
  after.map(([name, cpu], index) => `${name} ${Math.round((100 * (cpu - before[index][1])) / seconds)} %`).join(', ');

function report(bare, ours) {
  print(['', 'a second', 'moves', 'lost', 'p50', 'p95', 'p99']);
  const row = (name, { rate, moved, lost, p50, p95, p99 }, more) =>
    print([name, rate, moved, lost, ...[p50, p95, p99].map((ms) => `${Math.round(ms ?? NaN)} ms`)], more);
  for (const figure of bare) row('bare signals', figure, figure.machine);
  for (const figure of ours) {
    row('events', figure, `answered p95 ${Math.round(figure.answerP95)} ms; ${figure.spent}; ${figure.machine}`);
  }
  const knee = (figures) => figures.filter(({ p95, lost }) => lost === 0 && p95 < P95_MS_MAX).at(-1)?.rate ?? 'none';
  console.log(
    `highest rate with p95 under 1 s: bare signals ${knee(bare)}/s, events ${knee(ours)}/s, a tenth of which moves a run`,
  );
}

function print([title, ...cells], more = '') {
  console.log(`${title.padEnd(14)}${cells.map((cell) => String(cell).padStart(10)).join('')}   ${more}`);
}

await main();
