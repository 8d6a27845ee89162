import { jest } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { TriggerRefusalView } from '../../src/modules/journeys/entry/triggers.dto.js';
import { OutboxRepository } from '../../src/modules/journeys/index.js';
import { OutboxDelivery } from '../../src/modules/journeys/outbox/outbox.delivery.js';
import type { OutboxMessage } from '../../src/modules/journeys/outbox/outbox.repository.js';
import { OutboxDispatcher } from '../../src/modules/journeys/outbox/outbox.dispatcher.js';
import { Database } from '../../src/platform/database/database.js';
import { createTestApp } from '../support/app.js';
import { clientOf, type Client } from '../support/client.js';

const CLOSE_MS_MAX = 120_000;
const steps = [{ kind: 'end', id: 'done' }];
const amountOver = (value: number) => ({ kind: 'greater_than', attribute: 'amount', value });

describe('journeys that people enter by what they do', () => {
  let app: NestFastifyApplication;
  let api: Client;
  // The spec delivers the outbox itself; nobody starts the runs.
  beforeAll(async () => {
    app = await createTestApp({ OUTBOX_POLL_MS: '60000' });
    api = clientOf(app);
    jest.spyOn(app.get(OutboxDispatcher), 'kick').mockReturnValue();
  });
  afterAll(() => app.close(), CLOSE_MS_MAX);
  beforeEach(() => query('delete from outbox'));

  const query = <Row extends object>(text: string, ...values: unknown[]): Promise<readonly Row[]> =>
    app.get(Database).query<Row>({ text, values });

  async function publish(
    key: string,
    triggers: readonly object[],
    entry: object = { mode: 'once' },
    more: object = {},
  ): Promise<void> {
    const body = { key, name: key, entry, triggers, steps, ...more };
    const known = await api.get(`/api/journeys/templates/${key}`);
    const url = '/api/journeys/templates';
    const stored = known.status === 404 ? await api.post(url, body) : await api.put(`${url}/${key}`, body);
    expect([stored.status < 300, stored.body]).toMatchObject([true, expect.anything()]);
    expect((await api.post(`/api/journeys/templates/${key}/publish`, {})).status).toBe(200);
  }
  const happen = (userId: string, name: string, more: object = {}) =>
    api.post('/api/events', { user_id: userId, event_name: name, ...more });
  /** What a dispatcher would take now, as often as it is asked for. */
  async function waiting(): Promise<readonly OutboxMessage[]> {
    await query(
      `update outbox set available_at = date_trunc('milliseconds', clock_timestamp()) where kind = 'enter_journey'`,
    );
    const messages = await app.get(OutboxRepository).lease(1_000);
    return messages.filter(({ kind }) => kind === 'enter_journey');
  }
  async function deliver(): Promise<void> {
    await Promise.all((await waiting()).map((message) => app.get(OutboxDelivery).deliver(message)));
  }
  const entriesOf = async (userId: string, journey: string): Promise<readonly string[]> => {
    const rows = await query<{ key: string }>(
      `select entry_key as key from journey_entries entry join journeys journey on journey.id = entry.journey_id
        where user_id = $1 and journey.key = $2 order by 1`,
      userId,
      journey,
    );
    return rows.map(({ key }) => key);
  };
  async function refusals(journey: string): Promise<readonly TriggerRefusalView[]> {
    const answer = await api.get(`/api/journeys/templates/${journey}/trigger-refusals`);
    return (answer.body as { data: readonly TriggerRefusalView[] }).data;
  }

  it('lets in whom the event happened to, by name and condition, into the version that is current', async () => {
    await publish('big_buyers', [{ kind: 'event', event: 'bought', where: amountOver(100) }]);
    const [small, big] = [await api.user(), await api.user()];
    await happen(small, 'bought', { properties: { amount: 5 } });
    await happen(big, 'bought', { properties: { amount: 500 } });
    await happen(small, 'looked', { properties: { amount: 500 } });
    expect(await waiting()).toMatchObject([{ payload: { journeyKey: 'big_buyers', userId: big } }]);
    await deliver();
    expect([await entriesOf(small, 'big_buyers'), await entriesOf(big, 'big_buyers')]).toEqual([[], ['once']]);
    await publish('big_buyers', [{ kind: 'event', event: 'bought', where: amountOver(1) }]);
    await happen(small, 'bought', { properties: { amount: 5 } });
    await deliver();
    expect(await entriesOf(small, 'big_buyers')).toEqual(['once']);
    const runs = await query('select version from journey_runs where user_id = $1', small);
    expect(runs).toEqual([{ version: 2 }]);
    await publish('big_buyers', []);
    await happen(await api.user(), 'bought', { properties: { amount: 500 } });
    expect(await waiting()).toEqual([]);
  });

  it('says nothing of journeys that are drafts, and one word for a journey, however many triggers the event meets', async () => {
    const triggers = [
      { kind: 'event', event: 'came' },
      { kind: 'event', event: 'came' },
    ];
    await api.post('/api/journeys/templates', { key: 'only_draft', name: 'draft', triggers, steps });
    await publish('greets', triggers);
    await happen(await api.user(), 'came');
    expect(await waiting()).toMatchObject([{ payload: { journeyKey: 'greets' } }]);
  });

  it('has no effect twice: neither the same message id nor a delivery that is repeated', async () => {
    await publish('again_and_again', [{ kind: 'event', event: 'knocked' }], { mode: 'after_exit' });
    const user = await api.user();
    await happen(user, 'knocked', { message_id: 'knock-1' });
    const [message] = await waiting();
    if (message === undefined) throw new Error('nothing waits');
    await Promise.all(Array.from({ length: 5 }, () => app.get(OutboxDelivery).deliver(message)));
    await query(
      `update journey_entries set ended_at = date_trunc('milliseconds', clock_timestamp()) where user_id = $1`,
      user,
    );
    await app.get(OutboxDelivery).deliver(message);
    await happen(user, 'knocked', { message_id: 'knock-1' });
    await deliver();
    expect(await entriesOf(user, 'again_and_again')).toEqual(['~1']);
    await happen(user, 'knocked', { message_id: 'knock-2' });
    await deliver();
    expect(await entriesOf(user, 'again_and_again')).toEqual(['~1', '~2']);
  });

  it('two identical triggers at the same time, 100 times: one run each', async () => {
    await publish('herd', [{ kind: 'event', event: 'rushed' }]);
    await publish('herd_again', [{ kind: 'event', event: 'rushed' }], { mode: 'after_exit' });
    const users = await Promise.all(Array.from({ length: 100 }, () => api.user()));
    await Promise.all(users.flatMap((user) => [happen(user, 'rushed'), happen(user, 'rushed')]));
    await deliver();
    const rows = await query(
      `select user_id from journey_entries entry join journeys journey on journey.id = entry.journey_id
        where journey.key in ('herd', 'herd_again')`,
    );
    expect(rows).toHaveLength(200);
    for (const user of users) expect(await entriesOf(user, 'herd')).toEqual(['once']);
  }, 120_000);

  it('tells the runs of a parallel journey apart by a property or the message id, whatever it holds', async () => {
    const byOrder = { kind: 'event', event: 'ordered', entry_key: { property: 'order_id' } };
    await publish('by_order', [byOrder], { mode: 'parallel' });
    await publish('by_message', [{ kind: 'event', event: 'ordered' }], { mode: 'parallel' });
    const user = await api.user();
    for (const [order, id] of [
      ['o-1', 'm-1'],
      ['o-1', 'm-2'],
      ['o 2/ü', 'm-3'],
    ]) {
      await happen(user, 'ordered', { message_id: id, properties: { order_id: order } });
    }
    await happen(user, 'ordered', { message_id: 'm-4' });
    await deliver();
    const byOrders = await entriesOf(user, 'by_order');
    expect(byOrders).toHaveLength(2);
    expect(byOrders).toContain('o-1');
    expect(byOrders.find((key) => key !== 'o-1')).toMatch(/^[0-9a-f]{64}$/);
    expect(await entriesOf(user, 'by_message')).toEqual(['m-1', 'm-2', 'm-3', 'm-4']);
    expect(await refusals('by_order')).toMatchObject([{ code: 'ENTRY_KEY_MISSING', message_id: 'm-4', user_id: user }]);
  });

  it('notes why somebody was not let in, and forgets it with the person', async () => {
    await publish('cools', [{ kind: 'event', event: 'hot' }], { mode: 'after_exit', cool_down: 'PT1H' });
    const user = await api.user();
    await happen(user, 'hot');
    await deliver();
    await happen(user, 'hot');
    await deliver();
    expect(await refusals('cools')).toEqual([]);
    await query(
      `update journey_entries set ended_at = date_trunc('milliseconds', clock_timestamp()) where user_id = $1`,
      user,
    );
    await happen(user, 'hot', { message_id: 'too-soon' });
    await deliver();
    expect(await refusals('cools')).toMatchObject([{ code: 'COOL_DOWN', event_name: 'hot', message_id: 'too-soon' }]);
    await query(`update journeys set status = 'paused' where key = 'cools'`);
    await happen(user, 'hot', { message_id: 'paused' });
    await deliver();
    expect((await refusals('cools'))[0]).toMatchObject({ code: 'JOURNEY_PAUSED', message_id: 'paused' });
    expect((await api.remove(`/api/users/${user}`)).status).toBe(204);
    expect(await refusals('cools')).toEqual([]);
  });

  it('lets nobody in whom an exit or a goal has followed already, in the same batch or before the entry was made', async () => {
    const more = {
      exit: { events: ['gave_up'] },
      goal: { events: [{ event: 'paid', where: amountOver(10) }] },
    };
    await publish('too_late', [{ kind: 'event', event: 'filled_cart' }], { mode: 'once' }, more);
    const [gone, paid, littlePaid, before] = await Promise.all([api.user(), api.user(), api.user(), api.user()]);
    const at = (minute: number) => ({ timestamp: `2026-03-01T10:0${minute}:00Z` });
    await happen(before, 'gave_up', at(0));
    for (const user of [gone, paid, littlePaid, before]) await happen(user, 'filled_cart', at(1));
    await happen(gone, 'gave_up', at(2));
    await happen(paid, 'paid', { ...at(2), properties: { amount: 50 } });
    await happen(littlePaid, 'paid', { ...at(2), properties: { amount: 5 } });
    await deliver();
    const inside = await Promise.all([gone, paid, littlePaid, before].map((user) => entriesOf(user, 'too_late')));
    expect(inside).toEqual([[], [], ['once'], ['once']]);
    expect((await refusals('too_late')).map(({ code }) => code)).toEqual(['ENDED_ALREADY', 'ENDED_ALREADY']);
  });

  it('lets virtual events in to their own time, where nobody else is', async () => {
    await publish('tried', [{ kind: 'event', event: 'dreamt' }]);
    const user = await api.user();
    await happen(user, 'dreamt', { clock_domain: 'dream' });
    await deliver();
    const entries = await query('select clock_domain as domain from journey_entries where user_id = $1', user);
    expect(entries).toEqual([{ domain: 'dream' }]);
  });

  it('refuses triggers that make no sense, with the place', async () => {
    const body = { key: 'odd', name: 'odd', steps, triggers: [{ kind: 'event', event: 'x', entry_key: 'message_id' }] };
    expect(await api.post('/api/journeys/templates', body)).toMatchObject({
      status: 400,
      body: { code: 'JOURNEY_INVALID', errors: [{ path: 'triggers[0].entry_key', code: 'bad_trigger' }] },
    });
  });

  it('costs events that trigger nothing no statement more', async () => {
    const user = await api.user();
    const database = app.get(Database);
    const counted = jest.spyOn(database, 'transaction');
    const statements: string[] = [];
    counted.mockImplementation(async (work) => {
      counted.mockRestore();
      return database.transaction((transaction) =>
        work({
          ...transaction,
          query: (statement) => {
            statements.push(statement.name ?? '');
            return transaction.query(statement);
          },
        }),
      );
    });
    await happen(user, 'nothing_at_all');
    expect(statements.filter((name) => name !== '')).not.toContain('triggers_enter');
    expect(statements.filter((name) => name.startsWith('run_signals'))).toHaveLength(1);
  });
});
