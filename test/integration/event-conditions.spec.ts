import { jest } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Plan } from '../../src/core/journeys/plan.js';
import { EventsService } from '../../src/modules/events/index.js';
import { RunSignals } from '../../src/modules/journeys/index.js';
import { StepsService } from '../../src/modules/steps/index.js';
import { createTestApp } from '../support/app.js';
import { RunStage } from '../support/run-stage.js';

const amountOver = (value: number) => ({ kind: 'greater_than', attribute: 'amount', value }) as const;
const arm = (event: string, listener: number | null) => ({ event, listener, next: 'done' });
const waiting = (...arms: readonly ReturnType<typeof arm>[]): Plan['steps'] => ({
  wait: { kind: 'wait_for_any', id: 'wait', arms, timeoutMs: 1, since: 'step', onTimeout: 'done' },
  done: { kind: 'end', id: 'done', reason: 'done' },
});

describe('conditions on events', () => {
  let app: NestFastifyApplication;
  let stage: RunStage;
  beforeAll(async () => {
    app = await createTestApp({ OUTBOX_POLL_MS: '60000' });
    // These specs look at what is written, and have no Temporal.
    jest.spyOn(app.get(RunSignals), 'kick').mockReturnValue();
    stage = new RunStage(app);
    const receipt = { key: 'hello', channel: 'email', purpose: 'transactional', legal_basis: 'contract' };
    await stage.api.post('/api/message-templates', { ...receipt, subject: 'Hi', html: '<p>Hi</p>', text: 'Hi' });
    const listeners = [
      { event: 'bought', where: amountOver(100) },
      { event: 'bought', where: amountOver(500) },
    ];
    await stage.publish('big_orders', undefined, {
      listeners,
      steps: waiting(arm('bought', 0), arm('bought', 1), arm('called', null)),
    });
    await stage.publish('any_order', undefined, { listeners, steps: waiting(arm('bought', 1), arm('bought', null)) });
    await stage.publish('until_big', undefined, {
      listeners,
      watches: [{ event: 'bought', listener: 0, outcome: 'completed', reason: 'goal:bought' }],
    });
    await stage.publish('plain_goal', undefined, {
      watches: [{ event: 'bought', listener: null, outcome: 'completed', reason: 'goal:bought' }],
    });
  });
  afterAll(() => app.close());

  const rejects = async (id: string, page = ''): Promise<{ data: object[]; next_cursor: string | null }> =>
    (await stage.api.get(`/api/runs/${id}/rejects${page}`)).body;
  const buy = (userId: string, amount: unknown, messageId?: string): Promise<void> =>
    stage.event(userId, 'bought', { properties: { amount }, ...(messageId ? { message_id: messageId } : {}) });

  it('are tested when the event comes in: the run hears which hold, and no property', async () => {
    const user = await stage.api.user();
    const { runKey } = await stage.enter(user, 'big_orders');
    await buy(user, 200, 'b-200');
    await buy(user, 501, 'b-501');
    await stage.event(user, 'called', { properties: { amount: 1 }, message_id: 'c-1' });
    const told = await stage.told(runKey);
    expect(told).toMatchObject([
      { signal: 'event', argument: { messageId: 'b-200', name: 'bought', matches: [0] } },
      { signal: 'event', argument: { messageId: 'b-501', matches: [0, 1] } },
      { signal: 'event', argument: { messageId: 'c-1', name: 'called' } },
    ]);
    expect(Object.keys((told[2] as { argument: object }).argument).sort()).toEqual(['messageId', 'name', 'occurredAt']);
    expect(JSON.stringify(told)).not.toContain('amount');
  });

  it('that none holds make a reject, which tells the run nothing and can be read', async () => {
    const user = await stage.api.user();
    const run = await stage.enter(user, 'big_orders');
    for (const amount of [100, '500', null]) await buy(user, amount, `r-${String(amount)}`);
    await stage.event(user, 'bought', { message_id: 'r-none' });
    await stage.event(user, 'viewed');
    expect(await stage.told(run.runKey)).toEqual([]);
    const first = await rejects(run.id, '?limit=3');
    expect(first.data).toMatchObject([
      { message_id: 'r-none', event_name: 'bought' },
      { message_id: 'r-null' },
      { message_id: 'r-500' },
    ]);
    expect((await rejects(run.id, `?limit=3&cursor=${first.next_cursor ?? ''}`)).data).toMatchObject([
      { message_id: 'r-100' },
    ]);
    expect(await stage.api.get(`/api/runs/${crypto.randomUUID()}/rejects`)).toMatchObject({ status: 404 });
  });

  it('keep no event from a run that also asks for any of the name', async () => {
    const user = await stage.api.user();
    const run = await stage.enter(user, 'any_order');
    await buy(user, 1, 'any-1');
    expect(await stage.told(run.runKey)).toMatchObject([{ argument: { messageId: 'any-1' } }]);
    expect((await rejects(run.id)).data).toEqual([]);
  });

  it('are each for its own run: one event, told here and rejected there', async () => {
    const user = await stage.api.user();
    const [picky, open] = [await stage.enter(user, 'big_orders'), await stage.enter(user, 'any_order')];
    await buy(user, 50);
    expect(await stage.told(picky.runKey)).toEqual([]);
    expect(await stage.told(open.runKey)).toHaveLength(1);
  });

  it('do not concern the events of a virtual clock, nor other people', async () => {
    const [user, other] = [await stage.api.user(), await stage.api.user()];
    const run = await stage.enter(user, 'big_orders');
    await stage.event(user, 'bought', { properties: { amount: 900 }, clock_domain: 'spec' });
    await buy(other, 900);
    expect(await stage.told(run.runKey)).toEqual([]);
  });

  describe('of a goal or an exit', () => {
    const ask = (run: { runKey: string; userId: string; journeyKey: string; journeyVersion: number }) =>
      app.get(StepsService).run({
        run,
        step: {
          kind: 'message',
          id: 'hello',
          channel: 'email',
          template: 'hello',
          onRefusal: 'continue',
          next: 'done',
        },
        visit: 1,
        ask: 1,
        clock: { kind: 'real' },
      });
    const isEnding = async (runKey: string): Promise<boolean> =>
      (await stage.query('select from journey_entries where run_key = $1 and exit_requested_at is not null', runKey))
        .length > 0;

    it('refuse every message from the transaction of the event on', async () => {
      const user = await stage.api.user({ email: 'ada@example.org' });
      const run = await stage.enter(user, 'until_big');
      await buy(user, 100);
      expect(await isEnding(run.runKey)).toBe(false);
      await buy(user, 101);
      expect(await isEnding(run.runKey)).toBe(true);
      expect(await stage.told(run.runKey)).toMatchObject([{ argument: { matches: [0] } }]);
      expect(await ask(run)).toMatchObject({ kind: 'skip', reason: 'RUN_EXITED' });
    });

    it('do not end a run that was entered after the event', async () => {
      const user = await stage.api.user();
      const run = await stage.enter(user, 'until_big');
      await stage.event(user, 'bought', { properties: { amount: 900 }, timestamp: '2026-01-01T00:00:00Z' });
      expect(await isEnding(run.runKey)).toBe(false);
      expect(await stage.told(run.runKey)).toHaveLength(1);
    });

    it('need none: a plain goal refuses messages as a plain exit does', async () => {
      const user = await stage.api.user({ email: 'bob@example.org' });
      const run = await stage.enter(user, 'plain_goal');
      await buy(user, 1);
      expect(await ask(run)).toMatchObject({ kind: 'skip', reason: 'RUN_EXITED' });
    });
  });

  it('in batches of many people leave each with its own', async () => {
    const users = await Promise.all(Array.from({ length: 20 }, () => stage.api.user()));
    const runs = await Promise.all(users.map((user) => stage.enter(user, 'until_big')));
    const events = users.map((user_id, index) => ({
      user_id,
      event_name: 'bought',
      properties: { amount: index % 2 === 0 ? 900 : 1 },
    }));
    const batches = await Promise.all(
      [events, [...events].reverse()].map((each) => stage.api.post('/api/events', { events: each })),
    );
    expect(batches.map(({ status }) => status)).toEqual([202, 202]);
    for (const [index, { runKey, id }] of runs.entries()) {
      expect(await stage.told(runKey)).toHaveLength(index % 2 === 0 ? 2 : 0);
      expect((await rejects(id)).data).toHaveLength(index % 2 === 0 ? 0 : 2);
    }
  });

  describe('looked up for virtual time', () => {
    const at = (minute: number): string => new Date(Date.UTC(2026, 0, 1, 10, minute)).toISOString();
    let user: string;
    beforeAll(async () => {
      user = await stage.api.user();
      for (const [minute, name, amount] of [
        [1, 'bought', 700],
        [2, 'bought', 50],
        [3, 'viewed', 900],
        [4, 'bought', 200],
        [5, 'bought', 900],
        [6, 'called', 1],
      ] as const) {
        await stage.event(user, name, {
          properties: { amount },
          timestamp: at(minute),
          message_id: `${user}-${minute}`,
          clock_domain: minute === 4 ? 'spec' : 'real',
        });
      }
    });
    const find = (names: readonly string[], values: readonly number[], more: object = {}) =>
      app.get(EventsService).findFirst({
        userId: user,
        names,
        listeners: values.map((value, index) => ({ index, event: 'bought', where: amountOver(value) })),
        after: Date.parse(at(1)),
        until: Date.parse(at(9)),
        clockDomain: 'spec',
        ...more,
      });

    it('find the first that fits, and tell which conditions it meets', async () => {
      expect(await find([], [100, 500])).toEqual({
        messageId: `${user}-4`,
        name: 'bought',
        occurredAt: Date.parse(at(4)),
        matches: [0],
      });
      expect(await find([], [100, 500], { clockDomain: 'real' })).toMatchObject({
        messageId: `${user}-5`,
        matches: [0, 1],
      });
      expect(await find([], [1_000])).toBeNull();
      expect(await find([], [100], { until: Date.parse(at(3)) })).toBeNull();
    });

    it('take a name that always counts for what it is, with no match to tell', async () => {
      const found = await find(['called', 'bought'], [500]);
      expect(found).toEqual({ messageId: `${user}-2`, name: 'bought', occurredAt: Date.parse(at(2)) });
      expect(await find(['called'], [1_000])).toMatchObject({ name: 'called' });
    });

    it('look behind the first page, also where many happened at one instant', async () => {
      const many = await stage.api.user();
      const events = Array.from({ length: 450 }, (_, index) => ({
        user_id: many,
        event_name: 'bought',
        properties: { amount: index === 250 || index === 449 ? 900 : 1 },
        timestamp: at(Math.floor(index / 300)),
        message_id: `${many}-${String(index).padStart(3, '0')}`,
      }));
      expect((await stage.api.post('/api/events', { events })).status).toBe(202);
      const found = await find([], [500], { userId: many, after: Date.parse(at(0)) - 1 });
      expect(found).toMatchObject({ messageId: `${many}-250` });
    });
  });
});
