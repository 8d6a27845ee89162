import { setTimeout as sleep } from 'node:timers/promises';
import type { RunView } from '../../src/modules/journeys/runs/runs.dto.js';
import { listAll, type Api } from './api.js';
import type { Progress } from './progress.js';

const POLL_MS = 2_000;
const SETTLE_MS_MAX = 30_000;
/** When nothing has moved for so long, something is wrong that waiting does not mend. */
const STANDSTILL_MS_MAX = 180_000;
const UNFINISHED = ['starting', 'running', 'waiting', 'paused'] as const;

/** Runs of one journey in one clock domain, by id, of which only some concern the caller. */
export interface Followed {
  readonly journey: string;
  readonly clockDomain: string;
  readonly runIds: ReadonlySet<string>;
}

/** How the waiting for the runs ended. */
export type FollowResult =
  { readonly kind: 'all_ended' } | { readonly kind: 'standstill'; readonly unfinished: readonly RunView[] };

/** Waits until every one of these runs has ended, or nothing has moved for three minutes. */
export async function followRuns(api: Api, followed: Followed, progress: Progress): Promise<FollowResult> {
  const total = followed.runIds.size;
  let lastSeen = '';
  let movedAt = performance.now();
  for (;;) {
    const unfinished = await unfinishedRuns(api, followed);
    progress.set(total - unfinished.length, noteOf(unfinished));
    // A run that changed its state between two of the lists may be in none of them: one list of all decides.
    if (unfinished.length === 0 && (await haveAllEnded(api, followed))) return { kind: 'all_ended' };
    const seen = fingerprint(unfinished);
    if (seen !== lastSeen) movedAt = performance.now();
    else if (performance.now() - movedAt > STANDSTILL_MS_MAX) return { kind: 'standstill', unfinished };
    lastSeen = seen;
    await sleep(POLL_MS);
  }
}

/** Gives runs that have just begun the moment that they need to come to their first wait. */
export async function awaitFirstWait(api: Api, followed: Followed): Promise<void> {
  const since = performance.now();
  while (performance.now() - since < SETTLE_MS_MAX) {
    const runs = await readRuns(api, followed);
    if (!runs.some(({ state }) => state === 'starting' || state === 'running')) return;
    await sleep(POLL_MS);
  }
}

/** Every one of these runs as it stands now. */
export async function readRuns(api: Api, followed: Followed): Promise<readonly RunView[]> {
  return ours(await listAll<RunView>(api, pathOf(followed)), followed);
}

async function haveAllEnded(api: Api, followed: Followed): Promise<boolean> {
  return (await readRuns(api, followed)).every(({ ended_at }) => ended_at !== null);
}

async function unfinishedRuns(api: Api, followed: Followed): Promise<readonly RunView[]> {
  const byId = new Map<string, RunView>();
  for (const state of UNFINISHED) {
    for (const run of await listAll<RunView>(api, `${pathOf(followed)}&state=${state}`)) byId.set(run.id, run);
  }
  return ours([...byId.values()], followed);
}

const pathOf = ({ journey, clockDomain }: Followed): string =>
  `/api/runs?journey=${journey}&clock_domain=${clockDomain}`;

function ours(runs: readonly RunView[], { runIds }: Followed): readonly RunView[] {
  return runs.filter(({ id }) => runIds.has(id));
}

function noteOf(unfinished: readonly RunView[]): string {
  const waiting = unfinished.filter(({ state }) => state === 'waiting').length;
  return waiting === 0 ? '' : `${waiting.toLocaleString('en')} at a wait`;
}

function fingerprint(runs: readonly RunView[]): string {
  return runs
    .map(({ id, state, step_id, waits_until }) => `${id}:${state}:${step_id ?? ''}:${waits_until ?? ''}`)
    .sort()
    .join('\n');
}
