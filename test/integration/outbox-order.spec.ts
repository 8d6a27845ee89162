import { jest } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { OutboxDelivery } from '../../src/modules/journeys/outbox/outbox.delivery.js';
import { OutboxDispatcher } from '../../src/modules/journeys/outbox/outbox.dispatcher.js';
import { OutboxRepository, type OutboxMessage } from '../../src/modules/journeys/outbox/outbox.repository.js';
import { Stopwatch } from '../../src/platform/clock/stopwatch.js';
import { Database } from '../../src/platform/database/database.js';
import { createTestApp } from '../support/app.js';
import { until } from '../support/until.js';

const CLOSE_MS_MAX = 120_000;
const NEVER_MS = 60_000;
const WAIT_MS_MAX = 10_000;
const TEN_OCLOCK = Date.UTC(2026, 5, 1, 10);

describe('the order of one run in the outbox', () => {
  let app: NestFastifyApplication;
  let outbox: OutboxRepository;
  let dispatchers: OutboxDispatcher[];
  /** What was delivered, in the order in which each delivery ended. */
  let delivered: string[];
  let inFlight: Record<string, number>;
  let inFlightMax: number;
  /** Until then some deliveries hang. */
  let isFree: boolean;
  beforeAll(async () => {
    app = await createTestApp({ OUTBOX_POLL_MS: String(NEVER_MS) });
    outbox = app.get(OutboxRepository);
  });
  afterAll(() => app.close(), CLOSE_MS_MAX);
  beforeEach(async () => {
    await query('delete from outbox');
    [dispatchers, delivered, inFlight, inFlightMax, isFree] = [[], [], {}, 0, false];
  });
  afterEach(async () => {
    isFree = true;
    await Promise.all(dispatchers.map((each) => each.beforeApplicationShutdown()));
  });

  const query = <Row extends object>(text: string, ...values: unknown[]): Promise<readonly Row[]> =>
    app.get(Database).query<Row>({ text, values });

  /** One statement, as all events of one request are; each event is `<name>@<seconds after ten>`. */
  async function tell(runKey: string, ...events: readonly string[]): Promise<void> {
    const payloads = events.map((event) => {
      const [name, seconds] = event.split('@');
      const argument = { messageId: `${runKey}:${event}`, name, occurredAt: TEN_OCLOCK + Number(seconds) * 1_000 };
      return JSON.stringify({ signal: 'event', argument });
    });
    await query(
      `insert into outbox (kind, run_key, payload) select 'signal_run', $1, payload from unnest($2::jsonb[]) as item (payload)`,
      runKey,
      payloads,
    );
    await makeDue();
  }
  const makeDue = (condition = `kind <> 'start_run' and attempts = 0`): Promise<unknown> =>
    query(`update outbox set available_at = date_trunc('milliseconds', clock_timestamp()) where ${condition}`);
  const isEmpty = async (): Promise<boolean> => (await query('select from outbox')).length === 0;
  const nameOf = ({ runKey, kind, payload }: OutboxMessage & { readonly payload?: unknown }): string => {
    const name = (payload as { readonly argument?: { readonly name?: string } } | undefined)?.argument?.name;
    return `${runKey}:${name ?? kind}`;
  };
  const dispatcher = (deliver: (name: string) => Promise<void> = () => Promise.resolve()): OutboxDispatcher => {
    const delivery = {
      deliver: async (message: OutboxMessage): Promise<void> => {
        const { runKey } = message;
        inFlight[runKey] = (inFlight[runKey] ?? 0) + 1;
        inFlightMax = Math.max(inFlightMax, inFlight[runKey]);
        try {
          await deliver(nameOf(message));
          delivered.push(nameOf(message));
        } finally {
          inFlight[runKey] -= 1;
        }
      },
    };
    const made = new OutboxDispatcher(outbox, delivery as unknown as OutboxDelivery, NEVER_MS);
    dispatchers.push(made);
    return made;
  };
  const untilTrue = (isSo: () => boolean | Promise<boolean>): Promise<void> =>
    until(isSo, WAIT_MS_MAX, () => `delivered: ${delivered.join(', ')}`);
  const pause = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  it('is that of the events, whichever was written first and however long each takes', async () => {
    await tell('run', 'purchase@1', 'question@0', 'late@2');
    dispatcher(async (name) => {
      if (name !== 'run:late') await query('select pg_sleep(0.05)');
    }).kick();
    await untilTrue(isEmpty);
    expect(delivered).toEqual(['run:question', 'run:purchase', 'run:late']);
  });

  it('holds up no other run', async () => {
    await tell('slow', 'first@0', 'second@1');
    await tell('quick', 'first@0', 'second@1');
    dispatcher(async (name) => {
      while (name === 'slow:first' && !isFree) await pause();
    }).kick();
    await untilTrue(() => delivered.length === 2);
    expect(delivered).toEqual(['quick:first', 'quick:second']);
    isFree = true;
    await untilTrue(isEmpty);
    expect(delivered.slice(2)).toEqual(['slow:first', 'slow:second']);
  });

  it('is kept across many takers that take little at a time', async () => {
    const names = Array.from({ length: 30 }, (_, n) => `e${n}@${n}`);
    for (const runKey of ['a', 'b', 'c']) await tell(runKey, ...names);
    const takers = Array.from({ length: 4 }, () => dispatcher(pause));
    await untilTrue(async () => {
      for (const taker of takers) taker.kick();
      return isEmpty();
    });
    for (const runKey of ['a', 'b', 'c']) {
      expect(delivered.filter((name) => name.startsWith(runKey))).toEqual(names.map((_, n) => `${runKey}:e${n}`));
    }
    expect(inFlightMax).toBe(1);
  });

  it('is kept where the first cannot be delivered yet: the others wait for it, and cost no attempts', async () => {
    await tell('run', 'first@0', 'second@1');
    const failing = { isFailing: true };
    const one = dispatcher((name) =>
      failing.isFailing && name === 'run:first' ? Promise.reject(new Error('not now')) : Promise.resolve(),
    );
    one.kick();
    await untilTrue(async () => (await query('select from outbox where last_error is not null')).length === 1);
    await tell('run', 'third@2');
    expect(await outbox.lease(10)).toEqual([]);
    const rows = await query(`select payload -> 'argument' ->> 'name' as name, attempts from outbox order by id`);
    expect(rows).toEqual([
      { name: 'first', attempts: 1 },
      { name: 'second', attempts: 0 },
      { name: 'third', attempts: 0 },
    ]);
    failing.isFailing = false;
    await makeDue(`attempts = 1`);
    one.kick();
    // Who waited for it is taken at once, not at the next poll.
    await untilTrue(isEmpty);
    expect(delivered).toEqual(['run:first', 'run:second', 'run:third']);
  });

  it('is given up for a message that never gets through', async () => {
    await tell('run', 'poison@0', 'second@1');
    await query(`update outbox set attempts = 20 where payload -> 'argument' ->> 'name' = 'poison'`);
    dispatcher((name) => (name === 'run:poison' ? Promise.reject(new Error('never')) : Promise.resolve())).kick();
    await untilTrue(() => delivered.length === 1);
    expect(delivered).toEqual(['run:second']);
    await tell('run', 'third@2');
    const [third] = await outbox.lease(10);
    expect(third && nameOf(third)).toBe('run:third');
  });

  it('holds up no command, and no start', async () => {
    await tell('run', 'first@0');
    await outbox.lease(10);
    await query(
      `insert into outbox (kind, run_key, payload) values ('command_run', 'run', '{}'), ('start_run', 'run', '{}')`,
    );
    await makeDue('attempts = 0');
    const taken = await outbox.lease(10);
    expect(taken.map(({ kind }) => kind).sort()).toEqual(['command_run', 'start_run']);
  });

  it('lets a command out beside a signal that hangs, though both were taken at once', async () => {
    await tell('run', 'first@0', 'second@1');
    await query(`insert into outbox (kind, run_key, payload) values ('command_run', 'run', '{}')`);
    await makeDue('attempts = 0');
    dispatcher(async (name) => {
      while (name === 'run:first' && !isFree) await pause();
    }).kick();
    await untilTrue(() => delivered.length === 1);
    expect(delivered).toEqual(['run:command_run']);
    isFree = true;
    await untilTrue(isEmpty);
    expect(delivered.slice(1)).toEqual(['run:first', 'run:second']);
  });

  it('frees all that waited for a start, and not only as many as one lease takes', async () => {
    await query(`insert into outbox (kind, run_key, payload) values ('start_run', 'run', '{}')`);
    const names = Array.from({ length: 120 }, (_, n) => `e${n}@${n}`);
    await tell('run', ...names);
    await query(`update outbox set attempts = 30, available_at = clock_timestamp() + interval '5 minutes'
      where kind = 'signal_run'`);
    await makeDue(`kind = 'start_run'`);
    dispatcher().kick();
    await untilTrue(isEmpty);
    expect(delivered).toEqual(['run:start_run', ...names.map((_, n) => `run:e${n}`)]);
  });

  it('gives back what the lease may not last for, and takes it anew', async () => {
    const [elapsed, lease] = [jest.spyOn(Stopwatch.prototype, 'elapsedMs'), jest.spyOn(outbox, 'lease')];
    elapsed.mockReturnValue(31_000);
    await tell('run', 'first@0', 'second@1', 'third@2');
    dispatcher().kick();
    await untilTrue(isEmpty);
    expect(delivered).toEqual(['run:first', 'run:second', 'run:third']);
    const taken = await Promise.all(lease.mock.results.map(({ value }) => value as Promise<readonly OutboxMessage[]>));
    expect(taken.map((rows) => rows.map(nameOf)).filter((rows) => rows.length > 0)).toEqual([
      ['run:first', 'run:second', 'run:third'],
      ['run:second', 'run:third'],
      ['run:third'],
    ]);
    for (const spy of [elapsed, lease]) spy.mockRestore();
  });

  it('delivers what was taken though the next look at the outbox fails', async () => {
    await tell('held', 'first@0', 'second@1', 'third@2');
    await query(`update outbox set attempts = 1, available_at = clock_timestamp() + interval '1 minute'
      where id = (select min(id::text)::uuid from outbox)`);
    await tell('run', 'first@0');
    const database = app.get(Database);
    const ask = database.query.bind(database);
    let leases = 0;
    const spy = jest.spyOn(database, 'query').mockImplementation((statement) => {
      leases += statement.name === 'outbox_lease' ? 1 : 0;
      return statement.name === 'outbox_lease' && leases > 1 ? Promise.reject(new Error('gone')) : ask(statement);
    });
    // A round that is full of what is held up makes another one.
    const taken = await outbox.lease(3).finally(() => spy.mockRestore());
    expect([taken.map(nameOf), leases]).toEqual([['run:first'], 2]);
  });

  it('lets a start of the far future hold up nobody, and what waited for a start goes out right after it', async () => {
    await query(
      `insert into outbox (kind, run_key, payload, available_at)
        values ('start_run', 'run', '{}', clock_timestamp() + interval '1 hour')`,
    );
    await tell('run', 'first@0', 'second@1');
    const waiting = await outbox.lease(10);
    expect(waiting.map(({ isStartPending }) => isStartPending)).toEqual([true, true]);
    // Put off again and again meanwhile.
    await query(`update outbox set attempts = 30, available_at = clock_timestamp() + interval '5 minutes'
      where kind = 'signal_run'`);
    await makeDue(`kind = 'start_run'`);
    dispatcher().kick();
    await untilTrue(isEmpty);
    expect(delivered).toEqual(['run:start_run', 'run:first', 'run:second']);
  });

  it('gives back what it has not begun when its process ends', async () => {
    await tell('run', 'first@0', 'second@1');
    const one = dispatcher(async () => {
      while (!isFree) await pause();
    });
    one.kick();
    await untilTrue(() => inFlight.run === 1);
    const end = one.beforeApplicationShutdown();
    isFree = true;
    await end;
    expect((await outbox.lease(10)).map(nameOf)).toEqual(['run:second']);
  });
});
