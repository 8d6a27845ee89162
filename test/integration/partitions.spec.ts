import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Database } from '../../src/platform/database/database.js';
import { PartitionKeeper } from '../../src/platform/database/partition-keeper.js';
import { createTestApp } from '../support/app.js';
import { clientOf, type Client } from '../support/client.js';

const MONTHS = 4;

describe('partitions', () => {
  let app: NestFastifyApplication;
  let api: Client;
  beforeAll(async () => {
    app = await createTestApp();
    api = clientOf(app);
  });
  afterAll(async () => {
    await app.get(Database).query({ text: 'select ensure_partitions(3)' });
    await app.close();
  });

  const partitionsOf = async (parent: string): Promise<string[]> => {
    const text = `select inhrelid::regclass::text as name from pg_inherits where inhparent = $1::regclass order by 1`;
    return (await app.get(Database).query<{ name: string }>({ text, values: [parent] })).map(({ name }) => name);
  };
  const dropAll = async (): Promise<void> => {
    const names = [...(await partitionsOf('events')), ...(await partitionsOf('decisions'))];
    if (names.length > 0) await app.get(Database).query({ text: `drop table ${names.join(', ')}` });
  };

  it('answer 503 where one is missing, until the start of an API or a worker has made it', async () => {
    const event = { user_id: await api.user(), event_name: 'bought', message_id: 'month' };
    await dropAll();
    const refused = await api.post('/api/events', event);
    expect(refused).toMatchObject({ status: 503, body: { code: 'UNAVAILABLE' } });
    expect(refused.headers['retry-after']).toBe('1');
    await app.get(PartitionKeeper).start();
    expect(await partitionsOf('events')).toHaveLength(MONTHS);
    expect(await partitionsOf('decisions')).toHaveLength(MONTHS);
    expect((await api.post('/api/events', event)).status).toBe(201);
  });

  it('are tried again soon when they could not be made', async () => {
    await dropAll();
    const database = app.get(Database);
    jest.spyOn(Logger.prototype, 'error').mockReturnValue();
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
    try {
      const query = jest.spyOn(database, 'query').mockRejectedValueOnce(new Error('not now'));
      const keeper = new PartitionKeeper(database);
      await keeper.start();
      expect(query).toHaveBeenCalledTimes(1);
      await jest.advanceTimersByTimeAsync(60_000);
      expect(query).toHaveBeenCalledTimes(2);
      await query.mock.results[1]?.value;
      keeper.beforeApplicationShutdown();
      query.mockRestore();
    } finally {
      jest.useRealTimers();
    }
    expect(await partitionsOf('events')).toHaveLength(MONTHS);
  });
});
