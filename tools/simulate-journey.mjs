// `npm run simulate:journey -- welcome --days 30`: tries a journey on the users of a running Tactful, shows how far it is,
// and prints the figures. See docs/guides/simulating.md.
import { parseArgs } from 'node:util';

const HELP = `npm run simulate:journey -- <id or key of the journey> [options]
  --version 3        a published version; left out: the draft
  --compare-with 2   another version, on the same users and events
  --where '{…}'      a condition on the profile, as JSON; left out: everybody
  --limit 10000      at most so many users      --days 30        how long to follow them
  --from 2027-01-01T09:00:00Z                   --spread-days 7  users enter over so many days
  --events history | '{"purchase":0.02}'        what users do: as stored, or drawn, probability per day
  --seed 1           the same seed draws the same
  --json             the result as JSON
  --url http://127.0.0.1:8000 (or TACTFUL_URL), key in TACTFUL_API_KEY
Exit status: 0 done, 1 failed, refused or cancelled, 2 wrong use. Ctrl-C cancels the simulation.`;
const POLL_MS = 500;
const CALL_MS_MAX = 60_000;
const URL_DEFAULT = 'http://127.0.0.1:8000';

class WrongUse extends Error {}

const controller = new AbortController();
process.once('SIGINT', () => controller.abort());

try {
  process.exitCode = await main(readOptions(process.argv.slice(2)));
} catch (error) {
  console.error(error instanceof WrongUse ? `${error.message}\n${HELP}` : error.message);
  process.exitCode = error instanceof WrongUse ? 2 : 1;
}

function readOptions(args) {
  const text = { type: 'string' };
  const flag = { type: 'boolean' };
  const names = ['version', 'compare-with', 'where', 'limit', 'days', 'from', 'spread-days', 'events', 'seed', 'url'];
  const options = { ...Object.fromEntries(names.map((name) => [name, text])), json: flag, help: flag };
  let parsed;
  try {
    parsed = parseArgs({ args, options, allowPositionals: true });
  } catch (error) {
    throw new WrongUse(error.message);
  }
  const { values, positionals } = parsed;
  if (values.help === true) return { help: true };
  if (positionals.length !== 1) throw new WrongUse('name one journey');
  return {
    journey: positionals[0],
    url: (values.url ?? process.env.TACTFUL_URL ?? URL_DEFAULT).replace(/\/$/, ''),
    key: process.env.TACTFUL_API_KEY || undefined, // an empty one counts as not set
    isJson: values.json === true,
    request: requestOf(values),
  };
}

/** What is left out here takes the defaults of the API; what is wrong it says. */
function requestOf(values) {
  const number = (name) => (values[name] === undefined ? undefined : numberOf(name, values[name]));
  const users = {
    where: values.where === undefined ? undefined : jsonOf('where', values.where),
    limit: number('limit'),
  };
  const spreadDays = number('spread-days');
  return {
    version: number('version'),
    compare_with: number('compare-with'),
    days: number('days'),
    from: values.from,
    seed: values.seed,
    ...(values.where === undefined && values.limit === undefined ? {} : { users }),
    ...(spreadDays === undefined ? {} : { entry: { spread_days: spreadDays } }),
    ...(values.events === undefined ? {} : { events: eventsOf(values.events) }),
  };
}

function numberOf(name, text) {
  if (!/^\d+$/.test(text)) throw new WrongUse(`--${name} must be a whole number`);
  return Number(text);
}

function jsonOf(name, text) {
  try {
    return JSON.parse(text);
  } catch {
    throw new WrongUse(`--${name} must be JSON`);
  }
}

function eventsOf(text) {
  if (text === 'none' || text === 'history') return { kind: text };
  return { kind: 'rates', per_day: jsonOf('events', text) };
}

async function main(options) {
  if (options.help) {
    console.log(HELP);
    return 0;
  }
  const started = await call(options, 'POST', `/api/journeys/templates/${options.journey}/simulate`, options.request);
  const path = `/api/journeys/simulations/${started.id}`;
  console.error(`simulation ${started.id}, from ${started.from}`);
  const view = await follow(options, path);
  if (view.state !== 'done') {
    console.error(`the simulation is ${view.state}${view.fault === null ? '' : `: ${view.fault}`}`);
    return 1;
  }
  if (options.isJson) console.log(JSON.stringify(view.result, null, 2));
  else console.log(await call(options, 'GET', path, undefined, 'text/plain'));
  return 0;
}

async function follow(options, path) {
  for (;;) {
    const view = await call(options, 'GET', path);
    if (view.state !== 'queued' && view.state !== 'running') {
      if (process.stderr.isTTY) process.stderr.write('\n');
      return view;
    }
    const { users_done: done, users_total: total } = view.progress;
    if (process.stderr.isTTY) process.stderr.write(`\r${view.state}: ${done} of ${total ?? '?'} users `);
    await Promise.race([
      new Promise((resolve) => setTimeout(resolve, POLL_MS)),
      new Promise((resolve) => controller.signal.addEventListener('abort', resolve, { once: true })),
    ]);
    if (controller.signal.aborted) {
      await call(options, 'DELETE', path);
      return { ...view, state: 'cancelled', fault: null };
    }
  }
}

async function call({ url, key }, method, path, body, accept = 'application/json') {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: {
      accept,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(CALL_MS_MAX),
  }).catch((error) => {
    throw new Error(`${url} does not answer: ${error.cause?.message ?? error.message}`);
  });
  const text = await response.text();
  if (!response.ok) throw new Error(describeProblem(response.status, text));
  if (accept === 'text/plain') return text;
  return text === '' ? null : JSON.parse(text);
}

function describeProblem(status, text) {
  try {
    const { code, detail, errors = [] } = JSON.parse(text);
    return [`${status} ${code}: ${detail}`, ...errors.map((fault) => `  ${fault.path}: ${fault.message}`)].join('\n');
  } catch {
    return `${status} ${text.slice(0, 200)}`;
  }
}
