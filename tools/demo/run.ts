import { setTimeout as sleep } from 'node:timers/promises';
import type { DecisionView, ExplanationView } from '../../src/modules/decisions/decisions.dto.js';
import type { DeliveryView } from '../../src/modules/deliveries/deliveries.dto.js';
import { ApiError, createApi, listAll, UnreachableError, type Api } from './api.js';
import { enrol, type EnrolResult } from './enrol.js';
import { seedExample } from './examples.js';
import { followRuns, readRuns, type Followed } from './follow.js';
import { importSessions } from './import.js';
import { countMails } from './inbox.js';
import { readSessions, type ShopSession } from './online-shoppers.js';
import type { DemoOptions } from './options.js';
import { createProgress } from './progress.js';
import { chooseAbandoned } from './records.js';
import { inboxReport, summaryTable } from './report.js';
import { checkInbox, chooseShowcases, summarise, type Records, type Showcase } from './summary.js';
import { describeRules } from './synthetic.js';

const EXAMPLE = 'browse-abandonment';
const VIRTUAL_DOMAIN = 'demo';
const READY_MS_MAX = 30_000;
const READY_POLL_MS = 1_000;

/** Nothing is wrong with the program: something that it needs is not there. */
class DemoError extends Error {
  override readonly name = 'DemoError';
}

/**
 * The whole demo, told on standard output.
 *
 * @returns 0 when everything is as promised, 1 when a mail is missing or doubled, or runs stand still
 * @throws Error, ready to be shown, when the API is not there or refuses
 */
export async function runDemo(options: DemoOptions): Promise<number> {
  const api = createApi(options.baseUrl, options.apiKey);
  await waitUntilReady(api);
  const sessions = readSessions().slice(0, options.users);
  say(`\nTactful demo: ${sessions.length.toLocaleString('en')} real web-shop sessions\n`);
  for (const line of describeRules(options.seed)) say(`  ${line}`);
  say('');
  await importAll(api, options.seed, sessions);
  const { journey, version, isNew } = await seedExample(api, EXAMPLE);
  say(`  journey            ${journey}, version ${version}, ${isNew ? 'published' : 'was published before'}`);

  const clockDomain = options.isRealTime ? 'real' : VIRTUAL_DOMAIN;
  const result = await enrolAll(api, options, { sessions, journey, clockDomain });
  const runIds = new Set(result.enrolled.map(({ run }) => run.id));
  const followed: Followed = { journey, clockDomain, runIds };
  const isMoving = options.isRealTime || (await follow(api, followed));

  const records = await readRecords(api, followed);
  say(`\nWhat came of it\n\n${summaryTable(summarise(records))}\n`);
  const isInboxRight = await compareInbox(options, records, result);
  await showRuns(api, options, chooseShowcases(records));
  if (options.isRealTime) say(howToFollow(options, journey));
  return isMoving && isInboxRight ? 0 : 1;
}

async function waitUntilReady(api: Api): Promise<void> {
  const since = performance.now();
  for (;;) {
    try {
      await api.get('/api/ready');
      return;
    } catch (error) {
      if (error instanceof UnreachableError) {
        throw new DemoError(`${error.message}\nTactful does not run there: start it with "npm start" first`);
      }
      if (!(error instanceof ApiError) || error.status !== 503) throw error;
      if (performance.now() - since > READY_MS_MAX) throw new DemoError(`Tactful is not ready: ${error.message}`);
      await sleep(READY_POLL_MS);
    }
  }
}

async function importAll(api: Api, seed: number, sessions: readonly ShopSession[]): Promise<void> {
  const progress = createProgress('users', sessions.length);
  const imported = await importSessions(api, { seed, sessions, importedAt: Date.now() }, progress);
  const { users, newUsers, events, newEvents, newConsents } = imported;
  const count = (all: number, fresh: number): string =>
    fresh === all
      ? `${fresh.toLocaleString('en')} new`
      : `${fresh.toLocaleString('en')} new, ${(all - fresh).toLocaleString('en')} were there`;
  progress.end(
    `${count(users, newUsers)}; events: ${count(events, newEvents)}; ${newConsents.toLocaleString('en')} consents added`,
  );
}

async function enrolAll(
  api: Api,
  options: DemoOptions,
  wish: { readonly sessions: readonly ShopSession[]; readonly journey: string; readonly clockDomain: string },
): Promise<EnrolResult> {
  const { seed, concurrency } = options;
  const chosen = chooseAbandoned(seed, wish.sessions, options.enrol);
  const progress = createProgress('enrolments', chosen.length);
  const result = await enrol(api, { ...wish, seed, concurrency, sessions: chosen, now: Date.now }, progress);
  const fresh = result.enrolled.filter(({ run }) => run.is_new).length;
  const before = result.enrolled.length - fresh;
  const refused = [...result.refused].map(([code, count]) => `${count} refused: ${code}`);
  progress.end([`${fresh} new`, ...(before > 0 ? [`${before} were enrolled before`] : []), ...refused].join(', '));
  return result;
}

async function follow(api: Api, followed: Followed): Promise<boolean> {
  const progress = createProgress('runs ended', followed.runIds.size);
  const from = performance.now();
  const outcome = await followRuns(api, followed, progress);
  if (outcome.kind === 'all_ended') {
    progress.end(`in ${Math.round((performance.now() - from) / 1000)} s`);
    return true;
  }
  const ids = outcome.unfinished.slice(0, 3).map(({ workflow_id }) => workflow_id);
  say(`\n  FAULT: ${outcome.unfinished.length} runs stand still, e.g. ${ids.join(', ')}. Does the worker run?`);
  return false;
}

async function readRecords(api: Api, followed: Followed): Promise<Records> {
  const runs = await readRuns(api, followed);
  const keys = new Set(runs.map(({ run_key }) => run_key));
  // Ids grow with time, and nothing about a run is older than the run.
  const first = [...followed.runIds].sort()[0] ?? '';
  const isRecent = ({ id }: { readonly id: string | null }): boolean => id === null || id >= first;
  const domain = encodeURIComponent(followed.clockDomain);
  const decisions = await listAll<DecisionView>(api, '/api/decisions', isRecent);
  const deliveries = await listAll<DeliveryView>(api, `/api/deliveries?clock_domain=${domain}`, isRecent);
  return {
    runs,
    decisions: decisions.filter(({ run_key }) => run_key !== null && keys.has(run_key)),
    deliveries: deliveries.filter(({ run_key }) => keys.has(run_key)),
  };
}

async function compareInbox(options: DemoOptions, records: Records, result: EnrolResult): Promise<boolean> {
  if (options.inboxUrl === null) {
    say('  inbox: not compared, because SMTP_URL names a mail server of your own');
    return true;
  }
  const newRunKeys = new Set(result.enrolled.flatMap(({ run }) => (run.is_new ? [run.run_key] : [])));
  const mailsByDelivery = await countMails(options.inboxUrl);
  const { text, isFault } = inboxReport(checkInbox(records.deliveries, { mailsByDelivery, newRunKeys }));
  say(`  inbox ${options.inboxUrl}: ${text}`);
  return !isFault;
}

async function showRuns(api: Api, options: DemoOptions, showcases: readonly Showcase[]): Promise<void> {
  if (showcases.length > 0) say('\nRuns worth looking at');
  for (const { title, run, decisionId } of showcases) {
    const { explanation } = await api.get<ExplanationView>(`/api/decisions/${decisionId}/explain`);
    const { temporalUiUrl, temporalNamespace, baseUrl } = options;
    const workflow = encodeURIComponent(run.workflow_id);
    say(`
  ${title}
    ${explanation}
    run      ${new URL(`/namespaces/${temporalNamespace}/workflows/${workflow}`, temporalUiUrl).href}
    explain  ${new URL(`/api/decisions/${decisionId}/explain`, baseUrl).href}`);
  }
  say('');
}

function howToFollow({ baseUrl, temporalUiUrl, temporalNamespace }: DemoOptions, journey: string): string {
  const query = encodeURIComponent(`JourneyKey="${journey}" and ExecutionStatus="Running"`);
  return `The runs go on by themselves, also after a restart. To follow them:
  all of them      ${new URL(`/namespaces/${temporalNamespace}/workflows?query=${query}`, temporalUiUrl).href}
  what they await  curl '${new URL(`/api/runs?journey=${journey}&clock_domain=real&state=waiting`, baseUrl).href}'
  a purchase ends  curl -X POST ${new URL('/api/events', baseUrl).href} -H 'content-type: application/json' \\
                     -d '{"user_id": "<user_id of a run>", "event_name": "purchase"}'
  the figures      npm run demo -- --real-time
`;
}

function say(text: string): void {
  console.log(text);
}
