import { jest } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import fc from 'fast-check';
import { DeliveriesRepository } from '../../src/modules/deliveries/deliveries.repository.js';
import { OutboxDispatcher } from '../../src/modules/journeys/outbox/outbox.dispatcher.js';
import { Database } from '../../src/platform/database/database.js';
import { createTestApp } from '../support/app.js';
import { clientOf, type Answer, type Client } from '../support/client.js';
import { lockWaits } from '../support/concurrency.js';
import { startSmtp, type TestSmtp } from '../support/smtp.js';
import { stageSteps, type StagedPerson } from '../support/step-stage.js';

const UNKNOWN_ID = '01890a5d-ac96-774b-bcce-b302099a8057';

/** Each spec makes people, sends them mail and hears of it: a few dozen requests, on a machine that may be busy. */
jest.setTimeout(300_000);

describe('outcomes of deliveries', () => {
  let app: NestFastifyApplication;
  let smtp: TestSmtp;
  let api: Client;
  let stage: Awaited<ReturnType<typeof stageSteps>>;

  beforeAll(async () => {
    smtp = await startSmtp();
    // One soft bounce is enough here; how they are counted is told elsewhere.
    app = await createTestApp({ SMTP_URL: smtp.url, SOFT_BOUNCE_COUNT: '1' });
    // There is no Temporal here: nothing carries the outbox away.
    jest.spyOn(app.get(OutboxDispatcher), 'kick').mockReturnValue();
    api = clientOf(app);
    stage = await stageSteps(app);
  });
  afterAll(async () => {
    await app.close();
    await smtp.stop();
  });

  const query = <Row extends object>(text: string, ...values: unknown[]): Promise<readonly Row[]> =>
    app.get(Database).query<Row>({ text, values });
  const hear = (delivery: string, kind: string, more: object = {}): Promise<Answer> =>
    api.post(`/api/deliveries/${delivery}/outcomes`, { kind, ...more });
  async function heard(delivery: string, kind: string, more: object = {}): Promise<Answer> {
    const answer = await hear(delivery, kind, more);
    expect(answer.status).toBe(201);
    return answer;
  }
  /** The state of the delivery and of its place under the caps. */
  async function states(delivery: string): Promise<readonly string[]> {
    const text = `select state from deliveries where id = $1
      union all select state from contact_ledger where delivery_id = $1`;
    return (await query<{ state: string }>(text, delivery)).map(({ state }) => state);
  }
  const force = (delivery: string, state: string): Promise<unknown> =>
    query(
      `with moved as (update deliveries set state = $2 where id = $1)
        update contact_ledger set state = $2 where delivery_id = $1`,
      delivery,
      state,
    );
  const suppressions = async (
    filter: string,
  ): Promise<{ id: string; reason: string; channel: string | null; until: string | null; source: string }[]> => {
    const { body } = await api.get(`/api/suppressions?${filter}`);
    return (body as { data: [] }).data;
  };
  const suppressedBy = async (filter: string): Promise<string[]> =>
    (await suppressions(filter)).map(({ reason }) => reason).sort();
  const byAddress = ({ email }: StagedPerson): string => `address=${encodeURIComponent(email)}`;
  const wakes = async (userId: string, because = 'suppression_changed'): Promise<number> =>
    (
      await query(
        `select from outbox join journey_entries using (run_key) where user_id = $1
          and payload -> 'argument' ->> 'because' = $2`,
        userId,
        because,
      )
    ).length;

  it.each<[from: string, kind: string, to: string]>([
    ['sent', 'delivered', 'delivered'],
    ['sent', 'opened', 'delivered'],
    ['sent', 'clicked', 'delivered'],
    ['sent', 'bounced', 'bounced'],
    ['sent', 'hard_bounced', 'bounced'],
    ['sent', 'complained', 'complained'],
    ['sent', 'failed', 'failed'],
    ['sent', 'soft_bounced', 'sent'],
    ['sent', 'unsubscribed', 'sent'],
    ['sent', 'converted', 'sent'],
    ['unknown', 'sent', 'sent'],
    ['unknown', 'delivered', 'delivered'],
    ['unknown', 'bounced', 'bounced'],
    ['unknown', 'ignored', 'unknown'],
    ['delivered', 'bounced', 'bounced'],
    ['bounced', 'delivered', 'bounced'],
    ['complained', 'bounced', 'complained'],
  ])('a message that is %s and then %s is %s, in the ledger too', async (from, kind, to) => {
    const person = await stage.person();
    const delivery = await person.send();
    await force(delivery, from);
    await heard(delivery, kind);
    expect(await states(delivery)).toEqual([to, to]);
  });

  it('are told once for each kind, with the first answer and the earliest time', async () => {
    const delivery = await (await stage.person()).send();
    const first = await heard(delivery, 'opened');
    expect(first.body).toMatchObject({ delivery_id: delivery, kind: 'opened' });
    expect((await heard(delivery, 'opened')).body).toEqual(first.body);
    await query(`update deliveries set claimed_at = claimed_at - interval '1 day' where id = $1`, delivery);
    const earlier = new Date(Date.parse((first.body as { at: string }).at) - 60_000).toISOString();
    expect((await heard(delivery, 'opened', { at: earlier })).body).toEqual({ ...(first.body as object), at: earlier });
    expect((await heard(delivery, 'hard_bounced')).body).toMatchObject({ kind: 'bounced' });
    await heard(delivery, 'bounced');
    await heard(delivery, 'soft_bounced');
    const page = (await api.get(`/api/deliveries/${delivery}/outcomes?limit=2`)).body as {
      data: { kind: string }[];
      next_cursor: string;
    };
    const rest = (await api.get(`/api/deliveries/${delivery}/outcomes?cursor=${page.next_cursor}`)).body as typeof page;
    expect([...page.data, ...rest.data].map(({ kind }) => kind)).toEqual(['opened', 'bounced', 'soft_bounced']);
    expect(rest.next_cursor).toBeNull();
  });

  it('happen neither before the contact nor in the future, whatever a clock elsewhere says', async () => {
    const delivery = await (await stage.person()).send();
    const [{ claimedAt = 0 } = {}] = await query<{ claimedAt: number }>(
      'select claimed_at as "claimedAt" from deliveries where id = $1',
      delivery,
    );
    const early = await heard(delivery, 'delivered', { at: '2001-01-01T00:00:00Z' });
    expect(early.body).toMatchObject({ at: new Date(claimedAt).toISOString() });
    const late = await heard(delivery, 'opened', { at: '2199-01-01T00:00:00Z' });
    expect(Date.parse((late.body as { at: string }).at)).toBeLessThanOrEqual(Date.now());
  });

  it('carry what decisions ask for: who, which decision, action, channel and purpose', async () => {
    const person = await stage.person();
    const delivery = await person.send();
    await heard(delivery, 'dismissed');
    const rows = await query(
      `select outcome.user_id as "user", outcome.decision_id = delivery.decision_id as "isSameDecision",
          outcome.action, outcome.channel, outcome.purpose, outcome.clock_domain as clock
        from contact_outcomes outcome join deliveries delivery on delivery.id = delivery_id where delivery_id = $1`,
      delivery,
    );
    expect(rows).toEqual([
      {
        user: person.id,
        isSameDecision: true,
        action: 'offer',
        channel: 'email',
        purpose: 'marketing',
        clock: 'real',
      },
    ]);
  });

  it('of a hard bounce: nothing more to this address, at once, whoever has it and whatever it rests on', async () => {
    const person = await stage.person();
    const other = await stage.person(person.email.toUpperCase());
    const delivery = await person.send();
    await other.send();
    await heard(delivery, 'bounced', { detail: '550 5.1.1 no such user' });
    expect(await person.ask()).toMatchObject({ kind: 'skip', reason: 'SUPPRESSED_HARD_BOUNCE' });
    expect(await other.ask('receipt')).toMatchObject({ kind: 'skip', reason: 'SUPPRESSED_HARD_BOUNCE' });
    expect(await suppressions(byAddress(person))).toMatchObject([
      { reason: 'hard_bounce', channel: 'email', until: null, source: 'delivery_outcome' },
    ]);
    expect(await wakes(other.id)).toBeGreaterThan(0);
    expect((await api.get(`/api/deliveries/${delivery}`)).body).toMatchObject({ failure: '550 5.1.1 no such user' });
  });

  it('of a hard bounce: a person who has another address by now gets messages there', async () => {
    const person = await stage.person();
    const delivery = await person.send();
    await api.put(`/api/users/${person.id}`, { email: 'moved.house@example.org' });
    await heard(delivery, 'bounced');
    expect(await person.ask()).toMatchObject({ kind: 'sent' });
  });

  it('of a complaint: pending marketing is cancelled, also at another address; what rests on a contract goes on', async () => {
    const person = await stage.person();
    const delivery = await person.send();
    expect(await wakes(person.id)).toBe(0);
    await heard(delivery, 'complained');
    // Every run of the person is told to ask again; whichever asks is refused.
    expect(await wakes(person.id)).toBeGreaterThan(0);
    expect(await person.ask()).toMatchObject({ kind: 'skip', reason: 'SUPPRESSED_COMPLAINT' });
    await api.put(`/api/users/${person.id}`, { email: 'complained.before@example.org' });
    expect(await person.ask()).toMatchObject({ kind: 'skip', reason: 'SUPPRESSED_COMPLAINT' });
    expect(await person.ask('receipt')).toMatchObject({ kind: 'sent' });
    expect(await suppressedBy(byAddress(person))).toEqual(['complaint']);
    expect(await suppressions(`user_id=${person.id}`)).toMatchObject([{ reason: 'complaint', channel: null }]);
  });

  it('of an unsubscription: no more of this purpose on this channel for any brand, at once', async () => {
    const person = await stage.person();
    const other = { user_id: person.id, channel: 'email', purpose: 'newsletter', status: 'granted', source: 'spec' };
    await api.post('/api/consents', other);
    const delivery = await person.send();
    await heard(delivery, 'unsubscribed');
    expect(await person.ask()).toMatchObject({ kind: 'skip', reason: 'CONSENT_WITHDRAWN' });
    expect(await wakes(person.id, 'consent_withdrawn')).toBeGreaterThan(0);
    expect(await person.ask('receipt')).toMatchObject({ kind: 'sent' });
    const { data } = (await api.get(`/api/consents/${person.id}`)).body as { data: object[] };
    const about = { purpose: 'marketing', channel: 'email', brand: '*', status: 'withdrawn' };
    expect(data[0]).toMatchObject({ ...about, source: 'delivery_outcome', evidence: { delivery_id: delivery } });
    await heard(delivery, 'unsubscribed');
    expect(((await api.get(`/api/consents/${person.id}`)).body as { data: object[] }).data).toHaveLength(3);
  });

  it('of an unsubscription that becomes known late: a consent that was given since stands', async () => {
    const person = await stage.person();
    const delivery = await person.send();
    const [{ at = '' } = {}] = await query<{ at: string }>(
      // Of one millisecond a refusal outweighs a grant: it was before that of the grant.
      `select to_jsonb(date_trunc('milliseconds', clock_timestamp()) - interval '1 millisecond') #>> array[]::text[] as at`,
    );
    const again = { user_id: person.id, channel: 'email', status: 'granted', source: 'spec' };
    await api.post('/api/consents', again);
    await heard(delivery, 'unsubscribed', { at });
    expect(await person.ask()).toMatchObject({ kind: 'sent' });
  });

  it('of an unsubscription from a message that needed no consent: nothing that needs one, on this channel', async () => {
    const person = await stage.person();
    const sent = await person.ask('receipt');
    if (sent.kind !== 'sent') throw new Error(JSON.stringify(sent));
    await heard(sent.deliveryId, 'unsubscribed');
    expect(await person.ask()).toMatchObject({ kind: 'skip', reason: 'CONSENT_WITHDRAWN' });
    expect(await person.ask('receipt')).toMatchObject({ kind: 'sent' });
  });

  it('have consequences once: what an operator lifted stays lifted when the provider says the same again', async () => {
    const person = await stage.person();
    const delivery = await person.send();
    await heard(delivery, 'bounced');
    const [suppression] = await suppressions(byAddress(person));
    await api.remove(`/api/suppressions/${suppression?.id ?? ''}`);
    await heard(delivery, 'bounced');
    expect(await suppressedBy(byAddress(person))).toEqual([]);
  });

  it('come before the answer of the attempt itself: what it records then undoes nothing', async () => {
    const person = await stage.person();
    const delivery = await person.send();
    await force(delivery, 'sending');
    await heard(delivery, 'delivered');
    expect(await states(delivery)).toEqual(['delivered', 'delivered']);
    const [{ attemptToken = '' } = {}] = await query<{ attemptToken: string }>(
      'select attempt_token as "attemptToken" from deliveries where id = $1',
      delivery,
    );
    const settlement = { deliveryId: delivery, state: 'sent', providerMessageId: 'late', failure: null } as const;
    const deliveries = app.get(DeliveriesRepository);
    expect(await deliveries.settle({ ...settlement, attemptToken })).toBe('delivered');
    expect(await deliveries.settle({ ...settlement, attemptToken: UNKNOWN_ID })).toBeNull();
    expect(await states(delivery)).toEqual(['delivered', 'delivered']);
    expect((await api.get(`/api/deliveries/${delivery}`)).body).toMatchObject({ provider_message_id: 'late' });
  });

  it('wait for a claim that is under way, and the next one knows of them', async () => {
    const person = await stage.person();
    const delivery = await person.send();
    let hearing: Promise<Answer> | undefined;
    let isHeard = false;
    await app.get(Database).transaction(async (transaction) => {
      const text = 'select from contact_state where user_id = $1 for update';
      await transaction.query({ text, values: [person.id] });
      hearing = hear(delivery, 'bounced').finally(() => (isHeard = true));
      await lockWaits(app.get(Database), 'contact_state');
      expect(isHeard).toBe(false);
    });
    expect((await hearing)?.status).toBe(201);
    expect(await person.ask()).toMatchObject({ reason: 'SUPPRESSED_HARD_BOUNCE' });
  });

  it('see under the lock what became of the delivery and the person meanwhile', async () => {
    const [released, erased] = [await stage.person(), await stage.person()];
    const deliveries = [await released.send(), await erased.send()];
    const answers: Promise<Answer>[] = [];
    await app.get(Database).transaction(async (transaction) => {
      const text = 'select from contact_state where user_id = any ($1) order by user_id for update';
      await transaction.query({ text, values: [[released.id, erased.id]] });
      answers.push(...deliveries.map((delivery) => hear(delivery, 'bounced', { detail: 'no such user' })));
      await lockWaits(app.get(Database), 'contact_state', 2);
      const release = `update deliveries set state = 'released' where id = $1`;
      await transaction.query({ text: release, values: [deliveries[0]] });
      const forget = 'update deliveries set address = null where id = $1';
      await transaction.query({ text: forget, values: [deliveries[1]] });
    });
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([409, 201]);
    expect([await suppressedBy(byAddress(released)), await suppressedBy(byAddress(erased))]).toEqual([[], []]);
  });

  it('of a virtual message are kept in its clock domain and suppress nobody', async () => {
    const person = await stage.person();
    const clock = { kind: 'virtual', domain: 'trial', now: Date.parse('2031-05-01T12:00:00Z') } as const;
    const delivery = await person.send(clock);
    for (const kind of ['soft_bounced', 'bounced', 'complained', 'unsubscribed']) await heard(delivery, kind);
    expect(await states(delivery)).toEqual(['complained', 'complained']);
    expect(await person.ask()).toMatchObject({ kind: 'sent' });
    expect(await suppressedBy(byAddress(person))).toEqual([]);
    expect(await suppressedBy(`user_id=${person.id}`)).toEqual([]);
    const kept = await query('select at, clock_domain as clock from contact_outcomes where delivery_id = $1', delivery);
    expect(kept).toEqual(Array.from({ length: 3 }, () => ({ at: clock.now, clock: 'trial' })));
  });

  it('of a person who was erased tell nothing of the person, and suppress no one else', async () => {
    const person = await stage.person();
    const delivery = await person.send();
    await heard(delivery, 'soft_bounced');
    expect((await api.remove(`/api/users/${person.id}`)).status).toBe(204);
    await heard(delivery, 'bounced', { detail: `550 <${person.email}>: user unknown` });
    await heard(delivery, 'complained');
    await heard(delivery, 'unsubscribed');
    expect(await states(delivery)).toEqual(['complained', 'complained']);
    expect(await suppressedBy(byAddress(person))).toEqual(['erasure', 'soft_bounce']);
    const kept = await query('select address, failure from deliveries where id = $1', delivery);
    expect(kept).toEqual([{ address: null, failure: null }]);
    const hashes = await query('select address_hash as hash from soft_bounces where delivery_id = $1', delivery);
    expect(hashes).toEqual([{ hash: null }]);
    const text = `select to_jsonb(outcome)::text as row from contact_outcomes outcome where delivery_id = $1`;
    expect(JSON.stringify(await query(text, delivery))).not.toContain('@');
  });

  it('are refused for a delivery that is unknown or of which no message left', async () => {
    expect(await hear(UNKNOWN_ID, 'opened')).toMatchObject({ status: 404, body: { code: 'DELIVERY_UNKNOWN' } });
    expect(await api.get(`/api/deliveries/${UNKNOWN_ID}/outcomes`)).toMatchObject({ status: 404 });
    const delivery = await (await stage.person()).send();
    await force(delivery, 'released');
    expect(await hear(delivery, 'opened')).toMatchObject({ status: 409, body: { code: 'DELIVERY_RELEASED' } });
    expect(await query('select from contact_outcomes where delivery_id = $1', delivery)).toEqual([]);
    expect(await hear(delivery, 'exploded')).toMatchObject({ status: 400, body: { errors: [{ path: 'kind' }] } });
  });

  it('end in one state and in the same suppressions, in any order and any number', async () => {
    const kinds = ['sent', 'delivered', 'failed', 'soft_bounced', 'bounced', 'complained', 'opened', 'unsubscribed'];
    const subset = fc.subarray(kinds, { minLength: 1, maxLength: 5 });
    const orders = subset.chain((words) => fc.tuple(fc.constant(words), orderOf(words), orderOf(words)));
    const begin = fc.constantFrom('sent', 'unknown');
    async function endOf(from: string, words: readonly string[], isAtOnce: boolean): Promise<unknown> {
      const person = await stage.person();
      const delivery = await person.send();
      await force(delivery, from);
      const [{ claimedAt = 0 } = {}] = await query<{ claimedAt: number }>(
        `update deliveries set claimed_at = claimed_at - interval '1 day' where id = $1
          returning claimed_at as "claimedAt"`,
        delivery,
      );
      const at = (kind: string) => ({ at: new Date(claimedAt + kinds.indexOf(kind) * 1_000).toISOString() });
      if (isAtOnce) await Promise.all(words.map((kind) => heard(delivery, kind, at(kind))));
      else for (const kind of words) await heard(delivery, kind, at(kind));
      const times = await query<{ kind: string; at: number }>(
        'select kind, at from contact_outcomes where delivery_id = $1 order by kind',
        delivery,
      );
      return {
        states: await states(delivery),
        outcomes: times.map(({ kind, at: time }) => [kind, time - claimedAt]),
        ofAddress: (await suppressions(byAddress(person)))
          .map(({ reason, until }) => [reason, until === null ? null : Date.parse(until) - claimedAt])
          .sort(),
        ofPerson: await suppressedBy(`user_id=${person.id}`),
      };
    }
    await fc.assert(
      fc.asyncProperty(begin, orders, fc.boolean(), async (from, [words, one, other], isAtOnce) => {
        const expected = await endOf(from, words, false);
        expect(await endOf(from, one, false)).toEqual(expected);
        expect(await endOf(from, other, isAtOnce)).toEqual(expected);
      }),
      { numRuns: 15 },
    );
  });
});

/** All words in some order, some of them several times. */
function orderOf(words: readonly string[]): fc.Arbitrary<readonly string[]> {
  const repeated = fc.subarray([...words]).map((again) => [...words, ...again]);
  return repeated.chain((all) => fc.shuffledSubarray(all, { minLength: all.length, maxLength: all.length }));
}
