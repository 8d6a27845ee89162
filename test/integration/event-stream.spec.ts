import { readFileSync } from 'node:fs';
import { EVENT_TYPES } from '../../src/modules/event-stream/event-types.js';
import { Database, type Transaction } from '../../src/platform/database/database.js';
import { migrate } from '../../src/platform/database/migrate.js';
import { idOf, openEventStage, told, TOLD_MS_MAX, type EventStage } from '../support/event-stage.js';
import { startSmtp, type TestSmtp } from '../support/smtp.js';
import { stageSteps } from '../support/step-stage.js';
import { until } from '../support/until.js';
import { isSignedBy, type ReceivedHook } from '../support/webhook-receiver.js';

const reference = readFileSync(new URL('../../docs/reference/events.md', import.meta.url), 'utf8');
const typesOf = (hooks: readonly ReceivedHook[]): string[] => hooks.map((hook) => told(hook).type);

const TRIGGERS = [
  ['decisions_told', 'decisions'],
  ['deliveries_told_first', 'deliveries'],
  ['deliveries_told', 'deliveries'],
  ['contact_outcomes_told', 'contact_outcomes'],
  ['consent_records_told', 'consent_records'],
];

describe('the event stream', () => {
  let stage: EventStage;
  let smtp: TestSmtp;
  let people: Awaited<ReturnType<typeof stageSteps>>;
  beforeAll(async () => {
    smtp = await startSmtp();
    stage = await openEventStage({ SMTP_URL: smtp.url });
    people = await stageSteps(stage.app);
    for (const [trigger, table] of TRIGGERS) await stage.query(`alter table ${table} disable trigger ${trigger}`);
  });
  afterAll(async () => {
    await stage.close();
    await smtp.stop();
  });
  /** Subscriptions of one spec must not hear of the next. */
  afterEach(() => stage.query('delete from event_subscriptions'));

  const outcome = (delivery: string, kind: string): Promise<never> =>
    stage.done(stage.api.post(`/api/deliveries/${delivery}/outcomes`, { kind }));
  const grant = (transaction: Transaction, user: string, purpose: string): Promise<readonly object[]> =>
    transaction.query({
      text: `insert into consent_records (user_id, purpose, channel, brand, status, basis, stated_at, received_at, source)
        values ($1, $2, 'email', 'default', 'granted', 'consent', clock_timestamp(), clock_timestamp(), 'spec')`,
      values: [user, purpose],
    });

  it('tells each type, signed, once, with what the reference says and no word of the person', async () => {
    const all = await stage.subscribe('all', ['*']);
    const person = await people.person();
    const delivery = await person.send();
    for (const kind of ['delivered', 'opened', 'opened', 'clicked', 'bounced', 'complained']) {
      await outcome(delivery, kind);
    }
    for (const address of ['spam-1', 'later-1', 'taken-then-cut-1']) {
      await (await people.person(`${address}@example.org`)).ask();
    }
    const other = await stage.api.user();
    await stage.consent(other, { status: 'denied' });
    await stage.consent(other, { status: 'withdrawn' });
    await stage.consent(other, { status: 'pending' });
    await stage.done(stage.api.post(`/api/consents/${other}/objection`, { source: 'spec' }));

    const hooks = all.receiver.received;
    const missing = (): string[] => EVENT_TYPES.filter((type) => !typesOf(hooks).includes(type));
    await until(
      () => missing().length === 0,
      TOLD_MS_MAX,
      () => `missing: ${missing().join()}`,
    );
    await stage.settled('all', (events) => events.every((event) => event.state === 'delivered'));
    const [{ n } = { n: 0 }] = await stage.query<{ n: number }>('select count(*)::int as n from stream_events');
    expect(hooks).toHaveLength(n);
    expect(new Set(typesOf(hooks))).toEqual(new Set(EVENT_TYPES));
    expect(new Set(hooks.map(idOf)).size).toBe(n);
    for (const hook of hooks) expect(await isSignedBy(all.secret, hook)).toBe(true);
    expect(JSON.stringify(hooks.map(({ body }) => body))).not.toMatch(/example\.org|Hello|spec/);

    const ofDelivery = hooks.filter((hook) => told(hook).data['delivery_id'] === delivery);
    const inOrder = ofDelivery.toSorted((one, two) => (idOf(one) < idOf(two) ? -1 : 1));
    expect(typesOf(inOrder).map((type) => type.replace('delivery.', ''))).toEqual([
      ...['sending', 'sent', 'delivered', 'opened', 'clicked', 'bounced', 'complained'],
    ]);
    const decision = hooks.find((hook) => told(hook).type === 'decision.made');
    expect(told(decision as ReceivedHook).data).toMatchObject({ source: 'step', step: 'hello' });
    for (const hook of hooks) {
      const { type, data } = told(hook);
      const family = (type.split('.')[0] ?? '')
        .replace(/^(delivery|consent)$/, '$1.\\*')
        .replace('decision', 'decision.made');
      const part = reference.split(/^## /m).find((each) => each.startsWith(family)) ?? '';
      expect(Object.keys(data).filter((field) => !part.includes(`| \`${field}\``))).toEqual([]);
    }
    const attempts = await stage.attempts('all');
    expect(attempts.every((each) => each.state === 'delivered' && each.attempt === 1 && each.status === 200)).toBe(
      true,
    );
    expect(new Set(attempts.map((each) => each.event_id)).size).toBe(attempts.length);
  });

  it('costs nothing on a database on which nobody ever subscribed', async () => {
    const database = stage.app.get(Database);
    const url = new URL(process.env['DATABASE_URL'] ?? '');
    url.pathname = `/never_told_${process.env['JEST_WORKER_ID'] ?? 1}`;
    await database.query({ text: `create database ${url.pathname.slice(1)} template template_for_tests` });
    await migrate(url.href);
    const fresh = new Database({ url: url.href, poolMax: 1 });
    const on = await fresh.query({
      text: `select tgname from pg_trigger where tgname like '%\\_told%' and tgenabled <> 'D'`,
    });
    const off = await fresh.query({ text: `select distinct tgname from pg_trigger where tgname like '%\\_told%'` });
    await fresh.onApplicationShutdown();
    expect([on, off.length]).toEqual([[], TRIGGERS.length]);
  });

  it('tells of the run, so that one can ask for it', async () => {
    const subscriber = await stage.subscribe('runs', ['delivery.sending']);
    await (await people.person()).send();
    const user = await stage.api.user();
    const entered = await stage.done(
      stage.api.post(`/api/journeys/${user}/enroll`, { journey: 'staged', entry_key: 'x' }),
    );
    const { id, run_key: runKey } = entered as { id: string; run_key: string };
    await stage.query(
      `insert into deliveries (id, idempotency_key, user_id, decision_id, run_key, step_id, visit, channel, provider,
          action, template, template_version, purpose, state, attempt_token, deadline_at, claimed_at)
        values (uuidv7(), $2, $1, uuidv7(), $2, 'hello', 1, 'email', 'smtp', 'offer', 'offer', 1, 'marketing', 'sending',
          uuidv7(), clock_timestamp(), clock_timestamp())`,
      user,
      runKey,
    );
    const hooks = await stage.arrived(subscriber, 2);
    const ofRun = hooks.map((hook) => told(hook).data).find((data) => data['user_id'] === user);
    expect(ofRun).toMatchObject({ journey: 'staged', run_id: id, step: 'hello', state: 'sending' });
    // A run of which the projection does not know yet has none to name.
    expect(hooks.map((hook) => told(hook).data).find((data) => data['user_id'] !== user)).toMatchObject({
      run_id: null,
    });
  });

  it('tells each subscriber what it asked for, in the form that it asked for', async () => {
    const consents = await stage.subscribe('consents', ['consent.*'], { format: 'cloudevents' });
    const withdrawn = await stage.subscribe('withdrawn', ['consent.withdrawn', 'decision.made']);
    const user = await stage.api.user();
    const given = await stage.consent(user);
    await stage.consent(user, { status: 'withdrawn' });
    const [first, second] = (await stage.arrived(consents, 2)).toSorted((a, b) => (idOf(a) < idOf(b) ? -1 : 1));
    if (first === undefined || second === undefined) throw new Error('not both came');
    expect(first.headers['content-type']).toBe('application/cloudevents+json');
    expect(await isSignedBy(consents.secret, first)).toBe(true);
    expect(JSON.parse(first.body)).toMatchObject({
      specversion: '1.0',
      id: idOf(first),
      source: expect.stringMatching(/^http/),
      type: 'tactful.consent.given',
      subject: `consents/records/${given}`,
      data: { consent_id: given, user_id: user, status: 'granted', purpose: 'marketing', channel: 'email' },
    });
    const [hook] = await stage.arrived(withdrawn, 1);
    expect(told(hook as ReceivedHook)).toMatchObject({ type: 'consent.withdrawn', data: { status: 'withdrawn' } });
    expect(hook?.headers['content-type']).toBe('application/json');
    // One event, whoever hears of it.
    expect(idOf(hook as ReceivedHook)).toBe(idOf(second));
    expect(await stage.events('withdrawn')).toHaveLength(1);
  });

  it('writes nothing where nobody listens, and nothing of virtual time', async () => {
    const count = async (): Promise<number> =>
      (await stage.query<{ n: number }>('select count(*)::int as n from stream_events'))[0]?.n ?? -1;
    const before = await count();
    await (await people.person()).send();
    await stage.subscribe('decisions', ['decision.*']);
    const user = await stage.api.user();
    await stage.consent(user);
    await stage.query(`update event_subscriptions set types = '{*}'`);
    await stage.consent(user, { clock_domain: 'spec' });
    expect(await count()).toBe(before);
  });

  it('never tells of what was rolled back', async () => {
    const subscriber = await stage.subscribe('honest', ['consent.*']);
    const user = await stage.api.user();
    const undone = stage.app.get(Database).transaction(async (transaction) => {
      await grant(transaction, user, 'undone');
      throw new Error('thought better of it');
    });
    await expect(undone).rejects.toThrow('thought better of it');
    await stage.consent(user, { purpose: 'news' });
    await stage.arrived(subscriber, 1);
    await stage.settled('honest', (events) => events.every((event) => event.state === 'delivered'));
    expect(subscriber.receiver.received.map((hook) => told(hook).data['purpose'])).toEqual(['news']);
  });

  it('misses nothing that commits late', async () => {
    const subscriber = await stage.subscribe('late', ['consent.*']);
    const user = await stage.api.user();
    const database = stage.app.get(Database);
    const [written, commit] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const late = database.transaction(async (transaction) => {
      await grant(transaction, user, 'early_bird');
      written.resolve();
      await commit.promise;
    });
    await written.promise;
    await database.transaction((transaction) => grant(transaction, user, 'overtakes'));
    const [first] = await stage.arrived(subscriber, 1);
    await stage.settled('late', (events) => events[0]?.state === 'delivered');
    commit.resolve();
    await late;
    const [, second] = await stage.arrived(subscriber, 2);
    const purposes = [first, second].map((hook) => told(hook as ReceivedHook).data['purpose']);
    expect(purposes).toEqual(['overtakes', 'early_bird']);
    expect(idOf(second as ReceivedHook) < idOf(first as ReceivedHook)).toBe(true);
  });

  it('keeps events while it is paused, and none while it is disabled', async () => {
    const subscriber = await stage.subscribe('rests', ['consent.*']);
    const other = await stage.subscribe('works', ['consent.*']);
    const user = await stage.api.user();
    expect(await stage.patch('rests', { state: 'paused' })).toMatchObject({ state: 'paused', reason: null });
    await stage.consent(user, { purpose: 'kept' });
    await stage.arrived(other, 1);
    await stage.settled('works', (events) => events[0]?.state === 'delivered');
    expect(subscriber.receiver.received).toEqual([]);
    expect(await stage.events('rests')).toMatchObject([{ state: 'pending', attempts: 0 }]);
    expect(await stage.patch('rests', { state: 'disabled' })).toMatchObject({ state: 'disabled', reason: 'operator' });
    await stage.consent(user, { purpose: 'gone' });
    expect(await stage.patch('rests', { state: 'active' })).toMatchObject({ state: 'active', reason: null });
    await stage.consent(user, { purpose: 'again' });
    await stage.arrived(subscriber, 2);
    await stage.settled('rests', (events) => events.every((event) => event.state === 'delivered'));
    const purposes = subscriber.receiver.received.map((hook) => told(hook).data['purpose']);
    expect(purposes.sort()).toEqual(['again', 'kept']);
  });

  it('says nothing more of a person who was erased', async () => {
    const subscriber = await stage.subscribe('forgets', ['consent.*']);
    subscriber.receiver.answerWith(500, { echo: 'whom it was told of' });
    const [user, other] = [await stage.api.user(), await stage.api.user()];
    await stage.consent(user, { purpose: 'tried' });
    await stage.arrived(subscriber, 1);
    await stage.settled('forgets', (events) => events[0]?.because === 'status_500');
    await stage.patch('forgets', { state: 'paused' });
    await stage.consent(user, { purpose: 'waits' });
    expect((await stage.attempts('forgets'))[0]?.answer).toMatch('whom it was told of');
    await stage.api.remove(`/api/users/${user}`);
    expect((await stage.attempts('forgets'))[0]?.answer).toBeNull();
    subscriber.receiver.answerWith(200);
    await stage.consent(other, { purpose: 'other' });
    await stage.patch('forgets', { state: 'active' });
    await stage.dueNow('forgets');
    const events = await stage.settled('forgets', (all) => all.every((event) => event.state !== 'pending'));
    const ofUser = events.filter((event) => event.data === null);
    expect(ofUser.map(({ state: each, because }) => [each, because])).toEqual([
      ['dropped', 'user_erased'],
      ['dropped', 'user_erased'],
    ]);
    const hooks = subscriber.receiver.received.map((hook) => told(hook).data['purpose']);
    expect(hooks).toEqual(['tried', 'other']);
    await stage.post('forgets/replay', { until: '2199-01-01T00:00:00Z' });
    await stage.arrived(subscriber, 3);
    expect(subscriber.receiver.received.slice(2).map((hook) => told(hook).data['purpose'])).toEqual(['other']);
  });
});
