// `npm run docs:screenshots`: takes the pictures of the Temporal UI in docs/images from a running Tactful, after somebody
// went through docs/tutorials/first-journey.md up to `Watch it`, at an hour that is quiet in Berlin. Six more people enter
// its journey for them, once. Needs Chromium on the PATH, or its path in CHROMIUM.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';

const API_URL = process.env.TACTFUL_URL || 'http://127.0.0.1:8000';
const UI_URL = process.env.TEMPORAL_UI_URL || 'http://127.0.0.1:8233';
const CHROMIUM = process.env.CHROMIUM || 'chromium';
const FOLDER = new URL('../docs/images/', import.meta.url);
/** Pictures of 1280 x 800. */
const SIZE = { width: 1600, height: 1000, deviceScaleFactor: 0.8, mobile: false };
const JOURNEY = 'trial_nudge';
const RUNS = `/api/runs?journey=${JOURNEY}&clock_domain=real`;
const PEOPLE = ['cleo', 'dan', 'eva', 'finn', 'gita', 'hugo'];
const COLUMNS = ['Status', 'JourneyKey', 'JourneyVersion', 'StepId', 'RunState', 'ExitReason'];
const DRAWN_MS_MAX = 20_000;
/** After the awaited words are there: current details come into a frame of their own, whose text nobody else can read. */
const SETTLE_MS = 4000;
const POLL_MS = 200;

/** What is shown: the run by filters of `GET /api/runs`, the tab, and words that tell that it is drawn. */
const PICTURES = [
  { name: 'runs', drawn: 'exit_event:account_closed' },
  { name: 'waiting-run', run: 'state=waiting&waits_for=QUIET_HOURS', tab: 'user-metadata', drawn: 'Current Details' },
  { name: 'paused-run', run: 'state=paused', tab: 'user-metadata', drawn: 'Current Details' },
  // Compact: the full history names the machine of the worker.
  {
    name: 'finished-run',
    run: 'state=completed&reason=not_upgraded',
    tab: 'history',
    drawn: 'Event History',
    click: 'Compact',
    scroll: 'Event History',
  },
];
/** `-- runs paused-run` takes only these. */
const NAMES = process.argv.slice(2);

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const profile = mkdtempSync(path.join(tmpdir(), 'tactful-screenshots-'));
const browser = spawn(
  CHROMIUM,
  ['--headless', '--no-sandbox', '--remote-debugging-port=0', `--user-data-dir=${profile}`, 'about:blank'],
  { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, TZ: 'UTC' } },
);
try {
  if ((await call('GET', `${RUNS}&state=paused`)).data.length === 0) await enterPeople();
  const page = await openPage(await browserAddress());
  await page.send('Page.enable');
  await page.send('Emulation.setDeviceMetricsOverride', SIZE);
  await page.send('Emulation.setTimezoneOverride', { timezoneId: 'UTC' });
  await page.send('Page.addScriptToEvaluateOnNewDocument', { source: rememberColumns() });
  for (const picture of PICTURES) {
    if (NAMES.length === 0 || NAMES.includes(picture.name)) await take(page, picture);
  }
} finally {
  browser.kill();
  await once(browser, 'exit');
  rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
}

/** Of six people two wait, one is paused, two have left, and one is not written to because it is night. */
async function enterPeople() {
  const hoursToTwo = (26 - new Date().getUTCHours()) % 24;
  // The signs of these names are those of POSIX: Etc/GMT-2 is two hours ahead of Greenwich.
  const night = hoursToTwo > 12 ? `Etc/GMT+${24 - hoursToTwo}` : `Etc/GMT-${hoursToTwo}`;
  const runs = {};
  for (const name of PEOPLE) {
    const userId = `ext:${name}`;
    const profile = { email: `${name}@example.com`, timezone: night, attributes: { plan: 'trial' } };
    await call('PUT', `/api/users/${userId}`, profile);
    await call('POST', '/api/consents', {
      user_id: userId,
      channel: 'email',
      status: 'granted',
      source: 'screenshots',
    });
    await track(userId, 'trial_started');
  }
  await pause(SETTLE_MS);
  for (const name of PEOPLE) runs[name] = (await call('GET', `${RUNS}&user_id=ext:${name}`)).data[0].id;
  await call('POST', `/api/runs/${runs.dan}/jump`, { step: 'on_trial', reason: 'no need to wait' });
  await track('ext:eva', 'account_closed');
  await call('POST', `/api/runs/${runs.finn}/exit`, { reason: 'asked to be left alone' });
  await call('POST', `/api/runs/${runs.gita}/pause`);
  await pause(SETTLE_MS);
}

function track(userId, name) {
  return call('POST', '/api/events', { user_id: userId, event_type: 'track', event_name: name });
}

async function call(method, url, body) {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(`${API_URL}${url}`, {
    method,
    ...(body === undefined ? {} : { headers, body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${url}: ${response.status} ${text}`);
  return text === '' ? undefined : JSON.parse(text);
}

async function addressOf({ run, tab }, page) {
  if (run === undefined) return `/namespaces/default/workflows?query=${encodeURIComponent(`JourneyKey="${JOURNEY}"`)}`;
  const { data } = await call('GET', `/api/runs?journey=${JOURNEY}&${run}&limit=1`);
  if (data.length === 0) throw new Error(`${JOURNEY} has no run with ${run}`);
  // The UI leads from the id of a workflow to its latest run.
  const url = `/namespaces/default/workflows/${encodeURIComponent(data[0].workflow_id)}`;
  await page.send('Page.navigate', { url: `${UI_URL}${url}` });
  const pathname = await awaitValue(page, 'location.pathname', (value) => value.endsWith('/timeline'));
  return pathname.replace(/timeline$/, tab);
}

function rememberColumns() {
  const columns = JSON.stringify({ default: COLUMNS.map((label) => ({ label })) });
  return `localStorage.setItem('namespace-workflow-table-columns', ${JSON.stringify(columns)})`;
}

async function take(page, picture) {
  const { name, drawn, click, scroll } = picture;
  await page.send('Page.navigate', { url: `${UI_URL}${await addressOf(picture, page)}` });
  await awaitValue(page, 'document.body?.innerText ?? ""', (text) => text.includes(drawn));
  await pause(SETTLE_MS);
  if (click !== undefined) {
    await page.send('Runtime.evaluate', { expression: `${find('button', click)}.click()` });
    await pause(SETTLE_MS);
    await page.send('Runtime.evaluate', { expression: `${find('h1, h2, h3', scroll)}.scrollIntoView()` });
    await pause(POLL_MS);
  }
  const { data } = await page.send('Page.captureScreenshot', { format: 'png' });
  const bytes = Buffer.from(data, 'base64');
  writeFileSync(new URL(`temporal-${name}.png`, FOLDER), bytes);
  console.log(`docs/images/temporal-${name}.png (${Math.round(bytes.length / 1000)} kB)`);
}

async function awaitValue(page, expression, isRight) {
  const until = performance.now() + DRAWN_MS_MAX;
  for (;;) {
    const { result } = await page.send('Runtime.evaluate', { expression });
    if (isRight(String(result.value))) return result.value;
    if (performance.now() > until) throw new Error(`not drawn within ${DRAWN_MS_MAX} ms: ${result.value}`);
    await pause(POLL_MS);
  }
}

function find(selector, words) {
  const isIt = `({ innerText }) => innerText?.trim() === ${JSON.stringify(words)}`;
  return `[...document.querySelectorAll('${selector}')].find(${isIt})`;
}

/** Chromium tells its address on standard error. */
async function browserAddress() {
  for await (const line of createInterface({ input: browser.stderr })) {
    const [, address] = /^DevTools listening on ws:\/\/([^/]+)/.exec(line) ?? [];
    if (address !== undefined) return `http://${address}`;
  }
  throw new Error(`${CHROMIUM} did not start`);
}

/** A page of the browser, steered by the Chrome DevTools Protocol. */
async function openPage(address) {
  const targets = await (await fetch(`${address}/json/list`)).json();
  const socket = new WebSocket(targets.find(({ type }) => type === 'page').webSocketDebuggerUrl);
  await once(socket, 'open');
  const waiting = new Map();
  let count = 0;
  socket.addEventListener('message', ({ data }) => {
    const { id, result, error } = JSON.parse(data);
    const { resolve, reject } = waiting.get(id) ?? {};
    waiting.delete(id);
    if (error === undefined) resolve?.(result);
    else reject?.(new Error(error.message));
  });
  return {
    send: (method, params) =>
      new Promise((resolve, reject) => {
        waiting.set(++count, { resolve, reject });
        socket.send(JSON.stringify({ id: count, method, params }));
      }),
  };
}
