import type { ExplanationView } from '../../src/modules/decisions/decisions.dto.js';
import type { EnrolmentView } from '../../src/modules/journeys/entry/enrolment.dto.js';
import type { RunView } from '../../src/modules/journeys/runs/runs.dto.js';
import { startTactful, until, type Tactful } from '../support/tactful.js';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

const template = (key: string): object => ({
  key,
  channel: 'email',
  purpose: 'marketing',
  subject: `${key} for {{ user.name }}`,
  html: `<p>${key} for {{ user.name }}</p><p><a href="{{ unsubscribe_url }}">unsubscribe</a> {{ company.address }}</p>`,
  text: `${key} for {{ user.name }}\n{{ unsubscribe_url }}\n{{ company.address }}`,
});
const message = (id: string): object => ({ kind: 'message', id, channel: 'email', template: id });
const end = { kind: 'end', id: 'done' };
/** Until the spec says so: what is told to the run before that is told in time, however busy the machine is. */
const untilTold = {
  kind: 'wait_for',
  id: 'pause',
  event: 'go_on',
  timeout: 'P1D',
  on_event: 'second',
  on_timeout: 'second',
};

describe('a journey, from REST to the mailbox', () => {
  let tactful: Tactful;
  let people = 0;

  beforeAll(async () => {
    tactful = await startTactful();
    for (const key of ['first', 'second']) await tactful.post('/api/message-templates', template(key));
  }, 3 * MINUTE_MS);
  afterAll(() => tactful.stop(), 3 * MINUTE_MS);

  async function person(profile: object = {}): Promise<{ id: string; email: string }> {
    people += 1;
    const email = `e2e-${people}@example.org`;
    const stated = { email, name: 'Ada', timezone: 'Europe/Berlin', ...profile };
    const { id } = await tactful.post<{ id: string }>('/api/users', stated);
    await tactful.post('/api/consents', { user_id: id, channel: 'email', status: 'granted', source: 'spec' });
    return { id, email };
  }

  async function publish(key: string, journey: object): Promise<void> {
    await tactful.post('/api/journeys/templates', { key, name: key, ...journey });
    await tactful.post(`/api/journeys/templates/${key}/publish`, {});
  }

  const enrol = (userId: string, body: object): Promise<EnrolmentView> =>
    tactful.post<EnrolmentView>(`/api/journeys/${userId}/enroll`, body);
  const goOn = (userId: string): Promise<unknown> =>
    tactful.post('/api/events', { user_id: userId, event_type: 'track', event_name: 'go_on' });
  const run = (id: string): Promise<RunView> => tactful.get<RunView>(`/api/runs/${id}`);
  const ended = (id: string): Promise<RunView> =>
    until(
      () => run(id),
      ({ ended_at }) => ended_at !== null,
    );
  const waiting = (id: string): Promise<RunView> =>
    until(
      () => run(id),
      ({ state }) => state === 'waiting',
    );

  it('sends the welcome mail once and shows the whole way', async () => {
    await publish('welcome', { steps: [message('first'), end] });
    const { id, email } = await person();
    const enrolled = await enrol(id, { journey: 'welcome' });
    expect(enrolled.is_new).toBe(true);
    expect(await ended(enrolled.id)).toMatchObject({ state: 'completed', reason: 'completed' });
    const mails = await tactful.smtp.mailsTo(email);
    expect(mails.map(({ subject }) => subject)).toEqual(['first for Ada']);
    const { data } = await tactful.get<{ data: { id: string }[] }>(`/api/decisions?user_id=${id}`);
    const explained = await tactful.get<ExplanationView>(`/api/decisions/${data[0]?.id}/explain`);
    expect(explained).toMatchObject({ outcome: 'act', channel: 'email', action: 'first' });
    expect(explained.explanation).toMatch(/^At .+ was chosen/);
    const deliveries = await tactful.get<{ data: object[] }>(`/api/deliveries?user_id=${id}`);
    expect(deliveries.data).toMatchObject([{ state: 'sent', action: 'first' }]);
  });

  it('sends the message of each person through the channel that suits them', async () => {
    const note = { key: 'first_note', channel: 'in_app', purpose: 'marketing', title: 'first', body: 'first' };
    await tactful.post('/api/message-templates', note);
    const choices = [
      { channel: 'email', template: 'first' },
      { channel: 'in_app', template: 'first_note' },
    ];
    await publish('fitting', { steps: [{ kind: 'message', id: 'hello', channel: 'best', choices }, end] });
    const people = [await person(), await person({ preferred_channel: 'in_app' }), await person()];
    const both = people.slice(0, 2);
    for (const { id } of both) {
      await tactful.post('/api/consents', { user_id: id, channel: 'in_app', status: 'granted', source: 'spec' });
    }
    for (const { id } of people) await ended((await enrol(id, { journey: 'fitting' })).id);
    const sent = await Promise.all(
      people.map(async ({ id, email }) => {
        const { data } = await tactful.get<{ data: { action: string }[] }>(`/api/deliveries?user_id=${id}`);
        return [data.map(({ action }) => action), (await tactful.smtp.mailsTo(email)).length];
      }),
    );
    expect(sent).toEqual([
      [['first'], 1],
      [['first_note'], 0],
      [['first'], 1],
    ]);
  });

  it('fifty enrolments at once in a `once` journey make one run', async () => {
    const { id, email } = await person();
    const answers = await Promise.all(Array.from({ length: 50 }, () => enrol(id, { journey: 'welcome' })));
    expect(answers.filter(({ is_new }) => is_new)).toHaveLength(1);
    expect(new Set(answers.map((answer) => answer.id)).size).toBe(1);
    await ended(answers[0]?.id ?? '');
    expect(await tactful.smtp.mailsTo(email)).toHaveLength(1);
  });

  it('is silent when consent is withdrawn during a wait', async () => {
    await publish('two_mails', { steps: [message('first'), untilTold, message('second'), end] });
    const { id, email } = await person();
    const enrolled = await enrol(id, { journey: 'two_mails' });
    await waiting(enrolled.id);
    await tactful.post('/api/consents', { user_id: id, channel: 'email', status: 'withdrawn', source: 'spec' });
    await goOn(id);
    await ended(enrolled.id);
    expect((await tactful.smtp.mailsTo(email)).map(({ subject }) => subject)).toEqual(['first for Ada']);
    const { data } = await tactful.get<{ data: { id: string; step_id: string }[] }>(`/api/decisions?user_id=${id}`);
    const last = await tactful.get<ExplanationView>(`/api/decisions/${data[0]?.id}/explain`);
    expect(last).toMatchObject({ step_id: 'second', reason: 'CONSENT_WITHDRAWN', channel: 'none', action: 'none' });
  });

  it('an unsubscribe from the mail itself takes effect at the next message', async () => {
    const { id, email } = await person();
    const enrolled = await enrol(id, { journey: 'two_mails' });
    await waiting(enrolled.id);
    const [mail] = await tactful.smtp.mailsTo(email);
    const header = mail?.headers.find(({ key }) => key === 'list-unsubscribe')?.value ?? '';
    const url = new URL(header.slice(1, -1)).pathname;
    const oneClick = await tactful.app.inject({
      method: 'POST',
      url,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      payload: 'List-Unsubscribe=One-Click',
    });
    expect(oneClick.statusCode).toBe(200);
    await goOn(id);
    await ended(enrolled.id);
    expect(await tactful.smtp.mailsTo(email)).toHaveLength(1);
  });

  it('an event moves a waiting run, another ends it in the middle of a long wait', async () => {
    await publish('listens', {
      exit: { events: ['account_closed'] },
      steps: [
        { kind: 'wait_for', id: 'buys', event: 'purchase', timeout: 'P30D', on_event: 'second', on_timeout: 'done' },
        message('second'),
        { kind: 'wait', id: 'long', duration: 'P30D' },
        end,
      ],
    });
    const { id, email } = await person();
    const enrolled = await enrol(id, { journey: 'listens' });
    await waiting(enrolled.id);
    await tactful.post('/api/events', { user_id: id, event_type: 'track', event_name: 'purchase' });
    await until(
      () => run(enrolled.id),
      ({ step_id }) => step_id === 'long',
    );
    expect(await tactful.smtp.mailsTo(email)).toHaveLength(1);
    await tactful.post('/api/events', { user_id: id, event_type: 'track', event_name: 'account_closed' });
    expect(await ended(enrolled.id)).toMatchObject({ state: 'exited', reason: 'exit_event:account_closed' });
  });

  it('pauses, resumes and exits a run by command', async () => {
    const { id } = await person();
    const { id: runId } = await enrol(id, { journey: 'listens' });
    await waiting(runId);
    await tactful.post(`/api/runs/${runId}/pause`, {});
    await until(
      () => run(runId),
      ({ state }) => state === 'paused',
    );
    await expect(tactful.post(`/api/runs/${runId}/pause`, {})).rejects.toThrow('409');
    await tactful.post(`/api/runs/${runId}/resume`, {});
    await waiting(runId);
    await tactful.post(`/api/runs/${runId}/exit`, { reason: 'tested' });
    expect(await ended(runId)).toMatchObject({ state: 'exited', reason: 'tested' });
    await expect(tactful.post(`/api/runs/${runId}/exit`, {})).rejects.toThrow('409');
  });

  it(
    'goes on after the worker was away, and sends nothing twice',
    async () => {
      await publish('two_in_time', {
        steps: [message('first'), { kind: 'wait', id: 'pause', duration: 'PT3S' }, message('second'), end],
      });
      const { id, email } = await person();
      const enrolled = await enrol(id, { journey: 'two_in_time' });
      await waiting(enrolled.id);
      await tactful.stopWorker();
      tactful.startWorker();
      await ended(enrolled.id);
      expect((await tactful.smtp.mailsTo(email)).map(({ subject }) => subject)).toEqual([
        'first for Ada',
        'second for Ada',
      ]);
    },
    3 * MINUTE_MS,
  );

  it('forgets a person: the run ends, the reasons are gone, the chain still verifies', async () => {
    const { id, email } = await person();
    const enrolled = await enrol(id, { journey: 'two_mails' });
    await waiting(enrolled.id);
    const { data } = await tactful.get<{ data: { id: string }[] }>(`/api/decisions?user_id=${id}`);
    const erased = await tactful.app.inject({ method: 'DELETE', url: `/api/users/${id}` });
    expect(erased.statusCode).toBe(204);
    expect(await ended(enrolled.id)).toMatchObject({ state: 'exited', reason: 'user_erased' });
    expect(await tactful.smtp.mailsTo(email)).toHaveLength(1);
    const explained = await tactful.app.inject({ url: `/api/decisions/${data[0]?.id}/explain` });
    expect([explained.statusCode, explained.json()]).toMatchObject([410, { code: 'DECISION_ERASED' }]);
    const traces = await tactful.query(
      `select from users, deliveries where users.id = $1 and deliveries.user_id = $1
        and (users.email is not null or deliveries.address is not null)`,
      id,
    );
    expect(traces).toEqual([]);
    const broken = await tactful.query(
      `with link as (
        select chain_hash, payload_hash, lag(chain_hash, 1, ''::bytea) over (order by chain_seq) as previous
        from decisions where user_id = $1
      ) select from link where chain_hash <> sha256(previous || payload_hash)`,
      id,
    );
    expect(broken).toEqual([]);
  });

  it(
    'keeps a command that no worker answers, and carries it out when one is back',
    async () => {
      const { id } = await person();
      const { id: runId } = await enrol(id, { journey: 'listens' });
      await waiting(runId);
      await tactful.stopWorker();
      const paused = await tactful.app.inject({ method: 'POST', url: `/api/runs/${runId}/pause`, payload: {} });
      expect([paused.statusCode, paused.json()]).toMatchObject([503, { code: 'WORKER_SILENT' }]);
      await tactful.query(`update outbox set available_at = date_trunc('milliseconds', clock_timestamp())`);
      tactful.startWorker();
      await until(
        () => run(runId),
        ({ state }) => state === 'paused',
      );
    },
    3 * MINUTE_MS,
  );

  it('closes a run that was terminated behind its back, so that its place is free again', async () => {
    const { id } = await person();
    const enrolled = await enrol(id, { journey: 'listens' });
    await waiting(enrolled.id);
    await tactful.temporal.workflow.getHandle(enrolled.workflow_id).terminate('spec');
    await tactful.post('/api/events', { user_id: id, event_type: 'track', event_name: 'purchase' });
    expect(await ended(enrolled.id)).toMatchObject({ state: 'exited', reason: 'terminated' });
  });

  it(
    'lives through two weeks of virtual time, and keeps the quiet hours of the journey',
    async () => {
      await publish('fortnight', {
        quiet_hours: { email: { start: '08:00', end: '04:00' } },
        steps: [message('first'), { kind: 'wait', id: 'week', duration: 'P14D' }, message('second'), end],
      });
      const { id, email } = await person();
      const enrolled = await enrol(id, { journey: 'fortnight', clock_domain: 'spec' });
      const { started_at, ended_at } = await ended(enrolled.id);
      expect(Date.parse(ended_at ?? '') - Date.parse(started_at)).toBeGreaterThanOrEqual(14 * DAY_MS);
      expect(await tactful.smtp.mailsTo(email)).toHaveLength(2);
      const sent = await tactful.query<{ hour: number }>(
        `select extract(hour from claimed_at at time zone 'Europe/Berlin')::int as hour from deliveries where user_id = $1`,
        id,
      );
      expect(sent.map(({ hour }) => hour >= 4 && hour < 8)).toEqual([true, true]);
    },
    3 * MINUTE_MS,
  );
});
