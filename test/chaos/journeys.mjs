// npm run chaos: users go through a journey while worker, API and Temporal server are killed and come back, again and
// again; the same users have gone through the same journey undisturbed before. Every run must end the same, and nobody may
// get another message, or one twice. Where a kill falls between a message and the answer of the mail server nobody can know
// whether it was taken: then, and only then, the delivery is `unknown`. Ends with 1 where there is a difference.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { watchMachine } from '../benchmark/machine.mjs';
import { createTemplates, createUsers, forEach, publish, rest, startProduct } from '../benchmark/product.mjs';
import { difference } from './difference.mjs';
import { insist } from './insist.mjs';
import { startMailServer } from './mail-server.mjs';
import { randomOf } from './random.mjs';

const { values: options } = parseArgs({
  options: {
    journeys: { type: 'string', default: '500' },
    kills: { type: 'string', default: '40' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1e9)) },
    /** Seconds within which all enter, each at an instant of its own. */
    entering: { type: 'string', default: '60' },
    /** Seconds that a run waits for an event; the events come in the first half of it. */
    waiting: { type: 'string', default: '120' },
    /** That runs get after the last kill: a run that does not know what became of its message waits for 15. */
    minutes: { type: 'string', default: '20' },
    dist: { type: 'string', default: 'dist' },
  },
});
const journeys = Number(options.journeys);
const enteringMs = Number(options.entering) * 1_000;
const waitingMs = Number(options.waiting) * 1_000;
const CALLERS = 8;
const AGAIN_AFTER_MS = 250;
const POLL_MS = 1_000;

process.setMaxListeners(0);

const message = (id, next) => ({ kind: 'message', id, channel: 'email', template: id, next });
const journeyOf = (key) => ({
  key,
  entry: { mode: 'once' },
  exit: { events: ['left'] },
  steps: [
    message('first', 'rest'),
    { kind: 'wait', id: 'rest', duration: 'PT5S', next: 'buys' },
    {
      kind: 'wait_for',
      id: 'buys',
      events: [
        {
          event: 'bought',
          where: { kind: 'greater_than', attribute: 'amount', value: 100 },
          next: 'thanks',
        },
        { event: 'called', next: 'plan' },
      ],
      since: 'entry',
      timeout: `PT${options.waiting}S`,
      on_timeout: 'nudge',
    },
    message('thanks', 'plan'),
    message('nudge', 'plan'),
    {
      kind: 'branch',
      id: 'plan',
      branches: [{ condition: { kind: 'equals', attribute: 'attributes.plan', value: 'pro' }, next: 'mark' }],
      else: 'lots',
    },
    { kind: 'update_user', id: 'mark', set: { 'attributes.seen': true }, next: 'lots' },
    {
      kind: 'split',
      id: 'lots',
      // The same salt: each user draws the same lot in both journeys.
      salt: 'chaos',
      arms: [
        { name: 'a', percent: 50, next: 'pause' },
        { name: 'b', percent: 50, next: 'last' },
      ],
    },
    { kind: 'wait', id: 'pause', duration: 'PT3S', next: 'last' },
    message('last', 'done'),
    { kind: 'end', id: 'done', reason: 'done' },
  ],
});

/** What each user does, and when after the enrolment began; the same both times. */
function scriptOf(random) {
  return Array.from({ length: journeys }, (_, n) => {
    const entersAt = random.below(enteringMs);
    const happensAt = entersAt + random.below(waitingMs / 2);
    const acts = [
      { event_name: 'bought', properties: { amount: 101 } },
      { event_name: 'bought', properties: { amount: 99 } },
      { event_name: 'called' },
      { event_name: 'left' },
      null,
    ];
    return { n, entersAt, happensAt, act: acts[n % acts.length] };
  });
}

async function main() {
  const random = randomOf(Number(options.seed));
  const script = scriptOf(random);
  const folder = mkdtempSync(path.join(tmpdir(), 'tactful-chaos-'));
  const mail = await startMailServer(() => 20 + random.below(180));
  console.log(
    `seed ${options.seed}: ${journeys} journeys, ${options.kills} kills (again: npm run chaos -- --seed ${options.seed})`,
  );
  let product;
  try {
    product = await startProduct({
      folder,
      dist: options.dist,
      settings: { SMTP_URL: mail.url, OUTBOX_POLL_MS: '200' },
      postgres: { fsync: 'off' },
    });
    await prepare(product);
    const machine = watchMachine();
    const calm = await pass({ product, mail, script, key: 'calm' });
    insistOnEveryStep(calm);
    const stormed = await pass({
      product,
      mail,
      script,
      key: 'storm',
      whileIt: (isOver) => storm(product, random, isOver),
    });
    const { faults, unknown, unended, compared } = difference(calm, stormed);
    for (const fault of faults.slice(0, 20)) console.log(`DIFFERENT ${fault}`);
    console.log(`${compared.runs} runs, ${compared.deliveries} deliveries and ${compared.mails} mails compared`);
    console.log(
      `${faults.length} differences; ${unknown.length} deliveries unknown, of which ${unknown.filter(({ mails }) => mails === 1).length} were taken`,
    );
    if (unended.size > 0) console.log(`${unended.size} runs have not ended: more --minutes, or a run that is stuck`);
    console.log(machine());
    process.exitCode = faults.length + unended.size > 0 ? 1 : 0;
  } finally {
    await product?.stop();
    await mail.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function prepare(product) {
  await createTemplates(product, ['first', 'thanks', 'nudge', 'last']);
  await createUsers(product, journeys, (n) => ({ plan: n % 3 === 0 ? 'pro' : 'basic' }));
  for (const key of ['calm', 'storm']) await publish(product, journeyOf(key));
}

/** All users go through the journey of this key. @returns how their runs ended */
async function pass({ product, mail, script, key, whileIt = async () => {} }) {
  mail.taken.length = 0;
  const startedAt = Date.now();
  let isOver = false;
  let isQuiet = false;
  const meanwhile = whileIt(() => isOver).then(() => (isQuiet = true));
  const until = (at) => rest(Math.max(0, startedAt + at - Date.now()));
  const entries = [...script].sort((a, b) => a.entersAt - b.entersAt);
  const enter = forEach(entries, CALLERS, async ({ n, entersAt }) => {
    await until(entersAt);
    await insist(() => product.call('POST', `/api/journeys/ext:u${n}/enroll`, { journey: key }));
  });
  // Each for itself: an event that had to wait for another one might come after the time-out.
  const happen = script.map(async ({ n, happensAt, act }) => {
    if (act === null) return;
    await until(happensAt);
    await isReady(product, key, n, act);
    const event = { user_id: `ext:u${n}`, message_id: `${key}-${n}`, ...act };
    await insist(() => product.call('POST', '/api/events', event));
  });
  await Promise.all([enter, ...happen]);
  const open = await untilEnded(product, key, () => isQuiet);
  isOver = true;
  await meanwhile;
  const seconds = ((Date.now() - startedAt) / 1_000).toFixed(0);
  console.log(`${key}: ${journeys - open} of ${journeys} runs have ended after ${seconds} s`);
  return { ...(await outcomes(product, key)), mails: [...mail.taken] };
}

/** Two passes that leave a step out agree on it, which says nothing. */
function insistOnEveryStep({ runs }) {
  const taken = new Set(runs.flatMap(({ path: steps }) => steps ?? []));
  const left = journeyOf('calm').steps.filter(({ id }) => !taken.has(id));
  if (left.length > 0) throw new Error(`nobody came to ${left.map(({ id }) => id).join(', ')}: more --journeys`);
}

/** An event counts from the entry on; one that ends the run comes between two messages, not while one is on its way. */
async function isReady(product, key, n, act) {
  const text =
    act.event_name === 'left'
      ? `select from journey_runs run join users on users.id = run.user_id join deliveries using (run_key)
          where users.external_id = $1 and run.journey_key = $2 and deliveries.state in ('sent', 'unknown')`
      : `select from journey_runs run join users on users.id = run.user_id
          where users.external_id = $1 and run.journey_key = $2`;
  while ((await product.query(text, `u${n}`, key)).length === 0) await rest(AGAIN_AFTER_MS);
}

/** @returns how many have not ended in the time that they get, which counts from the last kill */
async function untilEnded(product, key, isQuiet) {
  let deadline = Infinity;
  for (;;) {
    if (deadline === Infinity && isQuiet()) deadline = Date.now() + Number(options.minutes) * 60_000;
    const [{ open }] = await product.query(
      'select count(*)::int as open from journey_runs where journey_key = $1 and ended_at is null',
      key,
    );
    if (open === 0 || Date.now() > deadline) return open;
    await rest(POLL_MS);
  }
}

async function outcomes(product, key) {
  const runs = await product.query(
    `select users.external_id as user, run.state, run.reason,
      (select array_agg(path.step_id order by path.seq) from run_path path where path.run_key = run.run_key) as path
      from journey_runs run join users on users.id = run.user_id where run.journey_key = $1`,
    key,
  );
  const deliveries = await product.query(
    `select users.external_id as user, deliveries.step_id as step, deliveries.state
      from deliveries join journey_runs run using (run_key) join users on users.id = run.user_id
      where run.journey_key = $1`,
    key,
  );
  return { runs, deliveries };
}

/** Kills one of the three, or two at once, and lets it come back; until there is nothing to disturb any more. */
async function storm(product, random, isOver) {
  const counts = { worker: 0, api: 0, temporal: 0 };
  const total = () => Object.values(counts).reduce((sum, count) => sum + count, 0);
  while (total() < Number(options.kills) && !isOver()) {
    await rest(500 + random.below(4_500));
    const first = random.of(Object.keys(counts));
    const victims = random.below(4) === 0 ? new Set([first, random.of(Object.keys(counts))]) : new Set([first]);
    await Promise.all(
      [...victims].map(async (name) => {
        counts[name] += 1;
        await product[name].kill();
        await rest(random.below(2_000));
        await product[name].up();
      }),
    );
  }
  const { worker, api } = product;
  console.log(
    `killed: worker ${counts.worker}, API ${counts.api}, Temporal ${counts.temporal}; ended by itself: worker ${worker.endedByItself}, API ${api.endedByItself}`,
  );
}

await main();
