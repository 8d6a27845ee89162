import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { next, start } from '../../src/core/journeys/interpreter.js';
import type { Move } from '../../src/core/journeys/path.js';
import { RunReporter } from '../../src/modules/journeys/index.js';
import { OutboxRepository } from '../../src/modules/journeys/outbox/outbox.repository.js';
import type { ExposureView, SplitView } from '../../src/modules/journeys/splits/splits.dto.js';
import { SplitsRepository } from '../../src/modules/journeys/splits/splits.repository.js';
import { createTestApp } from '../support/app.js';
import { RunStage } from '../support/run-stage.js';

const T0 = Date.UTC(2027, 5, 15);
const MINUTE_MS = 60_000;
const CLOSE_MS_MAX = 120_000;
const at = (minutes: number): string => new Date(T0 + minutes * MINUTE_MS).toISOString();

type Said = readonly [stepId: string, outcome: Move['outcome'], reason?: string | null, decisionId?: string];

/** A minute at each step; the last one is open when it has no outcome. */
const pathOf = (said: readonly Said[]): readonly Move[] =>
  said.map(([stepId, outcome, reason = null, decisionId = null], index) => ({
    seq: index + 1,
    stepId,
    visit: 1,
    enteredAt: T0 + index * MINUTE_MS,
    leftAt: outcome === null ? null : T0 + (index + 1) * MINUTE_MS,
    outcome,
    reason,
    decisionId,
    nextStepId: null,
    turn: 2 * index + (outcome === null ? 1 : 2),
  }));
const split = (percent: number): object => ({
  kind: 'split',
  id: 'lots',
  arms: [
    { name: 'offer', percent, next: 'hello' },
    { name: 'control', percent: 100 - percent, next: 'pause' },
  ],
});
const rest = [
  { kind: 'message', id: 'hello', channel: 'email', template: 'hello', next: 'done' },
  { kind: 'wait', id: 'pause', duration: 'P1D', next: 'done' },
  { kind: 'end', id: 'done' },
];
const OFFERED: Said = ['lots', 'arm', 'offer'];
const LEFT_ALONE: readonly Said[] = [
  ['lots', 'arm', 'control'],
  ['pause', 'time'],
  ['done', 'completed', 'done'],
];

describe('splits', () => {
  let app: NestFastifyApplication;
  let stage: RunStage;
  let journeys = 0;
  beforeAll(async () => {
    app = await createTestApp({ OUTBOX_POLL_MS: '60000' });
    stage = new RunStage(app);
    await stage.template('hello');
  });
  afterAll(() => app.close(), CLOSE_MS_MAX);

  async function publish(...percents: readonly number[]): Promise<string> {
    journeys += 1;
    const key = `experiment_${journeys}`;
    for (const [index, percent] of percents.entries()) {
      const body = { key, name: key, entry: { mode: 'parallel' }, steps: [split(percent), ...rest] };
      const url = '/api/journeys/templates';
      const stored = await (index === 0 ? stage.api.post(url, body) : stage.api.put(`${url}/${key}`, body));
      const published = await stage.api.post(`${url}/${key}/publish`, {});
      expect([stored.status, published.status]).toEqual([index === 0 ? 201 : 200, 200]);
    }
    return key;
  }
  const splitUrl = (key: string): string => `/api/journeys/templates/${key}/splits/lots`;
  const enter = async (key: string, more: object = {}) =>
    stage.enter(await stage.api.user(), key, { entry_key: 'first', ...more });
  const report = (runKey: string, ...said: readonly Said[]): Promise<void> =>
    app.get(RunReporter).report({ runKey, progress: null, moves: pathOf(said) });
  const list = async (key: string, query = ''): Promise<{ data: ExposureView[]; next_cursor: string | null }> => {
    const { status, body } = await stage.api.get(`${splitUrl(key)}/exposures?${query}`);
    expect(status).toBe(200);
    return body as { data: ExposureView[]; next_cursor: string | null };
  };
  const counts = async (key: string): Promise<SplitView> => (await stage.api.get(splitUrl(key))).body as SplitView;
  /** Writes down what so many runs of users of their own came to. */
  async function recorded(key: string, version: number, arm: string, users: number, isExposed = true): Promise<void> {
    await stage.query(
      `with people as (
          insert into users (external_id) select $1 || '-' || gen_random_uuid() from generate_series(1, $4) returning id
        ), entries as (
          insert into journey_entries (run_key, journey_id, version, user_id, entry_key, source)
          select $1 || ':' || people.id || ':first', journey.id, $2, people.id, 'first', 'spec'
          from people, journeys journey where journey.key = $1 returning run_key, journey_id
        )
        insert into split_exposures (run_key, step_id, journey_id, version, arm, assigned_at, exposed_at, exposed_by)
        select run_key, 'lots', journey_id, $2, $3, now(), case when $5 then now() end, case when $5 then 'delivery' end
        from entries`,
      key,
      version,
      arm,
      users,
      isExposed,
    );
  }

  it('record the arm when it is drawn, and that it was met when its message went out, once', async () => {
    const key = await publish(50);
    const run = await enter(key);
    await report(run.runKey, OFFERED, ['hello', null]);
    const assigned = {
      run_id: run.id,
      user_id: run.userId,
      version: 1,
      arm: 'offer',
      assigned_at: at(0),
      exposed_at: null,
      exposed_by: null,
      delivery_id: null,
    };
    expect((await list(key)).data).toEqual([assigned]);
    const decisionId = crypto.randomUUID();
    const [delivery] = await stage.query<{ id: string }>(
      `insert into deliveries (id, idempotency_key, user_id, decision_id, run_key, step_id, visit, channel, provider,
          action, template, template_version, purpose, state, attempt_token, deadline_at, claimed_at)
        values (uuidv7(), $1, $2, $3, $1, 'hello', 1, 'email', 'email', 'hello', 'hello', 1, 'marketing', 'sent', uuidv7(), now(),
          now()) returning id`,
      run.runKey,
      run.userId,
      decisionId,
    );
    const met = { ...assigned, exposed_at: at(2), exposed_by: 'delivery', delivery_id: delivery?.id };
    await report(run.runKey, OFFERED, ['hello', 'sent', null, decisionId]);
    expect((await list(key)).data).toEqual([met]);
    // Later reports of the same run, and older ones that come late, change nothing.
    await report(run.runKey, OFFERED, ['hello', 'sent', null, decisionId], ['done', 'completed', 'done']);
    await report(run.runKey, OFFERED, ['hello', null]);
    expect((await list(key)).data).toEqual([met]);
    expect(await app.get(SplitsRepository).note(run.runKey)).toBe(false);
  });

  it('record silence when the arm that sends nothing is over, also where a report was lost', async () => {
    const key = await publish(50);
    const [told, lost] = [await enter(key), await enter(key)];
    await report(told.runKey, ['lots', 'arm', 'control'], ['pause', null]);
    expect((await list(key)).data).toMatchObject([{ arm: 'control', exposed_at: null }]);
    await report(told.runKey, ...LEFT_ALONE);
    await report(lost.runKey, ...LEFT_ALONE);
    const silence = { arm: 'control', exposed_at: at(2), exposed_by: 'silence', delivery_id: null };
    expect((await list(key)).data).toMatchObject([silence, silence]);
  });

  it('are worked out again from the path that is stored, and no run without a split has any', async () => {
    const key = await publish(50);
    const run = await enter(key);
    await report(run.runKey, ['pause', 'time'], ['done', 'completed', 'done']);
    expect((await list(key)).data).toEqual([]);
    expect(await app.get(SplitsRepository).note(run.runKey)).toBe(false);
    await report(run.runKey, OFFERED, ['hello', 'sent']);
    await stage.query('delete from split_exposures where run_key = $1', run.runKey);
    expect(await app.get(SplitsRepository).note(run.runKey)).toBe(true);
    expect((await list(key)).data).toMatchObject([{ exposed_by: 'delivery' }]);
    expect(await app.get(SplitsRepository).note('nobody')).toBe(false);
  });

  it('are listed by arm, by whether they were met, by clock, and in pages', async () => {
    const key = await publish(50);
    const runs = [await enter(key), await enter(key), await enter(key, { clock_domain: 'spec' })];
    const [met, waits, virtual] = runs.map(({ runKey }) => runKey);
    await report(met ?? '', ...LEFT_ALONE);
    await report(waits ?? '', OFFERED, ['hello', null]);
    await report(virtual ?? '', OFFERED, ['hello', 'sent']);
    const ids = async (query: string): Promise<readonly string[]> =>
      (await list(key, query)).data.map(({ run_id }) => run_id);
    const [first, second, third] = runs.map(({ id }) => id);
    expect(await ids('')).toEqual([second, first]);
    expect(await ids('arm=offer')).toEqual([second]);
    expect(await ids('arm=nobody')).toEqual([]);
    expect(await ids('exposed=true')).toEqual([first]);
    expect(await ids('exposed=false')).toEqual([second]);
    expect(await ids('clock_domain=spec')).toEqual([third]);
    const page = await list(key, 'limit=1');
    expect(page.data.map(({ run_id }) => run_id)).toEqual([second]);
    expect(await list(key, `limit=1&cursor=${page.next_cursor}`)).toMatchObject({
      data: [{ run_id: first }],
      next_cursor: null,
    });
    expect((await counts(key)).arms.map(({ users_assigned }) => users_assigned)).toEqual([1, 1]);
  });

  it('count each user once, by the run that met its arm', async () => {
    const key = await publish(60);
    const run = await enter(key);
    const again = await stage.enter(run.userId, key, { entry_key: 'second' });
    await report(run.runKey, ['lots', 'arm', 'control'], ['pause', null]);
    await report(again.runKey, ...LEFT_ALONE);
    const other = await enter(key);
    await report(other.runKey, OFFERED, ['hello', 'skip', 'CAP_REACHED']);
    expect((await list(key)).data).toHaveLength(3);
    expect(await counts(key)).toEqual({
      step_id: 'lots',
      arms: [
        { arm: 'offer', percent: 60, users_assigned: 1, users_exposed: 0, by_delivery: 0, by_silence: 0 },
        { arm: 'control', percent: 40, users_assigned: 1, users_exposed: 1, by_delivery: 0, by_silence: 1 },
      ],
      sample_ratio: { assigned: null, exposed: null },
    });
  });

  it('tell when more users met an arm than its percentage explains, version by version', async () => {
    const key = await publish(50, 80);
    await recorded(key, 1, 'offer', 500);
    await recorded(key, 1, 'control', 500);
    await recorded(key, 2, 'offer', 400);
    await recorded(key, 2, 'control', 100);
    const fair = { chi_square: 0, degrees_of_freedom: 2, p_value: 1, is_mismatch: false };
    expect((await counts(key)).sample_ratio).toEqual({ assigned: fair, exposed: fair });
    // The messages of the first version's offer are refused more often: as many are assigned, fewer meet it.
    await recorded(key, 1, 'offer', 150, false);
    await recorded(key, 1, 'control', 150);
    const { arms, sample_ratio } = await counts(key);
    expect(arms).toMatchObject([
      { arm: 'offer', percent: 80, users_assigned: 1_050, users_exposed: 900 },
      { arm: 'control', percent: 20, users_assigned: 750, users_exposed: 750 },
    ]);
    expect(sample_ratio.assigned).toEqual(fair);
    expect(sample_ratio.exposed).toMatchObject({ degrees_of_freedom: 2, is_mismatch: true });
    // 500 and 650 of 1,150: 150 squared over 1,150.
    expect(sample_ratio.exposed?.chi_square).toBeCloseTo(150 ** 2 / 1_150, 9);
    // Who came from another version brought an arm that was drawn by other percentages.
    await stage.query(
      `update journey_entries set moved_by = uuidv7() where journey_id = (select id from journeys where key = $1)
        and run_key in (select run_key from split_exposures where version = 1)`,
      key,
    );
    expect((await counts(key)).sample_ratio.exposed).toMatchObject({ degrees_of_freedom: 1, is_mismatch: false });
  });

  it('count as assigned who came first by the first run, whichever of the versions they were exposed in', async () => {
    const key = await publish(50, 40);
    await recorded(key, 1, 'offer', 100, false);
    await recorded(key, 1, 'control', 100);
    // The gates that refused the offer in the first version let it through in the second one.
    await stage.query(
      `with entries as (
          insert into journey_entries (run_key, journey_id, version, user_id, entry_key, source)
          select entry.run_key || '-again', entry.journey_id, 2, entry.user_id, 'again', 'spec'
          from journey_entries entry join journeys journey on journey.id = entry.journey_id where journey.key = $1
          returning run_key, journey_id
        )
        insert into split_exposures (run_key, step_id, journey_id, version, arm, assigned_at, exposed_at, exposed_by)
        select entries.run_key, 'lots', entries.journey_id, 2, first.arm, later.at, later.at, 'delivery'
        from entries join split_exposures first on first.run_key || '-again' = entries.run_key,
          (select now() + interval '1 day' as at) later`,
      key,
    );
    const { arms, sample_ratio } = await counts(key);
    expect(sample_ratio.assigned).toEqual({ chi_square: 0, degrees_of_freedom: 1, p_value: 1, is_mismatch: false });
    // Each version alone exposed one arm only.
    expect(sample_ratio.exposed).toMatchObject({ degrees_of_freedom: 2, is_mismatch: true });
    expect(arms).toMatchObject([
      { arm: 'offer', users_assigned: 100, users_exposed: 100 },
      { arm: 'control', users_assigned: 100, users_exposed: 100 },
    ]);
  });

  it('leave whoever met an arm in it when the weights are changed, and draw for everybody else', async () => {
    const key = await publish(50);
    const [met, assigned] = [await enter(key), await enter(key)];
    const virtual = await enter(key, { clock_domain: 'spec' });
    await report(met.runKey, OFFERED, ['hello', 'sent']);
    await report(assigned.runKey, OFFERED, ['hello', 'skip', 'CAP_REACHED']);
    await report(virtual.runKey, OFFERED, ['hello', 'sent']);
    await stage.api.put(`/api/journeys/templates/${key}`, {
      key,
      name: key,
      entry: { mode: 'parallel' },
      steps: [split(0), ...rest],
    });
    expect((await stage.api.post(`/api/journeys/templates/${key}/publish`, {})).status).toBe(200);
    const again = async (userId: string): Promise<string | undefined> => {
      const run = await stage.enter(userId, key, { entry_key: 'second' });
      const begun = await app.get(OutboxRepository).findStart(run.runKey);
      if (begun === null) throw new Error('the run has not begun');
      expect(begun.version).toBe(2);
      const unit = { userId, runKey: run.runKey };
      return next(begun.plan, start(begun.plan, { entryAt: T0, unit }), null, T0).state.arms?.['lots'];
    };
    expect(await again(met.userId)).toBe('offer');
    expect(await again(assigned.userId)).toBe('control');
    expect(await again(virtual.userId)).toBe('control');
  });

  it('are known by published versions alone', async () => {
    const key = await publish(50);
    const missing = await stage.api.get(`/api/journeys/templates/${key}/splits/hello`);
    expect(missing).toMatchObject({ status: 404, body: { code: 'SPLIT_UNKNOWN' } });
    expect(await stage.api.get('/api/journeys/templates/no_such/splits/lots/exposures')).toMatchObject({
      status: 404,
      body: { code: 'JOURNEY_UNKNOWN' },
    });
  });
});
