// npm run bench:gates: the same journey twice, in turns, on the same Temporal server: with scripted activities, as in
// `npm run bench`, and as the product lives it, with all gates, the records and the sends of three messages to the provider
// sandbox. What lies between the two is what the gates cost. Figures of one machine.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { startSandbox } from '../chaos/sandbox.mjs';
import { inputOf } from './journey.mjs';
import { cpuSecondsOf, cpuSecondsOfAll, watchMachine } from './machine.mjs';
import { createTemplates, createUsers, forEach, publish, rest, startProduct } from './product.mjs';
import { bundleWorkflows, cpuMs, withWorker } from './worker-process.mjs';

const { values: options } = parseArgs({
  options: {
    /** Of each kind, in each round. */
    journeys: { type: 'string', default: '200' },
    rounds: { type: 'string', default: '3' },
    dist: { type: 'string', default: 'dist' },
  },
});
const journeys = Number(options.journeys);
const rounds = Number(options.rounds);
const IN_FLIGHT = 20;
const POLL_MS = 100;
const MESSAGES = 3;
const STEPS = 5;
const HOUR_MS = 3_600_000;

const message = (id, next) => ({ kind: 'message', id, channel: 'email', template: id, next });
const wait = (id, next) => ({ kind: 'wait', id, duration: 'PT1S', next });
const steps = [
  message('welcome', 'settle'),
  wait('settle', 'nudge'),
  { kind: 'decide', id: 'nudge', actions: ['reminder', 'help'], next: 'rest' },
  wait('rest', 'last'),
  message('last', 'done'),
  { kind: 'end', id: 'done', reason: 'done' },
];

/** Rules that are asked and let these messages pass, whatever the hour. */
function rules() {
  const hourIn = (hours) => `${String(new Date(Date.now() + hours * HOUR_MS).getUTCHours()).padStart(2, '0')}:00`;
  return {
    daily: { kind: 'cap', limit: MESSAGES, window: { kind: 'calendar', unit: 'day' } },
    weekly: { kind: 'cap', limit: 10, window: { kind: 'rolling', duration: 'P7D' } },
    offers: {
      kind: 'cap',
      limit: 10,
      window: { kind: 'rolling', duration: 'P30D' },
      scope: { kind: 'tag', tag: 'offer' },
    },
    night: { kind: 'quiet_hours', start: hourIn(8), end: hourIn(12) },
    rest: { kind: 'pause', outcomes: ['dismissed'], count: 2, within: 'P7D', scope: 'action', pause_for: 'P7D' },
  };
}

async function main() {
  const folder = mkdtempSync(path.join(tmpdir(), 'tactful-bench-'));
  const sandbox = await startSandbox({ folder, dist: options.dist });
  const settings = { SMTP_URL: `${sandbox.smtpUrl}?ignoreTLS=true`, OUTBOX_POLL_MS: '200' };
  let product;
  try {
    product = await startProduct({ folder, dist: options.dist, settings });
    await prepare(product);
    const codePath = path.join(folder, 'workflows.js');
    writeFileSync(codePath, await bundleWorkflows());
    const address = product.temporalAddress;
    const connection = await Connection.connect({ address });
    const place = { address, codePath, taskQueue: 'scripted', mode: 'speed', cachedMax: 1_000 };
    await withWorker(place, async (worker) => {
      const scripted = await scriptedJourneys(product, new Client({ connection }), worker);
      const machine = watchMachine();
      report(await measure({ scripted, real: realJourneys(product, sandbox) }));
      console.log(machine());
    });
    await connection.close();
  } finally {
    await product?.stop();
    await sandbox.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function prepare(product) {
  await createTemplates(product, ['welcome', 'reminder', 'help', 'last']);
  for (const key of ['reminder', 'help']) {
    const worth = { propensity: 0.3, value: key === 'help' ? 2 : 3 };
    await product.call('POST', '/api/actions', { key, name: key, template: key, tags: ['offer'], ...worth });
  }
  for (const [key, definition] of Object.entries(rules())) {
    await product.call('POST', '/api/policies', { key, definition });
  }
  await createUsers(product, journeys * (rounds + 1));
  await publish(product, { key: 'gates', entry: { mode: 'once' }, steps });
}

/** The workflow of the product with the plan of the product, and activities that only answer. */
async function scriptedJourneys(product, client, worker) {
  const [{ plan }] = await product.query('select plan from journey_versions');
  return {
    cpu: async () => ({ worker: await cpuMs(worker), ...serversOf(product) }),
    async live(numbers) {
      const handles = [];
      await forEach(numbers, IN_FLIGHT, async (n) => {
        const args = [inputOf(n, plan)];
        const started = { taskQueue: 'scripted', workflowId: `scripted-${n}`, args };
        handles.push(await client.workflow.start('journeyWorkflow', started));
      });
      await Promise.all(handles.map((handle) => handle.result()));
    },
  };
}

function realJourneys(product, sandbox) {
  const taken = async () => (await sandbox.ask('GET', '/admin/counts')).smtp ?? 0;
  const ended = async () => {
    const [{ count }] = await product.query(
      `select count(*)::int as count from journey_runs where ended_at is not null`,
    );
    return count;
  };
  const cpuMsOf = (pid) => 1_000 * cpuSecondsOf(pid);
  return {
    cpu: () => ({ worker: cpuMsOf(product.worker.pid), api: cpuMsOf(product.api.pid), ...serversOf(product) }),
    async live(numbers) {
      const [takenBefore, endedBefore] = [await taken(), await ended()];
      await forEach(numbers, IN_FLIGHT, (n) =>
        product.call('POST', `/api/journeys/ext:u${n}/enroll`, { journey: 'gates' }),
      );
      while ((await ended()) < endedBefore + numbers.length) await rest(POLL_MS);
      const mails = (await taken()) - takenBefore;
      // A refusal costs less than a message: the figures would be of another journey.
      if (mails !== MESSAGES * numbers.length) throw new Error(`${mails} mails of ${numbers.length} journeys`);
    },
  };
}

const serversOf = (product) => ({
  postgres: 1_000 * cpuSecondsOfAll(product.postgresPid),
  temporal: 1_000 * cpuSecondsOf(product.temporal.pid),
});

/** In turns: the databases grow, and what else the machine does falls on both alike. The first round only warms up. */
async function measure(kinds) {
  const figures = Object.fromEntries(Object.keys(kinds).map((name) => [name, { seconds: 0, cpu: {} }]));
  for (let round = 0; round <= rounds; round += 1) {
    const numbers = Array.from({ length: journeys }, (_, n) => round * journeys + n);
    const turns = Object.entries(kinds);
    for (const [name, { cpu, live }] of round % 2 === 0 ? turns : turns.reverse()) {
      const before = await cpu();
      const startedAt = performance.now();
      await live(numbers);
      if (round === 0) continue;
      const figure = figures[name];
      figure.seconds += (performance.now() - startedAt) / 1_000;
      for (const [part, ms] of Object.entries(await cpu())) {
        figure.cpu[part] = (figure.cpu[part] ?? 0) + ms - before[part];
      }
    }
  }
  return figures;
}

function report({ scripted, real }) {
  const lived = journeys * rounds;
  const row = (title, valueOf) => {
    const [left, right] = [valueOf(scripted), valueOf(real)];
    const ratio = left > 0 ? `${(right / left).toFixed(2)}x` : '';
    console.log(
      title.padEnd(34) + [left.toFixed(1), right.toFixed(1), ratio].map((cell) => cell.padStart(12)).join(''),
    );
  };
  console.log(`${rounds} rounds of ${journeys} journeys of ${STEPS} steps, ${MESSAGES} of which send a message`);
  console.log(''.padEnd(34) + ['scripted', 'real gates', 'ratio'].map((cell) => cell.padStart(12)).join(''));
  row('journeys per second', ({ seconds }) => lived / seconds);
  row('worker CPU per step, ms', ({ cpu }) => cpu.worker / (lived * STEPS));
  for (const part of ['worker', 'api', 'postgres', 'temporal']) {
    row(`${part} CPU per journey, ms`, ({ cpu }) => (cpu[part] ?? 0) / lived);
  }
  row('CPU per journey in all, ms', ({ cpu }) => Object.values(cpu).reduce((sum, ms) => sum + ms, 0) / lived);
}

await main();
