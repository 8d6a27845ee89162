import { Socket } from 'node:net';
import { jest } from '@jest/globals';
import { Database, type Transaction } from '../../src/platform/database/database.js';
import { isUnavailable } from '../../src/platform/http/unavailable.js';
import { until } from '../support/until.js';

const WAIT_MS_MAX = 4_000;

describe('the database', () => {
  let database: Database;
  beforeAll(async () => {
    database = new Database({ url: process.env['DATABASE_URL'] ?? '', poolMax: 4 });
    await database.query({ text: 'create table if not exists spec_rows (id int primary key, n int not null)' });
    await database.query({ text: 'truncate spec_rows' });
    await database.query({ text: 'insert into spec_rows values (1, 0), (2, 0)' });
  });
  afterAll(async () => {
    await database.query({ text: 'drop table spec_rows' });
    await database.onApplicationShutdown();
  });

  const add = (transaction: Transaction, id: number) =>
    transaction.query({ text: 'update spec_rows set n = n + 1 where id = $1', values: [id] });
  const total = async (): Promise<number> => {
    const [row] = await database.query<{ n: number }>({ text: 'select sum(n)::int as n from spec_rows' });
    return row?.n ?? 0;
  };
  const raise = (code: string) => ({ text: `do $$ begin raise exception using errcode = '${code}'; end $$` });

  it('waits 5 s for a lock and 10 s for the next word in a transaction, and keeps connections alive', async () => {
    const keepAlive = jest.spyOn(Socket.prototype, 'setKeepAlive');
    const other = new Database({ url: process.env['DATABASE_URL'] ?? '', poolMax: 1 });
    try {
      const settings = `select current_setting('lock_timeout') as lock,
        current_setting('idle_in_transaction_session_timeout') as idle`;
      expect(await other.query({ text: settings })).toEqual([{ lock: '5s', idle: '10s' }]);
      expect(keepAlive.mock.calls.map(([isOn]) => isOn)).toEqual([true]);
    } finally {
      keepAlive.mockRestore();
      await other.onApplicationShutdown();
    }
  });

  it('repeats the work of a transaction that a deadlock ended', async () => {
    const before = await total();
    const bothHold = Promise.withResolvers<void>();
    let holders = 0;
    let attempts = 0;
    const work = (first: number, second: number) => async (transaction: Transaction) => {
      attempts += 1;
      await add(transaction, first);
      holders += 1;
      if (holders === 2) bothHold.resolve();
      await bothHold.promise;
      await add(transaction, second);
      return `${first} then ${second}`;
    };
    const done = await Promise.all([database.transaction(work(1, 2)), database.transaction(work(2, 1))]);
    expect(done).toEqual(['1 then 2', '2 then 1']);
    // Who lost may be quicker than who won, and lose again.
    expect(attempts).toBeGreaterThanOrEqual(3);
    expect(await total()).toBe(before + 4);
  });

  it('repeats the work of a transaction that could not be serialised', async () => {
    const before = await total();
    let attempts = 0;
    await database.transaction(async (transaction) => {
      attempts += 1;
      await transaction.query({ text: 'set transaction isolation level repeatable read' });
      await transaction.query({ text: 'select from spec_rows' });
      if (attempts === 1) await database.query({ text: 'update spec_rows set n = n + 1 where id = 1' });
      await add(transaction, 1);
    });
    expect(attempts).toBe(2);
    expect(await total()).toBe(before + 2);
  });

  it.each([
    ['a deadlock, three times', '40P01', 4],
    ['a serialisation failure, three times', '40001', 4],
    ['no other failure', '23505', 1],
    ['no lock that did not come free', '55P03', 1],
  ])('repeats %s', async (_what, code, attemptsMax) => {
    const before = await total();
    let attempts = 0;
    const failing = database.transaction(async (transaction) => {
      attempts += 1;
      await add(transaction, 1);
      await transaction.query(raise(code));
    });
    await expect(failing).rejects.toMatchObject({ code });
    expect(attempts).toBe(attemptsMax);
    expect(await total()).toBe(before);
  });

  it('outlives a connection that the server closes while a transaction idles', async () => {
    const before = await total();
    const failing = database.transaction(async (transaction) => {
      await add(transaction, 1);
      await transaction.query({ text: `set local idle_in_transaction_session_timeout = '20ms'` });
      const [own] = await transaction.query<{ pid: number }>({ text: 'select pg_backend_pid() as pid' });
      const text = 'select from pg_stat_activity where pid = $1';
      const isGone = async () => (await database.query({ text, values: [own?.pid] })).length === 0;
      await until(isGone, WAIT_MS_MAX, () => 'the session ends');
      await add(transaction, 1);
    });
    const error: unknown = await failing.then(() => null).catch((reason: unknown) => reason);
    expect([error, isUnavailable(error)]).toEqual([expect.any(Error), true]);
    expect(await total()).toBe(before);
  });
});
