import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { StepAnswer } from '../../src/core/journeys/step-answer.js';
import { Database } from '../../src/platform/database/database.js';
import { createTestApp } from '../support/app.js';
import { NO_NOISE } from '../support/contact-stage.js';
import { startSlowSmtp, type SlowAnswers, type SlowSmtp } from '../support/slow-smtp.js';
import { stageSteps, type StagedPerson } from '../support/step-stage.js';
import { until } from '../support/until.js';

const START_MS_MAX = 120_000;
const TEST_MS_MAX = 120_000;
const HEARD_MS_MAX = 50_000;
const GREETING_MS = 3_000;
const ANSWER_MS = 2_000;
const CLAIMS_MAX = 5;
const LATE = 'the mail server was not ready for the message in time';

describe.each([{ isPipelining: true }, { isPipelining: false }])(
  'between the claim and the first byte, before a slow mail server (pipelining: $isPipelining)',
  ({ isPipelining }) => {
    let smtp: SlowSmtp;
    let app: NestFastifyApplication;
    let stage: Awaited<ReturnType<typeof stageSteps>>;

    /** Each on lines of its own: what one test did to a line is not another's business. */
    beforeEach(async () => {
      smtp = await startSlowSmtp({ isPipelining });
      app = await createTestApp({ SMTP_URL: smtp.url, ...NO_NOISE }, { isHurried: true });
      stage = await stageSteps(app);
    }, START_MS_MAX);
    afterEach(async () => {
      await app.close();
      await smtp.stop();
    }, START_MS_MAX);

    const query = <Row extends object>(text: string, ...values: unknown[]): Promise<readonly Row[]> =>
      app.get(Database).query<Row>({ text, values });
    const deliveryOf = async ({ id }: StagedPerson): Promise<object | undefined> =>
      (
        await query(
          `select delivery.state, attempt, failure, ledger.state as ledger
            from deliveries delivery join contact_ledger ledger on delivery_id = id where delivery.user_id = $1`,
          id,
        )
      )[0];

    /** What was decided, in order, as anybody who asks is told. */
    async function trailOf({ id }: StagedPerson): Promise<readonly (readonly [string, string | null])[]> {
      const rows = await query<{ id: string }>('select id from decisions where user_id = $1 order by chain_seq', id);
      const explained = rows.map((row) => app.inject({ url: `/api/decisions/${row.id}/explain` }));
      const told = (await Promise.all(explained)).map((response) =>
        response.json<{ outcome: string; reason: string | null }>(),
      );
      return told.map(({ outcome, reason }) => [outcome, reason] as const);
    }

    async function withdraw({ id }: StagedPerson): Promise<void> {
      const payload = { user_id: id, channel: 'email', status: 'withdrawn', source: 'spec' };
      const { statusCode } = await app.inject({ method: 'POST', url: '/api/consents', payload });
      expect(statusCode).toBe(201);
    }

    /** Asks, and withdraws the consent as soon as the server stands where it takes its time. */
    async function withdrawOnceThere(person: StagedPerson, isThere: () => boolean): Promise<StepAnswer> {
      const asked = person.ask();
      await until(isThere, HEARD_MS_MAX, () => 'the mail server being asked');
      await withdraw(person);
      return asked;
    }

    const wasAskedTo = (verb: string) => (): boolean => smtp.commands.some((line) => line.startsWith(verb));

    it(
      'claims nothing while the server has not greeted: who withdraws meanwhile is not contacted',
      async () => {
        smtp.slow.greetingMs = GREETING_MS;
        const person = await stage.person();
        const answer = await withdrawOnceThere(person, () => smtp.connections > 0);
        expect(answer).toMatchObject({ kind: 'skip', reason: 'CONSENT_WITHDRAWN' });
        expect(smtp).toMatchObject({ taken: 0, content: [] });
        expect(await deliveryOf(person)).toBeUndefined();
        expect(await trailOf(person)).toEqual([['do_nothing', 'CONSENT_WITHDRAWN']]);
      },
      TEST_MS_MAX,
    );

    it.each<[string, keyof SlowAnswers]>([
      ['RCPT', 'rcptMs'],
      ['DATA', 'dataMs'],
    ])(
      'gives the claim back where the server is slow at %s, and asks for the consent again',
      async (verb, slow) => {
        smtp.slow[slow] = ANSWER_MS;
        const person = await stage.person();
        const answer = await withdrawOnceThere(person, wasAskedTo(verb));
        expect(answer).toMatchObject({ kind: 'skip', reason: 'CONSENT_WITHDRAWN' });
        expect(smtp).toMatchObject({ taken: 0, content: [] });
        const givenBack = { state: 'released', ledger: 'released', attempt: 1, failure: LATE };
        expect(await deliveryOf(person)).toEqual(givenBack);
        expect(await trailOf(person)).toEqual([
          ['act', null],
          ['do_nothing', 'CONSENT_WITHDRAWN'],
        ]);
      },
      TEST_MS_MAX,
    );

    it(
      'sends to a server that only greets slowly, and that takes its time once it has the content',
      async () => {
        smtp.slow.greetingMs = ANSWER_MS;
        smtp.slow.endMs = ANSWER_MS;
        const person = await stage.person();
        expect(await person.ask()).toMatchObject({ kind: 'sent' });
        expect(smtp.taken).toBe(1);
        expect(await deliveryOf(person)).toMatchObject({ state: 'sent', ledger: 'sent', attempt: 1 });
      },
      TEST_MS_MAX,
    );

    it(
      'claims anew, and sends once, when the server has caught up',
      async () => {
        smtp.slow.rcptMs = ANSWER_MS;
        const person = await stage.person();
        const asked = person.ask();
        await until(wasAskedTo('RCPT'), HEARD_MS_MAX, () => 'the recipient');
        smtp.slow.rcptMs = 0;
        expect(await asked).toMatchObject({ kind: 'sent' });
        expect(smtp.taken).toBe(1);
        expect(await deliveryOf(person)).toMatchObject({ state: 'sent', ledger: 'sent', attempt: 2 });
      },
      TEST_MS_MAX,
    );

    it(
      'puts the message off when the server is too slow every time, with the place free again',
      async () => {
        smtp.slow.dataMs = ANSWER_MS;
        const person = await stage.person();
        expect(await person.ask()).toMatchObject({ kind: 'defer', reason: 'PROVIDER_UNAVAILABLE' });
        expect(smtp).toMatchObject({ taken: 0, content: [] });
        const givenBack = { state: 'released', ledger: 'released', attempt: CLAIMS_MAX, failure: LATE };
        expect(await deliveryOf(person)).toEqual(givenBack);
      },
      TEST_MS_MAX,
    );

    it(
      'takes a new line when the server hangs up on the one that was open',
      async () => {
        smtp.messagesPerConnection = 1;
        for (const attempt of [1, 2]) {
          const person = await stage.person();
          expect(await person.ask()).toMatchObject({ kind: 'sent' });
          expect(await deliveryOf(person)).toMatchObject({ state: 'sent', ledger: 'sent', attempt });
        }
        expect(smtp).toMatchObject({ connections: 2, taken: 2 });
      },
      TEST_MS_MAX,
    );
  },
);
