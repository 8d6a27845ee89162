import { monitorEventLoopDelay } from 'node:perf_hooks';
import { jest } from '@jest/globals';
import fc from 'fast-check';
import { SlotsRepository, SLOT_WAIT_MS_MAX } from '../../src/modules/deliveries/slots.repository.js';
import { ContactStage, messageRequest, type Contactee } from '../support/contact-stage.js';
import { startSandboxProcess, type SandboxProcess } from '../support/sandbox.js';
import { until } from '../support/until.js';

/** Slots of several seconds pass in real time. */
jest.setTimeout(600_000);

/** So few that also a busy machine is ready for each in its slot: whoever misses slot after slot waits for minutes. */
const PER_SECOND = 8;
const EACH = 20;
const RECEIPTS = 6;
/** Five fourths of a second, see the slots. */
const APART_MS = 1_250 / PER_SECOND;
/** Slots more than ten seconds apart: few pass while a spec looks at them. */
const SELDOM = 0.1;
const BROADCAST = 400;
const ASKS_MAX = 60;

const inOrder = (values: readonly number[]): readonly number[] => values.toSorted((left, right) => left - right);

describe('turns with a provider that takes so many messages a second', () => {
  let stage: ContactStage;
  let sandbox: SandboxProcess;
  let account: string;
  beforeAll(async () => {
    [stage, sandbox] = await Promise.all([ContactStage.open(2, 4), startSandboxProcess()]);
    await stage.template('mail');
    await stage.send('POST', '/api/message-templates', {
      ...{ key: 'receipt', channel: 'email', purpose: 'orders', legal_basis: 'contract' },
      ...{ subject: 'Your order', html: '<p>Thanks</p>', text: 'Thanks' },
    });
    await stage.journey('broadcast', 'mail');
    await stage.journey('receipts', 'receipt');
  });
  afterAll(async () => {
    await stage.query('delete from provider_accounts');
    await stage.close();
    await sandbox.stop();
  });
  beforeEach(async () => {
    await stage.query('delete from provider_accounts');
    await stage.query('delete from provider_tickets');
    account = await register('grid', PER_SECOND);
  });

  async function register(key: string, perSecond: number): Promise<string> {
    const { id } = await stage.send<{ id: string }>('POST', '/api/providers', {
      ...{ key, kind: 'sendgrid', per_second: perSecond, credentials: { api_key: 'SG.sandbox' } },
      settings: { base_url: `${sandbox.url}/sendgrid` },
    });
    return id;
  }

  const take = (ticket: string, lane: string, isFirst = false, perSecond = PER_SECOND): Promise<{ waitMs: number }> =>
    stage.get(SlotsRepository).take({ accountId: account, perSecond, ticket, lane, isFirst });
  async function takeMany(lane: string, count: number, perSecond = PER_SECOND): Promise<void> {
    for (let index = 0; index < count; index += 1) await take(`${lane}-${index}`, lane, false, perSecond);
  }
  /** Lanes in the order of their slots. */
  async function order(): Promise<readonly string[]> {
    const rows = await stage.query<{ lane: string }>('select lane from provider_tickets order by slot_at');
    return rows.map(({ lane }) => lane);
  }
  async function leastApartMs(): Promise<number> {
    const [row] = await stage.query<{ ms: number }>(
      `select min(apart)::float8 as ms from (select extract(epoch from slot_at - lag(slot_at) over (order by slot_at)) * 1000
        as apart from provider_tickets) gaps`,
    );
    return row?.ms ?? 0;
  }

  it('of what rests on a contract come before a broadcast of hundreds that waits', async () => {
    // So few a second that most of them still wait when the spec is through.
    await stage.query('delete from provider_accounts');
    account = await register('few', 2);
    await takeMany('broadcast', BROADCAST, 2);
    // Its own journey has had more than its turns.
    await takeMany('receipts', 50, 2);
    const person: Contactee = await stage.person();
    const [runKey = ''] = await stage.enter(person.id, 'receipts');
    const answer = await stage.ask(messageRequest({ runKey, userId: person.id, journeyKey: 'receipts' }, 'receipt'));
    expect(answer).toMatchObject({ kind: 'sent' });
    const behind = await stage.query(
      `select from provider_tickets where slot_at > (select max(slot_at) from provider_tickets
        where ticket not like 'broadcast-%' and ticket not like 'receipts-%')`,
    );
    expect(behind.length).toBeGreaterThan(BROADCAST / 2);
    const marketing = await stage.person();
    const [waiting = ''] = await stage.enter(marketing.id, 'broadcast');
    const run = { runKey: waiting, userId: marketing.id, journeyKey: 'broadcast' };
    const asked = Date.now();
    const deferred = await stage.ask(messageRequest(run, 'mail'));
    expect(deferred).toMatchObject({ kind: 'defer', reason: 'PROVIDER_UNAVAILABLE' });
    expect('until' in deferred ? deferred.until - asked : 0).toBeGreaterThan(10_000);
  });

  /** What a run does: it asks, sleeps until the instant that it is told, and asks again. @returns how long it took */
  async function live(journey: string, template: string, process: number): Promise<number> {
    const { id: userId } = await stage.person();
    const [runKey = ''] = await stage.enter(userId, journey);
    const run = { runKey, userId, journeyKey: journey };
    const since = Date.now();
    for (let asks = 1; asks <= ASKS_MAX; asks += 1) {
      const answer = await stage.ask(messageRequest(run, template, asks), process);
      if (answer.kind === 'sent') return Date.now() - since;
      if (answer.kind !== 'defer') break;
      await until(
        () => Date.now() >= answer.until,
        300_000,
        () => `the turn of ${runKey}`,
      );
    }
    throw new Error(`${runKey} was not sent`);
  }

  it('are kept by several processes while receipts overtake two journeys: never more in any second, none lost', async () => {
    await stage.journey('other', 'mail');
    const stalls = monitorEventLoopDelay({ resolution: 5 });
    stalls.enable();
    const asking = Promise.all(
      ['broadcast', 'other'].flatMap((journey, place) =>
        Array.from({ length: EACH }, (_, index) => live(journey, 'mail', place + index)),
      ),
    );
    const receipts: number[] = [];
    for (let index = 0; index < RECEIPTS; index += 1) receipts.push(await live('receipts', 'receipt', index));
    const marketing = await asking;
    stalls.disable();
    // The first of them come while all others ask at the same time.
    expect(inOrder(receipts)[3]).toBeLessThan(inOrder(marketing)[EACH] ?? 0);
    const taken = await sandbox.accepted('provider=sendgrid');
    expect(new Set(taken.map(({ recipient }) => recipient)).size).toBe(taken.length);
    expect(taken.length).toBeGreaterThanOrEqual(2 * EACH + RECEIPTS);
    // What this process held while it stood still arrives at once when it goes on.
    const windowMs = Math.max(1_000 - Math.ceil(stalls.max / 1e6), 1);
    const response = await fetch(`${sandbox.url}/admin/rates?provider=sendgrid&window_ms=${windowMs}`);
    const { count } = (await response.json()) as { count: number };
    expect(count).toBeLessThanOrEqual(PER_SECOND);
    expect(await leastApartMs()).toBeLessThan(2 * APART_MS);
  });

  it('of several that rest on a contract follow each other, and none takes a slot that somebody waits for', async () => {
    await takeMany('broadcast', BROADCAST);
    const waits: number[] = [];
    for (let index = 0; index < 10; index += 1) waits.push((await take(`receipt-${index}`, 'receipts', true)).waitMs);
    expect(Math.min(...waits)).toBeGreaterThan(SLOT_WAIT_MS_MAX - APART_MS);
    expect(Math.max(...waits)).toBeLessThan(SLOT_WAIT_MS_MAX + 12 * APART_MS);
  });

  it('are shared evenly between journeys, whoever came first', async () => {
    await takeMany('first', 200, SELDOM);
    await takeMany('second', 200, SELDOM);
    const lanes = await order();
    // Those that are about to leave stay.
    const contested = lanes.slice(20, 360);
    for (let from = 0; from + 20 <= contested.length; from += 20) {
      const ofSecond = contested.slice(from, from + 20).filter((lane) => lane === 'second').length;
      expect(ofSecond).toBeGreaterThanOrEqual(8);
      expect(ofSecond).toBeLessThanOrEqual(12);
    }
    expect(lanes).toHaveLength(400);
  });

  it('let a small journey through a large one at once', async () => {
    await takeMany('large', 200, SELDOM);
    await takeMany('small', 5, SELDOM);
    const lanes = await order();
    expect(lanes.lastIndexOf('small')).toBeLessThan(20);
  });

  it('go on for whoever missed one, before those that came later', async () => {
    await takeMany('first', 100);
    await stage.query(`update provider_tickets set slot_at = slot_at - interval '20 seconds' where ticket = 'first-0'`);
    expect((await take('first-0', 'first')).waitMs).toBeLessThan(SLOT_WAIT_MS_MAX + 5 * APART_MS);
  });

  it('put nobody back more than twenty times', async () => {
    await take('patient', 'marketing', false, 0.1);
    await take('waits', 'marketing', false, 0.1);
    for (let index = 0; index < 25; index += 1) await take(`receipt-${index}`, 'receipts', true, 0.1);
    const [moved] = await stage.query<{ moves: number }>(`select moves from provider_tickets where ticket = 'waits'`);
    expect(moved?.moves).toBe(20);
  });

  it('stay as far apart as the limit asks for, and lose nobody, in whatever order messages come', async () => {
    const asks = fc.array(
      fc.record({ lane: fc.constantFrom('a', 'b', 'c'), isFirst: fc.boolean(), again: fc.nat(30) }),
      { minLength: 10, maxLength: 40 },
    );
    await fc.assert(
      fc.asyncProperty(asks, async (given) => {
        await stage.query('delete from provider_tickets');
        for (const [index, { lane, isFirst, again }] of given.entries()) {
          await take(`${index}`, lane, isFirst);
          if (again < index) await take(`${again}`, given[again]?.lane ?? '', given[again]?.isFirst);
        }
        expect(await order()).toHaveLength(given.length);
        expect(await leastApartMs()).toBeGreaterThanOrEqual(APART_MS - 0.1);
      }),
      { numRuns: 8 },
    );
  });

  it('are given to as many as ask at one time, none twice', async () => {
    const asked = Array.from({ length: 100 }, (_, index) =>
      take(`many-${index}`, `lane-${index % 7}`, index % 10 === 0),
    );
    await Promise.all(asked);
    expect(await order()).toHaveLength(100);
    expect(await leastApartMs()).toBeGreaterThanOrEqual(APART_MS - 0.1);
  });
});
