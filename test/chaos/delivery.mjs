// npm run chaos:delivery: users go through a journey with two e-mails, a text and a webhook, against the provider sandbox,
// while worker, API, PostgreSQL and Temporal are killed at random; many of the workers between the acceptance of a message
// and our record of it. Consents are withdrawn meanwhile, and a cap lets one of the two e-mails through. Then everything is
// compared with what the sandbox says that it took. Ends with 1 where a message came twice, where one is neither taken nor
// accounted for, where a doubt stayed that a provider could have ended, where a cap broke, or where a message began to leave
// after its consent was withdrawn.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { watchMachine } from '../benchmark/machine.mjs';
import { publish, rest, startProduct } from '../benchmark/product.mjs';
import { faultsOf, readOutcome } from './delivery-faults.mjs';
import { endAttempts, storm } from './delivery-storm.mjs';
import { insist } from './insist.mjs';
import { randomOf } from './random.mjs';
import { startSandbox } from './sandbox.mjs';

const { values: options } = parseArgs({
  options: {
    journeys: { type: 'string', default: '2000' },
    /** At least so many, and so many of them of a worker that had a message on its way. */
    kills: { type: 'string', default: '200' },
    'in-flight': { type: 'string', default: '60' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1e9)) },
    /** By which account e-mail goes; `both`: one half of the journeys by each, one after the other. */
    email: { type: 'string', default: 'both' },
    /** Seconds within which all enter; 0: about as long as the kills take. */
    entering: { type: 'string', default: '0' },
    /** That runs get after the last kill: one that does not know what became of its mail waits for 15, then goes on. */
    minutes: { type: 'string', default: '30' },
    /** For a short run: attempts of a worker that was killed count as over at once, and providers are asked after a second. */
    hurry: { type: 'boolean', default: false },
    dist: { type: 'string', default: 'dist' },
  },
});
const SECONDS_PER_KILL = 5;
const BATCH = 500;
const POLL_MS = 500;
const SHARE_WITHDRAWN = 8;
const TWILIO_SID = `AC${'0'.repeat(32)}`;

process.setMaxListeners(0);

const JOURNEY = {
  key: 'delivery',
  entry: { mode: 'once' },
  steps: [
    { kind: 'message', id: 'mail', channel: 'email', template: 'mail', next: 'tell' },
    { kind: 'webhook', id: 'tell', endpoint: 'hook', data: {}, next: 'text' },
    { kind: 'message', id: 'text', channel: 'sms', template: 'text', next: 'more' },
    { kind: 'message', id: 'more', channel: 'email', template: 'more', next: 'done' },
    { kind: 'end', id: 'done', reason: 'done' },
  ],
};

async function main() {
  const kinds = options.email === 'both' ? ['postmark', 'smtp'] : [options.email];
  const share = (text) => Math.ceil(Number(text) / kinds.length);
  console.log(`seed ${options.seed} (again: npm run chaos:delivery -- --seed ${options.seed})`);
  let faults = 0;
  for (const [index, email] of kinds.entries()) {
    const plan = {
      email,
      journeys: share(options.journeys),
      kills: share(options.kills),
      inFlight: share(options['in-flight']),
    };
    // The draws of one half do not depend on how often the other one had to draw.
    faults += await pass(plan, randomOf(Number(options.seed) + index));
  }
  process.exitCode = faults > 0 ? 1 : 0;
}

async function pass(plan, random) {
  const folder = mkdtempSync(path.join(tmpdir(), 'tactful-chaos-'));
  const sandbox = await startSandbox({ folder, dist: options.dist });
  let product;
  try {
    const settings = {
      SMTP_URL: `${sandbox.smtpUrl}?ignoreTLS=true`,
      OUTBOX_POLL_MS: '200',
      ...(options.hurry ? { LOOK_UP_AFTER_MS: '1000' } : {}),
    };
    product = await startProduct({ folder, dist: options.dist, settings });
    await prepare(product, sandbox, plan);
    const machine = watchMachine();
    const startedAt = Date.now();
    let isOver = false;
    const stormed = storm({ product, sandbox, random, plan, isHurried: options.hurry, isOver: () => isOver });
    await enterAndWithdraw(product, plan, random);
    let lastKillAt = Infinity;
    void stormed.then(() => (lastKillAt = Date.now()));
    const open = await untilEnded(product, () => Date.now() - lastKillAt > Number(options.minutes) * 60_000);
    isOver = true;
    const killed = await stormed;
    const outcome = { ...(await readOutcome(product, sandbox)), open, plan };
    const faults = [...faultsOf(outcome), ...killFaults(killed, plan)];
    report(outcome, faults, killed, Math.round((Date.now() - startedAt) / 1_000));
    console.log(machine());
    return faults.length;
  } finally {
    await product?.stop();
    await sandbox.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function prepare(product, sandbox, { email, journeys }) {
  const { call } = product;
  const accounts = await sandbox.ask('GET', '/admin/accounts');
  const texts = { account_sid: TWILIO_SID, from: '+15005550006', base_url: `${sandbox.url}/twilio` };
  await call('POST', '/api/providers', {
    key: 'texts',
    kind: 'twilio',
    settings: texts,
    credentials: { auth_token: 'sandbox' },
  });
  if (email === 'postmark') {
    const settings = { base_url: `${sandbox.url}/postmark` };
    await call('POST', '/api/providers', {
      key: 'mark',
      kind: 'postmark',
      settings,
      credentials: { server_token: 'sandbox' },
    });
  }
  const { secret } = accounts.webhooks;
  await call('POST', '/api/webhook-endpoints', {
    key: 'hook',
    name: 'hook',
    url: `${sandbox.url}/webhooks/hook`,
    secret,
  });
  for (const key of ['mail', 'more']) await createMail(product, key);
  await call('POST', '/api/message-templates', {
    key: 'text',
    channel: 'sms',
    text: 'Hello from {{ company.name }}. Reply STOP to stop.',
  });
  const cap = {
    kind: 'cap',
    scope: { kind: 'tag', tag: 'promo' },
    limit: 1,
    window: { kind: 'rolling', duration: 'PT24H' },
  };
  await call('POST', '/api/policies', { key: 'promo', definition: cap });
  await createReaders(product, journeys);
  await publish(product, JOURNEY);
  // Answers that take seconds to come: time to die in.
  const slow = { kind: 'slow_drip', parameters: { bytes: 8, every_ms: 60 }, probability: 0.4 };
  const faults = [
    ...['postmark', 'twilio', 'webhooks'].map((provider) => ({ ...slow, provider })),
    ...['postmark', 'twilio'].flatMap((provider) => [
      { provider, kind: 'reset_after', probability: 0.03 },
      { provider, kind: 'reset_before', probability: 0.03 },
      { provider, kind: 'error', parameters: { status: 500 }, probability: 0.02 },
      { provider, kind: 'malformed', probability: 0.02 },
    ]),
    { provider: 'smtp', kind: 'delay', parameters: { ms: 300 }, probability: 0.5 },
  ];
  await sandbox.ask('PUT', '/admin/faults', { seed: Number(options.seed), faults });
}

/** Who may be written to and texted. */
async function createReaders({ call }, count) {
  for (let first = 0; first < count; first += BATCH) {
    const numbers = Array.from({ length: Math.min(BATCH, count - first) }, (_, n) => first + n);
    const users = numbers.map((n) => ({ external_id: `u${n}`, email: `u${n}@example.org`, phone: phoneOf(n) }));
    await call('POST', '/api/users/batch', { users });
    for (const channel of ['email', 'sms']) {
      const consents = numbers.map((n) => ({ user_id: `ext:u${n}`, channel, status: 'granted', source: 'trial' }));
      await call('POST', '/api/consents/batch', { consents });
    }
  }
}

/** In a country whose law knows no quiet hours here, so that the run is the same on every day. */
const phoneOf = (n) => `+44740${String(1_000_000 + n)}`;

function createMail({ call }, key) {
  return call('POST', '/api/message-templates', {
    key,
    channel: 'email',
    purpose: 'marketing',
    tags: ['promo'],
    subject: key,
    html: `<p>${key} <a href="{{ unsubscribe_url }}">unsubscribe</a> {{ company.address }}</p>`,
    text: `${key} {{ unsubscribe_url }} {{ company.address }}`,
  });
}

/** Each user enters at an instant of their own; some withdraw a consent about then. */
async function enterAndWithdraw(product, { journeys, kills }, random) {
  const enteringMs = 1_000 * (Number(options.entering) || kills * SECONDS_PER_KILL);
  const startedAt = Date.now();
  const until = (at) => rest(Math.max(0, startedAt + at - Date.now()));
  const script = Array.from({ length: journeys }, (_, n) => {
    const at = random.below(enteringMs);
    const withdrawal =
      random.below(SHARE_WITHDRAWN) === 0
        ? { at: at + random.below(4_000), channel: random.of(['email', 'sms']) }
        : null;
    return { n, at, withdrawal };
  });
  await Promise.all(
    script.map(async ({ n, at, withdrawal }) => {
      await until(at);
      await insist(() => product.call('POST', `/api/journeys/ext:u${n}/enroll`, { journey: JOURNEY.key }));
      if (withdrawal === null) return;
      await until(withdrawal.at);
      const { channel } = withdrawal;
      await insist(() =>
        product.call('POST', '/api/consents', { user_id: `ext:u${n}`, channel, status: 'withdrawn', source: 'trial' }),
      );
    }),
  );
}

/** @returns how many runs have not ended in their time */
async function untilEnded(product, isTimeOver) {
  for (;;) {
    const [row] = await product
      .query(
        `select (select count(*) from journey_entries)::int - count(*) filter (where ended_at is not null)::int as open,
          (select count(*) from deliveries where state = 'sending')::int as sending, count(*)::int as runs from journey_runs`,
      )
      .catch(() => [null]);
    if (row !== null && row.runs > 0 && row.open === 0 && row.sending === 0) return 0;
    if (isTimeOver()) return row?.open ?? -1;
    if (options.hurry) await endAttempts(product, 'ask_at is not null');
    await rest(POLL_MS);
  }
}

function killFaults({ total, inFlight }, plan) {
  const faults = [];
  if (total < plan.kills) faults.push(`only ${total} of ${plan.kills} kills`);
  if (inFlight < plan.inFlight) faults.push(`only ${inFlight} of ${plan.inFlight} kills with a message on its way`);
  return faults;
}

function report({ plan, counts, lost, open }, faults, killed, seconds) {
  console.log(`e-mail by ${plan.email}: ${plan.journeys} journeys in ${seconds} s, ${open} have not ended`);
  console.log(
    `killed ${killed.total}: ${Object.entries(killed.counts)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ')}`,
  );
  console.log(
    `of the worker while a message was taken and not recorded: ${killed.inFlight} kills, ${killed.messages} messages`,
  );
  console.log(
    `${Object.entries(counts)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ')}`,
  );
  if (lost.length > 0) console.log(`unknown by SMTP, and not taken: ${lost.length}`);
  for (const fault of faults.slice(0, 20)) console.log(`FAULT ${fault}`);
  console.log(`${faults.length} faults`);
}

await main();
