import { setTimeout as sleep } from 'node:timers/promises';
import { ApiError, createApi, UnreachableError, type Api } from './api.js';
import { say, type Demo } from './context.js';
import { enrol, type EnrolResult } from './enrol.js';
import { seedExample } from './examples.js';
import { awaitFirstWait, followRuns, type Followed } from './follow.js';
import { importSessions } from './import.js';
import { readSessions, type ShopSession } from './online-shoppers.js';
import type { DemoOptions } from './options.js';
import { tellHowToFollow, tellOutcome } from './outcome.js';
import { createProgress, type ProgressOutput } from './progress.js';
import { chooseAbandoned } from './records.js';
import { describeRules } from './synthetic.js';

const EXAMPLE = 'browse-abandonment';
const VIRTUAL_DOMAIN = 'demo';
const READY_MS_MAX = 30_000;
const READY_POLL_MS = 1_000;

/**
 * The whole demo, told on `output`.
 *
 * @returns 0 when everything is as promised, 1 when a mail is missing or doubled, or runs stand still
 * @throws Error, ready to be shown, when the API is not there or refuses
 */
export async function runDemo(options: DemoOptions, output: ProgressOutput = process.stdout): Promise<number> {
  const demo: Demo = { options, output, api: createApi(options.baseUrl, options.apiKey) };
  await waitUntilReady(demo.api);
  await refuseMissingKey(demo.api);
  const sessions = readSessions().slice(0, options.users);
  say(demo, `\nTactful demo: ${sessions.length.toLocaleString('en')} real web-shop sessions\n`);
  for (const line of describeRules(options.seed)) say(demo, `  ${line}`);
  say(demo, '');
  await importAll(demo, sessions);
  const { journey, version, isNew } = await seedExample(demo.api, EXAMPLE);
  const published = isNew ? 'published' : 'was published before';
  say(demo, `  journey            ${journey}, version ${version}, ${published}`);

  const clockDomain = options.isRealTime ? 'real' : VIRTUAL_DOMAIN;
  const result = await enrolAll(demo, { sessions, journey, clockDomain });
  const followed = { journey, clockDomain, runIds: new Set(result.enrolled.map(({ run }) => run.id)) };
  const isMoving = await follow(demo, followed);
  const isInboxRight = await tellOutcome(demo, followed, result);
  if (options.isRealTime) tellHowToFollow(demo, journey);
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
        const hint = 'Tactful does not run there: start it with "npm start" first';
        throw new Error(`${error.message}\n${hint}`, { cause: error });
      }
      if (!(error instanceof ApiError) || error.status !== 503) throw error;
      if (performance.now() - since > READY_MS_MAX) {
        throw new Error(`Tactful is not ready: ${error.message}`, { cause: error });
      }
      await sleep(READY_POLL_MS);
    }
  }
}

/** Told before anything is written, with the option that helps. */
async function refuseMissingKey(api: Api): Promise<void> {
  try {
    await api.get('/api/runs?limit=1');
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 401) throw error;
    throw new Error(`${error.message}: use --api-key, or TACTFUL_API_KEY in the environment`, { cause: error });
  }
}

async function importAll({ api, options, output }: Demo, sessions: readonly ShopSession[]): Promise<void> {
  const progress = createProgress('users', sessions.length, output);
  const population = { seed: options.seed, sessions, importedAt: Date.now() };
  const { users, newUsers, events, newEvents, newConsents } = await importSessions(api, population, progress);
  const number = (count: number): string => count.toLocaleString('en');
  const count = (all: number, fresh: number): string =>
    fresh === all ? `${number(fresh)} new` : `${number(fresh)} new, ${number(all - fresh)} were there`;
  progress.end(
    `${count(users, newUsers)}; events: ${count(events, newEvents)}; consent records: ${number(newConsents)} new`,
  );
}

async function enrolAll(
  { api, options, output }: Demo,
  wish: { readonly sessions: readonly ShopSession[]; readonly journey: string; readonly clockDomain: string },
): Promise<EnrolResult> {
  const { seed, concurrency } = options;
  const chosen = chooseAbandoned(seed, wish.sessions, options.enrol);
  const progress = createProgress('enrolments', chosen.length, output);
  const result = await enrol(api, { ...wish, seed, concurrency, sessions: chosen, now: Date.now }, progress);
  const fresh = result.enrolled.filter(({ run }) => run.is_new).length;
  const before = result.enrolled.length - fresh;
  const refused = [...result.refused].map(([code, count]) => `${count} refused: ${code}`);
  progress.end([`${fresh} new`, ...(before > 0 ? [`${before} were enrolled before`] : []), ...refused].join(', '));
  return result;
}

/** @returns false when the runs stand still */
async function follow(demo: Demo, followed: Followed): Promise<boolean> {
  if (demo.options.isRealTime) {
    await awaitFirstWait(demo.api, followed);
    return true;
  }
  const progress = createProgress('runs ended', followed.runIds.size, demo.output);
  const from = performance.now();
  const outcome = await followRuns(demo.api, followed, progress);
  if (outcome.kind === 'all_ended') {
    progress.end(`in ${Math.round((performance.now() - from) / 1000)} s`);
    return true;
  }
  const ids = outcome.unfinished.slice(0, 3).map(({ workflow_id }) => workflow_id);
  const count = outcome.unfinished.length;
  say(demo, `\n  FAULT: ${count} runs stand still, e.g. ${ids.join(', ')}. Does the worker run?`);
  return false;
}
