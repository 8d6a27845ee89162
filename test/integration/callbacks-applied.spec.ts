import { jest } from '@jest/globals';
import { CallbackApplier } from '../../src/modules/callbacks/callback-applier.js';
import { CallbacksRepository } from '../../src/modules/callbacks/callbacks.repository.js';
import { DeliveriesService } from '../../src/modules/deliveries/index.js';
import { OutcomesService } from '../../src/modules/outcomes/index.js';
import {
  APPLIED_MS_MAX,
  grid,
  gridSays,
  newId,
  nowS,
  openCallbackStage,
  type CallbackStage,
} from '../support/callback-stage.js';
import { signPostmark, signStandard } from '../support/callback-signers.js';
import { stall } from '../support/concurrency.js';
import { until } from '../support/until.js';

jest.setTimeout(300_000);

/** After the first attempts to find the message that was told of. */
const GAPS_MS = [1_000, 2_000, 5_000, 15_000];

const UNKNOWN_ID = '01890a5d-ac96-774b-bcce-b302099a8057';

describe('what providers tell of messages', () => {
  let stage: CallbackStage;

  beforeAll(async () => {
    stage = await openCallbackStage();
  });
  afterAll(() => stage.close());

  it('have the consequences of what they tell: suppression, complaint, withdrawal, failure', async () => {
    const people = [await stage.person(), await stage.person(), await stage.person(), await stage.person()] as const;
    const [bounced, complained, left, dropped] = people;
    const [one, two, three, four] = [
      await stage.sent('sendgrid', bounced),
      await stage.sent('sendgrid', complained),
      await stage.sent('sendgrid', left),
      await stage.sent('sendgrid', dropped),
    ];
    await stage.taken(
      'sendgrid',
      gridSays(
        grid('bounce', one, { type: 'bounce', reason: `550 5.1.1 <${bounced.email}> unknown`, status: '5.1.1' }),
        grid('spamreport', two),
        grid('group_unsubscribe', three),
        grid('dropped', four, { reason: 'Unsubscribed Address' }),
      ),
    );
    await stage.allApplied();
    expect(await bounced.ask()).toMatchObject({ reason: 'SUPPRESSED_HARD_BOUNCE' });
    expect(await complained.ask()).toMatchObject({ reason: 'SUPPRESSED_COMPLAINT' });
    expect(await left.ask()).toMatchObject({ reason: 'CONSENT_WITHDRAWN' });
    expect(await dropped.ask()).toMatchObject({ reason: 'CONSENT_WITHDRAWN' });
    const states = await Promise.all([one, two, three, four].map(({ id }) => stage.stateOf(id)));
    expect(states.map(({ state }) => state)).toEqual(['bounced', 'complained', 'sent', 'failed']);
    expect((await stage.api.get(`/api/deliveries/${one.id}`)).body).toMatchObject({
      failure: '5.1.1 550 5.1.1 <…> unknown',
    });
  });

  it('leave no address and no words about a person behind once they are applied', async () => {
    const person = await stage.person();
    const message = await stage.sent('sendgrid', person);
    const more = { email: person.email, type: 'bounce', reason: `no such user ${person.email}`, ip: '192.0.2.77' };
    await stage.taken('sendgrid', gridSays(grid('bounce', message, more)));
    const rows = await stage.query<{ row: string }>(
      `select to_jsonb(item)::text as row from provider_callbacks item where delivery_id = $1`,
      message.id,
    );
    expect(rows).toHaveLength(1);
    for (const { row } of rows) expect(row).not.toMatch(new RegExp(`${person.email}|192\\.0\\.2\\.77`));
    await stage.allApplied();
    expect(await stage.list(`delivery=${message.id}`)).toMatchObject([
      { state: 'applied', detail: null, name: 'bounce' },
    ]);
  });

  it('of events that nothing follows from are kept and change nothing', async () => {
    const message = await stage.sent('sendgrid');
    await stage.taken(
      'sendgrid',
      gridSays(
        grid('teleported', message),
        grid('deferred', message, { response: '421 try later' }),
        grid('open', message, { sg_machine_open: true }),
      ),
    );
    const kept = await stage.list(`delivery=${message.id}&state=ignored`);
    expect(kept.map(({ kind, name }) => [kind, name])).toEqual([
      ['other', 'open'],
      ['deferred', 'deferred'],
      ['other', 'teleported'],
    ]);
    expect(kept.map(({ next_attempt_at }) => next_attempt_at)).toEqual([null, null, null]);
    expect(await stage.stateOf(message.id)).toEqual({ state: 'sent', opens: 0, clicks: 0 });
  });

  it('that overtake our own record of the message wait for it', async () => {
    const { id } = await stage.sent('postmark');
    const early = newId();
    await stage.taken(
      'postmark',
      signPostmark({ RecordType: 'Open', MessageID: early, ReceivedAt: '2027-01-01T00:00:00Z' }),
    );
    await stage.allApplied();
    const [view] = await stage.list('account=postmark&state=unmatched');
    expect(view).toMatchObject({ kind: 'opened', delivery_id: null });
    const triesBefore = view?.attempts ?? Number.NaN;
    await stage.query('update deliveries set provider_message_id = $2 where id = $1', id, `<${early}>`);
    await stage.dueNow();
    await until(
      async () => (await stage.stateOf(id)).opens === 1,
      APPLIED_MS_MAX,
      () => 'not applied',
    );
    const [applied, ...more] = await stage.list(`account=postmark&delivery=${id}`);
    expect([applied, more]).toMatchObject([{ id: view?.id, state: 'applied' }, []]);
    expect(triesBefore).toBeGreaterThanOrEqual(1);
    expect(applied?.attempts).toBeGreaterThan(triesBefore);
  });

  it('of messages that are not known are tried again at growing gaps, for a day, and stay listed', async () => {
    const messageId = newId();
    let before = Date.now();
    await stage.taken('sendgrid', gridSays(grid('delivered', { messageId })));
    await stage.allApplied();
    const rowOf = async () => {
      const [row] = await stage.query<{ state: string; next: number | null; now: number; attempts: number }>(
        `select state, attempts, (extract(epoch from next_attempt_at) * 1000)::float8 as next,
            (extract(epoch from clock_timestamp()) * 1000)::float8 as now
          from provider_callbacks where provider_message_id = $1`,
        messageId,
      );
      return row;
    };
    // The gap after an attempt counts from an instant between two looks at the row.
    const gaps = new Map<number, readonly [leastMs: number, mostMs: number]>();
    let tries = 0;
    const hasFourGaps = async (): Promise<boolean> => {
      const row = await rowOf();
      if (row?.next == null) return false;
      const mostMs = row.next - before;
      // While it is being tried it is leased for a minute.
      const isPutOff = row.attempts > tries && mostMs < 60_000;
      if (!isPutOff) return false;
      gaps.set(row.attempts, [row.next - row.now, mostMs]);
      [tries, before] = [row.attempts, row.now];
      await stage.dueNow();
      return tries >= 4;
    };
    await until(hasFourGaps, APPLIED_MS_MAX, () => JSON.stringify([...gaps]));
    expect(gaps.size).toBeGreaterThan(2);
    for (const [attempts, [leastMs, mostMs]] of gaps) {
      const gapMs = GAPS_MS[attempts - 1];
      expect({ attempts, isSo: gapMs !== undefined && leastMs <= gapMs && gapMs <= mostMs }).toEqual({
        attempts,
        isSo: true,
      });
    }
    await stage.query(
      `update provider_callbacks set received_at = received_at - interval '1 day' where provider_message_id = $1`,
      messageId,
    );
    await stage.dueNow();
    await until(
      async () => (await rowOf())?.next === null,
      APPLIED_MS_MAX,
      () => 'it is still tried',
    );
    expect(await rowOf()).toMatchObject({ state: 'unmatched' });
    expect((await stage.list('state=unmatched')).map(({ kind }) => kind)).toContain('delivered');
  });

  it('that name no message are listed, and not looked for', async () => {
    await stage.taken('sendgrid', gridSays(grid('unsubscribe', {})));
    const [view] = await stage.list('state=unmatched&kind=unsubscribed');
    expect(view).toMatchObject({ attempts: 0, next_attempt_at: null, delivery_id: null });
  });

  it('tell of nobody else’s messages: neither another account’s, nor of another channel', async () => {
    const message = await stage.sent('mailgun');
    const text = await stage.sent('twilio');
    await stage.taken(
      'sendgrid',
      gridSays(grid('open', message), grid('open', text), grid('open', { id: UNKNOWN_ID })),
    );
    const forText = signStandard(
      { type: 'message.opened', data: { delivery_id: text.id } },
      { id: newId(), timestampS: nowS() },
    );
    await stage.taken('standard_webhooks', forText);
    await stage.allApplied();
    expect([await stage.stateOf(message.id), await stage.stateOf(text.id)]).toMatchObject([{ opens: 0 }, { opens: 0 }]);
    // Whoever relays mail may tell of what others carried.
    const relayed = { type: 'message.opened', data: { provider_message_id: message.messageId } };
    await stage.taken('standard_webhooks', signStandard(relayed, { id: newId(), timestampS: nowS() }));
    await stage.allApplied();
    expect(await stage.stateOf(message.id)).toEqual({ state: 'delivered', opens: 1, clicks: 0 });
  });

  it('of a delivery of which no message has left wait, as for one that is not known', async () => {
    const message = await stage.sent('sendgrid');
    await stage.query(`update deliveries set state = 'released' where id = $1`, message.id);
    await stage.taken('sendgrid', gridSays(grid('open', message)));
    await stage.allApplied();
    expect(await stage.list(`delivery=${message.id}`)).toMatchObject([{ state: 'unmatched', attempts: 1 }]);
    expect(await stage.stateOf(message.id)).toEqual({ state: 'released', opens: 0, clicks: 0 });
  });

  it('are applied once when the process dies between an outcome and its count', async () => {
    const message = await stage.sent('sendgrid');
    jest.spyOn(stage.app.get(DeliveriesService), 'count').mockRejectedValueOnce(new Error('killed'));
    await stage.taken('sendgrid', gridSays(grid('click', message), grid('click', message)));
    const leased = `state = 'received' and attempts = 1 and delivery_id = '${message.id}'`;
    await until(
      async () => (await stage.countOf(leased)) === 2,
      APPLIED_MS_MAX,
      () => 'not tried',
    );
    const isRolledBack = async (): Promise<boolean> =>
      (await stage.query('select from contact_outcomes where delivery_id = $1', message.id)).length === 0;
    expect(await isRolledBack()).toBe(true);
    await stage.dueNow();
    await until(
      async () => (await stage.stateOf(message.id)).clicks === 2,
      APPLIED_MS_MAX,
      () => 'not applied',
    );
    expect(await stage.stateOf(message.id)).toEqual({ state: 'delivered', opens: 0, clicks: 2 });
  });

  it('are applied once when the lease of a slow process ends and another one takes them', async () => {
    const message = await stage.sent('sendgrid');
    const deliveries = stage.app.get(DeliveriesService);
    const slow = stall(deliveries.findByProviderMessage.bind(deliveries));
    jest.spyOn(deliveries, 'findByProviderMessage').mockImplementationOnce(slow.call);
    await stage.taken('sendgrid', gridSays(grid('click', message), grid('open', message)));
    await slow.arrived;
    await stage.query(
      `update provider_callbacks set next_attempt_at = date_trunc('milliseconds', clock_timestamp()) where delivery_id = $1`,
      message.id,
    );
    const outcomes = stage.app.get(OutcomesService);
    const other = new CallbackApplier(stage.app.get(CallbacksRepository), deliveries, outcomes, { now: Date.now });
    other.kick();
    await until(
      async () => (await stage.stateOf(message.id)).clicks === 1,
      APPLIED_MS_MAX,
      () => 'not applied',
    );
    slow.goOn();
    // The slow one is done when it takes the next.
    await stage.taken('sendgrid', gridSays(grid('open', message)));
    await until(
      async () => (await stage.stateOf(message.id)).opens === 2,
      APPLIED_MS_MAX,
      () => 'not applied',
    );
    expect(await stage.stateOf(message.id)).toEqual({ state: 'delivered', opens: 2, clicks: 1 });
    expect(await stage.countOf(`delivery_id = '${message.id}' and attempts = 2`)).toBe(2);
    await other.beforeApplicationShutdown();
  });
});
