import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { compile } from '../../src/core/journeys/compile.js';
import type { Step } from '../../src/core/journeys/plan.js';
import type { StepAnswer } from '../../src/core/journeys/step-answer.js';
import { StepsService } from '../../src/modules/steps/index.js';
import { Database } from '../../src/platform/database/database.js';
import { createTestApp } from '../support/app.js';
import { startSmtp, type TestSmtp } from '../support/smtp.js';

/** No Temporal server here: what is on its way there must run into its deadline first. */
const CLOSE_MS_MAX = 120_000;

type DecideStep = Extract<Step, { kind: 'decide' }>;

describe('several runs of one user', () => {
  let app: NestFastifyApplication;
  let smtp: TestSmtp;
  let people = 0;

  beforeAll(async () => {
    smtp = await startSmtp();
    app = await createTestApp({ SMTP_URL: smtp.url });
    for (const [key, value] of [
      ['small', 1],
      ['great', 5],
    ] as const) {
      await post('/api/message-templates', {
        key,
        subject: key,
        html: `<p>${key} <a href="{{ unsubscribe_url }}">unsubscribe</a> {{ company.address }}</p>`,
        text: `${key} {{ unsubscribe_url }} {{ company.address }}`,
      });
      await post('/api/actions', { key, name: key, template: key, value });
    }
    for (const [key, conflict] of [
      ['small', undefined],
      ['great', undefined],
      ['polite', { group: 'sales', priority: 1 }],
      ['urgent', { group: 'sales', priority: 2 }],
    ] as const) {
      const steps = [
        { kind: 'decide', id: 'offer', actions: [key === 'great' || key === 'urgent' ? 'great' : 'small'] },
        { kind: 'end', id: 'done' },
      ];
      await post('/api/journeys/templates', { key, name: key, entry: { mode: 'parallel' }, conflict, steps });
      await post(`/api/journeys/templates/${key}/publish`, {});
    }
  });
  afterAll(async () => {
    await app.close();
    await smtp.stop();
  }, CLOSE_MS_MAX);
  afterEach(async () => {
    await query(`update policies set is_active = false, deactivated_at = date_trunc('milliseconds', clock_timestamp())
      where is_active and kind <> 'legal_overlay'`);
  });

  async function post<T>(url: string, payload: object): Promise<T> {
    const response = await app.inject({ method: 'POST', url, payload });
    if (response.statusCode >= 300) throw new Error(`${url}: ${response.statusCode} ${response.body}`);
    return response.json<T>();
  }
  const query = <Row extends object>(text: string, ...values: unknown[]): Promise<readonly Row[]> =>
    app.get(Database).query<Row>({ text, values });

  async function person(): Promise<{ id: string; email: string }> {
    people += 1;
    const email = `rival-${people}@example.org`;
    const { id } = await post<{ id: string }>('/api/users', { email });
    await post('/api/consents', { user_id: id, channel: 'email', status: 'granted', source: 'spec' });
    return { id, email };
  }

  async function enter(userId: string, journey: string): Promise<(ask: number) => Promise<StepAnswer>> {
    const { run_key: runKey } = await post<{ run_key: string }>(`/api/journeys/${userId}/enroll`, {
      journey,
      entry_key: '1',
    });
    const [version] = await query<{ definition: Parameters<typeof compile>[0] }>(
      `select version.definition from journey_versions version join journeys journey on journey.id = version.journey_id
        where journey.key = $1`,
      journey,
    );
    const compiled = version === undefined ? null : compile(version.definition, { version: 1, contentHash: 'x' });
    if (compiled?.kind !== 'plan') throw new Error(`no plan of ${journey}`);
    const step = compiled.plan.steps['offer'] as DecideStep;
    const run = { runKey, userId, journeyKey: journey, journeyVersion: 1 };
    return (ask) => app.get(StepsService).run({ run, step, visit: 1, ask, clock: { kind: 'real' } });
  }

  const minuteText = (atMs: number): string => new Date(atMs).toISOString().slice(11, 16);

  /** Quiet from an hour ago for two hours, one contact a day, and nobody sent yet. */
  async function quietNow(): Promise<void> {
    const now = Date.now();
    const window = { start: minuteText(now - 3_600_000), end: minuteText(now + 3_600_000) };
    await post('/api/policies', { key: `quiet_${people}`, definition: { kind: 'quiet_hours', ...window } });
    const daily = { kind: 'cap', limit: 1, window: { kind: 'rolling', duration: 'PT24H' }, on_hit: 'defer' };
    await post('/api/policies', { key: `daily_${people}`, definition: daily });
  }

  /** As if the opening had come a second ago. */
  async function opens(userId: string, passesOnIn = '60 seconds'): Promise<void> {
    await query(`update policies set is_active = false where key = $1`, `quiet_${people}`);
    await query(
      `update pending_candidates set opening_at = date_trunc('milliseconds', clock_timestamp()) - interval '1 second',
        passes_on_at = date_trunc('milliseconds', clock_timestamp()) + $2::interval where user_id = $1`,
      userId,
      passesOnIn,
    );
  }

  async function twoThatWait(): Promise<{
    user: { id: string; email: string };
    small: (ask: number) => Promise<StepAnswer>;
    great: (ask: number) => Promise<StepAnswer>;
  }> {
    const user = await person();
    await quietNow();
    const small = await enter(user.id, 'small');
    const great = await enter(user.id, 'great');
    expect(await small(1)).toMatchObject({ kind: 'defer', reason: 'QUIET_HOURS' });
    expect(await great(1)).toMatchObject({ kind: 'defer', reason: 'QUIET_HOURS' });
    return { user, small, great };
  }

  it('that waited for one opening: the best message is sent, not the first that wakes', async () => {
    const { user, small, great } = await twoThatWait();
    await opens(user.id);
    expect(await small(2)).toMatchObject({ kind: 'defer', reason: 'LOWER_PRIORITY' });
    expect(await great(2)).toMatchObject({ kind: 'sent', action: 'great' });
    const lost = await small(3);
    expect(lost).toMatchObject({ kind: 'do_nothing', reason: 'LOWER_PRIORITY' });
    expect((await smtp.mailsTo(user.email)).map(({ subject }) => subject)).toEqual(['great']);
    expect(await query('select from pending_candidates where user_id = $1', user.id)).toHaveLength(0);
    const explained = await app.inject({ method: 'GET', url: `/api/decisions/${lost.decisionId}/explain` });
    expect(explained.json<{ explanation: string }>().explanation).toContain('another action was worth more');
  });

  it('do not wait for one that does not come for its place', async () => {
    const { user, small } = await twoThatWait();
    await opens(user.id, '-1 second');
    expect(await small(2)).toMatchObject({ kind: 'sent', action: 'small' });
  });

  it('that wait for different openings: who goes out at the earlier one takes nothing from who waits for a later one', async () => {
    const { user, small, great } = await twoThatWait();
    const wider = { kind: 'cap', limit: 2, window: { kind: 'rolling', duration: 'PT24H' }, on_hit: 'defer' };
    await app.inject({ method: 'PUT', url: `/api/policies/daily_${people}`, payload: wider });
    await opens(user.id);
    await query(
      `update pending_candidates set opening_at = date_trunc('milliseconds', clock_timestamp()) + interval '1 hour',
        passes_on_at = date_trunc('milliseconds', clock_timestamp()) + interval '2 hours' where user_id = $1 and run_key like 'small%'`,
      user.id,
    );
    expect(await great(2)).toMatchObject({ kind: 'sent' });
    const beaten = 'select beaten_by as "beatenBy" from pending_candidates where user_id = $1';
    expect(await query(beaten, user.id)).toEqual([{ beatenBy: null }]);
    expect(await small(2)).toMatchObject({ kind: 'sent' });
  });

  it('both go out where both have room', async () => {
    const { user, small, great } = await twoThatWait();
    const wider = { kind: 'cap', limit: 2, window: { kind: 'rolling', duration: 'PT24H' }, on_hit: 'defer' };
    await app.inject({ method: 'PUT', url: `/api/policies/daily_${people}`, payload: wider });
    await opens(user.id);
    expect(await small(2)).toMatchObject({ kind: 'sent' });
    expect(await great(2)).toMatchObject({ kind: 'sent' });
  });

  it('a message that would have to wait longer than it makes sense is given up', async () => {
    const { id } = await person();
    await quietNow();
    await post('/api/journeys/templates', {
      key: 'fleeting',
      name: 'fleeting',
      entry: { mode: 'parallel' },
      steps: [
        { kind: 'decide', id: 'offer', actions: ['small'], ttl: 'PT10M' },
        { kind: 'end', id: 'done' },
      ],
    });
    await post('/api/journeys/templates/fleeting/publish', {});
    const ask = await enter(id, 'fleeting');
    expect(await ask(1)).toMatchObject({ kind: 'do_nothing', reason: 'EXPIRED' });
  });

  it('of one conflict group: only the most important may send, until it has ended', async () => {
    const { id } = await person();
    const polite = await enter(id, 'polite');
    await enter(id, 'urgent');
    expect(await polite(1)).toMatchObject({ kind: 'do_nothing', reason: 'JOURNEY_CONFLICT' });
    await query(
      `update journey_entries set ended_at = date_trunc('milliseconds', clock_timestamp()) where user_id = $1 and run_key like 'urgent%'`,
      id,
    );
    expect(await polite(2)).toMatchObject({ kind: 'sent' });
  });

  it('of one conflict group: a run that an operator paused holds nobody back', async () => {
    const { id } = await person();
    const polite = await enter(id, 'polite');
    await enter(id, 'urgent');
    await query(
      `update journey_entries set paused_at = date_trunc('milliseconds', clock_timestamp()) where user_id = $1 and run_key like 'urgent%'`,
      id,
    );
    expect(await polite(1)).toMatchObject({ kind: 'sent' });
  });
});
