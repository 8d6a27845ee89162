import { jest } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DAY_MS } from '../../src/core/kernel/instant.js';
import { OutboxDispatcher } from '../../src/modules/journeys/outbox/outbox.dispatcher.js';
import { Database } from '../../src/platform/database/database.js';
import { createTestApp } from '../support/app.js';
import { clientOf, type Client } from '../support/client.js';
import { startSmtp, type TestSmtp } from '../support/smtp.js';
import { stageSteps, type StagedPerson } from '../support/step-stage.js';

/** Each spec makes people, sends them mail and hears of it: a few dozen requests, on a machine that may be busy. */
jest.setTimeout(300_000);

describe('soft bounces', () => {
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

  /** A message that could have come back at any time of the last 90 days. */
  async function sent(person: StagedPerson): Promise<string> {
    const delivery = await person.send();
    const text = `update deliveries set claimed_at = claimed_at - interval '90 days' where id = $1`;
    await app.get(Database).query({ text, values: [delivery] });
    return delivery;
  }
  /** @returns when it came back, so many days ago */
  async function bounce(delivery: string, daysAgo: number): Promise<number> {
    const at = Date.now() - daysAgo * DAY_MS;
    const body = { kind: 'soft_bounced', at: new Date(at).toISOString() };
    expect((await api.post(`/api/deliveries/${delivery}/outcomes`, body)).status).toBe(201);
    return at;
  }
  const suppressions = async (email: string): Promise<{ reason: string; until: string }[]> =>
    ((await api.get(`/api/suppressions?address=${encodeURIComponent(email)}`)).body as { data: [] }).data;

  it('suppress an address for 14 days once three messages came back within 7 days', async () => {
    const person = await stage.person();
    await bounce(await sent(person), 6.9);
    await bounce(await sent(person), 3);
    expect(await person.ask()).toMatchObject({ kind: 'sent' });
    const last = await bounce(await sent(person), 1);
    expect(await suppressions(person.email)).toMatchObject([
      { reason: 'soft_bounce', channel: 'email', until: new Date(last + 14 * DAY_MS).toISOString() },
    ]);
    expect(await person.ask()).toMatchObject({ kind: 'skip', reason: 'SUPPRESSED_SOFT_BOUNCE' });
    expect(await person.ask('receipt')).toMatchObject({ kind: 'sent' });
  });

  it('suppress nobody when they are further apart', async () => {
    const person = await stage.person();
    for (const daysAgo of [9, 5, 1]) await bounce(await sent(person), daysAgo);
    expect(await suppressions(person.email)).toEqual([]);
  });

  it('suppress nobody when one message bounces again and again', async () => {
    const person = await stage.person();
    const delivery = await sent(person);
    for (const daysAgo of [4, 3, 2, 1]) await bounce(delivery, daysAgo);
    expect(await suppressions(person.email)).toEqual([]);
  });

  it('end the same in whatever order they become known', async () => {
    const days = [20, 19, 18, 2, 1, 0.5];
    for (const order of [days, [...days].reverse(), [18, 0.5, 2, 20, 1, 19]]) {
      const person = await stage.person();
      const deliveries: string[] = [];
      for (const _ of days) deliveries.push(await sent(person));
      const times: number[] = [];
      for (const [index, daysAgo] of order.entries()) times.push(await bounce(deliveries[index] ?? '', daysAgo));
      const until = new Date(Math.max(...times) + 14 * DAY_MS).toISOString();
      expect(await suppressions(person.email)).toMatchObject([{ reason: 'soft_bounce', until }]);
    }
  });

  it('count for the address, whoever has it', async () => {
    const [one, two] = [await stage.person('shared.box@example.org'), await stage.person('Shared.Box@example.org')];
    await bounce(await sent(one), 3);
    await bounce(await sent(two), 2);
    await bounce(await sent(one), 1);
    expect(await two.ask()).toMatchObject({ kind: 'skip', reason: 'SUPPRESSED_SOFT_BOUNCE' });
  });

  it('reach the count when they are told at the same moment', async () => {
    const person = await stage.person();
    const deliveries = [await person.send(), await person.send(), await person.send()];
    await Promise.all(deliveries.map((id) => api.post(`/api/deliveries/${id}/outcomes`, { kind: 'soft_bounced' })));
    expect(await person.ask()).toMatchObject({ kind: 'skip', reason: 'SUPPRESSED_SOFT_BOUNCE' });
  });
});
