import { openEventStage, TOLD_MS_MAX, type EventStage, type EventView } from '../support/event-stage.js';
import { until } from '../support/until.js';

const areDelivered = (events: readonly EventView[]): boolean => events.every(({ state }) => state === 'delivered');
const haveFailed = (events: readonly EventView[]): boolean => events.every(({ because }) => because !== null);

describe('a subscriber that takes nothing', () => {
  let stage: EventStage;
  let user: string;
  beforeAll(async () => {
    stage = await openEventStage({ EVENT_STREAM_PAUSE_AFTER_HOURS: '48' });
    user = await stage.api.user();
  });
  afterAll(() => stage.close());
  afterEach(() => stage.query('delete from event_subscriptions'));

  /** As if it had failed for so long, and so often. */
  async function failedBefore(key: string, hours: number, attempts: number): Promise<void> {
    await stage.query(
      `update event_subscriptions set failing_since = clock_timestamp() - make_interval(hours => $2),
        failed_attempts = $3 where key = $1`,
      ...[key, hours, attempts],
    );
  }
  async function subscribed(key: string, status: number) {
    const subscriber = await stage.subscribe(key, ['consent.*']);
    subscriber.receiver.answerWith(status);
    return subscriber;
  }
  const failures = async (key: string): Promise<number> =>
    (await stage.query<{ n: number }>('select failed_attempts as n from event_subscriptions where key = $1', key))[0]
      ?.n ?? 0;
  const isPaused = (key: string) => async (): Promise<boolean> => (await stage.find(key)).state === 'paused';
  const failed = (key: string, count: number): Promise<void> =>
    until(
      async () => (await failures(key)) >= count,
      TOLD_MS_MAX,
      () => `${key} has not failed ${count} times`,
    );
  const audited = (): Promise<readonly { readonly subject: string }[]> =>
    stage.query(`select principal, subject, detail from audit_log where action = 'event_subscription.pause'`);

  it('for long enough is paused, with the reason, by nobody; what it is owed waits, and comes when it is made active', async () => {
    const subscriber = await subscribed('dead', 500);
    await stage.consent(user, { purpose: 'first' });
    await failed('dead', 1);
    const { failing_since } = await stage.find('dead');
    expect(Math.abs(Date.now() - Date.parse(failing_since ?? ''))).toBeLessThan(TOLD_MS_MAX);
    await failedBefore('dead', 48, 19);
    await stage.dueNow('dead');
    await until(isPaused('dead'), TOLD_MS_MAX, () => 'still active');
    expect(await stage.find('dead')).toMatchObject({ state: 'paused', reason: 'failing' });
    expect((await audited()).filter(({ subject }) => subject === 'dead')).toEqual([
      { principal: 'system', subject: 'dead', detail: { reason: 'failing', failing_since: expect.any(String) } },
    ]);
    await stage.consent(user, { purpose: 'second' });
    subscriber.receiver.answerWith(200);
    await stage.patch('dead', { state: 'active' });
    expect(await stage.find('dead')).toMatchObject({ state: 'active', reason: null, failing_since: null });
    await stage.dueNow('dead');
    await stage.settled('dead', (events) => events.length === 2 && areDelivered(events));
    // It begins anew: nothing that failed before counts.
    expect(await failures('dead')).toBe(0);
  });

  it.each<[string, number, number]>([
    ['not_long', 47, 400],
    ['not_often', 400, 17],
  ])('is left alone while it is %s', async (key, hours, attempts) => {
    await subscribed(key, 503);
    await failedBefore(key, hours, attempts);
    await stage.consent(user);
    await failed(key, attempts + 1);
    // Of one that is paused nothing is tried again.
    await stage.settled(key, haveFailed);
    await stage.dueNow(key);
    await failed(key, attempts + 2);
    expect(await stage.find(key)).toMatchObject({ state: 'active', reason: null });
  });

  it('but now and then is not paused: one success and all that failed is forgotten', async () => {
    const subscriber = await subscribed('now_and_then', 200);
    await failedBefore('now_and_then', 400, 400);
    await stage.consent(user);
    await stage.settled('now_and_then', areDelivered);
    await until(
      async () => (await stage.find('now_and_then')).failing_since === null,
      TOLD_MS_MAX,
      () => 'still failing',
    );
    subscriber.receiver.answerWith(500);
    await stage.consent(user, { purpose: 'next' });
    await failed('now_and_then', 1);
    expect(await stage.find('now_and_then')).toMatchObject({ state: 'active' });
    expect(await failures('now_and_then')).toBe(1);
  });

  it('is given time at a new address', async () => {
    const other = await subscribed('other', 500);
    const subscriber = await subscribed('moved', 500);
    await failedBefore('moved', 400, 400);
    await stage.patch('moved', { name: 'renamed' });
    expect(await failures('moved')).toBe(400);
    await stage.patch('moved', { endpoint: 'other' });
    expect(await failures('moved')).toBe(0);
    expect(await stage.find('moved')).toMatchObject({ state: 'active', failing_since: null });
    await stage.consent(user);
    await stage.arrived(other, 1);
    expect(subscriber.receiver.received).toEqual([]);
  });

  it('because an operator paused it keeps the reason that it has: none', async () => {
    await subscribed('held', 500);
    await failedBefore('held', 400, 400);
    await stage.patch('held', { state: 'paused' });
    await stage.consent(user);
    await stage.dueNow('held');
    expect(await stage.find('held')).toMatchObject({ state: 'paused', reason: null });
  });
});
