import type { EnrolmentView } from '../../src/modules/journeys/entry/enrolment.dto.js';
import type { RunView } from '../../src/modules/journeys/runs/runs.dto.js';
import { startTactful, until, type Tactful } from '../support/tactful.js';
import { isSignedBy, startReceiver, type Receiver } from '../support/webhook-receiver.js';

const MINUTE_MS = 60_000;
const end = (id: string) => ({ kind: 'end', id, reason: id });
const amountOver = (value: number) => ({ kind: 'greater_than', attribute: 'amount', value });

describe('steps that send no message, from REST to what they leave', () => {
  let tactful: Tactful;
  let receiver: Receiver;
  beforeAll(async () => {
    receiver = await startReceiver();
    tactful = await startTactful();
  }, 3 * MINUTE_MS);
  afterAll(async () => {
    await tactful.stop();
    await receiver.stop();
  }, 3 * MINUTE_MS);

  async function publish(key: string, journey: object): Promise<void> {
    await tactful.post('/api/journeys/templates', { key, name: key, ...journey });
    await tactful.post(`/api/journeys/templates/${key}/publish`, {});
  }
  const person = async (profile: object = {}): Promise<string> =>
    (await tactful.post<{ id: string }>('/api/users', { email: 'ada@example.org', ...profile })).id;
  const enrol = (userId: string, journey: string): Promise<EnrolmentView> =>
    tactful.post<EnrolmentView>(`/api/journeys/${userId}/enroll`, { journey });
  const reached = (id: string, isSo: (run: RunView) => boolean): Promise<RunView> =>
    until(() => tactful.get<RunView>(`/api/runs/${id}`), isSo);
  const ended = (id: string): Promise<RunView> => reached(id, ({ ended_at }) => ended_at !== null);
  const buy = (userId: string, amount: number): Promise<unknown> =>
    tactful.post('/api/events', { user_id: userId, event_name: 'bought', properties: { amount } });

  it('asks an endpoint, goes by its answer, changes the profile, starts a journey and notes the goal', async () => {
    const { secret } = await tactful.post<{ secret: string }>('/api/webhook-endpoints', {
      key: 'shop',
      name: 'shop',
      url: receiver.url(),
    });
    receiver.answerWith(200, { stock: 4 });
    await publish('after_sale', { steps: [end('thanked')] });
    await publish('sale', {
      steps: [
        { kind: 'webhook', id: 'ask_shop', endpoint: 'shop', data: { sku: 'A1' } },
        {
          kind: 'branch',
          id: 'stocked',
          branches: [
            { condition: { kind: 'outcome', step: 'ask_shop', is: 'skipped' }, next: 'none' },
            { condition: { kind: 'greater_than', attribute: 'run.responses.ask_shop.stock', value: 3 }, next: 'mark' },
          ],
          else: 'none',
        },
        { kind: 'update_user', id: 'mark', set: { 'attributes.offered': true } },
        { kind: 'start_journey', id: 'start', journey: 'after_sale' },
        { kind: 'goal', id: 'goal', goal: 'offered', next: 'some' },
        end('none'),
        end('some'),
      ],
    });
    const user = await person();
    const run = await enrol(user, 'sale');
    expect(await ended(run.id)).toMatchObject({ state: 'completed', reason: 'some' });
    const [hook] = receiver.received;
    expect(hook !== undefined && (await isSignedBy(secret, hook))).toBe(true);
    expect(JSON.parse(hook?.body ?? '')).toMatchObject({ data: { sku: 'A1', user_id: user, run_id: run.id } });
    expect(await tactful.get(`/api/users/${user}`)).toMatchObject({ attributes: { offered: true } });
    const runs = await tactful.get<{ data: RunView[] }>(`/api/runs?user_id=${user}`);
    expect(runs.data.map(({ journey }) => journey).sort()).toEqual(['after_sale', 'sale']);
    expect((await ended(run.id)).goals).toMatchObject([{ goal: 'offered' }]);
  });

  it('comes back to an endpoint that was away', async () => {
    await publish('patient', {
      steps: [
        { kind: 'webhook', id: 'ask', endpoint: 'shop', next: 'told', on_failure: 'lost' },
        end('told'),
        end('lost'),
      ],
    });
    receiver.received.length = 0;
    receiver.answerWith(503);
    const { id } = await enrol(await person(), 'patient');
    await until(
      () => Promise.resolve(receiver.received.length),
      (count) => count > 0,
    );
    receiver.answerWith(204);
    expect(await ended(id)).toMatchObject({ reason: 'told' });
    expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
  });

  it('leaves an endpoint that stays away as soon as an exit event happens', async () => {
    await publish('impatient', {
      exit: { events: ['left'] },
      steps: [{ kind: 'webhook', id: 'ask', endpoint: 'shop' }, end('told')],
    });
    receiver.answerWith(503, undefined, { 'retry-after': '3600' });
    const user = await person();
    const { id } = await enrol(user, 'impatient');
    expect((await reached(id, ({ state }) => state === 'waiting')).waits_for).toBe(
      'ask: not possible yet, tries again',
    );
    // It would try again in an hour: the time-out of this test is far below.
    await tactful.post('/api/events', { user_id: user, event_name: 'left' });
    expect(await ended(id)).toMatchObject({ state: 'exited', reason: 'exit_event:left' });
  });

  it('waits for events of a kind, rejects others, and lets a goal under a condition end the wait', async () => {
    await publish('orders', {
      goal: { events: [{ event: 'bought', where: amountOver(500) }] },
      steps: [
        {
          kind: 'wait_for',
          id: 'order',
          events: [{ event: 'bought', where: amountOver(100), next: 'big' }],
          timeout: 'P30D',
          on_timeout: 'quiet',
        },
        end('big'),
        end('quiet'),
      ],
    });
    const users = await Promise.all([person(), person()]);
    const runs = await Promise.all(users.map((user) => enrol(user, 'orders')));
    for (const { id } of runs) await reached(id, ({ state }) => state === 'waiting');
    const [first = '', second = ''] = users;
    await buy(first, 50);
    await buy(first, 101);
    await buy(second, 900);
    expect(await ended(runs[0]?.id ?? '')).toMatchObject({ state: 'completed', reason: 'big' });
    expect(await ended(runs[1]?.id ?? '')).toMatchObject({ state: 'completed', reason: 'goal:bought' });
    const rejects = await tactful.get<{ data: object[] }>(`/api/runs/${runs[0]?.id}/rejects`);
    expect(rejects.data).toMatchObject([{ event_name: 'bought' }]);
  });
});
