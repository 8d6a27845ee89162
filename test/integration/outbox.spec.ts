import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { OutboxDelivery } from '../../src/modules/journeys/outbox/outbox.delivery.js';
import { OutboxRepository, type OutboxMessage } from '../../src/modules/journeys/outbox/outbox.repository.js';
import type { RunGateway } from '../../src/modules/journeys/runs/run-gateway.js';
import { RunsRepository } from '../../src/modules/journeys/index.js';
import { TriggersService } from '../../src/modules/journeys/entry/triggers.service.js';
import { Database } from '../../src/platform/database/database.js';
import { createTestApp } from '../support/app.js';

const CLOSE_MS_MAX = 120_000;
const NEVER_MS = '60000';

describe('outbox', () => {
  let app: NestFastifyApplication;
  let outbox: OutboxRepository;
  beforeAll(async () => {
    // No poll: the specs take the messages themselves.
    app = await createTestApp({ OUTBOX_POLL_MS: NEVER_MS });
    outbox = app.get(OutboxRepository);
  });
  afterAll(() => app.close(), CLOSE_MS_MAX);
  beforeEach(() => query('delete from outbox'));

  const query = <Row extends object>(text: string, ...values: unknown[]): Promise<readonly Row[]> =>
    app.get(Database).query<Row>({ text, values });
  const write = (kind: string, runKey = 'run'): Promise<unknown> =>
    query(
      `insert into outbox (kind, run_key, payload) values ($1, $2, '{"signal": "event", "argument": {}}')`,
      kind,
      runKey,
    );

  it('gives each message to one taker, and again when its lease is over', async () => {
    for (let n = 0; n < 40; n += 1) await write('signal_run', `run-${n}`);
    const taken = (await Promise.all(Array.from({ length: 8 }, () => outbox.lease(10)))).flat();
    expect(new Set(taken.map(({ id }) => id)).size).toBe(40);
    expect(taken).toHaveLength(40);
    expect(await outbox.lease(10)).toEqual([]);
    await query(`update outbox set available_at = date_trunc('milliseconds', clock_timestamp())`);
    expect(await outbox.lease(50)).toHaveLength(40);
  });

  it('tells with each message whether the start of its run is still on its way', async () => {
    await write('start_run');
    await write('signal_run');
    const pending = (messages: readonly OutboxMessage[]) =>
      Object.fromEntries(messages.map(({ kind, isStartPending }) => [kind, isStartPending]));
    const first = await outbox.lease(10);
    expect(pending(first)).toEqual({ start_run: false, signal_run: true });
    await outbox.remove(first.find(({ kind }) => kind === 'start_run')?.id ?? '');
    await query(`update outbox set available_at = date_trunc('milliseconds', clock_timestamp())`);
    expect(pending(await outbox.lease(10))).toEqual({ signal_run: false });
  });

  describe('a signal', () => {
    const unknownRun = { signal: () => Promise.resolve(false) } as unknown as RunGateway;
    const signal: OutboxMessage = {
      kind: 'signal_run',
      id: crypto.randomUUID(),
      runKey: 'run',
      isStartPending: false,
      payload: { signal: 'event', argument: {} },
    };

    it('waits for the start of its run, even if the run becomes known meanwhile', async () => {
      const delivery = new OutboxDelivery(outbox, unknownRun, app.get(RunsRepository), app.get(TriggersService));
      await expect(delivery.deliver({ ...signal, isStartPending: true })).rejects.toThrow('not been started');
    });

    it('closes a run that Temporal has lost', async () => {
      const ends: unknown[] = [];
      const projection = {
        finish: (end: unknown) => Promise.resolve(void ends.push(end)),
      } as unknown as RunsRepository;
      await new OutboxDelivery(outbox, unknownRun, projection, app.get(TriggersService)).deliver(signal);
      expect(ends).toEqual([{ runKey: 'run', outcome: 'exited', reason: 'terminated', endedAt: null }]);
    });
  });
});
