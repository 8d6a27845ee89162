import type { EnrolmentView } from '../../src/modules/journeys/entry/enrolment.dto.js';
import type { RunView } from '../../src/modules/journeys/runs/runs.dto.js';
import type { ReconcileView } from '../../src/modules/journeys/runs/run-reconcile.dto.js';
import type { ExposureView, SplitView } from '../../src/modules/journeys/splits/splits.dto.js';
import type { RunStoryView } from '../../src/modules/run-views/run-views.dto.js';
import { startTactful, until, type Tactful } from '../support/tactful.js';

const MINUTE_MS = 60_000;

const template = {
  key: 'hello',
  channel: 'email',
  purpose: 'marketing',
  subject: 'hello',
  html: '<p>{{ unsubscribe_url }} {{ company.address }}</p>',
  text: 'hello {{ unsubscribe_url }} {{ company.address }}',
};
const message = (id: string): object => ({ kind: 'message', id, channel: 'email', template: 'hello' });
const buys = (id: string): object => ({
  kind: 'wait_for',
  id,
  event: 'purchase',
  timeout: 'P30D',
  on_event: 'thanks',
  on_timeout: 'done',
});
const steps = [
  {
    kind: 'split',
    id: 'half',
    arms: [
      { name: 'one', percent: 50, next: 'first' },
      { name: 'two', percent: 50, next: 'first' },
    ],
  },
  message('first'),
  {
    kind: 'branch',
    id: 'is_pro',
    condition: { kind: 'equals', attribute: 'attributes.plan', value: 'pro' },
    then: 'buys',
    else: 'done',
  },
  buys('buys'),
  message('thanks'),
  { kind: 'wait', id: 'rest', duration: 'P30D' },
  { kind: 'end', id: 'done', reason: 'over' },
];

/** What the tables of runs say, but for when a row was last touched, and by which report. */
interface Tables {
  readonly runs: readonly object[];
  readonly path: readonly object[];
  readonly waits: readonly object[];
  readonly entries: readonly object[];
  readonly exposures: readonly object[];
}

describe('the tables of runs', () => {
  let tactful: Tactful;

  beforeAll(async () => {
    tactful = await startTactful();
    await tactful.post('/api/message-templates', template);
    await tactful.post('/api/journeys/templates', {
      key: 'tour',
      name: 'Tour',
      entry: { mode: 'parallel' },
      exit: { events: ['account_closed'] },
      steps,
    });
    await tactful.post('/api/journeys/templates/tour/publish', {});
  }, 3 * MINUTE_MS);
  afterAll(() => tactful.stop(), 3 * MINUTE_MS);

  async function person(plan = 'pro'): Promise<string> {
    const { id } = await tactful.post<{ id: string }>('/api/users', {
      email: `${crypto.randomUUID()}@example.org`,
      timezone: 'Europe/Berlin',
      attributes: { plan },
    });
    await tactful.post('/api/consents', { user_id: id, channel: 'email', status: 'granted', source: 'spec' });
    return id;
  }
  const enrol = (userId: string, more: object = {}): Promise<EnrolmentView> =>
    tactful.post<EnrolmentView>(`/api/journeys/${userId}/enroll`, { journey: 'tour', entry_key: 'order-1', ...more });
  const event = (userId: string, name: string): Promise<unknown> =>
    tactful.post('/api/events', { user_id: userId, event_type: 'track', event_name: name });
  const reaches = (id: string, wanted: Partial<RunView>): Promise<RunView> =>
    until(
      () => tactful.get<RunView>(`/api/runs/${id}`),
      (run) => Object.entries(wanted).every(([key, value]) => run[key as keyof RunView] === value),
    );
  const story = (id: string): Promise<RunStoryView> => tactful.get<RunStoryView>(`/api/runs/${id}/view`);
  /** The report of the last steps may come after the record of the end. */
  const whole = (id: string, moves: number): Promise<RunStoryView> =>
    until(
      () => story(id),
      ({ path }) => path.filter(({ left_at }) => left_at !== null).length >= moves,
    );

  async function tables(runKeys: readonly string[]): Promise<Tables> {
    const rows = (table: string, columns: string, order: string): Promise<readonly object[]> =>
      tactful.query(`select ${columns} from ${table} where run_key = any ($1) order by ${order}`, runKeys);
    return {
      runs: await rows(
        'journey_runs',
        `id, run_key, journey_key, version, user_id, clock_domain, state, step_id, waits_for, waits_until, waits_on,
          reason, seq, started_at, ended_at`,
        'run_key',
      ),
      path: await rows(
        'run_path',
        `run_key, seq, step_id, visit, entered_at, left_at, outcome, reason, decision_id, next_step_id, turn`,
        'run_key, seq',
      ),
      waits: await rows('run_waits', '*', 'run_key, event_name'),
      entries: await rows('journey_entries', 'run_key, run_id, ended_at', 'run_key'),
      exposures: await rows(
        'split_exposures',
        'run_key, step_id, journey_id, version, arm, assigned_at, exposed_at, exposed_by, delivery_id',
        'run_key',
      ),
    };
  }

  async function reconcile(): Promise<ReconcileView> {
    const { id } = await tactful.post<ReconcileView>('/api/runs/reconcile', { journey: 'tour' });
    return until(
      () => tactful.get<ReconcileView>(`/api/runs/reconcile/${id}`),
      ({ state }) => state !== 'running',
    );
  }

  it('tell where a run has been, why, and what it waits for', async () => {
    const userId = await person();
    const { id } = await enrol(userId);
    await reaches(id, { state: 'waiting', step_id: 'buys' });
    const waiting = await story(id);
    expect(waiting.entry).toMatchObject({ source: 'api', entry_key: 'order-1', version: 1 });
    expect(waiting.path).toMatchObject([
      {
        seq: 1,
        step_id: 'half',
        kind: 'split',
        outcome: 'arm',
        reason: expect.stringMatching(/^(one|two)$/),
        next_step_id: 'first',
      },
      { seq: 2, step_id: 'first', outcome: 'sent', reason: null, next_step_id: 'is_pro' },
      { seq: 3, step_id: 'is_pro', outcome: 'then', next_step_id: 'buys' },
      { seq: 4, step_id: 'buys', kind: 'wait_for', outcome: null, left_at: null, next_step_id: null },
    ]);
    const [decision] = waiting.decisions;
    expect(decision).toMatchObject({
      id: waiting.path[1]?.decision_id,
      step_id: 'first',
      deliveries: [{ state: 'sent', step_id: 'first' }],
    });
    expect(decision?.explanation).toMatch(/was chosen/);
    expect(waiting.waits).toMatchObject({
      step_id: 'buys',
      events: [{ event: 'purchase', has_condition: false, next_step_id: 'thanks' }],
      ends_on: [{ event: 'account_closed', outcome: 'exited' }],
      next_instants: [{ at: waiting.run.waits_until, what: 'times_out' }],
    });
    await event(userId, 'purchase');
    await reaches(id, { step_id: 'rest' });
    await event(userId, 'account_closed');
    await reaches(id, { state: 'exited' });
    const over = await whole(id, 6);
    expect(over.waits).toBeNull();
    expect(over.path.slice(3)).toMatchObject([
      { step_id: 'buys', outcome: 'event', reason: 'purchase', next_step_id: 'thanks' },
      { step_id: 'thanks', outcome: 'sent', next_step_id: 'rest' },
      { step_id: 'rest', outcome: 'exited', reason: 'exit_event:account_closed', next_step_id: null },
    ]);
    const first = await tactful.get<{ data: { seq: number }[]; next_cursor: string }>(`/api/runs/${id}/path?limit=4`);
    const rest = await tactful.get<{ data: { seq: number }[]; next_cursor: string | null }>(
      `/api/runs/${id}/path?limit=4&cursor=${first.next_cursor}`,
    );
    expect([...first.data, ...rest.data].map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(rest.next_cursor).toBeNull();
  });

  it('tell which arm of a split a run drew, and that its user met it when the message went out', async () => {
    const userId = await person();
    const { id } = await enrol(userId);
    await reaches(id, { state: 'waiting', step_id: 'buys' });
    const { path, decisions } = await story(id);
    const [drawn, first] = path;
    const { data } = await until(
      () => tactful.get<{ data: ExposureView[] }>('/api/journeys/templates/tour/splits/half/exposures?exposed=true'),
      (page) => page.data.some(({ run_id }) => run_id === id),
    );
    expect(data.find(({ run_id }) => run_id === id)).toEqual({
      run_id: id,
      user_id: userId,
      version: 1,
      arm: drawn?.reason,
      assigned_at: drawn?.entered_at,
      exposed_at: first?.left_at,
      exposed_by: 'delivery',
      delivery_id: decisions[0]?.deliveries[0]?.id,
    });
    const { arms } = await tactful.get<SplitView>('/api/journeys/templates/tour/splits/half');
    expect(arms).toMatchObject([{ arm: 'one' }, { arm: 'two' }]);
  });

  it('cost no event: the history of a run with a path holds its own commands and nothing else', async () => {
    const { id, workflow_id } = await enrol(await person());
    await reaches(id, { state: 'waiting', step_id: 'buys' });
    const { events } = await tactful.temporal.workflow.getHandle(workflow_id).fetchHistory();
    const activities = (events ?? []).flatMap(({ activityTaskScheduledEventAttributes: scheduled }) =>
      scheduled?.activityType?.name === undefined ? [] : [scheduled.activityType?.name],
    );
    expect(activities).toEqual(['runStep', expect.stringMatching(/evaluateBranch|chooseBranch/)]);
  });

  it('are rebuilt exactly as before, whatever was lost or garbled', async () => {
    const [waiting, paused, ended, left, virtual] = [
      await enrol(await person()),
      await enrol(await person()),
      await enrol(await person('free')),
      await enrol(await person()),
      await enrol(await person(), { clock_domain: 'spec' }),
    ];
    await reaches(waiting.id, { state: 'waiting', step_id: 'buys' });
    await reaches(paused.id, { state: 'waiting', step_id: 'buys' });
    await tactful.post(`/api/runs/${paused.id}/pause`, {});
    await reaches(paused.id, { state: 'paused' });
    await reaches(ended.id, { state: 'completed' });
    await reaches(left.id, { state: 'waiting', step_id: 'buys' });
    await tactful.post(`/api/runs/${left.id}/exit`, { reason: 'asked by phone' });
    await reaches(left.id, { state: 'exited' });
    await reaches(virtual.id, { state: 'completed' });
    await whole(ended.id, 4);
    await whole(left.id, 4);
    await whole(virtual.id, 4);
    const keys = [waiting, paused, ended, left, virtual].map(({ run_key }) => run_key);
    const before = await tables(keys);
    expect(before.path.length).toBeGreaterThanOrEqual(20);
    expect(before.exposures).toHaveLength(keys.length);

    const unharmed = await reconcile();
    expect(unharmed).toMatchObject({ state: 'done', mended: 0, lost: 0, unanswered: 0, unsubscribed: 0 });
    expect(await tables(keys)).toEqual(before);

    // A process that dies with its reports, a backup that is older, a hand that slipped.
    await tactful.query('delete from journey_runs where run_key = any ($1)', [waiting.run_key, ended.run_key]);
    await tactful.query(
      `update journey_runs set state = 'running', step_id = 'nowhere', seq = 99999, waits_until = null, waits_on = '{x}'
        where run_key = any ($1)`,
      [paused.run_key, left.run_key],
    );
    await tactful.query('delete from run_path where run_key = $1 and seq <> 2', waiting.run_key);
    await tactful.query(`update run_path set outcome = 'failed', turn = turn + 500 where run_key = $1`, paused.run_key);
    await tactful.query('delete from run_path where run_key = $1', ended.run_key);
    await tactful.query(
      `insert into run_path (run_key, seq, step_id, visit, entered_at, turn) values ($1, 77, 'nowhere', 1, now(), 9)`,
      left.run_key,
    );
    await tactful.query('delete from split_exposures where run_key = any ($1)', [waiting.run_key, ended.run_key]);
    await tactful.query('delete from run_waits where run_key = $1', waiting.run_key);
    // Subscriptions that nobody needs: of a run that is over, and to events that the journey knows nothing of.
    await tactful.query(
      `insert into run_waits (user_id, event_name, is_exit, run_key, clock_domain, is_plain)
        select user_id, name, false, run_key, clock_domain, true from journey_entries, unnest($2::text[]) as name
        where run_key = any ($1)`,
      [waiting.run_key, paused.run_key, left.run_key],
      ['stranger', 'other'],
    );
    await tactful.query(
      `update journey_runs set state = 'waiting', reason = null, ended_at = null where run_key = $1`,
      virtual.run_key,
    );

    expect(await reconcile()).toMatchObject({ state: 'done', mended: 5, lost: 0, unanswered: 0, unsubscribed: 6 });
    expect(await tables(keys)).toEqual(before);
    expect(await reconcile()).toMatchObject({ mended: 0, lost: 0 });

    // A subscription in words that the journey does not have: it would end the run.
    await tactful.query(
      `update run_waits set is_exit = true, is_plain = false, listeners = '[{"index": 0, "where": null, "isExit": true}]'
        where run_key = any ($1) and event_name = 'purchase'`,
      [waiting.run_key, paused.run_key],
    );
    expect(await tables(keys)).not.toEqual(before);
    expect(await reconcile()).toMatchObject({ state: 'done', mended: 2, unsubscribed: 0 });
    expect(await tables(keys)).toEqual(before);
  });

  it('record an end that was never recorded, and that a run is gone', async () => {
    const [ended, terminated, gone] = [
      await enrol(await person('free')),
      await enrol(await person()),
      await enrol(await person()),
    ];
    await reaches(ended.id, { state: 'completed' });
    await whole(ended.id, 4);
    await reaches(terminated.id, { state: 'waiting', step_id: 'buys' });
    await reaches(gone.id, { state: 'waiting', step_id: 'buys' });
    const before = await tables([ended.run_key]);
    // As if the database had been set back to before the end.
    await tactful.query('update journey_entries set ended_at = null where run_key = $1', ended.run_key);
    await tactful.query(
      `update journey_runs set state = 'running', reason = null, ended_at = null where run_key = $1`,
      ended.run_key,
    );
    await tactful.temporal.workflow.getHandle(terminated.workflow_id).terminate('spec');
    const { workflowService } = tactful.temporal;
    const execution = { workflowId: gone.workflow_id };
    await workflowService.deleteWorkflowExecution({ namespace: 'default', workflowExecution: execution });
    await until(
      () =>
        tactful.temporal.workflow
          .getHandle(gone.workflow_id)
          .describe()
          .then(
            () => false,
            () => true,
          ),
      (isGone) => isGone,
    );
    expect(await reconcile()).toMatchObject({ state: 'done', mended: 1, lost: 2, unanswered: 0 });
    const after = await tables([ended.run_key]);
    const endOf = ({ runs }: Tables): number => (runs[0] as { ended_at: number }).ended_at;
    // The instant itself was lost: the close of the workflow stands for it.
    expect(Math.abs(endOf(after) - endOf(before))).toBeLessThan(MINUTE_MS);
    const without = ({ runs }: Tables): object => ({ ...runs[0], ended_at: null });
    expect([without(after), after.path]).toEqual([without(before), before.path]);
    for (const { id } of [terminated, gone]) {
      expect(await tactful.get(`/api/runs/${id}`)).toMatchObject({ state: 'exited', reason: 'terminated' });
    }
    expect((await tables([terminated.run_key, gone.run_key])).waits).toEqual([]);
  });

  it(
    'are rebuilt by a job that waits for its worker; a second one is refused meanwhile',
    async () => {
      const run = await enrol(await person());
      await reaches(run.id, { state: 'waiting', step_id: 'buys' });
      const before = await tables([run.run_key]);
      await tactful.stopWorker();
      await tactful.query('delete from run_path where run_key = $1', run.run_key);
      const { id } = await tactful.post<ReconcileView>('/api/runs/reconcile', { journey: 'tour' });
      await expect(tactful.post('/api/runs/reconcile', { journey: '*' })).rejects.toThrow('RECONCILE_RUNNING');
      tactful.startWorker();
      const job = await until(
        () => tactful.get<ReconcileView>(`/api/runs/reconcile/${id}`),
        ({ state }) => state !== 'running',
      );
      expect(job).toMatchObject({ state: 'done', mended: 1 });
      expect(await tables([run.run_key])).toEqual(before);
    },
    2 * MINUTE_MS,
  );

  it(
    'are left alone once a job is cancelled',
    async () => {
      await tactful.stopWorker();
      const { id } = await tactful.post<ReconcileView>('/api/runs/reconcile', { journey: '*' });
      const cancelled = await tactful.app.inject({ method: 'DELETE', url: `/api/runs/reconcile/${id}` });
      expect(cancelled.statusCode).toBe(204);
      tactful.startWorker();
      const job = await until(
        () => tactful.get<ReconcileView>(`/api/runs/reconcile/${id}`),
        ({ state }) => state !== 'running',
      );
      expect(job).toMatchObject({ state: 'cancelled', checked: 0 });
      const again = await tactful.app.inject({ method: 'DELETE', url: `/api/runs/reconcile/${id}` });
      expect([again.statusCode, again.json()]).toMatchObject([409, { code: 'RECONCILE_OVER' }]);
    },
    2 * MINUTE_MS,
  );
});
