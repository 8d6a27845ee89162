import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { SimulationResult } from '../../src/modules/simulations/simulation-result.js';
import type { SimulationView, StartedSimulationView } from '../../src/modules/simulations/simulations.dto.js';
import { Database } from '../../src/platform/database/database.js';
import { createTestApp } from '../support/app.js';
import { clientOf, type Client } from '../support/client.js';
import { simulateEach } from '../support/simulated-runs.js';
import { localHour } from '../support/cap-checker.js';
import { until } from '../support/until.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const PATIENCE_MS = 120_000;
const FROM = '2038-03-08T10:00:00.000Z';
const ZONES = ['Europe/Berlin', 'America/New_York', 'Asia/Kathmandu', 'Australia/Lord_Howe', 'Pacific/Apia'];
const UNKNOWN = '01890a5d-ac96-774b-bcce-b302099a8057';

const message = (id: string, more: object = {}): object => ({
  kind: 'message',
  id,
  channel: 'email',
  template: 'hello',
  ...more,
});
const end = { kind: 'end', id: 'done' };

describe('simulations', () => {
  let app: NestFastifyApplication;
  let api: Client;
  const query = <Row extends object>(text: string, ...values: unknown[]): Promise<readonly Row[]> =>
    app.get(Database).query<Row>({ text, values });

  beforeAll(async () => {
    app = await createTestApp();
    api = clientOf(app);
    await api.post('/api/message-templates', {
      key: 'hello',
      subject: 'Hello',
      html: '<a href="{{ unsubscribe_url }}">out</a> {{ company.address }}',
      text: '{{ unsubscribe_url }} {{ company.address }}',
    });
  }, PATIENCE_MS);
  afterAll(() => app.close(), PATIENCE_MS);

  async function publish(key: string, journey: object): Promise<void> {
    const body = { key, name: key, ...journey };
    const made = await api.post('/api/journeys/templates', body);
    if (made.status === 409) await api.put(`/api/journeys/templates/${key}`, body);
    const published = await api.post(`/api/journeys/templates/${key}/publish`, {});
    expect(published.status).toBe(200);
  }

  async function policy(definition: object): Promise<void> {
    expect(await api.post('/api/policies', definition)).toMatchObject({ status: 201 });
  }

  async function person(profile: object = {}, isWilling = true): Promise<string> {
    const id = await api.user({ email: `${crypto.randomUUID()}@example.org`, timezone: 'UTC', ...profile });
    if (isWilling)
      await api.post('/api/consents', { user_id: id, channel: 'email', status: 'granted', source: 'spec' });
    return id;
  }

  async function start(journey: string, body: object): Promise<StartedSimulationView> {
    const started = await api.post(`/api/journeys/templates/${journey}/simulate`, body);
    expect(started).toMatchObject({ status: 202 });
    const view = started.body as StartedSimulationView;
    expect(started.headers).toMatchObject({ location: `/api/journeys/simulations/${view.id}` });
    return view;
  }

  async function finished(id: string): Promise<SimulationView> {
    let view: SimulationView | undefined;
    await until(
      async () => {
        view = (await api.get(`/api/journeys/simulations/${id}`)).body as SimulationView;
        return view.state !== 'queued' && view.state !== 'running';
      },
      PATIENCE_MS,
      () => JSON.stringify(view),
    );
    if (view === undefined) throw new Error('no view');
    return view;
  }

  async function simulate(journey: string, body: object): Promise<SimulationResult> {
    const { state, result } = await finished((await start(journey, { from: FROM, ...body })).id);
    expect(state).toBe('done');
    if (result === null) throw new Error('no result');
    return result;
  }

  async function rowCounts(): Promise<unknown> {
    const tables = await query<{ name: string }>(`select relname as name from pg_class
      where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition
        and relname <> 'simulations' order by 1`);
    const counts = tables.map(({ name }) => `select '${name}' as name, count(*)::int as rows from "${name}"`);
    return query(counts.join(' union all '));
  }

  describe('keep every rule in virtual time', () => {
    let people: Map<string, string>;
    beforeAll(async () => {
      await policy({
        key: 'three_a_week',
        definition: { kind: 'cap', limit: 3, window: { kind: 'rolling', duration: 'P7D' }, on_hit: 'drop' },
      });
      await policy({
        key: 'half_a_day',
        definition: { kind: 'cap', limit: 1, window: { kind: 'min_gap', duration: 'PT12H' }, on_hit: 'defer' },
      });
      await policy({
        key: 'nights',
        definition: { kind: 'quiet_hours', start: '20:00', end: '09:00' },
      });
      people = new Map();
      for (let index = 0; index < 15; index += 1) {
        const timezone = ZONES[index % ZONES.length] ?? 'UTC';
        people.set(await person({ timezone }), timezone);
      }
      const often = { max_visits: 100, on_max_visits: 'done' };
      await publish('often', {
        quiet_hours: { email: { start: '08:00', end: '11:00' } },
        steps: [message('m', often), { kind: 'wait', id: 'pause', duration: 'PT7H', next: 'm' }, end],
      });
    }, PATIENCE_MS);
    afterAll(async () => {
      for (const key of ['three_a_week', 'half_a_day', 'nights']) await api.remove(`/api/policies/${key}`);
    });

    function liveOften(): ReturnType<typeof simulateEach> {
      const whom = { journey: 'often', version: 1, userIds: [...people.keys()] };
      return simulateEach(app, { ...whom, from: Date.parse(FROM), days: 28, events: { kind: 'none' } });
    }

    it('caps across virtual weeks and quiet hours on local clocks, counted by hand', async () => {
      const runs = await liveOften();
      expect(runs.size).toBe(people.size);
      for (const [id, { decisions }] of runs) {
        const sends = decisions.filter(({ outcome }) => outcome === 'sent').map(({ at }) => at);
        expect(sends.length).toBeGreaterThanOrEqual(9);
        for (const [index, at] of sends.entries()) {
          expect(sends.filter((other) => other > at - 7 * DAY_MS && other <= at).length).toBeLessThanOrEqual(3);
          expect(at - (sends[index - 1] ?? 0)).toBeGreaterThanOrEqual(12 * HOUR_MS);
          const hour = localHour(at, people.get(id) ?? '');
          expect(hour >= 11 && hour < 20).toBe(true);
        }
      }
    });

    it('and count what they did: per day, step, reason, cap, path and end; the text says the same', async () => {
      const asked = { users: { ids: [...people.keys()] }, days: 28, from: FROM };
      const { id } = await start('often', asked);
      const { result, progress } = await finished(id);
      const runs = await liveOften();
      const decisions = [...runs.values()].flatMap((run) => run.decisions);
      const of = (outcome: string) => decisions.filter((decision) => decision.outcome === outcome);
      const sumOf = (counts: object | undefined): number =>
        Object.values(counts ?? {}).reduce((total: number, count: number) => total + count, 0);
      const days = result?.days ?? [];
      expect(progress).toEqual({ users_done: 15, users_total: 15 });
      expect(result).toMatchObject({ users: 15, decisions: decisions.length, sent: of('sent').length });
      expect(days).toHaveLength(29);
      expect(days[0]).toMatchObject({ date: '2038-03-08', entered: 15 });
      for (const { date, sent, silences, put_off } of days) {
        const onDay = ({ at }: { at: number }) => new Date(at).toISOString().startsWith(date);
        expect(sumOf(sent['m'])).toBe(of('sent').filter(onDay).length);
        expect(sumOf(silences)).toBe(of('skip').filter(onDay).length);
        expect(sumOf(put_off)).toBe(of('defer').filter(onDay).length);
      }
      expect(result?.steps['m']).toMatchObject({
        sent: of('sent').length,
        refused: { CAP_REACHED: of('skip').length },
        next: { pause: result?.steps['pause']?.entered },
      });
      expect(result?.caps['three_a_week@1']?.refused).toBe(of('skip').length);
      expect(result?.caps['half_a_day@1']?.put_off).toBeGreaterThan(0);
      expect(sumOf(Object.fromEntries((result?.ends ?? []).map(({ reason, count }) => [reason, count])))).toBe(15);
      expect(sumOf(Object.fromEntries((result?.paths ?? []).map(({ steps, count }) => [steps.join(), count])))).toBe(
        15,
      );
      const text = await app.inject({ url: `/api/journeys/simulations/${id}`, headers: { accept: 'text/plain' } });
      expect(text.headers['content-type']).toBe('text/plain; charset=utf-8');
      expect(text.body).toContain(`sent ${of('sent').length};`);
      expect(text.body).toMatch(/three_a_week@1 +\d+ +0/);
    });
  });

  it('write nothing but their row, neither what a step changes on paper', async () => {
    const steps = [
      { kind: 'update_user', id: 'mark', set: { lifecycle_stage: 'won', 'attributes.seen': true } },
      {
        kind: 'branch',
        id: 'seen',
        condition: { kind: 'equals', attribute: 'attributes.seen', value: true },
        then: 'm',
      },
      { kind: 'end', id: 'unseen', reason: 'unseen' },
      message('m'),
      { kind: 'goal', id: 'goal', goal: 'told' },
      {
        kind: 'branch',
        id: 'was_sent',
        condition: { kind: 'outcome', step: 'm', is: 'sent' },
        then: 'yes',
        else: 'no',
      },
      { kind: 'end', id: 'yes', reason: 'yes' },
      { kind: 'end', id: 'no', reason: 'no' },
    ];
    await publish('paper', { steps });
    const willing = await person({ attributes: { seen: false } });
    const ids = [willing, await person({}, false), UNKNOWN, 'ext:nobody'];
    const before = await rowCounts();
    const result = await simulate('paper', { users: { ids } });
    expect(await rowCounts()).toEqual(before);
    expect((await api.get(`/api/users/${willing}`)).body).toMatchObject({
      lifecycle_stage: null,
      attributes: { seen: false },
    });
    expect(result).toMatchObject({
      users: 2,
      users_missing: 2,
      acts: { update_user: 2, reach_goal: 2 },
      goals: { told: 2 },
      ends: [
        { outcome: 'completed', reason: 'no', count: 1 },
        { outcome: 'completed', reason: 'yes', count: 1 },
      ],
      steps: { m: { sent: 1, refused: { CONSENT_MISSING: 1 } } },
    });
    const [row] = await query<{ row: string }>(
      'select row_to_json(simulations)::text as row from simulations order by id desc limit 1',
    );
    expect(row?.row).not.toContain(willing);
    expect(row?.row).not.toContain(FROM.slice(0, 16));
  });

  it('draw the same for the same seed, for both of two versions, and something else for another', async () => {
    const wait = { kind: 'wait_for', id: 'buys', event: 'purchase', timeout: 'P20D', on_event: 'won', on_timeout: 'm' };
    const won = { kind: 'end', id: 'won', reason: 'won' };
    await publish('seeded', { steps: [wait, message('m'), end, won] });
    await publish('seeded', { steps: [message('first'), wait, message('m'), end, won] });
    for (let index = 0; index < 12; index += 1) await person({ attributes: { group: 'seeded' } });
    const asked = {
      version: 1,
      compare_with: 2,
      users: { where: { kind: 'equals', attribute: 'attributes.group', value: 'seeded' } },
      entry: { spread_days: 5 },
      events: { kind: 'rates', per_day: { purchase: 0.04 } },
    };
    const figures = ({ duration_ms: _, ...rest }: SimulationResult) => rest;
    const first = await simulate('seeded', { ...asked, seed: 'a' });
    expect(figures(await simulate('seeded', { ...asked, seed: 'a' }))).toEqual(figures(first));
    expect(figures(await simulate('seeded', { ...asked, seed: 'b' }))).not.toEqual(figures(first));
    expect(first.users).toBe(12);
    expect(new Set(first.days.filter(({ entered }) => entered > 0).map(({ date }) => date)).size).toBeGreaterThan(1);
    const { comparison } = first;
    expect(comparison).toMatchObject({
      version: 2,
      differences: { sent: 12, ends: [], steps: { first: { sent: 12 } } },
    });
    expect(comparison?.result.ends).toEqual(first.ends);
    const bought = first.ends.find(({ reason }) => reason === 'won')?.count ?? 0;
    expect(bought).toBeGreaterThan(0);
    expect(bought).toBeLessThan(12);
  });

  it('know what users really did, before and during the simulated days', async () => {
    const seen = {
      kind: 'event',
      name: 'visit',
      within: 'P10D',
      where: { kind: 'equals', attribute: 'page', value: 'a' },
    };
    await publish('past', {
      exit: { events: ['account_closed'] },
      steps: [
        { kind: 'branch', id: 'came', condition: seen, then: 'm', else: 'done' },
        message('m'),
        { kind: 'wait', id: 'week', duration: 'P7D' },
        end,
      ],
    });
    const from = Date.now() - 20 * DAY_MS;
    const event = (userId: string, name: string, day: number, properties: object = {}) =>
      api.post('/api/events', {
        user_id: userId,
        event_type: 'track',
        event_name: name,
        timestamp: new Date(from + day * DAY_MS).toISOString(),
        properties,
      });
    const [came, left, elsewhere] = [await person(), await person(), await person()];
    for (const id of [came, left]) await event(id, 'visit', -9, { page: 'a' });
    await event(elsewhere, 'visit', -9, { page: 'b' });
    await event(left, 'account_closed', 3);
    const asked = { from: new Date(from).toISOString(), users: { ids: [came, left, elsewhere] } };
    const ends = async (events: object) =>
      Object.fromEntries(
        (await simulate('past', { ...asked, events })).ends.map(({ reason, count }) => [reason, count]),
      );
    expect(await ends({ kind: 'history' })).toEqual({ completed: 2, 'exit_event:account_closed': 1 });
    expect(await ends({ kind: 'none' })).toEqual({ completed: 3 });
  });

  it('begin with contacts that were really made', async () => {
    await policy({
      key: 'one_a_week',
      definition: { kind: 'cap', limit: 1, window: { kind: 'rolling', duration: 'P7D' }, on_hit: 'defer' },
    });
    await publish('capped', { steps: [message('m'), end] });
    const [fresh, contacted] = [await person(), await person()];
    const from = Date.parse(FROM);
    const delivery = crypto.randomUUID();
    await query(
      `insert into contact_ledger (delivery_id, user_id, decision_id, at, channel, purpose, action, tags, state)
        values ($1, $2, $1, to_timestamp($3::float8 / 1000), 'email', 'marketing', 'x', '{}', 'sent')`,
      delivery,
      contacted,
      from - 5 * DAY_MS,
    );
    const wish = {
      journey: 'capped',
      version: 1,
      userIds: [fresh, contacted],
      days: 30,
      events: { kind: 'none' } as const,
    };
    const runs = await simulateEach(app, { ...wish, from });
    const way = (id: string) => runs.get(id)?.decisions.map(({ outcome, at }) => [outcome, at - from]);
    expect(way(fresh)).toEqual([['sent', 0]]);
    expect(way(contacted)).toEqual([
      ['defer', 0],
      ['sent', 2 * DAY_MS],
    ]);
    // What a message is ready for counts from its first question on.
    await publish('hasty', {
      quiet_hours: { email: { start: '09:00', end: '13:00' } },
      steps: [message('m', { ttl: 'P2DT1H' }), end],
    });
    const hasty = await simulateEach(app, { ...wish, journey: 'hasty', from });
    expect(hasty.get(contacted)?.decisions.map(({ outcome, reason }) => [outcome, reason])).toEqual([
      ['defer', 'QUIET_HOURS'],
      ['defer', 'CAP_REACHED'],
      ['skip', 'EXPIRED'],
    ]);
    await api.remove('/api/policies/one_a_week');
  });

  it('say at once what is wrong with the wish', async () => {
    await publish('wrong', { steps: [message('m'), end] });
    const ask = (body: object) => api.post('/api/journeys/templates/wrong/simulate', body);
    expect(await ask({ version: 9 })).toMatchObject({ status: 404, body: { code: 'VERSION_UNKNOWN' } });
    expect(await ask({ compare_with: 9 })).toMatchObject({ status: 404, body: { errors: [{ path: 'compare_with' }] } });
    expect(await ask({ events: { kind: 'history' } })).toMatchObject({
      status: 400,
      body: { errors: [{ path: 'from' }] },
    });
    const where = { kind: 'exists', attribute: 'email' };
    for (const body of [
      { days: 91 },
      { users: { ids: [UNKNOWN], where } },
      { users: { limit: 100_001 } },
      { entry: { spread_days: 9 }, days: 8 },
      { events: { kind: 'rates', per_day: { a: 1.1 } } },
    ]) {
      expect([body, (await ask(body)).status]).toEqual([body, 400]);
    }
    await query(`update journeys set definition = jsonb_set(definition::jsonb, '{steps,0,next}', '"nowhere"')
      where key = 'wrong'`);
    expect(await ask({})).toMatchObject({
      status: 400,
      body: {
        code: 'JOURNEY_INVALID',
        errors: expect.arrayContaining([expect.objectContaining({ path: 'steps[0].next' })]) as unknown,
      },
    });
    expect((await ask({ version: 1 })).status).toBe(202);
  });

  it('wait for one another, are cancelled, and are refused when too many wait', async () => {
    await publish('queue', { steps: [message('m'), end] });
    const wish = { users: { ids: [await person()] } };
    const ids: string[] = [];
    const stateOf = async (id = '') =>
      ((await api.get(`/api/journeys/simulations/${id}`)).body as SimulationView).state;
    await app.get(Database).transaction(async (transaction) => {
      // Whatever reads the definitions waits.
      await transaction.query({ text: 'lock table message_templates in access exclusive mode' });
      for (let index = 0; index < 11; index += 1) ids.push((await start('queue', wish)).id);
      expect(await api.post('/api/journeys/templates/queue/simulate', wish)).toMatchObject({
        status: 429,
        body: { code: 'TOO_MANY_SIMULATIONS' },
      });
      expect(await stateOf(ids[1])).toBe('queued');
      for (const id of ids.slice(0, 10)) expect((await api.remove(`/api/journeys/simulations/${id}`)).status).toBe(204);
      expect((await api.remove(`/api/journeys/simulations/${ids[1]}`)).status).toBe(409);
    });
    expect(await finished(ids[10] ?? '')).toMatchObject({ state: 'done', result: { users: 1 } });
    for (const id of ids.slice(0, 10)) expect(await finished(id)).toMatchObject({ state: 'cancelled', result: null });
    const page = await api.get('/api/journeys/simulations?journey=queue&limit=5');
    expect((page.body as { data: { id: string }[] }).data.map(({ id }) => id)).toEqual(ids.slice(-5).reverse());
  });

  it('of a process that is gone are interrupted', async () => {
    const [row] = await query<{ id: string }>(
      `insert into simulations (journey_id, request, created_by, state, heartbeat_at)
        select id, '{"days": 1, "seed": "1", "events": "none"}', 'spec', 'running', clock_timestamp() - interval '61 seconds'
        from journeys where key = 'queue' returning id`,
    );
    expect((await api.get(`/api/journeys/simulations/${row?.id}`)).body).toMatchObject({ state: 'interrupted' });
    await query(
      `update simulations set heartbeat_at = date_trunc('milliseconds', clock_timestamp()) where id = $1`,
      row?.id,
    );
    expect((await api.get(`/api/journeys/simulations/${row?.id}`)).body).toMatchObject({ state: 'running' });
  });
});
