import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { StepsService } from '../../src/modules/steps/index.js';
import { Database } from '../../src/platform/database/database.js';
import { createTestApp } from '../support/app.js';
import { clientOf, type Client } from '../support/client.js';
import { startSmtp, type TestSmtp } from '../support/smtp.js';
import { until } from '../support/until.js';

const PATIENCE_MS = 240_000;
const WAKE_MS_MAX = 60_000;
const ASK_AGAIN_MS = 15 * 60_000;
const PEOPLE_UNDER_LOAD = 200;

describe('messages that come due while sending is switched off', () => {
  let app: NestFastifyApplication;
  let api: Client;
  let smtp: TestSmtp;
  beforeAll(async () => {
    smtp = await startSmtp();
    app = await createTestApp({ SMTP_URL: smtp.url });
    api = clientOf(app);
    const link = '{{ unsubscribe_url }} {{ company.address }}';
    const content = {
      subject: 'Hello',
      html: `<a href="{{ unsubscribe_url }}">out</a> {{ company.address }}`,
      text: link,
    };
    await api.post('/api/message-templates', { key: 'hello', ...content });
    await api.post('/api/actions', { key: 'greet', name: 'Greet', template: 'hello' });
    const steps = [
      { kind: 'message', id: 'hello', channel: 'email', template: 'hello' },
      { kind: 'end', id: 'done' },
    ];
    await api.post('/api/journeys/templates', { key: 'one', name: 'one', steps });
    await api.post('/api/journeys/templates/one/publish', {});
  }, PATIENCE_MS);
  afterAll(async () => {
    await app.close();
    await smtp.stop();
  }, PATIENCE_MS);
  beforeEach(() => switched(true));
  afterEach(() => switched(false));

  const switched = (isOff: boolean): Promise<unknown> => api.put('/api/controls', { kill_switch: isOff });
  const query = <Row extends object>(text: string, ...values: unknown[]): Promise<readonly Row[]> =>
    app.get(Database).query<Row>({ text, values });

  async function enter(): Promise<{ readonly userId: string; readonly email: string; readonly runKey: string }> {
    const email = `${crypto.randomUUID()}@example.org`;
    const userId = await api.user({ email });
    await api.post('/api/consents', { user_id: userId, channel: 'email', status: 'granted', source: 'spec' });
    const { body } = await api.post(`/api/journeys/${userId}/enroll`, { journey: 'one', entry_key: '1' });
    return { userId, email, runKey: (body as { run_key: string }).run_key };
  }

  function ask({ userId, runKey }: { readonly userId: string; readonly runKey: string }, number: number) {
    const run = { runKey, userId, journeyKey: 'one', journeyVersion: 1 };
    const message = { kind: 'message', id: 'hello', channel: 'email', template: 'hello' } as const;
    const step = { ...message, onRefusal: 'continue', next: 'done' } as const;
    return app.get(StepsService).run({ run, step, visit: 1, ask: number, clock: { kind: 'real' } });
  }

  it('are put off and go out once when it is switched on again', async () => {
    const entered = await enter();
    const before = Date.now();
    const answer = await ask(entered, 1);
    expect(answer).toMatchObject({ kind: 'defer', reason: 'KILL_SWITCH' });
    if (answer.kind !== 'defer') return;
    expect(answer.until).toBeGreaterThanOrEqual(before + ASK_AGAIN_MS);
    expect(answer.until).toBeLessThanOrEqual(Date.now() + ASK_AGAIN_MS);
    expect(await smtp.mailsTo(entered.email)).toEqual([]);
    expect(await query('select from contact_ledger where user_id = $1', entered.userId)).toEqual([]);
    const { body } = await api.get(`/api/decisions/${answer.decisionId}/explain`);
    expect((body as { explanation: string }).explanation).toMatch(
      /put off until .+, when it will be asked again, because all sending is switched off/,
    );
    await switched(false);
    expect(await ask(entered, 2)).toMatchObject({ kind: 'sent' });
    expect(await smtp.mailsTo(entered.email)).toHaveLength(1);
  });

  it(
    'leave no more once it is switched, but those that are on their way',
    async () => {
      await switched(false);
      const entered: Awaited<ReturnType<typeof enter>>[] = [];
      for (let count = 0; count < PEOPLE_UNDER_LOAD; count += 1) entered.push(await enter());
      const waiting = [...entered];
      const answers: string[] = [];
      const after: string[] = [];
      let isSwitched = false;
      const worker = async (): Promise<void> => {
        for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
          const told = isSwitched ? after : answers;
          const answer = await ask(next, 1);
          told.push(answer.kind === 'defer' ? answer.reason : answer.kind);
        }
      };
      const before = smtp.taken.length;
      const working = Promise.all(Array.from({ length: 16 }, worker));
      await until(
        () => Promise.resolve(smtp.taken.length - before >= 20),
        PATIENCE_MS,
        () => 'messages go out',
      );
      await switched(true);
      isSwitched = true;
      await working;
      expect(new Set(after)).toEqual(new Set(['KILL_SWITCH']));
      expect(after.length).toBeGreaterThan(PEOPLE_UNDER_LOAD / 2);
      expect(new Set(answers)).toEqual(new Set(['sent', 'KILL_SWITCH']));
      expect(smtp.taken.length - before).toBe(answers.filter((kind) => kind === 'sent').length);
    },
    PATIENCE_MS,
  );

  it('are put off for the decision endpoint too', async () => {
    const { userId } = await enter();
    const { body } = await api.post('/api/decisions/next-best-action', { user_id: userId });
    expect(body).toMatchObject({ outcome: 'defer', action: 'greet', channel: 'none', reason: 'KILL_SWITCH' });
  });

  it(
    'ask again soon after it is switched on, and only then',
    async () => {
      const { runKey } = await enter();
      await query(`update journey_runs set state = 'running', waits_for = null`);
      await query(
        `update journey_runs set state = 'waiting', waits_for = 'hello: put off, KILL_SWITCH' where run_key = $1`,
        runKey,
      );
      await query('delete from policy_wakes');
      await switched(true);
      expect((await api.get('/api/policies/wakes')).body).toMatchObject({ data: [] });
      await switched(false);
      expect((await api.get('/api/policies/wakes')).body).toMatchObject({
        data: [{ policy_key: 'kill_switch', because: 'sending_switched_on', runs_total: 1 }],
      });
      const woken = `select from outbox where kind = 'signal_run' and run_key = $1
        and payload #>> '{argument,because}' = 'sending_switched_on'`;
      await until(
        async () => (await query(woken, runKey)).length > 0,
        WAKE_MS_MAX,
        () => 'the run is woken',
      );
      await switched(false);
      expect((await api.get('/api/policies/wakes')).body).toMatchObject({ data: [{ runs_total: 1 }] });
    },
    PATIENCE_MS,
  );
});
