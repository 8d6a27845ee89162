import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { next, start } from '../../src/core/journeys/interpreter.js';
import type { Move } from '../../src/core/journeys/path.js';
import { RunReporter } from '../../src/modules/journeys/index.js';
import { OutboxRepository } from '../../src/modules/journeys/outbox/outbox.repository.js';
import type { SimulationView, StartedSimulationView } from '../../src/modules/simulations/simulations.dto.js';
import { createTestApp } from '../support/app.js';
import { RunStage } from '../support/run-stage.js';
import { simulateEach } from '../support/simulated-runs.js';
import { until } from '../support/until.js';

const T0 = Date.UTC(2027, 5, 15);
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const PATIENCE_MS = 120_000;
const NOTHING = { kind: 'none' } as const;

/** Through the arm that is silent, a minute at each step: it is met when it is over. */
function pathOf(isMet: boolean): readonly Move[] {
  const drawn = { stepId: 'lots', outcome: 'arm', reason: 'silence' } as const;
  const rest = isMet
    ? ([
        { stepId: 'pause', outcome: 'time', reason: null },
        { stepId: 'silence', outcome: 'completed', reason: 'silence' },
      ] as const)
    : ([{ stepId: 'pause', outcome: null, reason: null }] as const);
  return [drawn, ...rest].map(({ stepId, outcome, reason }, index) => ({
    seq: index + 1,
    stepId,
    visit: 1,
    enteredAt: T0 + index * MINUTE_MS,
    leftAt: outcome === null ? null : T0 + (index + 1) * MINUTE_MS,
    outcome,
    reason,
    decisionId: null,
    nextStepId: null,
    turn: 2 * index + (outcome === null ? 1 : 2),
  }));
}

function stepsOf(percent: number, salt: string): readonly object[] {
  const arms = [
    { name: 'silence', percent, next: 'pause' },
    { name: 'offer', percent: 100 - percent, next: 'hello' },
  ];
  return [
    { kind: 'split', id: 'lots', salt, arms },
    { kind: 'wait', id: 'pause', duration: 'P1D', next: 'silence' },
    { kind: 'message', id: 'hello', channel: 'email', template: 'hello', next: 'offer' },
    { kind: 'end', id: 'silence', reason: 'silence' },
    { kind: 'end', id: 'offer', reason: 'offer' },
  ];
}

describe('arms in a simulation', () => {
  let app: NestFastifyApplication;
  let stage: RunStage;
  let journeys = 0;
  beforeAll(async () => {
    app = await createTestApp({ OUTBOX_POLL_MS: '60000' });
    stage = new RunStage(app);
    await stage.template('hello');
  }, PATIENCE_MS);
  afterAll(() => app.close(), PATIENCE_MS);

  async function publish(key: string, entry: object, percent: number, salt = 'first'): Promise<void> {
    const url = '/api/journeys/templates';
    const body = { key, name: key, entry, steps: stepsOf(percent, salt) };
    const made = await stage.api.post(url, body);
    if (made.status !== 201) expect((await stage.api.put(`${url}/${key}`, body)).status).toBe(200);
    expect((await stage.api.post(`${url}/${key}/publish`, {})).status).toBe(200);
  }

  function newKey(): string {
    journeys += 1;
    return `arms_${journeys}`;
  }

  /** An earlier run of the user: what it came to is reported, and it is over. */
  async function ran(key: string, userId: string, isMet: boolean, more: object = {}): Promise<void> {
    const { runKey } = await stage.enter(userId, key, more);
    await app.get(RunReporter).report({ runKey, progress: null, moves: pathOf(isMet) });
    await stage.query('update journey_entries set ended_at = clock_timestamp() where run_key = $1', runKey);
  }

  /** The arm to which a real run of the user comes that is started now. */
  async function real(key: string, userId: string, more: object): Promise<string | undefined> {
    const { runKey } = await stage.enter(userId, key, more);
    const begun = await app.get(OutboxRepository).findStart(runKey);
    if (begun === null) throw new Error('the run has not begun');
    const unit = { userId, runKey };
    return next(begun.plan, start(begun.plan, { entryAt: T0, unit }), null, T0).state.arms?.['lots'];
  }

  async function simulated(
    journey: string,
    version: number,
    userIds: readonly string[],
    from = T0 + DAY_MS,
  ): Promise<readonly unknown[]> {
    const runs = await simulateEach(app, { journey, version, userIds, from, days: 3, events: NOTHING });
    return userIds.map((id) => {
      const end = runs.get(id)?.end;
      return end?.kind === 'ended' ? end.reason : end;
    });
  }

  it.each([
    ['parallel', { mode: 'parallel' }, { entry_key: 'first' }, { entry_key: 'second' }],
    ['after_exit', { mode: 'after_exit' }, {}, {}],
  ])('are those of a real run of a journey that is entered %s', async (_mode, entry, first, second) => {
    const key = newKey();
    await publish(key, entry, 100);
    const [met, drawn, elsewhere, virtual, fresh] = [
      await stage.api.user(),
      await stage.api.user(),
      await stage.api.user(),
      await stage.api.user(),
      await stage.api.user(),
    ];
    await ran(key, met, true, first);
    await ran(key, drawn, false, first);
    const other = newKey();
    await publish(other, entry, 100);
    await ran(other, elsewhere, true, first);
    await ran(key, virtual, true, { ...first, clock_domain: 'spec' });
    await publish(key, entry, 0);
    const users = [met, drawn, elsewhere, virtual, fresh];
    const foretold = await simulated(key, 2, users);
    expect(foretold).toEqual(['silence', 'offer', 'offer', 'offer', 'offer']);
    const came: unknown[] = [];
    for (const user of users) came.push(await real(key, user, second));
    expect(foretold).toEqual(came);
  });

  it('are drawn anew under another salt, and where the arm was met after the beginning', async () => {
    const key = newKey();
    await publish(key, { mode: 'after_exit' }, 100);
    const user = await stage.api.user();
    await ran(key, user, true);
    await publish(key, { mode: 'after_exit' }, 0);
    await publish(key, { mode: 'after_exit' }, 0, 'second');
    expect(await simulated(key, 2, [user])).toEqual(['silence']);
    expect(await simulated(key, 3, [user])).toEqual(['offer']);
    expect(await simulated(key, 2, [user], T0)).toEqual(['offer']);
  });

  it('count in the figures of both versions', async () => {
    const key = newKey();
    await publish(key, { mode: 'after_exit' }, 100);
    const users = [await stage.api.user(), await stage.api.user(), await stage.api.user()];
    await ran(key, users[0] ?? '', true);
    await publish(key, { mode: 'after_exit' }, 0);
    const asked = { version: 1, compare_with: 2, users: { ids: users }, from: new Date(T0 + DAY_MS).toISOString() };
    const started = await stage.api.post(`/api/journeys/templates/${key}/simulate`, asked);
    const url = `/api/journeys/simulations/${(started.body as StartedSimulationView).id}`;
    let view: SimulationView | undefined;
    await until(
      async () => {
        view = (await stage.api.get(url)).body as SimulationView;
        return view.state === 'done';
      },
      PATIENCE_MS,
      () => JSON.stringify(view),
    );
    expect(view?.result?.ends).toEqual([{ outcome: 'completed', reason: 'silence', count: 3 }]);
    expect(view?.result?.comparison?.differences).toMatchObject({
      ends: [
        { reason: 'silence', count: -2 },
        { reason: 'offer', count: 2 },
      ],
      paths: [
        { steps: ['lots', 'hello', 'offer'], count: 2 },
        { steps: ['lots', 'pause', 'silence'], count: -2 },
      ],
    });
  });
});
