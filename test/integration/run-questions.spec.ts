import { jest } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { RunCondition, RunQuestion } from '../../src/core/audiences/run-condition.js';
import type { Moment } from '../../src/core/journeys/plan.js';
import type { RunClock, RunReference } from '../../src/core/journeys/run-reference.js';
import { RunSignals } from '../../src/modules/journeys/index.js';
import { Moments, RunQuestions } from '../../src/modules/steps/index.js';
import { createTestApp } from '../support/app.js';
import { RunStage } from '../support/run-stage.js';

const REAL: RunClock = { kind: 'real' };
const HOUR_MS = 3_600_000;
const ago = (ms: number): string => new Date(Date.now() - ms).toISOString();
const virtual = (now: number): RunClock => ({ kind: 'virtual', domain: 'spec', now });

describe('what runs ask', () => {
  let app: NestFastifyApplication;
  let stage: RunStage;
  beforeAll(async () => {
    app = await createTestApp({ OUTBOX_POLL_MS: '60000', WORKSPACE_TIMEZONE: 'Asia/Tokyo' });
    jest.spyOn(app.get(RunSignals), 'kick').mockReturnValue();
    stage = new RunStage(app);
    await stage.publish('asks', { mode: 'parallel' });
  });
  afterAll(() => app.close());

  let entries = 0;
  async function enter(userId: string, more: object = {}): Promise<RunReference> {
    entries += 1;
    return stage.enter(userId, 'asks', { entry_key: String(entries), ...more });
  }
  const choose = (
    run: RunReference,
    conditions: readonly RunCondition[],
    clock: RunClock = REAL,
  ): Promise<number | null> => app.get(RunQuestions).choose({ run, conditions, clock });
  const isSo = async (run: RunReference, condition: RunCondition, clock: RunClock = REAL): Promise<boolean> =>
    (await choose(run, [condition], clock)) === 0;
  const viewed = (more: Partial<Extract<RunQuestion, { kind: 'event' }>> = {}): RunCondition => ({
    kind: 'event',
    name: 'viewed',
    ...more,
  });

  describe('choose', () => {
    it('takes the first condition that holds, else none', async () => {
      const run = await enter(await stage.api.user({ lifecycle_stage: 'trial', attributes: { plan: 'pro' } }));
      const is = (attribute: string, value: string): RunCondition => ({ kind: 'equals', attribute, value });
      const conditions = [is('lifecycle_stage', 'won'), is('attributes.plan', 'pro'), is('lifecycle_stage', 'trial')];
      expect(await choose(run, conditions)).toBe(1);
      expect(await choose(run, conditions.slice(0, 1))).toBeNull();
      expect(await choose(run, [])).toBeNull();
    });

    it('chooses nothing for a user who is gone, whatever the condition', async () => {
      const user = await stage.api.user();
      const run = await enter(user);
      const always: RunCondition = { kind: 'all', of: [] };
      expect(await choose(run, [always])).toBe(0);
      await stage.api.remove(`/api/users/${user}`);
      expect(await choose(run, [always])).toBeNull();
      expect(await choose(run, [{ kind: 'not', of: viewed() }])).toBeNull();
    });

    it('sees what endpoints answered to this run, and to no other', async () => {
      const user = await stage.api.user();
      const [run, other] = [await enter(user), await enter(user)];
      await stage.query(
        `insert into run_responses (run_key, step_id, response) values ($1, 'ask_shop', '{"stock": 4}')`,
        run.runKey,
      );
      const hasStock: RunCondition = { kind: 'greater_than', attribute: 'run.responses.ask_shop.stock', value: 3 };
      expect(await isSo(run, hasStock)).toBe(true);
      expect(await isSo(other, hasStock)).toBe(false);
    });
  });

  describe('events', () => {
    it('count by when they happened, in (now - within, now], and only of this name and person', async () => {
      const [user, other] = [await stage.api.user(), await stage.api.user()];
      const run = await enter(user);
      for (const hours of [1, 2, 30]) await stage.event(user, 'viewed', { timestamp: ago(hours * HOUR_MS) });
      await stage.event(user, 'other', { timestamp: ago(HOUR_MS) });
      await stage.event(other, 'viewed', { timestamp: ago(HOUR_MS) });
      await stage.event(user, 'viewed', { timestamp: ago(-HOUR_MS) });
      expect(await isSo(run, viewed({ within: 'P1D', at_least: 2 }))).toBe(true);
      expect(await isSo(run, viewed({ within: 'P1D', at_least: 3 }))).toBe(false);
      expect(await isSo(run, viewed({ within: 'P2D', at_least: 3 }))).toBe(true);
      expect(await isSo(run, viewed({ within: 'P2D', at_least: 4 }))).toBe(false);
      expect(await isSo(run, viewed({ within: 'PT30M' }))).toBe(false);
      expect(await choose(run, [viewed({ within: 'PT30M' }), viewed({ within: 'P2D' }), viewed()])).toBe(1);
    });

    it('count since the run began where no time is given', async () => {
      const user = await stage.api.user();
      await stage.event(user, 'viewed', { timestamp: ago(1_000) });
      const run = await enter(user);
      expect(await isSo(run, viewed())).toBe(false);
      await stage.event(user, 'viewed');
      expect(await isSo(run, viewed())).toBe(true);
      expect(await isSo(run, viewed({ at_least: 2 }))).toBe(false);
    });

    it('count with their properties, each question on its own', async () => {
      const user = await stage.api.user();
      const run = await enter(user);
      for (const price of [10, 20, 30]) await stage.event(user, 'viewed', { properties: { price } });
      const over = (value: number, at_least?: number): RunCondition =>
        viewed({ at_least, where: { kind: 'greater_than', attribute: 'price', value } });
      expect(await isSo(run, over(15, 2))).toBe(true);
      expect(await isSo(run, over(15, 3))).toBe(false);
      expect(await isSo(run, over(30))).toBe(false);
      expect(await choose(run, [over(30), over(5, 4), over(5, 3)])).toBe(2);
    });

    it('are tested on the last thousand only', async () => {
      const user = await stage.api.user();
      const run = await enter(user);
      await stage.event(user, 'viewed', { properties: { old: true }, timestamp: ago(HOUR_MS) });
      await stage.query(
        `insert into events (user_id, message_id, event_type, event_name, occurred_at, received_at)
          select $1, gen_random_uuid(), 'track', 'viewed', clock_timestamp(), clock_timestamp()
          from generate_series(1, 999)`,
        user,
      );
      const old = viewed({ within: 'P1D', where: { kind: 'exists', attribute: 'old' } });
      expect(await isSo(run, old)).toBe(true);
      await stage.event(user, 'viewed');
      expect(await isSo(run, old)).toBe(false);
    });

    it('of a virtual clock are seen by it alone, as of its own now; what really happened is seen too', async () => {
      const user = await stage.api.user();
      const run = await enter(user, { clock_domain: 'spec' });
      const now = Date.parse('2090-06-15T12:00:00Z');
      await stage.event(user, 'viewed', { timestamp: '2090-06-15T11:00:00Z', clock_domain: 'spec' });
      await stage.event(user, 'viewed', { timestamp: '2090-06-15T13:00:00Z', clock_domain: 'spec' });
      await stage.event(user, 'viewed');
      const recent = viewed({ within: 'P1D' });
      expect(await isSo(run, recent, virtual(now))).toBe(true);
      expect(await isSo(run, viewed({ within: 'P1D', at_least: 2 }), virtual(now))).toBe(false);
      expect(await isSo(run, viewed({ at_least: 2 }), virtual(now))).toBe(true);
      expect(await isSo(run, viewed({ at_least: 2 }))).toBe(false);
    });

    it('are found by an index, however many there are', async () => {
      const plan = await stage.query<{ 'QUERY PLAN': string }>(
        `explain select from events where user_id = gen_random_uuid() and event_name = 'viewed'
          and occurred_at > now() - interval '1 day' and occurred_at <= now() limit 3`,
      );
      expect(plan.map((line) => line['QUERY PLAN']).join('\n')).toMatch(/Index.*events.*user_id_event_name/);
    });
  });

  describe('consents', () => {
    const mayMail: RunCondition = { kind: 'consent', purpose: 'marketing', channel: 'email' };
    const say = async (user: string, status: string, more: object = {}): Promise<void> => {
      const body = { user_id: user, channel: 'email', status, source: 'spec', ...more };
      const said = await stage.api.post('/api/consents', body);
      if (said.status !== 201) throw new Error(JSON.stringify(said.body));
    };

    it('are none without a record, and in doubt', async () => {
      const user = await stage.api.user({ email: 'ada@example.org' });
      const run = await enter(user);
      expect(await isSo(run, mayMail)).toBe(false);
      await say(user, 'pending');
      expect(await isSo(run, mayMail)).toBe(false);
      await say(user, 'granted');
      expect(await isSo(run, mayMail)).toBe(true);
      expect(await isSo(run, { ...mayMail, channel: 'sms' } as RunCondition)).toBe(false);
      expect(await isSo(run, { ...mayMail, purpose: 'transactional' } as RunCondition)).toBe(false);
      await say(user, 'withdrawn');
      expect(await isSo(run, mayMail)).toBe(false);
    });

    it('of another brand do not count', async () => {
      const user = await stage.api.user({ email: 'ada@example.org' });
      const run = await enter(user);
      await say(user, 'granted', { brand: 'other' });
      expect(await isSo(run, mayMail)).toBe(false);
    });

    it('end with an objection, and with their time', async () => {
      const user = await stage.api.user({ email: 'ada@example.org' });
      const run = await enter(user);
      await say(user, 'granted', { expires_at: new Date(Date.now() + HOUR_MS).toISOString() });
      expect(await isSo(run, mayMail)).toBe(true);
      await stage.query(
        `update consent_records set expires_at = date_trunc('milliseconds', clock_timestamp()) where user_id = $1`,
        user,
      );
      expect(await isSo(run, mayMail)).toBe(false);
      await say(user, 'granted');
      expect(await isSo(run, mayMail)).toBe(true);
      await stage.query(
        `insert into consent_records (user_id, purpose, channel, brand, status, basis, stated_at, received_at, source,
            is_objection)
          values ($1, '*', '*', '*', 'withdrawn', 'consent', clock_timestamp(), clock_timestamp(), 'spec', true)`,
        user,
      );
      expect(await isSo(run, mayMail)).toBe(false);
    });
  });

  describe('outcomes', () => {
    const was = (step: string, is: Extract<RunQuestion, { kind: 'outcome' }>['is']): RunCondition => ({
      kind: 'outcome',
      step,
      is,
    });
    const answered = (run: RunReference, visit: number, ask: number, answer: object): Promise<unknown> =>
      stage.query(
        `insert into step_answers (run_key, step_id, visit, ask, decision_id, answer)
          values ($1, 'hello', $2, $3, gen_random_uuid(), $4)`,
        run.runKey,
        visit,
        ask,
        JSON.stringify(answer),
      );
    const delivered = (run: RunReference, visit: number, state: string): Promise<unknown> =>
      stage.query(
        `insert into deliveries (id, idempotency_key, user_id, decision_id, run_key, step_id, visit, channel, provider,
            action, template, template_version, purpose, state, attempt_token, deadline_at, claimed_at)
          values (gen_random_uuid(), gen_random_uuid(), $1, gen_random_uuid(), $2, 'hello', $3, 'email', 'smtp', 'hello',
            'hello', 1, 'marketing', $4, gen_random_uuid(), clock_timestamp(), clock_timestamp())`,
        run.userId,
        run.runKey,
        visit,
        state,
      );

    it('are those of the last question of the last visit, and of what was heard of its message', async () => {
      const run = await enter(await stage.api.user());
      expect(await isSo(run, was('hello', 'sent'))).toBe(false);
      expect(await isSo(run, was('hello', 'skipped'))).toBe(false);
      await answered(run, 1, 1, { kind: 'skip', reason: 'CONSENT_MISSING' });
      expect(await isSo(run, was('hello', 'skipped'))).toBe(true);
      await answered(run, 2, 1, { kind: 'defer', reason: 'QUIET_HOURS', until: 1 });
      await answered(run, 2, 2, { kind: 'sent' });
      await delivered(run, 2, 'sent');
      expect(await isSo(run, was('hello', 'skipped'))).toBe(false);
      expect(await isSo(run, was('hello', 'sent'))).toBe(true);
      expect(await isSo(run, was('hello', 'bounced'))).toBe(false);
      await stage.query(`update deliveries set state = 'bounced' where run_key = $1`, run.runKey);
      expect(await choose(run, [was('hello', 'delivered'), was('hello', 'bounced')])).toBe(1);
      expect(await isSo(run, was('other', 'sent'))).toBe(false);
    });

    it('are what somebody did with the message of the last visit', async () => {
      const run = await enter(await stage.api.user());
      const heard = async (kind: string): Promise<void> => {
        const [delivery] = await stage.query<{ id: string }>(
          'select id from deliveries where run_key = $1 order by visit desc limit 1',
          run.runKey,
        );
        expect((await stage.api.post(`/api/deliveries/${delivery?.id}/outcomes`, { kind })).status).toBe(201);
      };
      await answered(run, 1, 1, { kind: 'sent' });
      await delivered(run, 1, 'sent');
      expect(await choose(run, [was('hello', 'clicked'), was('hello', 'opened'), was('hello', 'sent')])).toBe(2);
      await heard('opened');
      expect(await choose(run, [was('hello', 'clicked'), was('hello', 'opened')])).toBe(1);
      await heard('clicked');
      expect(await choose(run, [was('hello', 'clicked'), was('hello', 'opened')])).toBe(0);
      await answered(run, 2, 1, { kind: 'sent' });
      await delivered(run, 2, 'sent');
      expect(await isSo(run, was('hello', 'opened'))).toBe(false);
    });

    it('are those of the last question also where the first was put off', async () => {
      const run = await enter(await stage.api.user());
      await answered(run, 1, 1, { kind: 'defer', reason: 'QUIET_HOURS', until: 1 });
      expect(await isSo(run, was('hello', 'skipped'))).toBe(true);
      await answered(run, 1, 2, { kind: 'do_nothing', reason: 'BELOW_THRESHOLD' });
      expect(await choose(run, [was('hello', 'skipped'), was('hello', 'nothing')])).toBe(1);
    });

    it('of another run of the same user do not count', async () => {
      const user = await stage.api.user();
      const [run, other] = [await enter(user), await enter(user)];
      await answered(other, 1, 1, { kind: 'do_nothing', reason: 'BELOW_THRESHOLD' });
      expect(await isSo(other, was('hello', 'nothing'))).toBe(true);
      expect(await isSo(run, was('hello', 'nothing'))).toBe(false);
    });

    it('tell of a step that does something else whether it was done', async () => {
      const run = await enter(await stage.api.user());
      const act = (visit: number, result: object | null): Promise<unknown> =>
        stage.query(
          `insert into step_acts (run_key, step_id, visit, result) values ($1, 'hook', $2, $3)`,
          run.runKey,
          visit,
          result === null ? null : JSON.stringify(result),
        );
      await act(1, { isDone: true, because: null });
      expect(await choose(run, [was('hook', 'skipped'), was('hook', 'sent')])).toBe(1);
      await act(2, { isDone: false, because: 'status_404' });
      await act(3, null);
      expect(await choose(run, [was('hook', 'sent'), was('hook', 'skipped')])).toBe(1);
    });
  });

  describe('moments', () => {
    const moment = (more: object = {}): Moment => ({
      kind: 'attribute',
      attribute: 'attributes.renewal.on',
      days: -1,
      offsetMs: 0,
      localMinute: 540,
      ...more,
    });
    const find = async (profile: object, asked = moment()): Promise<string | null> => {
      const run = await enter(await stage.api.user(profile));
      const found = await app.get(Moments).find({ run, moment: asked, from: Date.now(), clock: REAL });
      return found === null ? null : new Date(found).toISOString();
    };
    const attributes = { renewal: { on: '2027-06-15' } };

    it('are in the zone of the person, by the best source, and at last in that of the workspace', async () => {
      expect(await find({ attributes, timezone: 'America/New_York' })).toBe('2027-06-14T13:00:00.000Z');
      expect(await find({ attributes, phone: '+4930123456' })).toBe('2027-06-14T07:00:00.000Z');
      expect(await find({ attributes })).toBe('2027-06-14T00:00:00.000Z');
    });

    it('of somebody who may be in several zones are the latest', async () => {
      expect(await find({ attributes, jurisdiction: 'US' })).toBe('2027-06-14T19:00:00.000Z');
    });

    it('are none without the date, through the machinery of objects, or of a person who is gone', async () => {
      expect(await find({})).toBeNull();
      expect(await find({ attributes: { renewal: { on: 'soon' } } })).toBeNull();
      expect(await find({ attributes }, moment({ attribute: 'attributes.constructor.name' }))).toBeNull();
      const user = await stage.api.user({ attributes });
      const run = await enter(user);
      await stage.api.remove(`/api/users/${user}`);
      const wish = {
        run,
        moment: { kind: 'local_time', localMinute: 540, weekdays: [] } as const,
        from: 0,
        clock: REAL,
      };
      expect(await app.get(Moments).find(wish)).toBeNull();
    });
  });
});
