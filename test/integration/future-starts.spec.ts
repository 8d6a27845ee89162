import { jest } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Plan } from '../../src/core/journeys/plan.js';
import { BulkPages } from '../../src/modules/bulk-enrolments/index.js';
import { OutboxRepository } from '../../src/modules/journeys/outbox/outbox.repository.js';
import { RunGateway } from '../../src/modules/journeys/runs/run-gateway.js';
import { createTestApp } from '../support/app.js';
import { RunStage } from '../support/run-stage.js';
import { until } from '../support/until.js';

const PATIENCE_MS = 120_000;
const ENDED_MS_MAX = 5_000;
const DAY_MS = 86_400_000;
/** Of a lease of a minute. */
const LEASED_MS_MIN = 30_000;
const EARLIER = '2020-01-01T00:00:00Z';

const listeners: Plan['listeners'] = [
  { event: 'bought', where: { kind: 'greater_than', attribute: 'amount', value: 100 } },
];
const goal = { event: 'bought', outcome: 'completed', reason: 'goal:bought' } as const;
const exit = { event: 'bought', outcome: 'exited', reason: 'exit_event:bought' } as const;
const JOURNEYS: Readonly<Record<string, Partial<Plan>>> = {
  goal_if: { listeners, watches: [{ ...goal, listener: 0 }] },
  exit_if: { listeners, watches: [{ ...exit, listener: 0 }] },
  goal_any: { watches: [{ ...goal, listener: null }] },
  exit_any: { exitEvents: ['bought'] },
  both: { listeners, watches: [{ ...goal, listener: 0 }], exitEvents: ['bought'] },
};

interface Run {
  readonly id: string;
  readonly runKey: string;
  readonly userId: string;
}

describe('a run that begins in some days', () => {
  let app: NestFastifyApplication;
  let stage: RunStage;
  const started: string[] = [];
  beforeAll(async () => {
    // No poll within the spec: who asks for an end sees to it that it comes.
    app = await createTestApp({ OUTBOX_POLL_MS: '60000' });
    stage = new RunStage(app);
    const gateway = app.get(RunGateway);
    jest.spyOn(gateway, 'start').mockImplementation(({ runKey }) => Promise.resolve(void started.push(runKey)));
    jest.spyOn(gateway, 'signal').mockImplementation((runKey) => Promise.resolve(started.includes(runKey)));
    jest.spyOn(gateway, 'command').mockResolvedValue({ kind: 'not_running' });
    const entry = { mode: 'after_exit', limits: { running: 1 } };
    for (const [key, plan] of Object.entries(JOURNEYS)) await stage.publish(key, entry, plan);
  }, PATIENCE_MS);
  afterEach(async () => {
    await stage.query('delete from outbox');
    await stage.query(`update journey_entries set ended_at = clock_timestamp() where ended_at is null`);
  });
  afterAll(() => app.close(), PATIENCE_MS);

  /** Takes the one place that the journey has. */
  async function enterLater(journey: string): Promise<Run> {
    const userId = await stage.api.user();
    const body = { users: { ids: [userId] }, start_at: new Date(Date.now() + 3 * DAY_MS).toISOString() };
    const ordered = await stage.api.post(`/api/journeys/templates/${journey}/enrolments`, body);
    await app.get(BulkPages).run({ bulkId: (ordered.body as { id: string }).id, page: 1 });
    const [run] = await stage.query<Run>(
      'select id, run_key as "runKey", user_id as "userId" from journey_runs where user_id = $1',
      userId,
    );
    if (run === undefined) throw new Error(JSON.stringify(ordered.body));
    return run;
  }
  const buy = ({ userId }: Run, amount: number, more: object = {}): Promise<void> =>
    stage.event(userId, 'bought', { properties: { amount }, ...more });
  const operatorEnds = async ({ id }: Run): Promise<void> =>
    expect((await stage.api.post(`/api/runs/${id}/exit`, { reason: 'enough' })).status).toBe(200);
  const erase = async ({ userId }: Run): Promise<void> =>
    expect((await stage.api.remove(`/api/users/${userId}`)).status).toBe(204);
  const view = async ({ id }: Run): Promise<{ state: string; reason: string | null; ended_at: string | null }> =>
    (await stage.api.get(`/api/runs/${id}`)).body;
  const startsInMs = async ({ runKey }: Run): Promise<number> => {
    const [row] = await stage.query<{ ms: number }>(
      `select (extract(epoch from available_at - clock_timestamp()) * 1000)::float8 as ms from outbox
        where run_key = $1 and kind = 'start_run'`,
      runKey,
    );
    return row?.ms ?? 0;
  };

  it.each<[string, string, (run: Run) => Promise<void>, object]>([
    ['a plain exit', 'exit_any', (run) => buy(run, 1), { state: 'exited', reason: 'exit_event:bought' }],
    ['an exit under a condition', 'exit_if', (run) => buy(run, 101), { state: 'exited', reason: 'exit_event:bought' }],
    ['a plain goal', 'goal_any', (run) => buy(run, 1), { state: 'completed', reason: 'goal:bought' }],
    ['a goal under a condition', 'goal_if', (run) => buy(run, 101), { state: 'completed', reason: 'goal:bought' }],
    ['a plain exit beside a condition', 'both', (run) => buy(run, 1), { state: 'exited', reason: 'exit_event:bought' }],
    ['an operator', 'goal_any', operatorEnds, { state: 'exited', reason: 'exited_before_start' }],
    ['the erasure of its user', 'goal_any', erase, { state: 'exited', reason: 'exited_before_start' }],
  ])('ends at once by %s, sends nothing, and leaves its place', async (_what, journey, happen, end) => {
    const run = await enterLater(journey);
    await happen(run);
    const isOver = async (): Promise<boolean> => (await view(run)).ended_at !== null;
    await until(isOver, ENDED_MS_MAX, () => 'the run is still open');
    expect(await view(run)).toMatchObject(end);
    expect(started).not.toContain(run.runKey);
    expect((await stage.enter(await stage.api.user(), journey)).runKey).not.toBe(run.runKey);
  });

  it.each<[string, string, (run: Run) => Promise<void>]>([
    ['an event that meets no condition', 'goal_if', (run) => buy(run, 100)],
    ['an event from before the entry', 'exit_any', (run) => buy(run, 1, { timestamp: EARLIER })],
    ['a fitting event from before the entry', 'goal_if', (run) => buy(run, 101, { timestamp: EARLIER })],
    ['a change of the profile', 'exit_any', async (run) => void (await stage.api.put(`/api/users/${run.userId}`, {}))],
  ])('begins no earlier for %s', async (_what, journey, happen) => {
    const run = await enterLater(journey);
    await happen(run);
    expect(await startsInMs(run)).toBeGreaterThan(2 * DAY_MS);
    expect(await view(run)).toMatchObject({ state: 'starting', ended_at: null });
  });

  it('is not started twice where its start is being delivered while somebody ends it', async () => {
    const run = await enterLater('exit_any');
    await stage.query(
      `update outbox set available_at = date_trunc('milliseconds', clock_timestamp()) where kind = 'start_run'`,
    );
    expect(await app.get(OutboxRepository).lease(1)).toMatchObject([{ kind: 'start_run', runKey: run.runKey }]);
    await buy(run, 1);
    await operatorEnds(run);
    expect(await startsInMs(run)).toBeGreaterThan(LEASED_MS_MIN);
    expect(await view(run)).toMatchObject({ ended_at: null });
  });
});
