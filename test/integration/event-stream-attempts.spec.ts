import { jest } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { MessagesRepository } from '../../src/modules/event-stream/messages.repository.js';
import { ReplaysRepository } from '../../src/modules/event-stream/replays.repository.js';
import { Retention } from '../../src/platform/database/retention.js';
import { Database } from '../../src/platform/database/database.js';
import { createTestApp } from '../support/app.js';
import { clientOf } from '../support/client.js';
import { idOf, openEventStage, told, TOLD_MS_MAX, type EventStage, type EventView } from '../support/event-stage.js';
import { until } from '../support/until.js';
import { isSignedBy, startReceiver, type ReceivedHook } from '../support/webhook-receiver.js';

const BOOTSTRAP = 'spec-bootstrap-key-0123456789abcdef';
const NO_SUCH = '01890a5d-ac96-774b-bcce-b302099a8057';
/** Between the attempts of one event. */
const GAPS_S = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
const isTried = (times: number) => (events: readonly EventView[]) =>
  events.every((event) => event.attempts === times && event.because !== null);
const areDelivered = (events: readonly EventView[]): boolean => events.every((event) => event.state === 'delivered');
const purposeOf = (hook: ReceivedHook): unknown => told(hook).data['purpose'];

describe('attempts of the event stream', () => {
  let stage: EventStage;
  let user: string;
  beforeAll(async () => {
    stage = await openEventStage();
    user = await stage.api.user();
  });
  afterAll(() => stage.close());
  afterEach(() => stage.query('delete from event_subscriptions'));

  it('are repeated with the same id and body by whoever comes after a process that died before it could say so', async () => {
    const subscriber = await stage.subscribe('crash', ['consent.*']);
    const messages = stage.app.get(MessagesRepository);
    const settle = jest.spyOn(messages, 'settle').mockRejectedValueOnce(new Error('killed'));
    await stage.consent(user);
    await stage.arrived(subscriber, 1);
    await until(
      () => settle.mock.calls.length > 0,
      TOLD_MS_MAX,
      () => 'the first attempt has no end',
    );
    const [left] = await stage.events('crash');
    expect(left).toMatchObject({ state: 'pending', attempts: 1 });
    // Until the lease ends nobody else takes it.
    const leasedForMs = Date.parse(left?.next_attempt_at ?? '') - Date.now();
    expect(leasedForMs).toBeGreaterThan(30_000);
    settle.mockRestore();
    await stage.dueNow('crash');
    const [first, second] = await stage.arrived(subscriber, 2);
    await stage.settled('crash', areDelivered);
    expect([second?.headers['webhook-id'], second?.body]).toEqual([first?.headers['webhook-id'], first?.body]);
    expect(subscriber.receiver.received).toHaveLength(2);
  });

  it('are ten, further and further apart; then the event is dead, and can be sent again as it was', async () => {
    const subscriber = await stage.subscribe('down', ['consent.*']);
    subscriber.receiver.answerWith(500, { error: 'out of order' });
    let before = Date.now();
    await stage.consent(user);
    for (const [index, gapS] of GAPS_S.entries()) {
      const [event] = await stage.settled('down', isTried(index + 1));
      // It counts from an instant between those two.
      const [sinceS, untilS] = [before, Date.now()].map(
        (at) => (Date.parse(event?.next_attempt_at ?? '') - at) / 1_000,
      );
      expect(sinceS).toBeGreaterThanOrEqual(gapS - 0.1);
      expect(untilS).toBeLessThanOrEqual(gapS * 1.1 + 0.1);
      before = Date.now();
      await stage.query('update stream_messages set because = null where because is not null');
      await stage.dueNow('down');
    }
    const [dead] = await stage.settled('down', isTried(10));
    expect(dead).toMatchObject({ state: 'dead', next_attempt_at: null, because: 'status_500' });
    expect(await stage.events('down', '&state=dead')).toHaveLength(1);
    expect(await stage.events('down', '&state=pending')).toHaveLength(0);
    const failed = await stage.attempts('down', '&state=failed&type=consent.given');
    expect(failed.map(({ attempt }) => attempt)).toEqual([10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
    expect(failed[0]).toMatchObject({ status: 500, answer: '{"error":"out of order"}', event_id: dead?.id });
    subscriber.receiver.answerWith(204);
    await stage.post('down/replay', { only_dead: true });
    await stage.settled('down', areDelivered);
    const hooks = await stage.arrived(subscriber, 11);
    expect(new Set(hooks.map(idOf))).toEqual(new Set([dead?.id]));
    expect(new Set(hooks.map(({ body }) => body)).size).toBe(1);
    expect(await stage.attempts('down', '&state=delivered')).toMatchObject([{ attempt: 1, status: 204, answer: null }]);
  });

  it('end with 410, until somebody says that there is a receiver again; nothing that was owed is lost', async () => {
    const subscriber = await stage.subscribe('gone', ['consent.*']);
    subscriber.receiver.answerWith(410);
    await stage.consent(user, { purpose: 'owed' });
    await until(
      async () => (await stage.find('gone')).state === 'disabled',
      TOLD_MS_MAX,
      () => 'still there',
    );
    expect(await stage.find('gone')).toMatchObject({ reason: 'gone' });
    await stage.consent(user, { purpose: 'missed' });
    await stage.dueNow('gone');
    expect(await stage.events('gone')).toMatchObject([{ state: 'pending', because: 'status_410' }]);
    subscriber.receiver.answerWith(200);
    await stage.done(
      stage.api.put('/api/webhook-endpoints/gone', { name: 'back', url: subscriber.receiver.url('/back') }),
    );
    await stage.patch('gone', { state: 'active' });
    await stage.dueNow('gone');
    const hooks = await stage.arrived(subscriber, 2);
    expect(hooks.map((hook) => [hook.path, purposeOf(hook)])).toEqual([
      ['/hook', 'owed'],
      ['/back', 'owed'],
    ]);
  });

  it.each<[number, Readonly<Record<string, string>>, number, number]>([
    [429, { 'retry-after': '600' }, 600, 660],
    [503, { 'retry-after': '60' }, 60, 66],
    [502, {}, 5, 5.5],
    [504, {}, 5, 5.5],
  ])('after %i with %j rest, all of the subscriber’s', async (status, headers, leastS, mostS) => {
    const key = `busy_${status}`;
    const subscriber = await stage.subscribe(key, ['consent.*']);
    subscriber.receiver.answerWith(status, undefined, headers);
    const before = Date.now();
    await stage.consent(user, { purpose: 'first' });
    await until(
      async () => (await stage.find(key)).held_until !== null,
      TOLD_MS_MAX,
      () => 'no rest',
    );
    const after = Date.now();
    // Both count from an instant between those two.
    const since = (at: number, instant: string | null | undefined): number => (Date.parse(instant ?? '') - at) / 1_000;
    const { held_until: heldUntil } = await stage.find(key);
    expect(since(before, heldUntil)).toBeGreaterThanOrEqual(leastS - 0.1);
    expect(since(after, heldUntil)).toBeLessThanOrEqual(leastS + 5);
    const [event] = await stage.events(key);
    expect(since(before, event?.next_attempt_at)).toBeGreaterThanOrEqual(leastS - 0.1);
    expect(since(after, event?.next_attempt_at)).toBeLessThanOrEqual(mostS + 0.1);
    // What comes meanwhile waits, though it was never tried: another subscriber hears of it first.
    await stage.query(
      `update event_subscriptions set held_until = date_trunc('milliseconds', clock_timestamp()) + interval '1 hour' where key = $1`,
      key,
    );
    const other = await stage.subscribe(`${key}_other`, ['consent.*']);
    await stage.consent(user, { purpose: 'second' });
    await stage.arrived(other, 1);
    await stage.settled(`${key}_other`, areDelivered);
    expect(subscriber.receiver.received).toHaveLength(1);
    subscriber.receiver.answerWith(200);
    await stage.dueNow(key);
    await stage.settled(key, areDelivered);
    expect(subscriber.receiver.received.map(purposeOf).sort()).toEqual(['first', 'first', 'second']);
    // It had fewer at one time; with a success it has all again.
    const slowed = 'select slowed from event_subscriptions where key = $1 and slowed > 0';
    await until(
      async () => (await stage.query(slowed, key)).length === 0,
      TOLD_MS_MAX,
      () => 'still slowed',
    );
  });

  it('that hang hold up nobody else, and end after 15 s', async () => {
    const slow = await stage.subscribe('slow', ['consent.*']);
    const quick = await stage.subscribe('quick', ['consent.*']);
    slow.receiver.answerBy('silence');
    const cut = new AbortController();
    let isCut = false;
    const timeOut = AbortSignal.timeout.bind(AbortSignal);
    const limits: number[] = [];
    const spy = jest.spyOn(AbortSignal, 'timeout').mockImplementation((ms) => {
      limits.push(ms);
      return isCut ? timeOut(ms) : cut.signal;
    });
    for (let n = 0; n < 40; n += 1) await stage.consent(user, { purpose: `p${n}` });
    await stage.arrived(quick, 40);
    await stage.settled('quick', areDelivered);
    expect(await stage.attempts('slow')).toEqual([]);
    expect(slow.receiver.received.length).toBeLessThanOrEqual(8);
    expect(new Set(limits)).toEqual(new Set([15_000]));
    slow.receiver.answerWith(200);
    isCut = true;
    cut.abort();
    await stage.settled('slow', (events) => events.some((event) => event.because !== null));
    spy.mockRestore();
    expect((await stage.attempts('slow', '&state=failed'))[0]).toMatchObject({ status: null, because: 'time_out' });
    await stage.dueNow('slow');
    await stage.settled('slow', areDelivered);
    expect(new Set(slow.receiver.received.map(idOf))).toEqual(new Set(quick.receiver.received.map(idOf)));
  });

  it('are signed with both secrets while they rotate, and with one that the receiver brought', async () => {
    const brought = `whsec_${Buffer.alloc(24, 5).toString('base64')}`;
    const subscriber = await stage.subscribe('turned', ['consent.*'], { secret: brought });
    expect(subscriber.secret).toBe(brought);
    const { secret } = (await stage.done(stage.api.post('/api/webhook-endpoints/turned/rotate', {}))) as {
      secret: string;
    };
    await stage.consent(user);
    const [hook] = await stage.arrived(subscriber, 1);
    if (hook === undefined) throw new Error('nothing came');
    expect([await isSignedBy(brought, hook), await isSignedBy(secret, hook)]).toEqual([true, true]);
    for (const wrong of ['whsec_short', `whsec_${Buffer.alloc(23).toString('base64')}`, 'x'.repeat(40)]) {
      const body = { key: 'wrong', name: 'wrong', url: subscriber.receiver.url(), secret: wrong };
      expect(await stage.api.post('/api/webhook-endpoints', body)).toMatchObject({
        ...{ status: 400, body: { errors: [{ path: 'secret' }] } },
      });
    }
  });

  it('come again in a replay: of a time or by id, with the same ids, one replay at a time', async () => {
    const subscriber = await stage.subscribe('again', ['consent.*']);
    for (const purpose of ['one', 'two', 'three']) await stage.consent(user, { purpose });
    await stage.arrived(subscriber, 3);
    const [three, two, one] = await stage.settled('again', areDelivered);
    if (one === undefined || two === undefined || three === undefined) throw new Error('not all are listed');
    subscriber.receiver.received.length = 0;
    await stage.post('again/replay', { event_ids: [two.id, NO_SUCH] });
    const [hook] = await stage.arrived(subscriber, 1);
    expect([idOf(hook as ReceivedHook), purposeOf(hook as ReceivedHook)]).toEqual([two.id, 'two']);
    await stage.settled('again', areDelivered);
    const since = new Date(Date.parse(two.at)).toISOString();
    await stage.post('again/replay', { since });
    await until(
      async () =>
        (await stage.list<{ finished_at: string | null }>('again/replays')).every((each) => each.finished_at !== null),
      TOLD_MS_MAX,
      () => 'a replay does not end',
    );
    const replays = await stage.list<{ queued: number; since: string | null; event_ids: unknown }>('again/replays');
    expect(replays).toMatchObject([
      { since, event_ids: null },
      { queued: 1, since: null, event_ids: [two.id, NO_SUCH] },
    ]);
    expect(replays[0]?.queued).toBeGreaterThanOrEqual(2);
    await stage.arrived(subscriber, 1 + (replays[0]?.queued ?? 0));
    const since2 = subscriber.receiver.received.slice(1).map(purposeOf);
    expect(since2).toEqual(expect.arrayContaining(['two', 'three']));
    await stage.settled('again', areDelivered);
    const step = jest.spyOn(stage.app.get(ReplaysRepository), 'step').mockResolvedValue(false);
    await stage.post('again/replay', { only_dead: true });
    const refused = await stage.api.post('/api/event-subscriptions/again/replay', { only_dead: true });
    expect(refused).toMatchObject({ status: 409, body: { code: 'REPLAY_UNDER_WAY' } });
    step.mockRestore();
  });

  it('can be tried out, whatever the state, and change nothing', async () => {
    const subscriber = await stage.subscribe('tried', ['consent.*']);
    await stage.patch('tried', { state: 'paused' });
    subscriber.receiver.answerWith(418, { i: 'am a teapot' });
    expect(await stage.post('tried/test')).toMatchObject({
      ...{
        type: 'test',
        state: 'failed',
        status: 418,
        because: 'status_418',
        answer: '{"i":"am a teapot"}',
        attempt: 1,
      },
    });
    const [hook] = subscriber.receiver.received;
    expect(told(hook as ReceivedHook)).toMatchObject({ type: 'test', data: { subscription: 'tried' } });
    expect(await isSignedBy(subscriber.secret, hook as ReceivedHook)).toBe(true);
    expect(await stage.attempts('tried', '&type=test')).toHaveLength(1);
    expect(await stage.events('tried')).toEqual([]);
    expect(await stage.find('tried')).toMatchObject({ state: 'paused' });
  });

  it('are listed by state and time, page by page', async () => {
    const subscriber = await stage.subscribe('listed', ['consent.*']);
    for (let n = 0; n < 5; n += 1) await stage.consent(user, { purpose: `n${n}` });
    await stage.arrived(subscriber, 5);
    const events = await stage.settled('listed', areDelivered);
    for (const what of ['events', 'attempts']) {
      const seen: string[] = [];
      let cursor = '';
      do {
        const page = await stage.done(stage.api.get(`/api/event-subscriptions/listed/${what}?limit=2${cursor}`));
        const { data, next_cursor: next } = page as { data: { id: string }[]; next_cursor: string | null };
        seen.push(...data.map(({ id }) => id));
        cursor = next === null ? '' : `&cursor=${next}`;
      } while (cursor !== '');
      expect([seen.length, new Set(seen).size, seen.toSorted().toReversed()]).toEqual([5, 5, seen]);
    }
    const middle = events[2]?.at ?? '';
    const [until_, since] = [
      await stage.events('listed', `&until=${middle}`),
      await stage.events('listed', `&since=${middle}`),
    ];
    expect(until_.every(({ at }) => at <= middle) && since.every(({ at }) => at >= middle)).toBe(true);
    expect(until_.length + since.length).toBe(5);
  });

  it('are kept for a time, and no longer', async () => {
    const subscriber = await stage.subscribe('old', ['consent.*']);
    await stage.consent(user);
    await stage.arrived(subscriber, 1);
    const [fresh] = await stage.settled('old', areDelivered);
    const old = `uuidv7_floor(clock_timestamp() - interval '7 days 1 minute')`;
    await stage.query(
      `insert into stream_events (id, type, user_id, subject, at, data)
      select ${old}, type, user_id, subject, at, data from stream_events where id = $1`,
      fresh?.id,
    );
    await stage.query(
      `insert into stream_messages (subscription_id, event_id, state)
      select subscription_id, ${old}, state from stream_messages where event_id = $1`,
      fresh?.id,
    );
    await stage.query(
      `insert into stream_attempts (id, at, subscription_id, event_id, type, attempt, state, duration_ms)
      select ${old}, at, subscription_id, event_id, type, 1, state, 1 from stream_attempts where event_id = $1`,
      fresh?.id,
    );
    const counts = async (): Promise<object | undefined> =>
      (
        await stage.query(`select (select count(*)::int from stream_events where id <= ${old}) as events,
        (select count(*)::int from stream_messages where event_id <= ${old}) as messages,
        (select count(*)::int from stream_attempts where id <= ${old}) as attempts`)
      )[0];
    expect(await counts()).toEqual({ events: 1, messages: 1, attempts: 1 });
    await stage.app.get(Retention).purge();
    expect(await counts()).toEqual({ events: 0, messages: 0, attempts: 0 });
    expect(await stage.events('old')).toMatchObject([{ id: fresh?.id }]);
    expect(await stage.attempts('old')).toHaveLength(1);
  });

  it('belong to subscriptions with one key each, an endpoint, and a trail of who did what', async () => {
    await stage.subscribe('kept', ['consent.*']);
    const body = { key: 'kept', name: 'kept', endpoint: 'kept', types: ['*'] };
    const post = (more: object) => stage.api.post('/api/event-subscriptions', { ...body, ...more });
    expect(await post({})).toMatchObject({ status: 409, body: { code: 'SUBSCRIPTION_KEY_TAKEN' } });
    const nowhere = { status: 422, body: { code: 'UNKNOWN_REFERENCE', errors: [{ path: 'endpoint' }] } };
    expect(await post({ key: 'lost', endpoint: 'nowhere' })).toMatchObject(nowhere);
    const patch = (key: string, change: object) => stage.api.patch(`/api/event-subscriptions/${key}`, change);
    expect(await patch('kept', { endpoint: 'nowhere' })).toMatchObject(nowhere);
    expect(await patch('none', { state: 'paused' })).toMatchObject({
      status: 404,
      body: { code: 'SUBSCRIPTION_UNKNOWN' },
    });
    const changed = await patch('kept', { types: ['decision.*'], format: 'cloudevents', name: 'Kept' });
    expect(changed.body).toMatchObject({
      types: ['decision.*'],
      format: 'cloudevents',
      name: 'Kept',
      endpoint: 'kept',
    });
    for (let n = 1; n < 50; n += 1) expect((await post({ key: `many_${n}` })).status).toBe(201);
    expect(await post({ key: 'many_50' })).toMatchObject({ status: 409, body: { code: 'TOO_MANY_SUBSCRIPTIONS' } });
    expect((await stage.api.remove('/api/event-subscriptions/kept')).status).toBe(204);
    expect((await stage.api.remove('/api/event-subscriptions/kept')).status).toBe(404);
    const trail = (await stage.api.get('/api/audit-log?limit=200')).body as {
      data: { action: string; subject: string }[];
    };
    const actions = trail.data.filter(({ subject }) => subject === 'kept').map(({ action }) => action);
    expect(actions.filter((action) => action.startsWith('event_'))).toEqual([
      ...['event_subscription.remove', 'event_subscription.change', 'event_subscription.create'],
    ]);
  });
});

describe('on a server that others reach, the event stream', () => {
  let guarded: NestFastifyApplication;
  beforeAll(async () => {
    guarded = await createTestApp({ AUTH: 'required', BOOTSTRAP_API_KEY: BOOTSTRAP, OUTBOX_POLL_MS: '60000' });
  });
  afterAll(() => guarded.close());

  it('calls no name that leads inside, and is disabled for trying', async () => {
    const receiver = await startReceiver();
    const admin = clientOf(guarded, { authorization: `Bearer ${BOOTSTRAP}` });
    const endpoint = { key: 'inside', name: 'inside', url: 'https://shop.example.com/' };
    expect((await admin.post('/api/webhook-endpoints', endpoint)).status).toBe(201);
    const database = guarded.get(Database);
    await database.query({
      text: 'update webhook_endpoints set url = $1',
      values: [`https://localhost:${receiver.port}/`],
    });
    const subscription = { key: 'inside', name: 'inside', endpoint: 'inside', types: ['*'] };
    expect((await admin.post('/api/event-subscriptions', subscription)).status).toBe(201);
    const userId = await admin.user();
    await admin.post('/api/consents', { user_id: userId, channel: 'email', status: 'granted', source: 'spec' });
    const find = async () =>
      (await admin.get('/api/event-subscriptions/inside')).body as { state: string; reason: string };
    await until(
      async () => (await find()).state === 'disabled',
      TOLD_MS_MAX,
      () => 'still active',
    );
    expect(await find()).toMatchObject({ reason: 'address_forbidden' });
    expect(receiver.received).toEqual([]);
    await receiver.stop();
  });
});
