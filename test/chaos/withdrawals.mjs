// npm run chaos:withdrawals: a broadcast goes out to users who withdraw their consent in the middle of it, each by the link
// of an earlier message, as mail programs do it (RFC 8058). Half of them withdraw in the very moment in which their run
// begins. Ends with 1 where the provider was called more than a second after the withdrawal was answered, where somebody
// got a message twice, or where a silence has no reason.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { percentile, watchMachine } from '../benchmark/machine.mjs';
import { createTemplates, createUsers, forEach, publish, rest, startProduct } from '../benchmark/product.mjs';
import { randomOf } from './random.mjs';
import { startSandbox } from './sandbox.mjs';

const { values: options } = parseArgs({
  options: {
    users: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '7' },
    dist: { type: 'string', default: 'dist' },
  },
});
const users = Number(options.users);
const KEY = 'broadcast';
const SECRET = Buffer.alloc(32, 7).toString('base64');
const ENTERING_PER_SECOND = 500;
const CALLERS = 4;
const CALLERS_AT_ENTRY = 8;
const UNAVAILABLE = 503;
const AGAIN_AFTER_MS = 250;
const POLL_MS = 10;
const LATE_MS_MAX = 1_000;
/** The first withdraw when so many of a hundred messages are out. */
const SHARE_BEFORE = 0.05;
const BOUNDARY = 'part';

process.setMaxListeners(0);

async function main() {
  const folder = mkdtempSync(path.join(tmpdir(), 'tactful-chaos-'));
  const sandbox = await startSandbox({ folder, dist: options.dist });
  let product;
  try {
    const settings = { SMTP_URL: `${sandbox.smtpUrl}?ignoreTLS=true`, SECRET_KEY: SECRET, OUTBOX_POLL_MS: '200' };
    product = await startProduct({ folder, dist: options.dist, settings });
    await prepare(product);
    const machine = watchMachine();
    const withdrawn = await broadcast(product, sandbox);
    const accepted = await sandbox.accepted();
    const silences = await product.query(
      `select count(*)::int as all, count(reason)::int as explained from decisions where outcome <> 'act'`,
    );
    report(withdrawn, accepted, silences[0], machine());
  } finally {
    await product?.stop();
    await sandbox.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function prepare(product) {
  await createTemplates(product, ['news']);
  await createUsers(product, users);
  const steps = [
    { kind: 'message', id: 'news', channel: 'email', template: 'news', next: 'done' },
    { kind: 'end', id: 'done', reason: 'done' },
  ];
  await publish(product, { key: KEY, entry: { mode: 'once' }, steps });
}

/** @returns of each user when the withdrawal was answered */
async function broadcast(product, sandbox) {
  const random = randomOf(Number(options.seed));
  const links = await linksOf(product);
  const withdrawn = new Map();
  const waiting = new Map([...links.keys()].map((user) => [user, random.below(2) === 0]));
  await product.call('POST', `/api/journeys/templates/${KEY}/enrolments`, {
    users: { where: { kind: 'exists', attribute: 'email' } },
    per_second: ENTERING_PER_SECOND,
  });
  const count = async () => (await sandbox.ask('GET', '/admin/counts')).smtp ?? 0;
  while ((await count()) < users * SHARE_BEFORE) await rest(POLL_MS);
  const withdraw = async (user) => {
    if (!waiting.delete(user)) return;
    await oneClick(links.get(user), random.below(2) === 0);
    withdrawn.set(user, Date.now());
  };
  const anybody = [...waiting].filter(([, isAtEntry]) => !isAtEntry).map(([user]) => user);
  const callers = Array.from({ length: CALLERS }, async () => {
    for (let user = anybody.pop(); user !== undefined; user = anybody.pop()) await withdraw(user);
  });
  await Promise.all([...callers, atEntry(product, waiting, withdraw)]);
  let open = users;
  while (open > 0) {
    [{ open }] = await product.query(
      'select ($1 - count(*))::int as open from journey_runs where ended_at is not null',
      users,
    );
    await rest(POLL_MS * 50);
  }
  return withdrawn;
}

/** Those whose run has just begun: their message is about to leave. */
async function atEntry(product, waiting, withdraw) {
  let seen = new Date(0);
  while ([...waiting.values()].some(Boolean)) {
    const rows = await product.query(
      `select users.external_id as user, run.started_at as at from journey_runs run join users on users.id = run.user_id
        where run.started_at > $1::timestamptz - interval '1 second' order by run.started_at`,
      seen,
    );
    seen = rows.at(-1)?.at ?? seen;
    const due = rows.filter(({ user }) => waiting.get(user) === true);
    await forEach(due, CALLERS_AT_ENTRY, ({ user }) => withdraw(user));
    if (due.length === 0) await rest(POLL_MS);
  }
}

/** By user the link that stands in each of their messages. */
async function linksOf(product) {
  const from = (file) =>
    import(pathToFileURL(fileURLToPath(new URL(`../../${options.dist}/src/${file}`, import.meta.url))).href);
  const { readAccessConfig } = await from('platform/config/config.js');
  const { UnsubscribeTokens } = await from('modules/unsubscribe/unsubscribe-tokens.js');
  const tokens = new UnsubscribeTokens({
    ...readAccessConfig({ SECRET_KEY: SECRET }),
    http: { publicUrl: product.url },
  });
  const rows = await product.query('select id, external_id as user from users order by id');
  const deliveryId = '00000000-0000-7000-8000-000000000000';
  const what = { purpose: 'marketing', channel: 'email', brand: 'default', deliveryId };
  return new Map(rows.map(({ id, user }) => [user, tokens.urlFor({ userId: id, ...what })]));
}

/** Without cookies or anything else, as the mail programs do. */
async function oneClick(link, isMultipart) {
  const part = `--${BOUNDARY}\r\ncontent-disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--${BOUNDARY}--\r\n`;
  const [type, body] = isMultipart
    ? [`multipart/form-data; boundary=${BOUNDARY}`, part]
    : ['application/x-www-form-urlencoded', 'List-Unsubscribe=One-Click'];
  const response = await fetch(link, { method: 'POST', redirect: 'error', headers: { 'content-type': type }, body });
  await response.text();
  if (response.status === UNAVAILABLE) {
    await rest(AGAIN_AFTER_MS);
    return oneClick(link, isMultipart);
  }
  if (response.status !== 200) throw new Error(`a withdrawal was answered with ${response.status}`);
}

function report(withdrawn, accepted, silences, machine) {
  const mails = Map.groupBy(accepted, ({ recipient }) => recipient.split('@')[0]);
  const twice = [...mails.values()].filter(({ length }) => length > 1).length;
  const after = [...mails]
    .map(([user, [{ started_at: startedAt }]]) => Date.parse(startedAt) - withdrawn.get(user))
    .filter((ms) => ms > 0)
    .sort((a, b) => a - b);
  const late = after.filter((ms) => ms > LATE_MS_MAX).length;
  console.log(`${users} users, all withdrawn; ${mails.size} got the message before, ${silences.all} silences recorded`);
  console.log(
    `calls that began after the withdrawal was answered: ${after.length}` +
      (after.length === 0 ? '' : `, p95 ${percentile(after, 0.95)} ms, latest ${after.at(-1)} ms after`),
  );
  console.log(
    `FAULTS: ${late} more than ${LATE_MS_MAX} ms after, ${twice} twice, ${silences.all - silences.explained} silences without a reason`,
  );
  console.log(machine);
  const isWhole = mails.size + silences.all >= users && withdrawn.size === users;
  if (!isWhole) console.log(`${users - mails.size - silences.all} users have neither a message nor a silence`);
  process.exitCode = late + twice + silences.all - silences.explained > 0 || !isWhole ? 1 : 0;
}

await main();
