import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { VirtualEnd } from '../../src/core/journeys/virtual-run.js';
import { TrialInputs } from '../../src/modules/decisions/index.js';
import type { SimulatedDecision } from '../../src/modules/simulations/simulated-user.js';
import type { SimulationOrder } from '../../src/modules/simulations/simulation-order.js';
import { runOf, SimulationRunner, subjectOf } from '../../src/modules/simulations/simulation-runner.js';
import { SimulationSources } from '../../src/modules/simulations/simulation-sources.repository.js';

/** What the simulator makes of one user. */
export interface SimulatedRun {
  readonly decisions: readonly SimulatedDecision[];
  readonly end: VirtualEnd;
}

/**
 * Lives each of these users through a published version by itself, as a simulation does it, and keeps what it counts.
 *
 * @param wish.reachedAt when a real host got to each turn that was due
 * @param wish.runKey of the real run; left out: the one that a real run would have
 */
export async function simulateEach(
  app: NestFastifyApplication,
  wish: { readonly journey: string; readonly version: number; readonly userIds: readonly string[] } & Pick<
    SimulationOrder,
    'from' | 'days' | 'events'
  > & { readonly reachedAt?: (dueAt: number) => number; readonly runKey?: string },
): Promise<ReadonlyMap<string, SimulatedRun>> {
  const { journey, version, userIds, from, days, events, reachedAt, runKey } = wish;
  const sources = app.get(SimulationSources);
  const draft = await sources.draft(journey);
  const row = draft === null ? null : await sources.version(draft.id, version);
  if (row === null) throw new Error(`no version ${version} of ${journey}`);
  const tried = { version, ...row };
  const order: SimulationOrder = {
    base: tried,
    other: null,
    subjects: { kind: 'ids', ids: userIds, unknown: 0 },
    usersMax: userIds.length,
    from,
    days,
    seed: '1',
    spreadDays: 0,
    events,
  };
  const definitions = await app.get(TrialInputs).definitions();
  const runner = app.get(SimulationRunner);
  const scene = runner.sceneOf(tried, definitions);
  const real = { ...(reachedAt === undefined ? {} : { reachedAt }), ...(runKey === undefined ? {} : { runKey }) };
  const runs = new Map<string, SimulatedRun>();
  for (const person of await runner.read(order, userIds, definitions)) {
    const subject = subjectOf(order, person);
    const decisions: SimulatedDecision[] = [];
    const observer = {
      decided: (decision: SimulatedDecision) => void decisions.push(decision),
      acted: () => undefined,
    };
    const run = runOf(order, { tried, scene }, subject, observer, real);
    let step = run.next();
    while (step.done !== true) step = run.next();
    runs.set(subject.user.id, { decisions, end: step.value });
  }
  return runs;
}
