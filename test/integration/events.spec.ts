import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { EventsService } from '../../src/modules/events/index.js';
import { Database } from '../../src/platform/database/database.js';
import { createTestApp } from '../support/app.js';
import { clientOf, type Client } from '../support/client.js';

describe('events', () => {
  let app: NestFastifyApplication;
  let api: Client;
  let id: string;
  beforeAll(async () => {
    app = await createTestApp();
    api = clientOf(app);
    id = await api.user({ external_id: 'event-ext' });
  });
  afterAll(async () => {
    await app.close();
  });

  const list = async (userId: string): Promise<{ event_name: string; message_id: string }[]> =>
    ((await api.get(`/api/events?user_id=${userId}`)).body as { data: { event_name: string; message_id: string }[] })
      .data;

  it('stores one event and shows it', async () => {
    const event = {
      user_id: 'ext:event-ext',
      event_type: 'track',
      event_name: 'pricing_view',
      properties: { plan: 'pro' },
    };
    const taken = await api.post('/api/events', {
      ...event,
      timestamp: '2026-11-01T10:00:00+02:00',
      message_id: 'm-1',
    });
    expect(taken).toMatchObject({ status: 201, body: { status: 'accepted', message_id: 'm-1' } });
    expect((await list(id))[0]).toMatchObject({
      event_name: 'pricing_view',
      user_id: id,
      timestamp: '2026-11-01T08:00:00.000Z',
      properties: { plan: 'pro' },
    });
  });

  it('takes a message id once, however many send it at once', async () => {
    const user = await api.user();
    const event = { user_id: user, event_name: 'bought', message_id: 'once-only' };
    const answers = await Promise.all(Array.from({ length: 20 }, () => api.post('/api/events', event)));
    const statuses = answers.map(({ body }) => (body as { status: string }).status).sort();
    expect(statuses).toEqual(['accepted', ...Array.from({ length: 19 }, () => 'duplicate')]);
    expect(await list(user)).toHaveLength(1);
  });

  it('answers each of those that come at one time by itself, also when one of them cannot be stored', async () => {
    const users = await Promise.all(Array.from({ length: 20 }, () => api.user()));
    const ahead = new Date(Date.now() + 25 * 3_600_000).toISOString();
    const database = app.get(Database);
    await database.query({
      text: `create function break_event() returns trigger language plpgsql as $$
        begin raise exception 'told to break'; end $$`,
    });
    await database.query({
      text: `create trigger break_event before insert on events
        for each row when (new.event_name = 'broken') execute function break_event()`,
    });
    const broken = { user_id: users[0], event_name: 'broken' };
    const whole = users.map((user, n) => ({ user_id: user, event_name: 'whole', message_id: `together-${n}` }));
    const [lost, nobody, early, ...taken] = await Promise.all(
      [
        broken,
        { user_id: 'ext:nobody', event_name: 'whole' },
        { user_id: users[1], event_name: 'whole', timestamp: ahead },
        ...whole,
      ].map((event) => api.post('/api/events', event)),
    );
    await database.query({ text: 'drop function break_event cascade' });
    expect(lost).toMatchObject({ status: 500 });
    expect(nobody).toMatchObject({ status: 404, body: { code: 'USER_UNKNOWN' } });
    expect(early).toMatchObject({ status: 422, body: { code: 'TIMESTAMP_IN_FUTURE' } });
    expect(taken.map(({ status, body }) => [status, (body as { message_id: string }).message_id])).toEqual(
      whole.map(({ message_id: messageId }) => [201, messageId]),
    );
    expect(await list(users[0] ?? '')).toMatchObject([{ message_id: 'together-0' }]);
  });

  it('answers each event of a batch by itself', async () => {
    const user = await api.user();
    const ahead = new Date(Date.now() + 25 * 3_600_000).toISOString();
    const events = [
      { user_id: user, event_name: 'a', message_id: 'batch-1' },
      { user_id: user, event_name: 'a copy', message_id: 'batch-1' },
      { user_id: 'ext:nobody', event_name: 'b' },
      { user_id: user, event_name: 'c', timestamp: ahead },
      { user_id: user, event_name: 'd' },
    ];
    const taken = await api.post('/api/events', { events });
    expect(taken).toMatchObject({ status: 202 });
    expect((taken.body as { results: object[] }).results).toMatchObject([
      { status: 'accepted' },
      { status: 'duplicate', id: null },
      { status: 'refused', reason: 'USER_UNKNOWN' },
      { status: 'refused', reason: 'TIMESTAMP_IN_FUTURE' },
      { status: 'accepted' },
    ]);
    expect((await list(user)).map(({ event_name }) => event_name)).toEqual(['d', 'a']);
  });

  it('keeps the order of a batch, also within one millisecond', async () => {
    const user = await api.user();
    const names = Array.from({ length: 50 }, (_, index) => `step-${index}`);
    await api.post('/api/events', { events: names.map((event_name) => ({ user_id: user, event_name })) });
    expect((await list(user)).map(({ event_name }) => event_name).reverse()).toEqual(names);
  });

  it('answers one refused event with its error', async () => {
    const ahead = new Date(Date.now() + 25 * 3_600_000).toISOString();
    expect(await api.post('/api/events', { user_id: id, event_name: 'x', timestamp: ahead })).toMatchObject({
      status: 422,
      body: { code: 'TIMESTAMP_IN_FUTURE', errors: [{ path: 'timestamp' }] },
    });
    expect(await api.post('/api/events', { user_id: 'ext:nobody', event_name: 'x' })).toMatchObject({
      status: 404,
      body: { code: 'USER_UNKNOWN', errors: [{ path: 'user_id' }] },
    });
  });

  it('tells the faults of the form that was meant', async () => {
    const batch = await api.post('/api/events', { events: [{ user_id: id }] });
    expect(batch).toMatchObject({ status: 400, body: { errors: [{ path: 'events[0].event_name' }] } });
    const single = await api.post('/api/events', { user_id: id, event_type: 'nonsense', event_name: 5 });
    expect(single).toMatchObject({ status: 400, body: { errors: [{ path: 'event_type' }, { path: 'event_name' }] } });
    const many = Array.from({ length: 501 }, () => ({ user_id: id, event_name: 'x' }));
    expect(await api.post('/api/events', { events: many })).toMatchObject({
      status: 400,
      body: { errors: [{ path: 'events' }] },
    });
  });

  it('stores batches of 500 whose ids overlap, from many senders at once', async () => {
    const user = await api.user();
    const events = Array.from({ length: 500 }, (_, index) => ({
      user_id: user,
      event_name: 'load',
      message_id: `load-${index}`,
    }));
    const backwards = [...events].reverse();
    const answers = await Promise.all(
      [events, backwards, events, backwards].map((each) => api.post('/api/events', { events: each })),
    );
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202, 202]);
    const text = 'select count(*)::int as n from events where user_id = $1';
    expect(await app.get(Database).query({ text, values: [user] })).toEqual([{ n: 500 }]);
  });

  it('finds the first event of some names in (after, until], by when it happened', async () => {
    const user = await api.user();
    const at = (minute: number): string => new Date(Date.UTC(2026, 0, 1, 10, minute)).toISOString();
    for (const [name, minute] of [
      ['late', 9],
      ['b', 5],
      ['a', 3],
      ['a', 1],
    ] as const) {
      await api.post('/api/events', {
        user_id: user,
        event_name: name,
        timestamp: at(minute),
        message_id: `${user}-${minute}`,
      });
    }
    await api.post('/api/events', {
      user_id: user,
      event_name: 'a',
      timestamp: at(2),
      clock_domain: 'demo',
      message_id: `${user}-v`,
    });
    const search = { userId: user, names: ['a', 'b'], after: Date.parse(at(1)), until: Date.parse(at(5)) };
    const events = app.get(EventsService);
    expect(await events.findFirst({ ...search, clockDomain: 'real' })).toMatchObject({
      name: 'a',
      occurredAt: Date.parse(at(3)),
    });
    expect(await events.findFirst({ ...search, clockDomain: 'demo' })).toMatchObject({ messageId: `${user}-v` });
    const inclusive = { ...search, names: ['b'], after: Date.parse(at(4)), clockDomain: 'real' };
    expect(await events.findFirst(inclusive)).toMatchObject({ name: 'b' });
    expect(await events.findFirst({ ...inclusive, until: Date.parse(at(5)) - 1 })).toBeNull();
    expect(await events.findFirst({ ...inclusive, after: Date.parse(at(5)), until: Date.parse(at(8)) })).toBeNull();
  });
});
