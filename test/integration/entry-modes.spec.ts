import { jest } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { EnrolmentView } from '../../src/modules/journeys/entry/enrolment.dto.js';
import { OutboxDispatcher } from '../../src/modules/journeys/outbox/outbox.dispatcher.js';
import { Database } from '../../src/platform/database/database.js';
import { createTestApp } from '../support/app.js';
import { clientOf, type Answer, type Client } from '../support/client.js';

const CLOSE_MS_MAX = 120_000;
const steps = [{ kind: 'end', id: 'done' }];
type Mode = 'once' | 'after_exit' | 'parallel';
/** Entry keys as they come; null: none. A run that ends does so before the next comes, the later the longer ago. */
interface Past {
  readonly keys: readonly (string | null)[];
  readonly ended: readonly number[];
}

describe('a journey whose entry changes from version to version', () => {
  let app: NestFastifyApplication;
  let api: Client;
  let journeys = 0;
  beforeAll(async () => {
    app = await createTestApp({ OUTBOX_POLL_MS: '60000' });
    api = clientOf(app);
    jest.spyOn(app.get(OutboxDispatcher), 'kick').mockReturnValue();
  });
  afterAll(() => app.close(), CLOSE_MS_MAX);

  async function publish(key: string, entry: object, isNew: boolean): Promise<void> {
    const body = { key, name: key, entry, steps };
    const url = '/api/journeys/templates';
    expect((await (isNew ? api.post(url, body) : api.put(`${url}/${key}`, body))).status).toBeLessThan(300);
    expect((await api.post(`${url}/${key}/publish`, {})).status).toBe(200);
  }
  const enrol = (userId: string, journey: string, key: string | null, more: object = {}): Promise<Answer> =>
    api.post(`/api/journeys/${userId}/enroll`, { journey, ...(key === null ? {} : { entry_key: key }), ...more });
  const suffix = ({ body }: Answer): string => (body as EnrolmentView).run_key.split(':').slice(2).join(':');
  const end = (runKey: string, agoSeconds: number): Promise<unknown> =>
    app.get(Database).query({
      text: `update journey_entries set ended_at = date_trunc('milliseconds', clock_timestamp()) - make_interval(secs => $2)
        where run_key = $1`,
      values: [runKey, agoSeconds],
    });

  it.each<[Mode, Past, Mode, string | null, object]>([
    ['after_exit', { keys: [null], ended: [] }, 'once', null, { status: 200, run: '~1' }],
    ['after_exit', { keys: [null], ended: [0] }, 'once', null, { status: 200, run: '~1' }],
    ['parallel', { keys: ['order-7'], ended: [] }, 'once', null, { status: 200, run: 'order-7' }],
    ['parallel', { keys: ['order-7'], ended: [0] }, 'once', null, { status: 200, run: 'order-7' }],
    ['parallel', { keys: ['order-7'], ended: [] }, 'once', 'order-8', { status: 200, run: 'order-7' }],
    // Of several, the run that goes on is named; where none does, the one that ended last.
    ['parallel', { keys: ['order-7', 'order-8'], ended: [1] }, 'once', null, { status: 200, run: 'order-7' }],
    ['parallel', { keys: ['order-7', 'order-8'], ended: [0, 1] }, 'once', null, { status: 200, run: 'order-7' }],
    ['once', { keys: [null], ended: [] }, 'once', null, { status: 200, run: 'once' }],
    ['once', { keys: [null], ended: [0] }, 'once', null, { status: 200, run: 'once' }],
    ['once', { keys: [null], ended: [] }, 'after_exit', null, { status: 200, run: 'once' }],
    ['once', { keys: [null], ended: [0] }, 'after_exit', null, { status: 201, run: '~1' }],
    ['parallel', { keys: ['order-7'], ended: [] }, 'after_exit', null, { status: 200, run: 'order-7' }],
    ['parallel', { keys: ['order-7', 'order-8'], ended: [1] }, 'after_exit', null, { status: 200, run: 'order-7' }],
    ['parallel', { keys: ['order-7', 'order-8'], ended: [0, 1] }, 'after_exit', null, { status: 201, run: '~1' }],
    // Parallel runs are told apart by their keys alone, and so from those that had none.
    ['after_exit', { keys: [null], ended: [] }, 'parallel', 'order-7', { status: 201, run: 'order-7' }],
    ['once', { keys: [null], ended: [] }, 'parallel', 'order-7', { status: 201, run: 'order-7' }],
    ['parallel', { keys: ['order-7'], ended: [0] }, 'parallel', 'order-7', { status: 200, run: 'order-7' }],
  ])('%s with %j, then %s with the key %s', async (before, { keys, ended }, after, key, answer) => {
    journeys += 1;
    const journey = `changed_${journeys}`;
    await publish(journey, { mode: before }, true);
    const userId = await api.user();
    for (const each of keys) expect((await enrol(userId, journey, each)).status).toBe(201);
    for (const place of ended) {
      const { run } = { run: before === 'parallel' ? keys[place] : before === 'once' ? 'once' : `~${place + 1}` };
      await end(`${journey}:${userId}:${run}`, 10 * (place + 1));
    }
    await publish(journey, { mode: after, cool_down: undefined }, false);
    const entered = await enrol(userId, journey, key);
    expect({ status: entered.status, run: suffix(entered) }).toEqual(answer);
    expect((entered.body as EnrolmentView).is_new).toBe(entered.status === 201);
  });

  it('counts a cool-down from the run that ended last, not from the one that was entered last', async () => {
    await publish('cooled', { mode: 'parallel' }, true);
    const userId = await api.user();
    for (const key of ['order-7', 'order-8']) await enrol(userId, 'cooled', key);
    await end(`cooled:${userId}:order-7`, 60);
    await end(`cooled:${userId}:order-8`, 7_200);
    await publish('cooled', { mode: 'after_exit', cool_down: 'PT1H' }, false);
    expect(await enrol(userId, 'cooled', null)).toMatchObject({ status: 409, body: { code: 'COOL_DOWN' } });
  });

  it('is once in each clock: virtual time does not stand in the way of real time', async () => {
    await publish('both', { mode: 'after_exit' }, true);
    const userId = await api.user();
    expect((await enrol(userId, 'both', null, { clock_domain: 'spec' })).status).toBe(201);
    await publish('both', { mode: 'once' }, false);
    expect((await enrol(userId, 'both', null)).status).toBe(201);
  });
});
