import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { StepAnswer } from '../../src/core/journeys/step-answer.js';
import { PolicyWaker } from '../../src/modules/policies/policy-waker.js';
import { PolicyWakesRepository } from '../../src/modules/policies/policy-wakes.repository.js';
import { StepsService } from '../../src/modules/steps/index.js';
import { Database } from '../../src/platform/database/database.js';
import { createTestApp } from '../support/app.js';
import { clientOf, type Client } from '../support/client.js';
import { lockWaits } from '../support/concurrency.js';
import { startSmtp, type TestSmtp } from '../support/smtp.js';
import { until } from '../support/until.js';

/** Every second counts for the waker, none for us: the machine may be busy with other things. */
const PATIENCE_MS = 120_000;
const WAKES_PER_SECOND = 2;
const STEPS_MS_MAX = 40_000;

interface Wake {
  readonly id: string;
  readonly policy_key: string;
  readonly because: string;
  readonly runs_total: number;
  readonly runs_woken: number;
  readonly finished_at: string | null;
}

describe('policies and the runs that they concern', () => {
  let app: NestFastifyApplication;
  let api: Client;
  let smtp: TestSmtp;
  beforeAll(async () => {
    smtp = await startSmtp();
    app = await createTestApp({ SMTP_URL: smtp.url, POLICY_WAKES_PER_SECOND: String(WAKES_PER_SECOND) });
    api = clientOf(app);
    await api.post('/api/message-templates', {
      key: 'hello',
      subject: 'Hello',
      html: '<a href="{{ unsubscribe_url }}">out</a> {{ company.address }}',
      text: '{{ unsubscribe_url }} {{ company.address }}',
    });
    const steps = [
      { kind: 'message', id: 'hello', channel: 'email', template: 'hello' },
      { kind: 'end', id: 'done' },
    ];
    await api.post('/api/journeys/templates', { key: 'one', name: 'one', entry: { mode: 'parallel' }, steps });
    await api.post('/api/journeys/templates/one/publish', {});
  }, PATIENCE_MS);
  afterAll(async () => {
    await app.close();
    await smtp.stop();
  }, PATIENCE_MS);

  const query = <Row extends object>(text: string, ...values: unknown[]): Promise<readonly Row[]> =>
    app.get(Database).query<Row>({ text, values });

  async function person(): Promise<string> {
    const id = await api.user({ email: `person-${crypto.randomUUID()}@example.org` });
    await api.post('/api/consents', { user_id: id, channel: 'email', status: 'granted', source: 'spec' });
    return id;
  }

  async function enter(userId: string, entryKey: string): Promise<string> {
    const { body } = await api.post(`/api/journeys/${userId}/enroll`, { journey: 'one', entry_key: entryKey });
    return (body as { run_key: string }).run_key;
  }

  function ask(userId: string, runKey: string): Promise<StepAnswer> {
    const run = { runKey, userId, journeyKey: 'one', journeyVersion: 1 };
    const step = {
      kind: 'message',
      id: 'hello',
      channel: 'email',
      template: 'hello',
      onRefusal: 'continue',
      next: 'done',
    } as const;
    return app.get(StepsService).run({ run, step, visit: 1, ask: 1, clock: { kind: 'real' } });
  }

  describe('a stricter policy', () => {
    const twoADay = { kind: 'cap', limit: 2, window: { kind: 'rolling', duration: 'P1D' } };

    /** Asks, and while the claim waits for the user's lock, changes a policy. */
    async function askWhile(userId: string, runKey: string, change: () => Promise<unknown>): Promise<StepAnswer> {
      let asked: Promise<StepAnswer> | undefined;
      await app.get(Database).transaction(async (transaction) => {
        await transaction.query({ text: 'select from contact_state where user_id = $1 for update', values: [userId] });
        asked = ask(userId, runKey);
        await lockWaits(app.get(Database), 'contact_state');
        await change();
      });
      if (asked === undefined) throw new Error('nothing was asked');
      return asked;
    }

    it(
      'binds a claim that was under way when it was made',
      async () => {
        const userId = await person();
        const answer = await askWhile(userId, await enter(userId, 'a'), () =>
          api.post('/api/policies', { key: 'none', definition: { ...twoADay, limit: 0 } }),
        );
        expect(answer).toMatchObject({ kind: 'skip', reason: 'CAP_REACHED' });
        await api.remove('/api/policies/none');
      },
      PATIENCE_MS,
    );

    it(
      'counts what was sent under the former one, and its next version binds at once',
      async () => {
        const userId = await person();
        const [first = '', second = '', third = ''] = await Promise.all(
          ['a', 'b', 'c'].map((key) => enter(userId, key)),
        );
        await api.post('/api/policies', { key: 'daily', definition: twoADay });
        expect(await ask(userId, first)).toMatchObject({ kind: 'sent' });
        const answer = await askWhile(userId, second, () => api.put('/api/policies/daily', { ...twoADay, limit: 1 }));
        expect(answer).toMatchObject({ kind: 'skip', reason: 'CAP_REACHED' });
        await api.remove('/api/policies/daily');
        expect(await ask(userId, third)).toMatchObject({ kind: 'sent' });
      },
      PATIENCE_MS,
    );
  });

  describe('a looser policy', () => {
    const hold = { kind: 'cap', limit: 1, window: { kind: 'calendar', unit: 'week' }, on_hit: 'defer' };
    let runKeys: readonly string[];

    const waits = (runKey: string, waitsFor: string, state = 'waiting'): Promise<unknown> =>
      query('update journey_runs set state = $2, waits_for = $3 where run_key = $1', runKey, state, waitsFor);
    const wakesOf = async (key: string): Promise<readonly Wake[]> => {
      const { data } = (await api.get('/api/policies/wakes?limit=200')).body as { data: Wake[] };
      return data.filter(({ policy_key }) => policy_key === key);
    };
    const wokenRuns = async (): Promise<readonly string[]> => {
      const rows = await query<{ run_key: string }>(
        `select run_key from outbox where kind = 'signal_run' and payload #>> '{argument,because}' like 'policy%'`,
      );
      return rows.map(({ run_key }) => run_key);
    };
    const finished = (key: string) =>
      until(
        async () => {
          // As if ten seconds had gone by: what was decided by the former policy is seen to wait by now.
          await query(
            `update policy_wakes set next_at = date_trunc('milliseconds', clock_timestamp()) where is_second_pass and finished_at is null`,
          );
          // However often it is asked, it wakes no more a second.
          app.get(PolicyWaker).kick();
          return (await wakesOf(key)).every(({ finished_at }) => finished_at !== null);
        },
        STEPS_MS_MAX,
        () => `the wake of ${key} ends`,
      );

    beforeEach(async () => {
      await query('delete from policy_wakes');
      await query('delete from outbox');
      await query(`update journey_runs set state = 'running', waits_for = null`);
      const userId = await person();
      runKeys = await Promise.all(
        Array.from({ length: 5 }, () => enter(userId, `wakes-${crypto.randomUUID().slice(0, 8)}`)),
      );
      await Promise.all(runKeys.map((runKey) => waits(runKey, 'hello: put off, CAP_REACHED')));
      await query('delete from outbox');
    });

    it(
      'wakes each run that waits by a rule, so many a second, and tells how far it is',
      async () => {
        await api.post('/api/policies', { key: 'hold', definition: hold });
        await api.put('/api/policies/hold', { ...hold, limit: 0 });
        expect(await wakesOf('hold')).toEqual([]);
        const [since] = [Date.now(), await api.put('/api/policies/hold', { ...hold, limit: 2 })];
        const [begun] = await wakesOf('hold');
        expect(begun).toMatchObject({ because: 'policy_changed', runs_total: 5, finished_at: null });
        expect(begun?.runs_woken).toBeLessThanOrEqual(WAKES_PER_SECOND * (2 + (Date.now() - since) / 1_000));
        await finished('hold');
        const wake = await api.get(`/api/policies/wakes/${begun?.id ?? ''}`);
        expect(wake).toMatchObject({ status: 200, body: { runs_total: 5, runs_woken: 5, per_second: 2 } });
        expect([...(await wokenRuns())].sort()).toEqual([...runKeys].sort());
        const rows = await query<{ at: number }>(
          `select created_at as at from outbox where kind = 'signal_run' order by created_at`,
        );
        const gapsMs = rows.slice(WAKES_PER_SECOND).map(({ at }, index) => at - (rows[index]?.at ?? at));
        expect(Math.min(...gapsMs)).toBeGreaterThanOrEqual(999); // timestamps are rounded
      },
      PATIENCE_MS,
    );

    it(
      'wakes nobody who waits for something else',
      async () => {
        const [lifted = '', waiting = '', unavailable = '', ended = '', virtual = ''] = runKeys;
        await waits(waiting, 'later: wait');
        await waits(unavailable, 'hello: put off, PROVIDER_UNAVAILABLE');
        await waits(ended, 'hello: put off, CAP_REACHED', 'exited');
        await query(`update journey_runs set clock_domain = 'try' where run_key = $1`, virtual);
        await waits(lifted, 'hello: put off, QUIET_HOURS, asks again soon');
        await api.post('/api/policies', { key: 'lifted', definition: hold });
        await api.remove('/api/policies/lifted');
        expect(await wakesOf('lifted')).toMatchObject([{ because: 'policy_lifted', runs_total: 1 }]);
        await finished('lifted');
        expect(await wokenRuns()).toEqual([lifted]);
        // Lifting what is lifted changes nothing.
        await api.remove('/api/policies/lifted');
        expect(await wakesOf('lifted')).toHaveLength(1);
      },
      PATIENCE_MS,
    );

    it(
      'wakes also who came to wait by the former policy while the first runs were woken, and no other',
      async () => {
        const [late = '', informed = '', ...others] = runKeys;
        await Promise.all([late, informed].map((runKey) => waits(runKey, 'hello: wait')));
        await api.post('/api/policies', { key: 'hold_late', definition: hold });
        await api.remove('/api/policies/hold_late');
        await until(
          async () => (await query('select from policy_wakes where is_second_pass')).length > 0,
          STEPS_MS_MAX,
          () => 'the first pass ends',
        );
        expect([...(await wokenRuns())].sort()).toEqual([...others].sort());
        const now = 'clock_timestamp()';
        await query(
          `update journey_runs set waits_for = 'hello: put off, CAP_REACHED', updated_at = ${now} where run_key = any($1)`,
          [late, informed],
        );
        // What is decided long after the change knew of it.
        await query(
          `insert into decisions (id, user_id, source, run_key, decided_at, outcome, channel, action, payload_hash,
            chain_seq, chain_hash)
          select uuidv7(), user_id, 'step', run_key, ${now} + interval '1 minute', 'defer', 'none', 'none', '', 1000, ''
          from journey_runs where run_key = $1`,
          informed,
        );
        await finished('hold_late');
        expect([...(await wokenRuns())].sort()).toEqual([late, ...others].sort());
      },
      PATIENCE_MS,
    );

    it(
      'leaves the second look to a later wake of the same runs',
      async () => {
        await api.post('/api/policies', { key: 'overtaken', definition: hold });
        await api.post('/api/policies', { key: 'overtaking', definition: { ...hold, limit: 3 } });
        await api.remove('/api/policies/overtaken');
        await api.remove('/api/policies/overtaking');
        await finished('overtaken');
        const passes = 'select policy_key as key, is_second_pass as "isSecond" from policy_wakes order by id limit 1';
        expect(await query(passes)).toEqual([{ key: 'overtaken', isSecond: false }]);
      },
      PATIENCE_MS,
    );

    it(
      'takes no step while another process is at it, and goes on where that one has died',
      async () => {
        const database = app.get(Database);
        const wakes = app.get(PolicyWakesRepository);
        await api.post('/api/policies', { key: 'crash', definition: hold });
        const death = new Error('as if the process had died');
        const other = database.transaction(async (transaction) => {
          await api.remove('/api/policies/crash');
          await transaction.query({ text: 'select from policy_wakes for update' });
          await transaction.query({ text: `update policy_wakes set runs_woken = 1000, cursor = uuidv7()` });
          expect(await database.transaction((own) => wakes.lockDue(own))).toBeNull();
          throw death;
        });
        await expect(other).rejects.toThrow(death);
        await finished('crash');
        expect(await wakesOf('crash')).toMatchObject([{ runs_woken: 5 }]);
        expect([...(await wokenRuns())].sort()).toEqual([...runKeys].sort());
      },
      PATIENCE_MS,
    );

    it('and none of an unknown id', async () => {
      expect(await api.get(`/api/policies/wakes/${crypto.randomUUID()}`)).toMatchObject({
        status: 404,
        body: { code: 'WAKE_UNKNOWN' },
      });
      expect((await api.get('/api/policies/wakes/nonsense')).status).toBe(400);
    });
  });

  describe('a preview', () => {
    const HOUR = 3_600_000;
    /** Noon today in UTC, or yesterday's: never in the future. */
    const noon = Math.floor((Date.now() - 12 * HOUR) / (24 * HOUR)) * 24 * HOUR + 12 * HOUR;

    beforeEach(async () => {
      await query('delete from contact_ledger');
    });

    async function contacted(userId: string, hoursAgo: readonly number[], more: object = {}): Promise<void> {
      const { channel, journey, state, purpose } = {
        channel: 'email',
        journey: 'one' as string | null,
        state: 'sent',
        purpose: 'marketing',
        ...more,
      };
      await query(
        `insert into contact_ledger (delivery_id, decision_id, user_id, at, channel, purpose, journey_key, action, state)
          select uuidv7(), uuidv7(), $1, to_timestamp($2::float8 / 1000) - make_interval(hours => hours), $3, $4, $5,
            'hello', $6
          from unnest($7::int[]) as hours`,
        userId,
        noon,
        channel,
        purpose,
        journey,
        state,
        hoursAgo,
      );
    }
    const preview = async (body: object): Promise<Record<string, unknown>> => {
      const answer = await api.post('/api/policies/preview', body);
      expect(answer.status).toBe(200);
      return answer.body as Record<string, unknown>;
    };
    const daily = { kind: 'cap', limit: 1, window: { kind: 'rolling', duration: 'P1D' } };

    it('tells what a cap would have stopped, by channel, journey and day, and stores nothing', async () => {
      const [one, two] = [await person(), await person()];
      await contacted(one, [0, 1, 23, 24]);
      await contacted(one, [2], { channel: 'sms', journey: null });
      await contacted(two, [0, 30]);
      await contacted(two, [1], { state: 'failed' });
      const day = new Date(noon).toISOString().slice(0, 10);
      const found = await preview({ definition: daily });
      expect(found).toMatchObject({
        users: 2,
        contacts: 8,
        // The first user keeps those of 24 h and 0 h ago, which are a day apart, and the second all: one of them failed.
        would_stop: 3,
        would_stop_share: 3 / 8,
        by_channel: [
          { channel: 'email', contacts: 7, would_stop: 2 },
          { channel: 'sms', contacts: 1, would_stop: 1 },
        ],
        by_journey: [
          { journey: 'one', contacts: 7, would_stop: 2 },
          { journey: null, contacts: 1, would_stop: 1 },
        ],
      });
      expect((found['by_day'] as { date: string }[]).at(-1)).toMatchObject({ date: day, would_stop: 2 });
      expect(await query(`select from policies where key = 'preview'`)).toEqual([]);
    });

    it('counts contacts before the period where they take a place in it', async () => {
      const userId = await person();
      // Noon is up to a day ago: the last is within the two days at every hour of the day, the others never are.
      await contacted(userId, [54, 50, 4]);
      const definition = { kind: 'cap', limit: 1, window: { kind: 'rolling', duration: 'P3D' } };
      expect(await preview({ definition, days: 2 })).toMatchObject({ contacts: 1, would_stop: 1 });
    });

    it('reads local days in the zone of each user', async () => {
      const [tokyo, london] = await Promise.all(
        ['Asia/Tokyo', 'Europe/London'].map((timezone) =>
          api.user({ timezone, email: `${crypto.randomUUID()}@example.org` }),
        ),
      );
      // 05:00 and 20:00 UTC of one day: two dates in Tokyo.
      for (const userId of [tokyo, london]) await contacted(userId ?? '', [7 + 24, 16]);
      const definition = { kind: 'cap', limit: 1, window: { kind: 'calendar', unit: 'day' } };
      expect(await preview({ definition })).toMatchObject({ contacts: 4, would_stop: 1 });
    });

    it('tells what would have fallen into quiet hours of the company or of a law', async () => {
      const floridian = await api.user({ timezone: 'America/New_York', jurisdiction: 'US-FL' });
      const stranger = await api.user({ timezone: 'America/New_York' });
      // Noon and midnight in UTC: morning and evening in New York, whatever the season.
      for (const userId of [floridian, stranger]) await contacted(userId, [0, 12]);
      const night = { start: '18:00', end: '06:00', effective_from: '2999-01-01' };
      expect(await preview({ definition: { kind: 'quiet_hours', ...night } })).toMatchObject({
        contacts: 4,
        would_stop: 2,
      });
      const law = { kind: 'legal_overlay', jurisdictions: ['US-FL'], source: 'a law', ...night };
      expect(await preview({ definition: law })).toMatchObject({ contacts: 4, would_stop: 1 });
    });

    it('leaves out what was taken back and what virtual runs did', async () => {
      const userId = await person();
      await contacted(userId, [0, 1]);
      await query(`update contact_ledger set clock_domain = 'try'`);
      await contacted(userId, [0, 1], { state: 'released' });
      expect(await preview({ definition: daily })).toMatchObject({ users: 0, contacts: 0, would_stop_share: 0 });
    });

    it(
      'reads thousands of contacts in parts, and of a sample the same users every time',
      async () => {
        await query(
          `insert into contact_ledger (delivery_id, decision_id, user_id, at, channel, purpose, action, state)
          select uuidv7(), uuidv7(), uuidv7(), to_timestamp($1::float8 / 1000) - make_interval(hours => hours), 'email',
            'marketing', 'hello', 'sent'
          from generate_series(1, 4000), generate_series(0, 0) as hours`,
          noon,
        );
        await query(
          `insert into contact_ledger (delivery_id, decision_id, user_id, at, channel, purpose, action, state)
          select uuidv7(), uuidv7(), user_id, at - make_interval(hours => hours), 'email', 'marketing', 'hello', 'sent'
          from contact_ledger, unnest(array[1, 2]) as hours`,
        );
        expect(await preview({ definition: daily })).toMatchObject({
          users: 4_000,
          contacts: 12_000,
          would_stop: 8_000,
        });
        const sampled = await preview({ definition: daily, sample: 0.25 });
        expect(sampled['users']).toBeGreaterThan(800);
        expect(sampled['users']).toBeLessThan(1_200);
        const again = await preview({ definition: daily, sample: 0.25 });
        expect(again['users']).toBe(sampled['users']);
      },
      PATIENCE_MS,
    );

    it('refuses what cannot be tried on contacts, and what is out of range', async () => {
      const arbitration = { kind: 'arbitration' };
      for (const [body, path] of [
        [{ definition: arbitration }, 'definition.kind'],
        [{ definition: daily, days: 93 }, 'days'],
        [{ definition: daily, sample: 0 }, 'sample'],
      ] as const) {
        expect(await api.post('/api/policies/preview', body)).toMatchObject({
          status: 400,
          body: { errors: [{ path }] },
        });
      }
    });
  });
});
