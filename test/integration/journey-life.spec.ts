import { jest } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { OutboxDispatcher } from '../../src/modules/journeys/outbox/outbox.dispatcher.js';
import { StepClaims } from '../../src/modules/steps/step-claims.js';
import { StepsService } from '../../src/modules/steps/index.js';
import { Database } from '../../src/platform/database/database.js';
import { createTestApp } from '../support/app.js';
import { clientOf, type Answer, type Client } from '../support/client.js';
import { stall } from '../support/concurrency.js';
import { startSmtp, type TestSmtp } from '../support/smtp.js';
import { until } from '../support/until.js';

const PATIENCE_MS = 120_000;
const SOON_MS = 50_000;
const HELD_MS = 6 * 3_600_000;
const PER_SECOND = 2;

describe('the life of a journey', () => {
  let app: NestFastifyApplication;
  let api: Client;
  let smtp: TestSmtp;
  beforeAll(async () => {
    smtp = await startSmtp();
    app = await createTestApp({ SMTP_URL: smtp.url, POLICY_WAKES_PER_SECOND: String(PER_SECOND) });
    api = clientOf(app);
    const content = {
      subject: 'Hello',
      html: '<a href="{{ unsubscribe_url }}">out</a> {{ company.address }}',
      text: '{{ unsubscribe_url }} {{ company.address }}',
    };
    await api.post('/api/message-templates', { key: 'hello', ...content });
  }, PATIENCE_MS);
  afterAll(async () => {
    await app.close();
    await smtp.stop();
  }, PATIENCE_MS);

  const query = <Row extends object>(text: string, ...values: unknown[]): Promise<readonly Row[]> =>
    app.get(Database).query<Row>({ text, values });
  const move = (key: string, name: string, reason?: string): Promise<Answer> =>
    api.post(`/api/journeys/templates/${key}/${name}`, reason === undefined ? {} : { reason });
  const view = async (key: string): Promise<Record<string, unknown>> =>
    (await api.get(`/api/journeys/templates/${key}`)).body;
  const audited = async (key: string): Promise<readonly string[]> =>
    (await query<{ action: string }>(`select action from audit_log where subject = $1 order by id`, key)).map(
      ({ action }) => action,
    );

  async function draft(key: string): Promise<void> {
    const steps = [
      { kind: 'message', id: 'hello', channel: 'email', template: 'hello' },
      { kind: 'end', id: 'done' },
    ];
    const { status } = await api.post('/api/journeys/templates', { key, name: key, steps });
    expect(status).toBe(201);
  }
  async function publish(key: string): Promise<void> {
    await draft(key);
    expect((await move(key, 'publish')).status).toBe(200);
  }
  async function person(): Promise<{ readonly id: string; readonly email: string }> {
    const email = `${crypto.randomUUID()}@example.org`;
    const id = await api.user({ email });
    await api.post('/api/consents', { user_id: id, channel: 'email', status: 'granted', source: 'spec' });
    return { id, email };
  }
  interface Entered {
    readonly userId: string;
    readonly email: string;
    readonly runKey: string;
    readonly journeyKey: string;
  }
  async function enter(journeyKey: string): Promise<Entered> {
    const { id: userId, email } = await person();
    const { status, body } = await api.post(`/api/journeys/${userId}/enroll`, { journey: journeyKey });
    expect(status).toBe(201);
    return { userId, email, journeyKey, runKey: (body as { run_key: string }).run_key };
  }
  function ask({ userId, runKey, journeyKey }: Entered, number = 1) {
    const message = { kind: 'message', id: 'hello', channel: 'email', template: 'hello' } as const;
    const step = { ...message, onRefusal: 'continue', next: 'done' } as const;
    const run = { runKey, userId, journeyKey, journeyVersion: 1 };
    return app.get(StepsService).run({ run, step, visit: 1, ask: number, clock: { kind: 'real' } });
  }
  const end = (runKey: string): Promise<unknown> =>
    query(
      `update journey_entries set ended_at = date_trunc('milliseconds', clock_timestamp()) where run_key = $1`,
      runKey,
    );

  describe('a pause', () => {
    it('puts off messages, of this journey alone, and loses none', async () => {
      await publish('held_up');
      await publish('beside');
      const [run, other] = [await enter('held_up'), await enter('beside')];
      const { status, body } = await move('held_up', 'pause', 'wrong price');
      expect(status).toBe(200);
      expect(body).toMatchObject({
        status: 'paused',
        status_reason: 'wrong price',
        status_by: 'local',
        runs_running: 1,
        wake: null,
      });
      const before = Date.now();
      const answer = await ask(run);
      expect(answer).toMatchObject({ kind: 'defer', reason: 'JOURNEY_PAUSED' });
      if (answer.kind !== 'defer') return;
      expect(answer.until).toBeGreaterThanOrEqual(before + HELD_MS);
      expect(await query('select from contact_ledger where user_id = $1', run.userId)).toEqual([]);
      expect(await ask(other)).toMatchObject({ kind: 'sent' });
      const explained = await api.get(`/api/decisions/${answer.decisionId}/explain`);
      expect((explained.body as { explanation: string }).explanation).toMatch(
        /put off until .+ because the journey is paused; .+ if the journey were resumed/,
      );
      expect((await move('held_up', 'resume')).body).toMatchObject({ status: 'published', status_reason: null });
      expect(await ask(run, 2)).toMatchObject({ kind: 'sent' });
      expect(await smtp.mailsTo(run.email)).toHaveLength(1);
      const verified = await api.get(`/api/decisions/verify?user_id=${run.userId}`);
      expect(verified.body).toMatchObject({ is_intact: true, decisions: 2, made_again: 2 });
    });

    it('holds in the claim, whatever the first opinion was', async () => {
      await publish('late_pause');
      const run = await enter('late_pause');
      const claims = app.get(StepClaims);
      const stalled = stall(claims.claim.bind(claims));
      const spy = jest.spyOn(claims, 'claim').mockImplementationOnce(stalled.call);
      const asking = ask(run);
      await stalled.arrived;
      await move('late_pause', 'pause');
      stalled.goOn();
      expect(await asking).toMatchObject({ kind: 'defer', reason: 'JOURNEY_PAUSED' });
      spy.mockRestore();
      expect(await smtp.mailsTo(run.email)).toEqual([]);
    });

    it('lets nobody in, and takes a new version without letting go', async () => {
      await publish('closed');
      const { userId } = await enter('closed');
      await move('closed', 'pause');
      const { id } = await person();
      const refused = await api.post(`/api/journeys/${id}/enroll`, { journey: 'closed' });
      expect(refused).toMatchObject({ status: 409, body: { code: 'JOURNEY_PAUSED' } });
      const changed = {
        key: 'closed',
        name: 'closed',
        steps: [{ kind: 'end', id: 'done' }],
      };
      await api.put('/api/journeys/templates/closed', changed);
      expect((await move('closed', 'publish')).body).toMatchObject({ version: 2 });
      expect(await view('closed')).toMatchObject({ status: 'paused', current_version: 2 });
      await move('closed', 'resume');
      expect((await api.post(`/api/journeys/${id}/enroll`, { journey: 'closed' })).body).toMatchObject({ version: 2 });
      expect((await api.post(`/api/journeys/${userId}/enroll`, { journey: 'closed' })).body).toMatchObject({
        is_new: false,
        version: 1,
      });
    });

    it(
      'wakes what came to wait for its end, and nothing else, when it ends',
      async () => {
        for (const key of ['woken', 'not_woken']) await publish(key);
        const [mine, quiet, other] = [await enter('woken'), await enter('woken'), await enter('not_woken')];
        await move('woken', 'pause');
        await query(
          `update journey_runs set state = 'waiting', waits_for = case run_key
            when $1 then 'hello: put off, QUIET_HOURS' else 'hello: put off, JOURNEY_PAUSED' end
          where run_key = any ($2)`,
          quiet.runKey,
          [mine, quiet, other].map(({ runKey }) => runKey),
        );
        await move('woken', 'resume');
        const woken = (): Promise<readonly { run_key: string }[]> =>
          query(`select run_key from outbox where payload #>> '{argument,because}' = 'journey_resumed'`);
        await until(
          async () => (await woken()).length > 0,
          SOON_MS,
          () => 'the run is woken',
        );
        expect(await woken()).toEqual([{ run_key: mine.runKey }]);
        expect(await view('woken')).toMatchObject({ wake: { runs_total: 1, runs_woken: 1, per_second: PER_SECOND } });
      },
      PATIENCE_MS,
    );
  });

  describe('a stop', () => {
    it('lets no message out from that moment on, tells runs to end at a rate, and is over when all have', async () => {
      await publish('ended');
      // A run that comes to its start by itself ends there, and need not be told.
      const kick = jest.spyOn(app.get(OutboxDispatcher), 'kick').mockReturnValue();
      const runs = [];
      for (let count = 0; count < 5; count += 1) runs.push(await enter('ended'));
      const [run] = runs;
      if (run === undefined) throw new Error('no run');
      const startedAt = Date.now();
      const { body } = await move('ended', 'stop', 'the shop closes');
      expect(body).toMatchObject({ status: 'stopped', stop: { runs_total: 5, finished_at: null } });
      expect(await ask(run)).toMatchObject({ kind: 'skip', reason: 'RUN_EXITED' });
      expect(await smtp.mailsTo(run.email)).toEqual([]);
      const told = async (): Promise<number> =>
        ((await view('ended')) as { stop: { runs_told: number } }).stop.runs_told;
      const seen: { readonly count: number; readonly from: number; readonly to: number }[] = [];
      await until(
        async () => {
          const from = Date.now();
          seen.push({ count: await told(), from, to: Date.now() });
          return seen.at(-1)?.count === 5;
        },
        SOON_MS,
        () => `all are told: ${seen.map(({ count }) => count).join(' ')}`,
      );
      const tooFast = seen.filter(({ count, to }, at) => {
        const before = seen[at - 1] ?? { count: 0, from: startedAt };
        return count - before.count > PER_SECOND * Math.ceil((to - before.from) / 1_000 + 0.5);
      });
      expect(tooFast).toEqual([]);
      kick.mockRestore();
      // None of them had begun, so each ends before it does, without Temporal.
      await until(
        async () => ((await view('ended')) as { runs_running: number }).runs_running === 0,
        SOON_MS,
        () => 'all have ended',
      );
      const reasons = await query(`select distinct state, reason from journey_runs where journey_key = 'ended'`);
      expect(reasons).toEqual([{ state: 'exited', reason: 'journey_stopped' }]);
      await query(`update journey_stops set started_at = started_at - interval '1 minute'`);
      await until(
        async () => ((await view('ended')) as { stop: { finished_at: unknown } }).stop.finished_at !== null,
        SOON_MS,
        () => 'the stop is over',
      );
    }, 120_000);

    it('brings runs to their end that were to begin much later', async () => {
      await publish('spread');
      const { runKey } = await enter('spread');
      await query(
        `insert into outbox (kind, run_key, payload, available_at)
          select 'start_run', $1, '{}', clock_timestamp() + interval '5 hours'
          where not exists (select from outbox where run_key = $1)`,
        runKey,
      );
      await query(
        `update outbox set available_at = date_trunc('milliseconds', clock_timestamp()) + interval '5 hours' where run_key = $1`,
        runKey,
      );
      await move('spread', 'stop');
      await until(
        async () =>
          (await query('select from journey_runs where run_key = $1 and ended_at is not null', runKey)).length === 1,
        SOON_MS,
        () => 'the run has ended',
      );
    }, 120_000);

    it('stands for good', async () => {
      await publish('final');
      await move('final', 'stop');
      const { id } = await person();
      expect(await api.post(`/api/journeys/${id}/enroll`, { journey: 'final' })).toMatchObject({
        status: 409,
        body: { code: 'JOURNEY_STOPPED' },
      });
      for (const name of ['pause', 'resume', 'publish']) {
        expect(await move('final', name)).toMatchObject({ status: 409, body: { code: 'JOURNEY_STOPPED' } });
      }
    });
  });

  it(
    'draining lets nobody in, lets messages out, and stops by itself after the last run',
    async () => {
      await publish('drained');
      const run = await enter('drained');
      expect((await move('drained', 'drain')).body).toMatchObject({ status: 'draining', runs_running: 1 });
      const { id } = await person();
      expect(await api.post(`/api/journeys/${id}/enroll`, { journey: 'drained' })).toMatchObject({
        status: 409,
        body: { code: 'JOURNEY_DRAINING' },
      });
      expect(await ask(run)).toMatchObject({ kind: 'sent' });
      expect(await view('drained')).toMatchObject({ status: 'draining' });
      await end(run.runKey);
      await until(
        async () => (await view('drained'))['status'] === 'stopped',
        SOON_MS,
        () => 'it has run dry',
      );
      expect(await view('drained')).toMatchObject({ status_by: 'system' });
      expect(await audited('drained')).toEqual([
        'journey.create',
        'journey.publish',
        'journey.drain',
        'journey.run_dry',
      ]);
      expect((await move('drained', 'drain')).status).toBe(200);
    },
    PATIENCE_MS,
  );

  it('archives drafts and stopped journeys, hides them, keeps their key, and brings them back as they were', async () => {
    await draft('old_draft');
    await publish('old_live');
    expect(await move('old_live', 'archive')).toMatchObject({ status: 409, body: { code: 'JOURNEY_PUBLISHED' } });
    await move('old_live', 'stop');
    const keys = async (more = ''): Promise<readonly string[]> =>
      ((await api.get(`/api/journeys/templates?limit=100${more}`)).body as { data: { key: string }[] }).data.map(
        ({ key }) => key,
      );
    for (const [key, former] of [
      ['old_draft', 'draft'],
      ['old_live', 'stopped'],
    ] as const) {
      expect((await move(key, 'archive')).body).toMatchObject({ status: 'archived' });
      expect(await keys()).not.toContain(key);
      expect(await keys('&archived=true')).toContain(key);
      const again = await api.post('/api/journeys/templates', { key, name: key, steps: [{ kind: 'end', id: 'done' }] });
      expect(again).toMatchObject({ status: 409, body: { code: 'JOURNEY_KEY_TAKEN' } });
      expect(await move(key, 'publish')).toMatchObject({ status: 409, body: { code: 'JOURNEY_ARCHIVED' } });
      expect((await move(key, 'unarchive')).body).toMatchObject({ status: former });
      expect(await keys()).toContain(key);
    }
  });

  it('answers a move that was made before with what stands, and writes nothing', async () => {
    await publish('twice');
    await move('twice', 'pause', 'first');
    const before = await view('twice');
    expect(await move('twice', 'pause', 'second')).toMatchObject({ status: 200, body: before });
    expect(await audited('twice')).toEqual(['journey.create', 'journey.publish', 'journey.pause']);
    expect(await move('nowhere', 'pause')).toMatchObject({ status: 404, body: { code: 'JOURNEY_UNKNOWN' } });
  });
});
