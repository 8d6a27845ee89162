import { jest } from '@jest/globals';
import { DeliveriesRepository } from '../../src/modules/deliveries/deliveries.repository.js';
import { EmailConnector } from '../../src/modules/deliveries/email.connector.js';
import { StepsRepository } from '../../src/modules/steps/steps.repository.js';
import { lockWaits } from '../support/concurrency.js';
import { ContactStage, messageRequest } from '../support/contact-stage.js';

const TEST_MS_MAX = 120_000;
jest.setTimeout(TEST_MS_MAX);
const CLOSE_MS_MAX = 120_000;
const LOST = Object.assign(new Error('Connection terminated unexpectedly'), { code: 'ECONNRESET' });

describe('a database that goes away between the answer of the provider and its recording', () => {
  let stage: ContactStage;

  beforeAll(async () => {
    stage = await ContactStage.open(1, 4);
    await stage.template('hello');
    await stage.journey('one', 'hello');
  });
  afterEach(() => jest.restoreAllMocks());
  afterAll(() => stage.close(), CLOSE_MS_MAX);

  async function request(localPart: string) {
    const user = await stage.person({ localPart });
    const [runKey = ''] = await stage.enter(user.id, 'one');
    return { user, runKey, request: messageRequest({ runKey, userId: user.id, journeyKey: 'one' }, 'hello') };
  }

  const stateOf = (runKey: string): Promise<readonly object[]> =>
    stage.query(
      `select delivery.state, ledger.state as ledger, attempt
        from deliveries delivery join contact_ledger ledger on delivery_id = id where run_key = $1`,
      runKey,
    );

  it('is told again when its sessions are ended in the middle of the recording', async () => {
    const { user, runKey, request: step } = await request('person');
    const connector = stage.get(EmailConnector);
    const open = connector.open.bind(connector);
    let ended = 0;
    let recorded: Promise<void> | undefined;
    async function holdRow(deliveryId: string): Promise<void> {
      const held = Promise.withResolvers<void>();
      // Holds the row until the recording has stood before it and lost its session, twice.
      recorded = stage.database.transaction(async (transaction) => {
        const lock = 'select from deliveries where id = $1 for update';
        await transaction.query({ text: lock, values: [deliveryId] });
        held.resolve();
        for (; ended < 2; ended += 1) {
          await lockWaits(stage.database, 'with settled as');
          await stage.query(
            `select pg_terminate_backend(pid, 5000) from pg_stat_activity
              where datname = current_database() and wait_event_type = 'Lock' and query like 'with settled as%'`,
          );
        }
      });
      await held.promise;
    }
    jest.spyOn(connector, 'open').mockImplementationOnce(async () => {
      const line = await open();
      return {
        ...line,
        async send(message, startWithinMs) {
          const result = await line.send(message, startWithinMs);
          await holdRow(message.deliveryId);
          return result;
        },
      };
    });
    expect(await stage.ask(step)).toMatchObject({ kind: 'sent' });
    await recorded;
    expect(ended).toBe(2);
    expect(await stateOf(runKey)).toEqual([{ state: 'sent', ledger: 'sent', attempt: 1 }]);
    expect(await stage.smtp.mailsTo(user.email)).toHaveLength(1);
  });

  it.each([
    ['person', 'sent', 'sent', 1],
    ['later', 'defer', 'released', 0],
    ['spam', 'skip', 'failed', 0],
    ['taken-then-cut', 'unknown', 'unknown', 1],
  ])(
    'is told again when it recorded the outcome and only its word was lost (%s: %s)',
    async (localPart, kind, state, mails) => {
      const { user, runKey, request: step } = await request(localPart);
      const deliveries = stage.get(DeliveriesRepository);
      const settle = deliveries.settle.bind(deliveries);
      const settled = jest.spyOn(deliveries, 'settle').mockImplementationOnce(async (settlement) => {
        await settle(settlement);
        throw LOST;
      });
      const steps = stage.get(StepsRepository);
      const answer = steps.answer.bind(steps);
      const answered = jest.spyOn(steps, 'answer').mockImplementationOnce(async (question, given) => {
        await answer(question, given);
        throw LOST;
      });
      const told = await stage.ask(step);
      expect(told).toMatchObject({ kind });
      expect(settled).toHaveBeenCalledTimes(2);
      expect(answered).toHaveBeenCalledTimes(2);
      expect(await stateOf(runKey)).toEqual([{ state, ledger: state, attempt: 1 }]);
      expect(await stage.smtp.mailsTo(user.email)).toHaveLength(mails);
      expect(await stage.ask(step)).toEqual(told);
    },
  );

  it('leaves a message that its provider refused as one that can be replayed, however often that is told', async () => {
    const { runKey, request: step } = await request('spam');
    const deliveries = stage.get(DeliveriesRepository);
    const settle = deliveries.settle.bind(deliveries);
    const settled = jest.spyOn(deliveries, 'settle').mockImplementationOnce(async (settlement) => {
      await settle(settlement);
      throw LOST;
    });
    expect(await stage.ask(step)).toMatchObject({ kind: 'skip', reason: 'PROVIDER_REJECTED' });
    expect(settled).toHaveBeenCalledTimes(2);
    expect(await stage.query('select is_refused from deliveries where run_key = $1', runKey)).toEqual([
      { is_refused: true },
    ]);
  });

  it('does not settle the attempt of somebody else, however often it is told to', async () => {
    const { runKey, request: step } = await request('later');
    await stage.ask(step);
    const [row] = await stage.query<{ id: string }>('select id from deliveries where run_key = $1', runKey);
    const settlement = {
      deliveryId: row?.id ?? '',
      attemptToken: crypto.randomUUID(),
      state: 'released',
      providerMessageId: null,
      failure: null,
    } as const;
    expect(await stage.get(DeliveriesRepository).settle(settlement)).toBeNull();
  });
});
