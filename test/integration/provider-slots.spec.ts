import { monitorEventLoopDelay } from 'node:perf_hooks';
import { jest } from '@jest/globals';
import { SlotsRepository } from '../../src/modules/deliveries/slots.repository.js';
import { ContactStage, messageRequest } from '../support/contact-stage.js';
import { startSandboxProcess, type SandboxProcess } from '../support/sandbox.js';
import { until } from '../support/until.js';

/** Messages of several seconds' limit pass in real time. */
jest.setTimeout(600_000);

const PROCESSES = 4;
/** So few that also a busy machine is ready for each in its slot: whoever misses slot after slot waits for minutes. */
const PER_SECOND = 8;
const MESSAGES = 40;
/** Slots more than a minute apart: none passes while a spec looks at them. */
const SELDOM = 0.01;
const TURN_MS_MAX = 300_000;
const ASKS_MAX = 50;

describe('a provider that takes so many messages a second', () => {
  let stage: ContactStage;
  let sandbox: SandboxProcess;
  beforeAll(async () => {
    [stage, sandbox] = await Promise.all([ContactStage.open(PROCESSES, 4), startSandboxProcess()]);
    await stage.template('mail');
    await stage.journey('mails', 'mail');
  });
  afterAll(async () => {
    await stage.query('delete from provider_accounts');
    await stage.close();
    await sandbox.stop();
  });
  beforeEach(() => stage.query('delete from provider_accounts'));

  async function register(perSecond: number): Promise<string> {
    const { id } = await stage.send<{ id: string }>('POST', '/api/providers', {
      ...{ key: 'grid', kind: 'sendgrid', per_second: perSecond, credentials: { api_key: 'SG.sandbox' } },
      settings: { base_url: `${sandbox.url}/sendgrid` },
    });
    return id;
  }

  /** What a run does: it asks, sleeps until the instant that it is told, and asks again. */
  async function live(process: number): Promise<{ readonly kind: string; readonly asks: number }> {
    const { id: userId } = await stage.person();
    const [runKey = ''] = await stage.enter(userId, 'mails');
    for (let asks = 1; asks <= ASKS_MAX; asks += 1) {
      const request = messageRequest({ runKey, userId, journeyKey: 'mails' }, 'mail', asks);
      const answer = await stage.ask(request, process);
      if (answer.kind !== 'defer') return { kind: answer.kind, asks };
      await until(
        () => Date.now() >= answer.until,
        TURN_MS_MAX,
        () => `the turn of ${runKey}`,
      );
    }
    return { kind: 'never', asks: ASKS_MAX };
  }

  it('never gets more in any second, from four processes, and gets all of them, once', async () => {
    await register(PER_SECOND);
    const stalls = monitorEventLoopDelay({ resolution: 5 });
    stalls.enable();
    const lives = await Promise.all(Array.from({ length: MESSAGES }, (_, index) => live(index)));
    stalls.disable();
    expect(lives.filter(({ kind }) => kind !== 'sent')).toEqual([]);
    const taken = await sandbox.accepted('provider=sendgrid');
    expect(taken).toHaveLength(MESSAGES);
    expect(new Set(taken.map(({ recipient }) => recipient)).size).toBe(MESSAGES);
    // What this process held while it stood still arrives at once when it goes on.
    const windowMs = Math.max(1_000 - Math.ceil(stalls.max / 1e6), 1);
    const response = await fetch(`${sandbox.url}/admin/rates?provider=sendgrid&window_ms=${windowMs}`);
    const { count } = (await response.json()) as { count: number };
    expect(count).toBeLessThanOrEqual(PER_SECOND);
  });

  describe('gives slots', () => {
    const take = (accountId: string, ticket: string, perSecond = 1) =>
      stage.get(SlotsRepository).take({ accountId, perSecond, ticket });

    it('one after the other, so far apart that no second sees more than the limit', async () => {
      const account = await register(2);
      for (let index = 0; index < 5; index += 1) await take(account, `apart-${index}`, 2);
      const slots = await stage.query<{ apartMs: number | null }>(
        `select (extract(epoch from slot_at - lag(slot_at) over (order by ticket)) * 1000)::float8 as "apartMs"
          from provider_tickets where account_id = $1`,
        account,
      );
      const apart = slots.flatMap(({ apartMs }) => apartMs ?? []);
      expect(apart).toHaveLength(4);
      // Two in 1,250 ms: each may leave 200 ms late and be 50 ms on its way.
      expect(Math.min(...apart)).toBeGreaterThanOrEqual(624.9);
    });

    it('that stay with their message for as long as it waits', async () => {
      const account = await register(1);
      await take(account, 'first', SELDOM);
      const before = await take(account, 'waits', SELDOM);
      await take(account, 'third', SELDOM);
      const again = await take(account, 'waits', SELDOM);
      expect(again.waitMs).toBeLessThanOrEqual(before.waitMs);
      expect(again.waitMs).toBeGreaterThan(0);
    });

    it('anew to whoever missed one', async () => {
      const account = await register(1);
      await take(account, 'late', SELDOM);
      await stage.query(`update provider_tickets set slot_at = slot_at - interval '5 seconds' where ticket = 'late'`);
      expect((await take(account, 'late', SELDOM)).waitMs).toBeGreaterThan(60_000);
    });

    it('to as many as ask at one time, none twice', async () => {
      const account = await register(100);
      const asked = Array.from({ length: 50 }, (_, index) => take(account, `many-${index}`, 100));
      await Promise.all(asked);
      const rows = await stage.query<{ slots: number }>(
        'select count(distinct slot_at)::int as slots from provider_tickets where account_id = $1',
        account,
      );
      expect(rows).toEqual([{ slots: 50 }]);
    });

    it('and forgets those that have passed', async () => {
      const account = await register(1);
      await take(account, 'old');
      await take(account, 'new');
      await stage.query(`update provider_tickets set slot_at = slot_at - interval '2 minutes' where ticket = 'old'`);
      await stage.get(SlotsRepository).purge();
      expect(await stage.query('select ticket from provider_tickets where account_id = $1', account)).toEqual([
        { ticket: 'new' },
      ]);
    });
  });
});
