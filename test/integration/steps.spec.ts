import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Step } from '../../src/core/journeys/plan.js';
import type { StepAnswer } from '../../src/core/journeys/step-answer.js';
import { AttemptAliveError, StepsService } from '../../src/modules/steps/index.js';
import { Database } from '../../src/platform/database/database.js';
import { createTestApp } from '../support/app.js';
import { zoneByDay } from '../support/day-zone.js';
import { startSmtp, type TestSmtp } from '../support/smtp.js';

const HOURS_ALIVE = 1;
/** No Temporal server here: what is on its way there must run into its deadline first. */
const CLOSE_MS_MAX = 30_000;

/** Everything that a step of a run needs around it: a person, a consent, a template, a published journey, an entry. */
describe('one step of a run, from the question to the mailbox', () => {
  let app: NestFastifyApplication;
  let smtp: TestSmtp;
  let people = 0;

  beforeAll(async () => {
    smtp = await startSmtp();
    app = await createTestApp({ SMTP_URL: smtp.url });
    await post('/api/message-templates', {
      key: 'hello',
      channel: 'email',
      purpose: 'marketing',
      subject: 'Hello {{ user.name }}',
      html: '<p>Hello {{ user.name }}</p><p><a href="{{ unsubscribe_url }}">unsubscribe</a> {{ company.address }}</p>',
      text: 'Hello {{ user.name }}\n{{ unsubscribe_url }}\n{{ company.address }}',
    });
    for (const key of ['one', 'two']) {
      const step = { kind: 'message', id: 'hello', channel: 'email', template: 'hello' };
      await post('/api/journeys/templates', {
        key,
        name: key,
        entry: { mode: 'parallel' },
        steps: [step, { kind: 'end', id: 'done' }],
      });
      await post(`/api/journeys/templates/${key}/publish`, {});
    }
  });
  afterAll(async () => {
    await app.close();
    await smtp.stop();
  }, CLOSE_MS_MAX);

  async function post<T>(url: string, payload: object): Promise<T> {
    const response = await app.inject({ method: 'POST', url, payload });
    if (response.statusCode >= 300) throw new Error(`${url}: ${response.statusCode} ${response.body}`);
    return response.json<T>();
  }

  async function person(localPart = 'person', isConsenting = true): Promise<{ id: string; email: string }> {
    people += 1;
    const email = `${localPart}-${people}@example.org`;
    const { id } = await post<{ id: string }>('/api/users', { email, name: 'Ada' });
    if (isConsenting) {
      await post('/api/consents', { user_id: id, channel: 'email', status: 'granted', source: 'spec' });
    }
    return { id, email };
  }

  async function enter(userId: string, entryKey = '1'): Promise<string> {
    const body = { journey: 'one', entry_key: entryKey };
    return (await post<{ run_key: string }>(`/api/journeys/${userId}/enroll`, body)).run_key;
  }

  function ask(userId: string, runKey: string, askNumber = 1, template = 'hello'): Promise<StepAnswer> {
    const step: Extract<Step, { kind: 'message' }> = {
      kind: 'message',
      id: 'hello',
      channel: 'email',
      template,
      onRefusal: 'continue',
      next: 'done',
    };
    const run = { runKey, userId, journeyKey: 'one', journeyVersion: 1 };
    return app.get(StepsService).run({ run, step, visit: 1, ask: askNumber, clock: { kind: 'real' } });
  }

  const query = <Row extends object>(text: string, ...values: unknown[]): Promise<readonly Row[]> =>
    app.get(Database).query<Row>({ text, values });

  it('sends once and gives a repeated question its first answer', async () => {
    const { id, email } = await person();
    const runKey = await enter(id);
    const answer = await ask(id, runKey);
    expect(answer).toMatchObject({ kind: 'sent', action: 'hello' });
    expect(await ask(id, runKey)).toEqual(answer);
    const mails = await smtp.mailsTo(email);
    expect(mails).toHaveLength(1);
    expect(mails[0]?.subject).toBe('Hello Ada');
    const headers = new Map(mails[0]?.headers.map(({ key, value }) => [key, value]));
    expect(headers.get('list-unsubscribe-post')).toBe('List-Unsubscribe=One-Click');
    expect(headers.get('list-unsubscribe')).toMatch(/^<http.+\/unsubscribe\/.+>$/);
  });

  it('sends once when the same question is asked many times at once', async () => {
    const { id, email } = await person();
    const runKey = await enter(id);
    const asked = await Promise.allSettled(Array.from({ length: 20 }, () => ask(id, runKey)));
    expect(asked.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThan(0);
    expect(await smtp.mailsTo(email)).toHaveLength(1);
  });

  it('shows what endpoints answered to this run: escaped in HTML, and empty where nothing was answered', async () => {
    const shown = '{{ run.responses.score.tier }} {{ run.responses.stock.left }}!';
    const receipt = { key: 'offer', channel: 'email', purpose: 'transactional', legal_basis: 'contract' };
    await post('/api/message-templates', {
      ...receipt,
      missing: 'empty',
      subject: shown,
      html: `<p>${shown}</p>`,
      text: shown,
    });
    const { id, email } = await person();
    const [runKey, other] = [await enter(id), await enter(id, '2')];
    await query(
      `insert into run_responses (run_key, step_id, response) values ($1, 'score', '{"tier": "<gold>"}')`,
      runKey,
    );
    for (const each of [runKey, other]) expect(await ask(id, each, 1, 'offer')).toMatchObject({ kind: 'sent' });
    const [first, second] = await smtp.mailsTo(email);
    expect(first).toMatchObject({ subject: '<gold> !', text: '<gold> !\n', html: '<p>&lt;gold&gt; !</p>\n' });
    expect(second).toMatchObject({ subject: '!', html: '<p> !</p>\n' });
  });

  it('stays silent without consent, and says why', async () => {
    const { id, email } = await person('silent', false);
    const answer = await ask(id, await enter(id));
    expect(answer).toMatchObject({ kind: 'skip', reason: 'CONSENT_MISSING' });
    expect(await smtp.mailsTo(email)).toEqual([]);
    const explained = await app.inject({ url: `/api/decisions/${answer.decisionId}/explain` });
    expect(explained.json()).toMatchObject({ outcome: 'do_nothing', channel: 'none', reason: 'CONSENT_MISSING' });
  });

  it('asks again under the lock: a withdrawal that commits before the claim wins', async () => {
    const { id, email } = await person();
    const runKey = await enter(id);
    let asked: Promise<StepAnswer> | undefined;
    await app.get(Database).transaction(async (transaction) => {
      await transaction.query({ text: 'select from contact_state where user_id = $1 for update', values: [id] });
      asked = ask(id, runKey);
      await blockedOn('contact_state');
      await transaction.query({
        text: `insert into consent_records (user_id, purpose, channel, brand, status, basis, stated_at, received_at, source)
          values ($1, 'marketing', 'email', 'default', 'withdrawn', 'consent', clock_timestamp(), clock_timestamp(), 'spec')`,
        values: [id],
      });
    });
    expect(await asked).toMatchObject({ kind: 'skip', reason: 'CONSENT_WITHDRAWN' });
    expect(await smtp.mailsTo(email)).toEqual([]);
  });

  /** Resolves once some session waits for a row of the table. */
  async function blockedOn(table: string): Promise<void> {
    for (;;) {
      const waiting = await query(
        `select from pg_stat_activity where wait_event_type = 'Lock' and query like '%' || $1 || '%' and pid <> pg_backend_pid()`,
        table,
      );
      if (waiting.length > 0) return;
    }
  }

  it('twenty runs of one user under a cap of one a day: one mail, nineteen refusals that name the rule', async () => {
    await post('/api/policies', {
      key: 'daily',
      definition: {
        kind: 'cap',
        scope: { kind: 'global' },
        limit: 1,
        window: { kind: 'calendar', unit: 'day' },
        on_hit: 'drop',
      },
    });
    const { id, email } = await person();
    await query('update users set timezone = $2 where id = $1', id, zoneByDay());
    const runKeys = await Promise.all(Array.from({ length: 20 }, (_, index) => enter(id, `run-${index}`)));
    const answers = await Promise.all(runKeys.map((runKey) => ask(id, runKey)));
    expect(answers.filter(({ kind }) => kind === 'sent')).toHaveLength(1);
    expect(answers.filter((answer) => answer.kind === 'skip' && answer.reason === 'CAP_REACHED')).toHaveLength(19);
    expect(await smtp.mailsTo(email)).toHaveLength(1);
    const rules = await query<{ rule: string }>(
      `select distinct verdict ->> 4 as rule from decisions, jsonb_array_elements(record::jsonb #> '{decision,gates}') verdict
        where user_id = $1 and verdict ->> 3 = 'CAP_REACHED'`,
      id,
    );
    expect(rules).toEqual([{ rule: 'daily@1' }]);
    await app.inject({ method: 'DELETE', url: '/api/policies/daily' });
  });

  it('never repeats an attempt that may be alive, and calls it unknown when its time is over', async () => {
    const { id, email } = await person();
    const runKey = await enter(id);
    await ask(id, runKey);
    // As if the process had died after the claim: the mail left, the answer was not recorded.
    await query(
      `update deliveries set state = 'sending', settled_at = null,
        deadline_at = date_trunc('milliseconds', clock_timestamp()) + make_interval(hours => $2) where run_key = $1`,
      runKey,
      HOURS_ALIVE,
    );
    await query(`update step_answers set answer = null where run_key = $1`, runKey);
    await expect(ask(id, runKey)).rejects.toThrow(AttemptAliveError);
    await query(
      `update deliveries set deadline_at = date_trunc('milliseconds', clock_timestamp()) where run_key = $1`,
      runKey,
    );
    expect(await ask(id, runKey)).toMatchObject({ kind: 'unknown', reason: 'OUTCOME_UNKNOWN' });
    expect(await smtp.mailsTo(email)).toHaveLength(1);
    expect(await heldContacts(id)).toBe(1);
  });

  const heldContacts = async (userId: string): Promise<number> =>
    (await query(`select from contact_ledger where user_id = $1 and state not in ('failed', 'released')`, userId))
      .length;

  it.each([
    ['refused', 'skip', 'PROVIDER_REJECTED', 'bounced', 1],
    ['spam', 'skip', 'PROVIDER_REJECTED', 'failed', 0],
    ['later', 'defer', 'PROVIDER_UNAVAILABLE', 'released', 0],
    ['taken-then-cut', 'unknown', 'OUTCOME_UNKNOWN', 'unknown', 1],
  ])('%s by the mail server: %s %s', async (localPart, kind, reason, state, held) => {
    const { id } = await person(localPart);
    const runKey = await enter(id);
    expect(await ask(id, runKey)).toMatchObject({ kind, reason });
    expect(await query('select state from deliveries where run_key = $1', runKey)).toEqual([{ state }]);
    expect(await heldContacts(id)).toBe(held);
  });

  it('claims a visit again after the provider was unavailable, as the same delivery', async () => {
    const { id } = await person('later');
    const runKey = await enter(id);
    expect(await ask(id, runKey, 1)).toMatchObject({ kind: 'defer' });
    await query(`update users set email = replace(email, 'later', 'now') where id = $1`, id);
    expect(await ask(id, runKey, 2)).toMatchObject({ kind: 'sent' });
    expect(await query('select state, attempt from deliveries where run_key = $1', runKey)).toEqual([
      { state: 'sent', attempt: 2 },
    ]);
    expect(await heldContacts(id)).toBe(1);
  });

  it('asks for exit events once more: one that was committed before the claim stops the message', async () => {
    const { id, email } = await person();
    await post('/api/journeys/templates', {
      key: 'exits',
      name: 'exits',
      exit: { events: ['bought'] },
      steps: [
        { kind: 'message', id: 'hello', channel: 'email', template: 'hello' },
        { kind: 'end', id: 'done' },
      ],
    });
    await post('/api/journeys/templates/exits/publish', {});
    const { run_key: runKey } = await post<{ run_key: string }>(`/api/journeys/${id}/enroll`, { journey: 'exits' });
    await post('/api/events', { user_id: id, event_type: 'track', event_name: 'bought' });
    expect(await ask(id, runKey)).toMatchObject({ kind: 'skip', reason: 'RUN_EXITED' });
    expect(await smtp.mailsTo(email)).toEqual([]);
  });

  it('sends what rests on a contract without consent, and counts it under no cap', async () => {
    await post('/api/message-templates', {
      key: 'receipt',
      channel: 'email',
      purpose: 'transactional',
      legal_basis: 'contract',
      subject: 'Receipt',
      html: '<p>Receipt</p>',
      text: 'Receipt',
    });
    const { id, email } = await person('buyer', false);
    const runKey = await enter(id);
    expect(await ask(id, runKey, 1, 'receipt')).toMatchObject({ kind: 'sent' });
    const [mail] = await smtp.mailsTo(email);
    expect(mail?.headers.some(({ key }) => key === 'list-unsubscribe')).toBe(false);
    expect(await heldContacts(id)).toBe(0);
  });

  it('links every decision of a user into one chain that verifies', async () => {
    const { id } = await person();
    await ask(id, await enter(id, 'a'));
    await ask(id, await enter(id, 'b'));
    const broken = await query(
      `with link as (
        select chain_seq, chain_hash, payload_hash, lag(chain_hash, 1, ''::bytea) over (order by chain_seq) as previous
        from decisions where user_id = $1
      ) select from link where chain_hash <> sha256(previous || payload_hash)`,
      id,
    );
    expect(broken).toEqual([]);
    expect(await query('select chain_length as length from contact_state where user_id = $1', id)).toEqual([
      { length: 2 },
    ]);
  });
});
