import { jest } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Act } from '../../src/core/journeys/plan.js';
import type { RunClock, RunReference } from '../../src/core/journeys/run-reference.js';
import { RunSignals } from '../../src/modules/journeys/index.js';
import { Acts } from '../../src/modules/steps/index.js';
import { UsersService } from '../../src/modules/users/index.js';
import { Database } from '../../src/platform/database/database.js';
import { createTestApp } from '../support/app.js';
import { RunStage } from '../support/run-stage.js';

const REAL: RunClock = { kind: 'real' };
const VIRTUAL: RunClock = { kind: 'virtual', domain: 'spec', now: Date.parse('2030-01-01T00:00:00Z') };

describe('what steps do', () => {
  let app: NestFastifyApplication;
  let stage: RunStage;
  beforeAll(async () => {
    app = await createTestApp({ OUTBOX_POLL_MS: '60000' });
    jest.spyOn(app.get(RunSignals), 'kick').mockReturnValue();
    stage = new RunStage(app);
    for (const key of ['acts', 'sideways']) await stage.publish(key, { mode: 'parallel' });
  });
  afterAll(() => app.close());
  afterEach(() => jest.restoreAllMocks());

  let entries = 0;
  async function enter(userId: string, journey = 'acts', more: object = {}): Promise<RunReference> {
    entries += 1;
    return stage.enter(userId, journey, { entry_key: String(entries), ...more });
  }
  async function act(run: RunReference, what: Act, visit = 1, clock: RunClock = REAL): Promise<boolean> {
    const { kind } = await app.get(Acts).run({ run, stepId: 'step', visit, act: what, clock });
    return kind === 'done';
  }
  const results = (run: RunReference) =>
    stage.query('select visit, result from step_acts where run_key = $1 order by visit', run.runKey);

  describe('update_user', () => {
    const update = (set: Extract<Act, { kind: 'update_user' }>['set']): Act => ({ kind: 'update_user', set });
    const profile = async (id: string): Promise<{ lifecycle_stage: string | null; attributes: object }> =>
      (await stage.api.get(`/api/users/${id}`)).body;
    const trail = async (id: string): Promise<object[]> =>
      ((await stage.api.get('/api/audit-log?limit=200')).body as { data: { subject: string }[] }).data.filter(
        ({ subject }) => subject === id,
      );

    it('sets what it names, leaves the rest, and says in the trail who did it, without the values', async () => {
      const user = await stage.api.user({ lifecycle_stage: 'trial', name: 'Ada', attributes: { plan: 'free', a: 1 } });
      const run = await enter(user);
      expect(
        await act(run, update({ lifecycle_stage: 'won', 'attributes.plan': 'secret-plan', 'attributes.a': null })),
      ).toBe(true);
      expect(await profile(user)).toMatchObject({
        lifecycle_stage: 'won',
        name: 'Ada',
        attributes: { plan: 'secret-plan' },
      });
      expect((await profile(user)).attributes).toEqual({ plan: 'secret-plan' });
      const [entry] = await trail(user);
      expect(entry).toMatchObject({
        principal: 'journey:acts',
        action: 'user.amend',
        detail: { run_key: run.runKey, set: ['lifecycle_stage', 'attributes.plan', 'attributes.a'] },
      });
      expect(JSON.stringify(entry)).not.toContain('secret-plan');
    });

    it('has one effect however often the visit is repeated, also at the same time', async () => {
      const user = await stage.api.user({ attributes: { n: 0 } });
      const run = await enter(user);
      const answers = await Promise.all(Array.from({ length: 6 }, () => act(run, update({ 'attributes.n': 1 }))));
      expect(answers).toEqual(Array(6).fill(true));
      expect(await trail(user)).toHaveLength(1);
      await stage.api.put(`/api/users/${user}`, { attributes: { n: 7 } });
      expect(await act(run, update({ 'attributes.n': 1 }))).toBe(true);
      expect((await profile(user)).attributes).toEqual({ n: 7 });
      expect(await act(run, update({ 'attributes.n': 1 }), 2)).toBe(true);
      expect((await profile(user)).attributes).toEqual({ n: 1 });
    });

    it('either happens with its note or not at all', async () => {
      const user = await stage.api.user({ attributes: { n: 0 } });
      const run = await enter(user);
      const users = app.get(UsersService);
      const amend = users.amend.bind(users);
      jest.spyOn(users, 'amend').mockImplementationOnce(async (...given) => {
        await amend(...given);
        throw new Error('the process dies');
      });
      await expect(act(run, update({ 'attributes.n': 1 }))).rejects.toThrow('dies');
      expect((await profile(user)).attributes).toEqual({ n: 0 });
      expect(await results(run)).toEqual([]);
      expect(await act(run, update({ 'attributes.n': 1 }))).toBe(true);
      expect((await profile(user)).attributes).toEqual({ n: 1 });
    });

    it('wakes the other runs of the user, not itself, and nobody when nothing changes', async () => {
      const user = await stage.api.user();
      const [run, other] = [await enter(user), await enter(user, 'sideways')];
      await act(run, update({ 'attributes.n': 1 }));
      expect(await stage.told(other.runKey)).toEqual([{ signal: 'wake', argument: { because: 'profile_changed' } }]);
      expect(await stage.told(run.runKey)).toEqual([]);
      expect(await act(run, update({ 'attributes.n': 1 }), 2)).toBe(true);
      expect(await stage.told(other.runKey)).toHaveLength(1);
      expect(await trail(user)).toHaveLength(1);
    });

    it('loses nothing that others write at the same time', async () => {
      const user = await stage.api.user({ attributes: {} });
      const runs = await Promise.all(Array.from({ length: 8 }, () => enter(user)));
      await Promise.all(runs.map((run, index) => act(run, update({ [`attributes.n${index}`]: index }))));
      expect(Object.keys((await profile(user)).attributes).sort()).toEqual(runs.map((_run, index) => `n${index}`));
    });

    it.each<[string, Extract<Act, { kind: 'update_user' }>['set']]>([
      ['through a text', { 'attributes.plan.tier': 1 }],
      ['a stage that is no text', { lifecycle_stage: 5 }],
      ['a stage that is too long', { lifecycle_stage: 'x'.repeat(65) }],
      ['more than a profile may hold', { 'attributes.note': 'x'.repeat(33_000) }],
      ['an address', { email: 'x@example.org' }],
    ])('is never done: %s', async (_what, set) => {
      const user = await stage.api.user({ attributes: { plan: 'free' } });
      const run = await enter(user);
      expect(await act(run, update({ 'attributes.other': 1, ...set }))).toBe(false);
      expect((await profile(user)).attributes).toEqual({ plan: 'free' });
      expect(await results(run)).toEqual([{ visit: 1, result: { isDone: false, because: 'profile_refused' } }]);
    });

    it('is never done for a person who is gone', async () => {
      const user = await stage.api.user();
      const run = await enter(user);
      await stage.api.remove(`/api/users/${user}`);
      expect(await act(run, update({ 'attributes.n': 1 }))).toBe(false);
      expect(await stage.query('select attributes from users where id = $1', user)).toEqual([{ attributes: {} }]);
    });

    it('takes place in virtual time too: later steps of the trial look at the profile', async () => {
      const user = await stage.api.user();
      const run = await enter(user, 'acts', { clock_domain: 'spec' });
      expect(await act(run, update({ 'attributes.n': 1 }), 1, VIRTUAL)).toBe(true);
      expect((await profile(user)).attributes).toEqual({ n: 1 });
    });
  });

  describe('start_journey', () => {
    const startOf = (journey: string, entryKey: string | null = null): Act => ({
      kind: 'start_journey',
      journey,
      entryKey,
    });
    const entriesOf = (user: string, journey: string) =>
      stage.query<{ runKey: string; entryKey: string; source: string; endedAt: number | null }>(
        `select entry.run_key as "runKey", entry.entry_key as "entryKey", entry.source, entry.ended_at as "endedAt"
          from journey_entries entry join journeys journey on journey.id = entry.journey_id
          where entry.user_id = $1 and journey.key = $2 order by entry.entered_at`,
        user,
        journey,
      );
    const end = (user: string, agoSeconds = 0) =>
      stage.query(
        `update journey_entries set ended_at = date_trunc('milliseconds', clock_timestamp()) - make_interval(secs => $2)
          where user_id = $1 and ended_at is null and run_key not like 'acts:%'`,
        user,
        agoSeconds,
      );
    beforeAll(async () => {
      await stage.publish('once_target');
      await stage.publish('again_target', { mode: 'after_exit', cool_down: 'PT1H' });
      await stage.publish('freely_target', { mode: 'after_exit' });
      await stage.publish('parallel_target', { mode: 'parallel' });
      const steps = [{ kind: 'end', id: 'done' }];
      await stage.api.post('/api/journeys/templates', { key: 'draft_target', name: 'draft', steps });
    });

    it('enrols the user, and says who did it; who is in it already is left there', async () => {
      const user = await stage.api.user();
      const run = await enter(user);
      expect(await act(run, startOf('once_target'))).toBe(true);
      expect(await act(run, startOf('once_target'), 2)).toBe(true);
      expect(await entriesOf(user, 'once_target')).toMatchObject([{ source: 'journey:acts', entryKey: 'once' }]);
      const [started] = await entriesOf(user, 'once_target');
      expect(await stage.query('select kind from outbox where run_key = $1', started?.runKey)).toEqual([
        { kind: 'start_run' },
      ]);
    });

    it('starts one run for one visit, also when the first has ended before it is repeated', async () => {
      const user = await stage.api.user();
      const run = await enter(user);
      expect(await act(run, startOf('freely_target'))).toBe(true);
      await end(user);
      expect(await act(run, startOf('freely_target'))).toBe(true);
      expect(await entriesOf(user, 'freely_target')).toHaveLength(1);
      expect(await act(run, startOf('freely_target'), 2)).toBe(true);
      expect(await entriesOf(user, 'freely_target')).toHaveLength(2);
    });

    it('takes its key in a parallel journey, or one that belongs to the run', async () => {
      const user = await stage.api.user();
      const [run, other] = [await enter(user), await enter(user)];
      await act(run, startOf('parallel_target'));
      await act(run, startOf('parallel_target'), 2);
      await act(other, startOf('parallel_target'));
      await act(run, startOf('parallel_target', 'order-1'), 3);
      const keys = (await entriesOf(user, 'parallel_target')).map(({ entryKey }) => entryKey);
      expect(keys).toEqual([
        expect.stringMatching(/^[0-9a-f]{64}$/),
        expect.stringMatching(/^[0-9a-f]{64}$/),
        'order-1',
      ]);
      expect(new Set(keys).size).toBe(3);
    });

    it.each(['draft_target', 'no_such_journey'])('is never done: %s', async (journey) => {
      const run = await enter(await stage.api.user());
      expect(await act(run, startOf(journey))).toBe(false);
      expect(await results(run)).toEqual([{ visit: 1, result: { isDone: false, because: 'entry_refused' } }]);
    });

    it('is not done within a cool-down, and that answer stays', async () => {
      const user = await stage.api.user();
      const run = await enter(user);
      expect(await act(run, startOf('again_target'))).toBe(true);
      await end(user, 60);
      expect(await act(run, startOf('again_target'), 2)).toBe(false);
      await stage.query(`update journey_entries set ended_at = ended_at - interval '1 hour' where user_id = $1`, user);
      expect(await act(run, startOf('again_target'), 2)).toBe(false);
      expect(await act(run, startOf('again_target'), 3)).toBe(true);
    });

    it('is never done for a person who is gone', async () => {
      const user = await stage.api.user();
      const run = await enter(user);
      await stage.api.remove(`/api/users/${user}`);
      expect(await act(run, startOf('once_target'))).toBe(false);
    });

    it('comes to an end where journeys start one another in a ring, unless they take their time', async () => {
      const user = await stage.api.user();
      let run = await enter(user);
      let started = 0;
      const turn = async (): Promise<boolean> => {
        const isStarted = await act(run, startOf('acts'));
        const [{ runKey = '' } = {}] = (await entriesOf(user, 'acts')).slice(-1);
        if (isStarted) run = { ...run, runKey };
        return isStarted;
      };
      while (started < 100 && (await turn())) started += 1;
      expect(started).toBe(20);
      await stage.query(
        `update journey_entries set entered_at = entered_at - interval '1 day' where user_id = $1`,
        user,
      );
      expect(await act(run, startOf('acts'), 2)).toBe(true);
    });

    it('counts as done in virtual time, and starts nothing: a user has one run there', async () => {
      const user = await stage.api.user();
      const run = await enter(user, 'acts', { clock_domain: 'spec' });
      expect(await act(run, startOf('once_target'), 1, VIRTUAL)).toBe(true);
      expect(await entriesOf(user, 'once_target')).toEqual([]);
    });
  });

  describe('reach_goal', () => {
    const goals = (run: RunReference) =>
      stage.query<{ goal: string; at: number }>(
        'select goal, reached_at as at from run_goals where run_key = $1 order by goal',
        run.runKey,
      );
    it('is noted once for each goal of a run, when it was reached first', async () => {
      const run = await enter(await stage.api.user());
      const reach = (goal: string, visit: number): Promise<boolean> => act(run, { kind: 'reach_goal', goal }, visit);
      expect(await reach('bought', 1)).toBe(true);
      const [first] = await goals(run);
      expect(await reach('bought', 2)).toBe(true);
      expect(await reach('paid', 3)).toBe(true);
      expect(await goals(run)).toEqual([first, expect.objectContaining({ goal: 'paid' })]);
      const view = (await goals(run)).map(({ goal, at }) => ({ goal, reached_at: new Date(at).toISOString() }));
      const byTime = view.sort((one, other) => one.reached_at.localeCompare(other.reached_at));
      const stored = await stage.query<{ id: string }>('select id from journey_runs where run_key = $1', run.runKey);
      expect((await stage.api.get(`/api/runs/${stored[0]?.id}`)).body).toMatchObject({ goals: byTime });
      const listed = (await stage.api.get(`/api/runs?user_id=${run.userId}`)).body as { data: object[] };
      expect(listed.data).toMatchObject([{ goals: byTime }]);
    });

    it('is dated by the clock of a virtual run', async () => {
      const run = await enter(await stage.api.user(), 'acts', { clock_domain: 'spec' });
      await act(run, { kind: 'reach_goal', goal: 'bought' }, 1, VIRTUAL);
      expect(await goals(run)).toEqual([{ goal: 'bought', at: Date.parse('2030-01-01T00:00:00Z') }]);
    });
  });

  describe('of a run that is to end', () => {
    const isExited = (run: RunReference) =>
      stage.query(
        `update journey_entries set exit_requested_at = date_trunc('milliseconds', clock_timestamp()) where run_key = $1`,
        run.runKey,
      );
    const isStopped = async (run: RunReference): Promise<void> => {
      const url = `/api/journeys/templates/${run.journeyKey}/stop`;
      expect((await stage.api.post(url, { reason: 'spec' })).status).toBe(200);
    };
    const hasLeft = (run: RunReference): Promise<void> => stage.event(run.userId, 'left');
    const update: Act = { kind: 'update_user', set: { 'attributes.n': 1 } };
    const start: Act = { kind: 'start_journey', journey: 'sideways', entryKey: 'next' };
    let journeys = 0;

    it.each([
      ['a profile is not changed', 'by an operator', update, isExited],
      ['a profile is not changed', 'with its journey, which was stopped', update, isStopped],
      ['a profile is not changed', 'by an event that it has not heard of', update, hasLeft],
      ['nobody is enrolled', 'by an operator', start, isExited],
      ['nobody is enrolled', 'with its journey, which was stopped', start, isStopped],
      ['nobody is enrolled', 'by an event that it has not heard of', start, hasLeft],
    ])('%s: it ends %s', async (_what, _why, what, ends) => {
      journeys += 1;
      const journey = `ending_${journeys}`;
      await stage.publish(journey, { mode: 'parallel' }, { exitEvents: ['left'] });
      const user = await stage.api.user({ attributes: {} });
      const run = await enter(user, journey);
      await ends(run);
      expect(await act(run, what)).toBe(false);
      expect(await results(run)).toEqual([{ visit: 1, result: { isDone: false, because: 'run_over' } }]);
      expect((await stage.api.get(`/api/users/${user}`)).body).toMatchObject({ attributes: {} });
      const entered = await stage.query('select source from journey_entries where user_id = $1', user);
      expect(entered).toHaveLength(1);
    });

    it('what was done before stays done', async () => {
      const run = await enter(await stage.api.user());
      expect([await act(run, update), await act(run, start, 2)]).toEqual([true, true]);
      await isExited(run);
      expect([await act(run, update), await act(run, start, 2), await act(run, update, 3)]).toEqual([
        true,
        true,
        false,
      ]);
    });

    it('an exit that is being asked for is waited for', async () => {
      const run = await enter(await stage.api.user());
      const answers: boolean[] = [];
      let acting: Promise<void> | undefined;
      await app.get(Database).transaction(async (transaction) => {
        await app.get(UsersService).lock(transaction, [run.userId]);
        acting = Promise.all([act(run, update), act(run, start, 2)]).then((all) => void answers.push(...all));
        const sql = `update journey_entries set exit_requested_at = clock_timestamp() where run_key = $1`;
        await transaction.query({ text: 'select pg_sleep(0.2)' });
        await transaction.query({ text: sql, values: [run.runKey] });
        expect(answers).toEqual([]);
      });
      await acting;
      expect(answers).toEqual([false, false]);
    });
  });
});
