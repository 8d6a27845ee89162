// Shows how PostgreSQL runs the statements of a decision, and refuses plans that read a big table from end to end.
import pg from 'pg';

const BIG_TABLE_ROWS = 10_000;

export async function checkPlans({ url, fromDist, userIdOf, users, say }) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query(
    `select relname as name from pg_class where relkind in ('r', 'p') and reltuples > ${BIG_TABLE_ROWS}`,
  );
  const big = new Set(rows.map(({ name }) => name));
  for (const statement of await statementsOf(fromDist, userIdOf(Math.ceil(users / 2)))) {
    for (const mode of ['force_custom_plan', 'force_generic_plan']) {
      await client.query(`set plan_cache_mode = ${mode}`);
      const { rows: plans } = await client.query({
        text: `explain (analyze, format json) ${statement.text}`,
        values: statement.values,
      });
      const [{ Plan: plan, ...times }] = plans[0]['QUERY PLAN'];
      const bad = nodesOf(plan).filter((node) => node['Node Type'] === 'Seq Scan' && big.has(node['Relation Name']));
      const [planning, execution] = [times['Planning Time'], times['Execution Time']];
      say(`${statement.name}, ${mode}: cost ${plan['Total Cost']}, plan ${planning} ms, run ${execution} ms`);
      if (times.JIT !== undefined) say(`  compiled just in time: ${JSON.stringify(times.JIT.Timing)}`);
      if (bad.length > 0) throw new Error(`${statement.name} reads all of ${bad.map((node) => node['Relation Name'])}`);
    }
    const { rows: lines } = await client.query({ text: `explain ${statement.text}`, values: statement.values });
    if (process.env.BENCH_PLANS === '1') say(lines.map((line) => line['QUERY PLAN']).join('\n'));
  }
  await client.end();
}

/** The very statements of the product, taken from a repository that talks to nobody. */
async function statementsOf(fromDist, id) {
  const { FactsRepository } = await fromDist('modules/decisions/facts.repository.js');
  const statements = [];
  const recorder = {
    query: async (statement) => {
      statements.push(statement);
      return statement.values[0].map(() => ({}));
    },
  };
  const facts = new FactsRepository(recorder, { email: { from: { address: 'hello@tactful.example' } } });
  const day = 86_400_000;
  const query = { clockDomain: 'real', now: null, horizons: { contactsMs: 33 * day, outcomesMs: 33 * day } };
  const user = { kind: 'id', id };
  for (const users of [[user], Array(16).fill(user), [{ kind: 'external', externalId: 'customer-7' }]]) {
    await Promise.all(users.map((each) => facts.load(recorder, { ...query, user: each, run: null })));
  }
  const run = { runKey: 'none', stepId: 'none', visit: 1 };
  await facts.load(recorder, { ...query, user, run });
  return statements;
}

const nodesOf = (plan) => [plan, ...(plan.Plans ?? []).flatMap(nodesOf)];

/** How often each table was read from end to end so far, by whichever statement, and whether it is a big one. */
export async function sequentialScans(client) {
  const { rows } = await client.query(
    `select relname as name, seq_scan::int as scans, n_live_tup > ${BIG_TABLE_ROWS} as "isBig" from pg_stat_user_tables`,
  );
  return new Map(rows.map(({ name, ...figures }) => [name, figures]));
}
