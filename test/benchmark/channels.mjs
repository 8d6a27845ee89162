// npm run bench:channels: how many messages a second each channel takes, against the provider sandbox on this machine. The
// connector alone beside the bare client with the same messages; claim, send and record beside the bare client and two
// commits; the whole step (decide, render, claim, send, record) beside the same; and whole journeys. Pairs are measured in turn, round after round.
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { NestFactory } from '@nestjs/core';
import { createTransport } from 'nodemailer';
import pg from 'pg';
import { startSandbox } from '../chaos/sandbox.mjs';
import { watchMachine } from './machine.mjs';
import { createTemplates, createUsers, forEach, publish, rest, startProduct } from './product.mjs';

const { values: options } = parseArgs({
  options: {
    messages: { type: 'string', default: '1000' },
    rounds: { type: 'string', default: '5' },
    journeys: { type: 'string', default: '500' },
    dist: { type: 'string', default: 'dist' },
  },
});
const messages = Number(options.messages);
const rounds = Number(options.rounds);
const journeys = Number(options.journeys);
const AT_ONCE = 10;
const START_WITHIN_MS = 30_000;
/** What a claim writes, and what a decision record adds to it. */
const CLAIM_BYTES = 600;
const RECORD_BYTES = 3_700;
const REACH = { connector: 0.8, claim: 0.6 };
const FROM = { name: 'Benchmark', address: 'shop@example.com' };
const DOMAIN = 'example.com';
const SECRET = Buffer.alloc(32, 7).toString('base64');
const root = fileURLToPath(new URL('../..', import.meta.url));
const fromDist = (file) => import(pathToFileURL(path.join(root, options.dist, 'src', file)).href);

process.setMaxListeners(0);

async function main() {
  const folder = mkdtempSync(path.join(tmpdir(), 'tactful-bench-'));
  const sandbox = await startSandbox({ folder, dist: options.dist });
  const smtpUrl = `${sandbox.smtpUrl}?ignoreTLS=true`;
  const machine = watchMachine();
  let product;
  try {
    const pairs = await connectors(sandbox, smtpUrl);
    for (const [name, pair] of Object.entries(pairs)) await report(`${name} connector`, pair, REACH.connector);
    for (const { close } of Object.values(pairs)) close();
    const settings = { SMTP_URL: smtpUrl, SECRET_KEY: SECRET, OUTBOX_POLL_MS: '200' };
    product = await startProduct({ folder, dist: options.dist, settings });
    await prepare(product);
    const { claim, step, close } = await withClaim(product, settings, smtpUrl);
    await report('e-mail, claim and send', claim, REACH.claim);
    await report('e-mail, the whole step', step, 0);
    await close();
    await wholeJourneys(product, sandbox);
    console.log(machine());
    console.log(`reach: connectors >= ${REACH.connector}x, claim and send >= ${REACH.claim}x of the bare client`);
  } finally {
    await product?.stop();
    await sandbox.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

const html = `<p>${'A message as long as many. '.repeat(40)}</p>`;
const text = 'A message as long as many. '.repeat(40);
const email = (n) => ({
  deliveryId: randomUUID(),
  to: `u${n}@example.org`,
  content: { channel: 'email', subject: 'Benchmark', html, text },
  unsubscribeUrl: 'https://shop.example.com/unsubscribe/token',
});
const sms = (n) => ({
  deliveryId: randomUUID(),
  to: `+1202555${String(n % 10_000).padStart(4, '0')}`,
  content: { channel: 'sms', text: 'Your parcel arrives today.' },
  unsubscribeUrl: null,
});

/** By channel: our connector and the bare client. */
async function connectors(sandbox, smtpUrl) {
  const [{ EmailConnector }, { HttpConnector }, { Exchanges }, { postmark }, { twilio }] = await Promise.all(
    [
      'modules/deliveries/email.connector.js',
      'modules/deliveries/http/http.connector.js',
      'platform/outbound/exchange.js',
      'modules/deliveries/http/postmark.js',
      'modules/deliveries/http/twilio.js',
    ].map(fromDist),
  );
  const smtp = new EmailConnector({ smtpUrl, from: FROM, domain: DOMAIN, dkim: null });
  const exchanges = new Exchanges(true);
  const overHttp = (protocol, account, messageOf) => {
    const correspondence = { account, from: FROM, domain: DOMAIN, callbackUrl: 'http://127.0.0.1:9/' };
    const connector = new HttpConnector(exchanges, correspondence);
    const agent = new http.Agent({ keepAlive: true, maxSockets: AT_ONCE });
    return {
      ours: (n) => sendBy(connector, messageOf(n)),
      bare: (n) => post(agent, protocol.toRequest(messageOf(n), correspondence)),
      close: () => agent.destroy(),
    };
  };
  const bareSmtp = bareMailer(smtpUrl);
  return {
    'e-mail (SMTP)': {
      ours: (n) => sendBy(smtp, email(n)),
      bare: bareSmtp.send,
      close: () => {
        bareSmtp.close();
        smtp.onApplicationShutdown();
      },
    },
    'e-mail (Postmark)': overHttp(postmark, accountOf('postmark', sandbox, { server_token: 'sandbox' }), email),
    'text (Twilio)': overHttp(
      twilio,
      accountOf(
        'twilio',
        sandbox,
        { auth_token: 'sandbox' },
        { account_sid: `AC${'0'.repeat(32)}`, from: '+12025550100' },
      ),
      sms,
    ),
  };
}

const accountOf = (kind, sandbox, credentials, settings = {}) => ({
  ...{ id: randomUUID(), key: kind, kind, state: 'active', priority: 1, perSecond: null, pathToken: 'x', updatedAt: 0 },
  channel: kind === 'twilio' ? 'sms' : 'email',
  settings: { base_url: `${sandbox.url}/${kind}`, ...settings },
  credentials,
});

async function sendBy(connector, message) {
  const line = await connector.open();
  try {
    const result = await line.send(message, START_WITHIN_MS);
    if (result.kind !== 'accepted') throw new Error(JSON.stringify(result));
  } finally {
    line.release();
  }
}

function bareMailer(smtpUrl) {
  const transport = createTransport(`${smtpUrl}&pool=true&maxConnections=${AT_ONCE}&maxMessages=Infinity`);
  const send = (n) => {
    const { to, content } = email(n);
    return transport.sendMail({ from: FROM, to, subject: content.subject, html: content.html, text: content.text });
  };
  return { send, close: () => transport.close() };
}

function post(agent, { url, headers, body }) {
  return new Promise((resolve, reject) => {
    const length = Buffer.byteLength(body);
    const request = http.request(url, { method: 'POST', agent, headers: { ...headers, 'content-length': length } });
    request.once('error', reject);
    request.once('response', (response) => {
      response.resume();
      response.once('end', () => (response.statusCode < 300 ? resolve() : reject(new Error(`${response.statusCode}`))));
    });
    request.end(body);
  });
}

async function prepare(product) {
  await createTemplates(product, ['offer']);
  await createUsers(product, Math.max(journeys, messages * rounds));
  const steps = [
    { kind: 'message', id: 'offer', channel: 'email', template: 'offer', next: 'done' },
    { kind: 'end', id: 'done', reason: 'done' },
  ];
  for (const key of ['steps', 'journeys']) await publish(product, { key, entry: { mode: 'once' }, steps });
}

/** As the worker does it, in this process, and a hand that writes, sends and writes again. */
async function withClaim(product, settings, smtpUrl) {
  await product.worker.stop();
  const [{ AppModule }, { readConfig }, { StepsService }, { DeliveriesService }, { Database }] = await Promise.all(
    [
      'app.module.js',
      'platform/config/config.js',
      'modules/steps/index.js',
      'modules/deliveries/index.js',
      'platform/database/database.js',
    ].map(fromDist),
  );
  const config = readConfig({
    ...settings,
    DATABASE_URL: product.databaseUrl,
    TEMPORAL_ADDRESS: product.temporalAddress,
    LOG_LEVEL: 'fatal',
  });
  const app = await NestFactory.createApplicationContext(AppModule.register(config), { logger: false });
  const users = await product.query('select id from users order by id limit $1', messages * rounds);
  await product.query(
    `insert into journey_entries (run_key, journey_id, version, user_id, entry_key, source)
      select 'steps:' || users.id, journeys.id, 1, users.id, 'once', 'api'
      from journeys, (select id from users order by id limit $1) users where journeys.key = 'steps'`,
    messages * rounds,
  );
  const pool = new pg.Pool({ connectionString: product.databaseUrl, max: AT_ONCE });
  await pool.query('create table bare_sends (id uuid primary key default uuidv7(), state text, record text)');
  const mailer = bareMailer(smtpUrl);
  const bareWith = (bytes) => {
    const record = 'x'.repeat(bytes);
    const write = { name: 'write', text: `insert into bare_sends (state, record) values ('sending', $1) returning id` };
    const note = { name: 'note', text: `update bare_sends set state = 'sent' where id = $1` };
    return async (n) => {
      const { rows } = await pool.query({ ...write, values: [record] });
      await mailer.send(n);
      await pool.query({ ...note, values: [rows[0].id] });
    };
  };
  return {
    claim: {
      bare: bareWith(CLAIM_BYTES),
      ours: (n) => claimAndSend(app, { DeliveriesService, Database }, users[n].id, n),
    },
    step: { bare: bareWith(RECORD_BYTES), ours: (n) => askStep(app.get(StepsService), users[n].id) },
    async close() {
      mailer.close();
      await pool.end();
      await app.close();
      await product.worker.up();
    },
  };
}

async function claimAndSend(app, { DeliveriesService, Database }, userId, n) {
  const deliveries = app.get(DeliveriesService);
  const { deliveryId, to, content, unsubscribeUrl } = email(n);
  const idempotencyKey = `benchmark:${deliveryId}`;
  const route = { channel: 'email', address: to, without: new Set(), ticket: idempotencyKey };
  const result = await deliveries.inTurn(route, async (line) => {
    const claimed = await app.get(Database).transaction((transaction) =>
      deliveries.claim(transaction, {
        ...{
          deliveryId,
          idempotencyKey,
          userId,
          decisionId: randomUUID(),
          runKey: `claims:${userId}`,
          stepId: 'offer',
        },
        ...{
          visit: 1,
          journeyKey: 'claims',
          channel: 'email',
          provider: line.provider,
          action: 'offer',
          template: 'offer',
        },
        ...{ templateVersion: 1, purpose: 'marketing', tags: [], isCounted: true, actionGroup: null, address: to },
        ...{ aliveMs: START_WITHIN_MS, clockDomain: 'real', claimedAt: Date.now() },
      }),
    );
    return deliveries.send(line, claimed, { address: to, content, unsubscribeUrl }, START_WITHIN_MS);
  });
  if (result.kind !== 'accepted') throw new Error(JSON.stringify(result));
}

async function askStep(steps, userId) {
  const step = {
    kind: 'message',
    id: 'offer',
    channel: 'email',
    template: 'offer',
    onRefusal: 'continue',
    next: 'done',
  };
  const run = { runKey: `steps:${userId}`, userId, journeyKey: 'steps', journeyVersion: 1 };
  const answer = await steps.run({ run, step, visit: 1, ask: 1, clock: { kind: 'real' } });
  if (answer.kind !== 'sent') throw new Error(JSON.stringify(answer));
}

/** In turn, so that what else the machine does falls on both alike. */
async function report(name, { ours, bare }, reach) {
  const rates = { ours: [], bare: [] };
  for (let round = 0; round < rounds; round += 1) {
    const numbers = Array.from({ length: messages }, (_, n) => round * messages + n);
    const turns = [
      ['bare', bare],
      ['ours', ours],
    ];
    for (const [who, send] of round % 2 === 0 ? turns : turns.reverse()) {
      const startedAt = performance.now();
      await forEach(numbers, AT_ONCE, send);
      rates[who].push(messages / ((performance.now() - startedAt) / 1_000));
    }
  }
  const ratio = median(rates.ours.map((rate, round) => rate / rates.bare[round]));
  console.log(
    `${name.padEnd(30)} ${median(rates.ours).toFixed(0).padStart(6)}/s   bare ${median(rates.bare).toFixed(0).padStart(6)}/s   ${ratio.toFixed(2)}x ${ratio >= reach ? '' : '(below the reach)'}`,
  );
}

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

async function wholeJourneys(product, sandbox) {
  const taken = async () => (await sandbox.ask('GET', '/admin/counts')).smtp ?? 0;
  const before = await taken();
  const startedAt = performance.now();
  await product.call('POST', '/api/journeys/templates/journeys/enrolments', {
    users: { where: { kind: 'exists', attribute: 'email' } },
    per_second: 500,
  });
  while ((await taken()) < before + journeys) await rest(100);
  const seconds = (performance.now() - startedAt) / 1_000;
  console.log(
    `${'whole journeys'.padEnd(30)} ${(journeys / seconds).toFixed(1).padStart(6)}/s   (enter, send, end; ${journeys} mails)`,
  );
}

await main();
