// npm run chaos:migration: users wait in version 1 of a journey while version 2 is published; a map moves them, and the
// worker is killed meanwhile. Each is moved once, gets each message once and keeps the arm that was drawn. Ends with 1
// where that does not hold.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { watchMachine } from '../benchmark/machine.mjs';
import { createTemplates, createUsers, forEach, publish, rest, startProduct } from '../benchmark/product.mjs';
import { startMailServer } from './mail-server.mjs';

const { values: options } = parseArgs({
  options: {
    users: { type: 'string', default: '1000' },
    'per-second': { type: 'string', default: '200' },
    kills: { type: 'string', default: '2' },
    dist: { type: 'string', default: 'dist' },
  },
});
const users = Number(options.users);
const KEY = 'moved';
const CALLERS = 8;
const POLL_MS = 250;

process.setMaxListeners(0);

const message = (id, next) => ({ kind: 'message', id, channel: 'email', template: id, next });
const waitFor = (id, event) => ({
  kind: 'wait_for',
  id,
  event,
  timeout: 'P30D',
  on_event: 'second',
  on_timeout: 'lost',
});
const lots = (percents, ...targets) => ({
  kind: 'split',
  id: 'lots',
  salt: 'migration',
  arms: targets.map((next, index) => ({ name: `arm${index}`, percent: percents[index], next })),
});
const end = (id) => ({ kind: 'end', id, reason: id });

const one = [
  message('first', 'lots'),
  lots([50, 50], 'wait0', 'wait1'),
  waitFor('wait0', 'bought'),
  waitFor('wait1', 'bought'),
  message('second', 'done'),
  end('done'),
  end('lost'),
];
/** Other waits, another event; who is drawn anew comes to the second arm. */
const two = [
  { ...lots([50, 50], 'hold0', 'hold1'), id: 'ways', salt: 'other' },
  waitFor('hold0', 'signed'),
  waitFor('hold1', 'signed'),
  message('second', 'lots'),
  lots([0.01, 99.99], 'arm0', 'arm1'),
  end('arm0'),
  end('arm1'),
  end('lost'),
];

async function main() {
  const folder = mkdtempSync(path.join(tmpdir(), 'tactful-chaos-'));
  const mail = await startMailServer(() => 0);
  let product;
  try {
    product = await startProduct({ folder, dist: options.dist, settings: { SMTP_URL: mail.url } });
    const machine = watchMachine();
    const waits = await enter(product);
    const { seconds, migration } = await migrate(product);
    await forEach([...waits.keys()], CALLERS, (user) =>
      product.call('POST', '/api/events', { user_id: `ext:${user}`, event_name: 'signed' }),
    );
    await until(async () => (await runs(product)).every(({ ended }) => ended));
    const faults = faultsOf(await runs(product), waits, mail.taken, migration);
    for (const fault of faults.slice(0, 20)) console.log(`WRONG ${fault}`);
    const pace = (users / seconds).toFixed(0);
    console.log(
      `${users} users moved in ${seconds.toFixed(1)} s, ${pace} a second, past ${options.kills} kills; ${faults.length} faults`,
    );
    console.log(machine());
    process.exitCode = faults.length > 0 ? 1 : 0;
  } finally {
    await product?.stop();
    await mail.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function until(holds) {
  while (!(await holds())) await rest(POLL_MS);
}

const runs = (product) =>
  product.query(
    `select users.external_id as user, run.step_id as step, run.version, run.reason, run.ended_at is not null as ended
      from journey_runs run join users on users.id = run.user_id where run.journey_key = $1`,
    KEY,
  );

/** @returns at which step of version 1 each user waits */
async function enter(product) {
  await createTemplates(product, ['first', 'second']);
  await createUsers(product, users);
  await publish(product, { key: KEY, steps: one });
  await forEach(
    Array.from({ length: users }, (_, n) => n),
    CALLERS,
    (n) => product.call('POST', `/api/journeys/ext:u${n}/enroll`, { journey: KEY }),
  );
  let all = [];
  await until(async () => {
    all = await runs(product);
    return all.every(({ step }) => step === 'wait0' || step === 'wait1');
  });
  return new Map(all.map(({ user, step }) => [user, step]));
}

async function migrate(product) {
  const journey = `/api/journeys/templates/${KEY}`;
  await product.call('PUT', journey, { key: KEY, name: KEY, steps: two });
  await product.call('POST', `${journey}/publish`, {});
  const startedAt = Date.now();
  const { id } = await product.call('POST', `${journey}/migrations`, {
    from_version: 1,
    to_version: 2,
    steps: { wait0: 'hold0', wait1: 'hold1' },
    runs_per_second: Number(options['per-second']),
  });
  for (let kills = 0; kills < Number(options.kills); kills += 1) {
    await rest(1_000);
    await product.worker.kill();
    await product.worker.up();
  }
  let migration;
  await until(async () => {
    migration = await product.call('GET', `${journey}/migrations/${id}`);
    return migration.status === 'done';
  });
  return { seconds: (Date.now() - startedAt) / 1_000, migration };
}

function faultsOf(ended, waits, taken, migration) {
  const faults = [];
  if (migration.runs.moved !== users) faults.push(`moved: ${JSON.stringify(migration.runs)}`);
  const mails = new Map();
  for (const { user, template } of taken) mails.set(user, [...(mails.get(user) ?? []), template]);
  for (const { user, version, reason } of ended) {
    const arm = waits.get(user).replace('wait', 'arm');
    if (version !== 2 || reason !== arm)
      faults.push(`${user}: ended by ${reason} in version ${version}, not ${arm} in 2`);
    const got = (mails.get(user) ?? []).join(' ');
    if (got !== 'first second') faults.push(`${user}: got ${got}`);
  }
  return faults;
}

await main();
