import { jest } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { HOUR_MS } from '../../src/core/kernel/instant.js';
import type { DecisionInput } from '../../src/core/decisions/types.js';
import { DecisionInputs, type InputQuery } from '../../src/modules/decisions/index.js';
import { RunSignals } from '../../src/modules/journeys/index.js';
import { Database, type Queryable } from '../../src/platform/database/database.js';
import { createTestApp } from '../support/app.js';
import { clientOf, type Client } from '../support/client.js';
import { candidate } from '../support/decision-input.js';
import { makeActions } from '../support/marketing.js';

const SETUP_MS_MAX = 120_000;
const PAUSE = { kind: 'pause', outcomes: ['dismissed'], count: 1, within: 'P10D', scope: 'action', pause_for: 'P1D' };
const FATIGUE = { kind: 'fatigue', half_life: 'P2D', contact_weight: 1 };

/** What a decision is made of is read from tables that other features write: here each field meets its column. */
describe('the facts of a decision', () => {
  let app: NestFastifyApplication;
  let api: Client;
  let userId: string;

  beforeAll(async () => {
    app = await createTestApp({ OUTBOX_POLL_MS: '60000', WORKSPACE_TIMEZONE: 'Asia/Kathmandu' });
    jest.spyOn(app.get(RunSignals), 'kick').mockReturnValue();
    api = clientOf(app);
    await makeActions(api, 'offer');
    const step = { kind: 'message', id: 'hello', channel: 'email', template: 'offer' };
    for (const key of ['welcome', 'winback']) {
      const journey = { key, name: key, entry: { mode: 'parallel' }, steps: [step, { kind: 'end', id: 'done' }] };
      await api.post('/api/journeys/templates', journey);
      await api.post(`/api/journeys/templates/${key}/publish`, {});
    }
  }, SETUP_MS_MAX);
  afterAll(async () => {
    await app.close();
  });
  beforeEach(async () => {
    userId = await api.user({
      email: `facts-${Math.floor(performance.now() * 1e3)}@example.org`,
      phone: '+12025550123',
    });
  });

  const query = <Row extends object>(text: string, ...values: unknown[]): Promise<readonly Row[]> =>
    app.get(Database).query<Row>({ text, values });

  async function read(more: Partial<InputQuery> = {}, queryable?: Queryable): Promise<DecisionInput> {
    const { input } = await app.get(DecisionInputs).read(queryable ?? app.get(Database), {
      user: { kind: 'id', id: userId },
      weighs: { kind: 'actions', keys: null },
      run: null,
      journey: null,
      clockDomain: 'real',
      context: {},
      now: null,
      ...more,
    });
    return input;
  }

  async function enter(journey: string, entryKey: string): Promise<string> {
    const { body } = await api.post(`/api/journeys/${userId}/enroll`, { journey, entry_key: entryKey });
    return (body as { run_key: string }).run_key;
  }

  const asRun = (runKey: string): Partial<InputQuery> => ({
    run: { runKey, stepId: 'hello', visit: 1 },
    journey: { runKey, journeyKey: 'welcome', quietRules: [] },
  });

  async function contacted(hoursAgo: number, more: { state?: string; domain?: string } = {}): Promise<string> {
    const [row] = await query<{ id: string }>(
      `insert into contact_ledger (delivery_id, user_id, decision_id, at, channel, purpose, journey_key, tags, action,
         action_group, state, clock_domain)
       values (uuidv7(), $1, uuidv7(), clock_timestamp() - make_interval(hours => $2), 'email', 'marketing', 'welcome',
         '{news,"a b"}', 'offer', 'discounts', $3, $4) returning decision_id as id`,
      userId,
      hoursAgo,
      more.state ?? 'sent',
      more.domain ?? 'real',
    );
    return row?.id ?? '';
  }

  it('know a person by id and by external id alike, with the keyed hash of each address', async () => {
    await query(`update users set external_id = 'facts-ext', phone_hash = 'of-phone' where id = $1`, userId);
    const [byId, byExternal] = [await read(), await read({ user: { kind: 'external', externalId: 'facts-ext' } })];
    expect({ ...byExternal, now: 0, readyAt: 0 }).toEqual({ ...byId, now: 0, readyAt: 0 });
    const [row] = await query<{ hash: string }>('select email_hash as hash from users where id = $1', userId);
    expect(byId.candidates.map(({ addressHash }) => addressHash)).toEqual([row?.hash]);
    expect(byId.user).toMatchObject({ id: userId, state: 'known' });
  });

  it('find the place by profile, device and phone, in this order, and else the workspace', async () => {
    expect((await read()).user).toMatchObject({ zoneSource: 'phone', jurisdictions: ['US-DC'] });
    await query(`update users set context_timezone = 'Asia/Tokyo', jurisdiction = 'JP' where id = $1`, userId);
    expect((await read()).user).toMatchObject({ zones: ['Asia/Tokyo'], zoneSource: 'device' });
    expect((await read()).user.jurisdictions).toEqual(['JP', 'US-DC']);
    await query(`update users set timezone = 'Europe/Paris' where id = $1`, userId);
    expect((await read()).user).toMatchObject({ zones: ['Europe/Paris'], zoneSource: 'profile' });
    await query(
      'update users set timezone = null, context_timezone = null, phone = null, jurisdiction = null where id = $1',
      userId,
    );
    expect((await read()).user).toMatchObject({ zones: ['Asia/Kathmandu'], zoneSource: 'workspace_default' });
  });

  it('hold consents and suppressions of the user, of the e-mail address and of the phone, each in full', async () => {
    await query(
      `insert into consent_records (user_id, purpose, channel, brand, status, basis, is_objection, stated_at, received_at,
         expires_at, source)
       values ($1, '*', '*', '*', 'withdrawn', 'consent', true, '2026-01-02T03:04:05.678Z', '2026-01-02T03:04:06Z',
         '2027-01-01Z', 'spec')`,
      userId,
    );
    await query(`update users set phone_hash = 'of-phone' where id = $1`, userId);
    await query(
      `insert into suppressions (address_hash, user_id, channel, purpose, reason, source, since)
       select hash, id, 'email', 'marketing', 'manual', 'spec', '2026-01-01Z' from (
         select email_hash, null::uuid from users where id = $1 union all select 'of-phone', null
         union all select null, $1 union all select 'of-somebody-else', null) given (hash, id)`,
      userId,
    );
    const { consents, suppressions } = await read();
    expect(consents).toEqual([
      {
        id: expect.any(String),
        purpose: '*',
        channel: '*',
        brand: '*',
        status: 'withdrawn',
        basis: 'consent',
        isObjection: true,
        statedAt: Date.parse('2026-01-02T03:04:05.678Z'),
        receivedAt: Date.parse('2026-01-02T03:04:06Z'),
        expiresAt: Date.parse('2027-01-01T00:00:00Z'),
      },
    ]);
    expect(suppressions).toHaveLength(3);
    expect(suppressions[0]).toMatchObject({ channel: 'email', purpose: 'marketing', reason: 'manual', until: null });
    expect(suppressions.map(({ addressHash }) => addressHash)).not.toContain('of-somebody-else');
  });

  it('reach as far back as a rule looks, and not at all without rules', async () => {
    const contacts = [await contacted(1), await contacted(30), await contacted(24 * 9)];
    const seen = async (): Promise<readonly string[]> => (await read()).contacts.map(({ decisionId }) => decisionId);
    expect(await seen()).toEqual([]);
    await api.post('/api/policies', { key: 'day', definition: rolling('PT24H') });
    expect(await seen()).toEqual(contacts.slice(0, 1));
    await api.post('/api/policies', { key: 'week', definition: rolling('P7D') });
    expect(await seen()).toEqual(contacts.slice(0, 2));
    await api.post('/api/policies', { key: 'tired', definition: FATIGUE });
    expect(await seen()).toEqual(contacts);
    await Promise.all(['day', 'week', 'tired'].map((key) => api.remove(`/api/policies/${key}`)));
    expect(await seen()).toEqual([]);
  });

  it('hold contacts newest first, in full, without those given back before they left and those of other clocks', async () => {
    await api.post('/api/policies', { key: 'another_day', definition: rolling('PT24H') });
    const older = await contacted(3, { state: 'failed' });
    const newer = await contacted(2);
    await contacted(1, { state: 'released' });
    await contacted(1, { domain: 'virtual-1' });
    const { contacts, now } = await read();
    expect(contacts.map(({ decisionId }) => decisionId)).toEqual([newer, older]);
    expect(contacts[1]).toMatchObject({
      channel: 'email',
      purpose: 'marketing',
      journeyKey: 'welcome',
      action: 'offer',
      group: 'discounts',
      tags: ['news', 'a b'],
      state: 'failed',
    });
    expect(Math.abs((contacts[0]?.at ?? 0) - (now - 2 * HOUR_MS))).toBeLessThan(HOUR_MS / 60);
    await api.remove('/api/policies/another_day');
  });

  it('hold what was reported of contacts, and what their state tells', async () => {
    const decisionId = await contacted(3);
    await query(
      `insert into contact_outcomes (delivery_id, kind, user_id, decision_id, at, channel, purpose, action, action_group)
       select delivery_id, 'dismissed', user_id, decision_id, at + interval '1 hour', channel, purpose, action, action_group
       from contact_ledger where decision_id = $1`,
      decisionId,
    );
    expect((await read()).outcomes).toEqual([]);
    await api.post('/api/policies', { key: 'rest', definition: PAUSE });
    const about = { decisionId, channel: 'email', purpose: 'marketing', action: 'offer', group: 'discounts' };
    const { outcomes } = await read();
    expect(outcomes).toEqual([
      { ...about, kind: 'dismissed', at: expect.any(Number) },
      { ...about, kind: 'sent', at: expect.any(Number) },
    ]);
    expect((outcomes[0]?.at ?? 0) - (outcomes[1]?.at ?? 0)).toBe(HOUR_MS);
    await api.remove('/api/policies/rest');
  });

  it('tell the state of the run, the runs that compete with it, and those that wait for the same opening', async () => {
    const [own, other, paused, ended] = [
      await enter('welcome', 'a'),
      await enter('winback', 'b'),
      await enter('winback', 'c'),
      await enter('winback', 'd'),
    ];
    await query(
      `update journey_entries set conflict_group = 'g', conflict_priority = case run_key when $2 then 7 else 1 end
       where user_id = $1`,
      userId,
      other,
    );
    await query(
      `update journey_entries set paused_at = date_trunc('milliseconds', clock_timestamp()) where run_key = $1`,
      paused,
    );
    await query(
      `update journey_entries set exit_requested_at = date_trunc('milliseconds', clock_timestamp()) where run_key = $1`,
      ended,
    );
    const waiting = candidate('offer');
    await query(
      `insert into pending_candidates (run_key, step_id, visit, user_id, clock_domain, candidate, opening_at,
         passes_on_at, decision_id, beaten_by)
       select run_key, 'hello', 1, user_id, 'real', $2, '2090-01-01Z',
         case when run_key = $3 then clock_timestamp() - interval '1 ms' else '2090-01-01T00:01Z' end, uuidv7(),
         case when run_key = $4 then $5::uuid end
       from journey_entries where user_id = $1`,
      userId,
      JSON.stringify(waiting),
      ended,
      own,
      userId,
    );
    const { run, otherRuns, rivals, beatenBy } = await read(asRun(own));
    expect(run).toMatchObject({ runKey: own, state: 'active', conflict: { group: 'g', priority: 1 } });
    const enteredAt = expect.any(Number);
    expect(otherRuns).toEqual([{ runKey: other, journeyKey: 'winback', group: 'g', priority: 7, enteredAt }]);
    expect(beatenBy).toBe(userId);
    expect(rivals).toHaveLength(2);
    expect(rivals).toContainEqual({
      runKey: other,
      journeyKey: 'winback',
      stepId: 'hello',
      runState: 'active',
      candidate: waiting,
      opening: Date.parse('2090-01-01T00:00:00Z'),
      passesOnAt: Date.parse('2090-01-01T00:01:00Z'),
    });
    expect(rivals.find(({ runKey }) => runKey === paused)?.runState).toBe('paused');
    const asReplay = async (stepId: string, visit: number): Promise<readonly string[]> => {
      const asked = await read({ ...asRun(own), run: { runKey: own, stepId, visit, isReplay: true } });
      return asked.rivals.map(({ runKey }) => runKey).sort();
    };
    // What an operator asks about is no rival of itself; what its run waits for at another step, or by now, is one.
    expect(await asReplay('hello', 1)).toEqual([other, paused].sort());
    for (const [stepId, visit] of [
      ['hello', 2],
      ['earlier', 1],
    ] as const) {
      expect(await asReplay(stepId, visit)).toEqual([own, other, paused].sort());
    }
    expect((await read(asRun(paused))).run?.state).toBe('paused');
    expect((await read(asRun(ended))).run?.state).toBe('exited');
    expect(await read()).toMatchObject({ run: null, otherRuns: [], rivals: [], beatenBy: null });
  });

  it('know of a paused sending domain, but not in virtual time', async () => {
    await query(`insert into sending_domains (domain, state, reason) values ('tactful.example', 'paused', 'bounces')`);
    const sendingPause = { domain: 'tactful.example', cause: 'bounces', since: expect.any(Number) };
    expect(await read()).toMatchObject({ sendingPause });
    expect(await read({ clockDomain: 'virtual-1', now: Date.now() })).not.toHaveProperty('sendingPause');
    await query('delete from sending_domains');
  });

  it('take a run for ended whose exit event has happened but was not heard', async () => {
    const runKey = await enter('welcome', 'e');
    await query(
      `insert into run_waits (user_id, event_name, run_key, is_exit, clock_domain) values ($1, 'bought', $2, true, 'real')`,
      userId,
      runKey,
    );
    expect((await read(asRun(runKey))).run?.state).toBe('active');
    await api.post('/api/events', { user_id: userId, event_name: 'bought' });
    expect((await read(asRun(runKey))).run?.state).toBe('exited');
  });

  it('count the readiness of a message from the first question of the visit, whichever ask is under way', async () => {
    const runKey = await enter('welcome', 'f');
    const first = await read(asRun(runKey));
    expect(first.readyAt).toBe(first.now);
    await query(
      `insert into step_answers (run_key, step_id, visit, ask, decision_id, asked_at)
       values ($1, 'hello', 1, 2, uuidv7(), '2026-02-01Z'), ($1, 'hello', 1, 1, uuidv7(), '2026-01-01Z'),
         ($1, 'hello', 2, 1, uuidv7(), '2025-01-01Z'), ($1, 'other', 1, 1, uuidv7(), '2025-01-01Z')`,
      runKey,
    );
    expect((await read(asRun(runKey))).readyAt).toBe(Date.parse('2026-01-01T00:00:00Z'));
  });

  describe('rest on definitions that are held', () => {
    it('but never on older ones than their own snapshot: what commits before the lock binds', async () => {
      await read();
      await app.get(Database).transaction(async (transaction) => {
        await transaction.query({ text: 'select from contact_state where user_id = $1 for update', values: [userId] });
        await api.post('/api/policies', { key: 'strict', definition: rolling('PT24H') });
        const { capRules } = await read({}, transaction);
        expect(capRules.map(({ id }) => id)).toEqual(['strict']);
      });
      await api.remove('/api/policies/strict');
      expect((await read()).capRules).toEqual([]);
    });

    it('of every kind: a new template version, a changed action, the kill switch', async () => {
      const [before] = (await read()).candidates;
      const { body: template } = await api.get('/api/message-templates/offer');
      const { subject, html, text } = template as Record<string, string>;
      await api.put('/api/message-templates/offer', {
        channel: 'email',
        purpose: 'marketing',
        subject: `${subject}!`,
        html,
        text,
      });
      await api.put('/api/actions/offer', { name: 'offer', template: 'offer', value: 5, issue: 'sale', ttl: 'P1D' });
      await api.put('/api/controls', { kill_switch: true });
      const { candidates, isKillSwitchOn } = await read();
      expect(candidates[0]).toMatchObject({
        templateVersion: (before?.templateVersion ?? 0) + 1,
        version: (before?.version ?? 0) + 1,
        value: 5,
        issue: 'sale',
        ttlMs: 86_400_000,
      });
      expect(isKillSwitchOn).toBe(true);
      await api.put('/api/controls', { kill_switch: false });
    });

    it('and are read again when a rule was added in between that looks further back', async () => {
      await contacted(100);
      await read();
      const database = app.get(Database);
      let statements = 0;
      const meddling: Queryable = {
        query: async (statement) => {
          const rows = await database.query(statement);
          statements += 1;
          if (statements === 1) await api.post('/api/policies', { key: 'late', definition: rolling('P7D') });
          return statements === 1 ? database.query(statement) : (rows as never);
        },
      };
      const { contacts, capRules } = await read({}, meddling);
      expect(capRules.map(({ id }) => id)).toEqual(['late']);
      expect(contacts).toHaveLength(1);
      await api.remove('/api/policies/late');
    });
  });
});

const rolling = (duration: string): object => ({ kind: 'cap', limit: 9, window: { kind: 'rolling', duration } });
