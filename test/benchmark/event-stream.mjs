// npm run bench:stream: what it costs a decision that subscribers may be told of it: the same inserts without the trigger,
// with it and nobody listening, and with one subscriber. Counted is the processor time of the one server process that does
// them, so that a busy machine matters little. Rounds of all kinds take turns; the median of each counts.
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { startPostgres } from '../../tools/postgres.mjs';
import { percentile, processFigures } from './machine.mjs';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '15' },
    decisions: { type: 'string', default: '16000' },
    dist: { type: 'string', default: 'dist' },
  },
});
const dist = pathToFileURL(path.resolve(options.dist));
const { migrate } = await import(`${dist}/src/platform/database/migrate.js`);
const rounds = Number(options.rounds);
const decisions = Number(options.decisions);
/** As many as the server's own batches hold. */
const TOGETHER = 16;
const RECORD_BYTES = 4_000;
const MEDIAN = 0.5;

const KINDS = {
  'no trigger': ['alter table decisions disable trigger decisions_told', 'delete from event_subscriptions'],
  'nobody listens': ['alter table decisions enable trigger decisions_told', 'delete from event_subscriptions'],
  'one listens to something else': [
    'alter table decisions enable trigger decisions_told',
    'delete from event_subscriptions',
    `insert into event_subscriptions (key, name, endpoint, types, format) values ('a', 'a', 'a', '{consent.*}', 'standard')`,
  ],
  'one is told': [
    'alter table decisions enable trigger decisions_told',
    'delete from event_subscriptions',
    `insert into event_subscriptions (key, name, endpoint, types, format) values ('a', 'a', 'a', '{*}', 'standard')`,
  ],
};

const INSERT = {
  name: 'insert',
  text: `insert into decisions (id, user_id, source, clock_domain, decided_at, outcome, channel, action, record,
      payload_hash, chain_seq, chain_hash)
    select uuidv7(), uuidv7(), 'api', 'real', clock_timestamp(), 'act', 'email', 'offer', $1, '\\x00', 1, '\\x00'
    from generate_series(1, ${TOGETHER})`,
};

async function round(client, statements) {
  const cpuUs = () => processFigures(client.processID).cpuSeconds * 1_000_000;
  for (const statement of statements) await client.query(statement);
  const record = randomBytes(RECORD_BYTES / 2).toString('hex');
  const before = cpuUs();
  for (let n = 0; n < decisions; n += TOGETHER) await client.query({ ...INSERT, values: [record] });
  const us = (cpuUs() - before) / decisions;
  await client.query('truncate stream_events, stream_messages, decisions');
  return us;
}

async function main() {
  const folder = mkdtempSync(path.join(tmpdir(), 'tactful-bench-'));
  const postgres = await startPostgres({ dataDir: path.join(folder, 'postgres') });
  try {
    await migrate(postgres.url());
    const client = new pg.Client({ connectionString: postgres.url() });
    await client.connect();
    await client.query('set synchronous_commit = off');
    const figures = new Map(Object.keys(KINDS).map((kind) => [kind, []]));
    for (let n = 0; n < rounds; n += 1) {
      for (const [kind, statements] of Object.entries(KINDS)) figures.get(kind).push(await round(client, statements));
    }
    await client.end();
    const median = (kind) =>
      percentile(
        figures.get(kind).toSorted((one, other) => one - other),
        MEDIAN,
      );
    const bare = median('no trigger');
    for (const kind of figures.keys()) {
      const us = median(kind);
      console.log(`${kind.padEnd(30)} ${us.toFixed(1).padStart(7)} µs a decision  ${(us - bare).toFixed(1)} more`);
    }
  } finally {
    await postgres.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

await main();
