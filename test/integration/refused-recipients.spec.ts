import { jest } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DeliveriesRepository } from '../../src/modules/deliveries/deliveries.repository.js';
import { OutboxDispatcher } from '../../src/modules/journeys/outbox/outbox.dispatcher.js';
import { Database } from '../../src/platform/database/database.js';
import { createTestApp } from '../support/app.js';
import { clientOf, type Client } from '../support/client.js';
import { startSmtp, type TestSmtp } from '../support/smtp.js';
import { stageSteps, type StagedPerson } from '../support/step-stage.js';

/** Each spec makes people and tries to send them mail, on a machine that may be busy. */
jest.setTimeout(300_000);

describe('recipients whom the mail server refuses', () => {
  let app: NestFastifyApplication;
  let smtp: TestSmtp;
  let api: Client;
  let stage: Awaited<ReturnType<typeof stageSteps>>;

  beforeAll(async () => {
    smtp = await startSmtp();
    app = await createTestApp({ SMTP_URL: smtp.url });
    // There is no Temporal here: nothing carries the outbox away.
    jest.spyOn(app.get(OutboxDispatcher), 'kick').mockReturnValue();
    api = clientOf(app);
    stage = await stageSteps(app);
  });
  afterAll(async () => {
    await app.close();
    await smtp.stop();
  });
  afterEach(() => jest.restoreAllMocks());

  const query = <Row extends object>(text: string, ...values: unknown[]): Promise<readonly Row[]> =>
    app.get(Database).query<Row>({ text, values });
  const suppressions = async ({ email }: StagedPerson): Promise<object[]> =>
    ((await api.get(`/api/suppressions?address=${encodeURIComponent(email)}`)).body as { data: object[] }).data;
  /** The state of the delivery and of its place under the caps. */
  const states = (person: StagedPerson): Promise<readonly object[]> =>
    query(
      `select delivery.state, ledger.state as ledger from deliveries delivery
        left join contact_ledger ledger on ledger.delivery_id = delivery.id where delivery.user_id = $1`,
      person.id,
    );

  it('are suppressed as after a hard bounce, at once and whoever has the address, and keep their place', async () => {
    const person = await stage.person('refused.one@example.org');
    const other = await stage.person('Refused.One@example.org');
    expect(await person.ask()).toMatchObject({ kind: 'skip', reason: 'PROVIDER_REJECTED' });
    expect(await states(person)).toEqual([{ state: 'bounced', ledger: 'bounced' }]);
    expect(await suppressions(person)).toMatchObject([
      { reason: 'hard_bounce', channel: 'email', until: null, source: 'delivery_outcome' },
    ]);
    expect(await person.ask('receipt')).toMatchObject({ reason: 'SUPPRESSED_HARD_BOUNCE' });
    expect(await other.ask()).toMatchObject({ reason: 'SUPPRESSED_HARD_BOUNCE' });
    const woken = `select from outbox join journey_entries using (run_key) where user_id = $1
      and payload -> 'argument' ->> 'because' = 'suppression_changed'`;
    expect(await query(woken, person.id)).not.toEqual([]);
    const outcomes = 'select kind from contact_outcomes where user_id = $1';
    expect(await query(outcomes, person.id)).toEqual([{ kind: 'bounced' }]);
  });

  it.each([
    ['refused-blocked', '5.7.1, which says that we may not send'],
    ['refused-full', '5.2.2, a full mailbox'],
    ['spam', '554 after the message'],
  ])('%s: a refusal with %s is none of the recipient', async (localPart) => {
    const person = await stage.person(`${localPart}@example.org`);
    expect(await person.ask()).toMatchObject({ kind: 'skip', reason: 'PROVIDER_REJECTED' });
    expect(await states(person)).toEqual([{ state: 'failed', ledger: 'failed' }]);
    expect(await suppressions(person)).toEqual([]);
  });

  it('get the same answer when the process dies before it has noted the answer', async () => {
    const person = await stage.person('refused.two@example.org');
    const { runKey, ask } = await person.run();
    const death = new Error('as if the process had died');
    jest.spyOn(app.get(DeliveriesRepository), 'settle').mockRejectedValueOnce(death);
    await expect(ask()).rejects.toThrow(death);
    expect(await suppressions(person)).toMatchObject([{ reason: 'hard_bounce' }]);
    expect(await ask()).toMatchObject({ kind: 'skip', reason: 'PROVIDER_REJECTED' });
    expect(await query('select from deliveries where run_key = $1', runKey)).toHaveLength(1);
  });

  it('of a virtual clock are not suppressed: nothing real was tried', async () => {
    const person = await stage.person('refused.three@example.org');
    const clock = { kind: 'virtual', domain: 'trial', now: Date.parse('2031-05-01T12:00:00Z') } as const;
    expect(await person.ask('offer', clock)).toMatchObject({ kind: 'skip', reason: 'PROVIDER_REJECTED' });
    expect(await suppressions(person)).toEqual([]);
  });
});
