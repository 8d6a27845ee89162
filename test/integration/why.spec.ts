import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Database } from '../../src/platform/database/database.js';
import { createTestApp } from '../support/app.js';
import { clientOf, type Client } from '../support/client.js';
import { consenting, makeActions, state } from '../support/marketing.js';

/** Many specs share two cores. */
const SETUP_MS_MAX = 120_000;
const NOBODY = '01890a5d-ac96-774b-bcce-b302099a8057';

interface Why {
  readonly answer: string;
  readonly answer_rests_on: string;
  readonly standing: string | null;
  readonly reason: string | null;
  readonly what_would_change_it: { readonly change: string; readonly after: string | null } | null;
  readonly attempts: readonly { readonly id: string; readonly position: string; readonly explanation: string }[];
  readonly hypothetical: Readonly<Record<string, unknown>>;
  readonly as_of_notes: readonly string[];
}

describe('why, why not, and what would change it', () => {
  let app: NestFastifyApplication;
  let api: Client;

  beforeAll(async () => {
    app = await createTestApp();
    api = clientOf(app);
    await makeActions(api, 'offer', 'tips');
  }, SETUP_MS_MAX);
  afterAll(async () => {
    await app.close();
  });

  const query = <Row extends object>(text: string, ...values: unknown[]): Promise<readonly Row[]> =>
    app.get(Database).query<Row>({ text, values });

  async function why(userId: string, more: Readonly<Record<string, string>> = {}): Promise<Why> {
    const { status, body } = await api.get(`/api/decisions/why?${new URLSearchParams({ user_id: userId, ...more })}`);
    if (status !== 200) throw new Error(JSON.stringify(body));
    return body;
  }

  async function decideNow(userId: string): Promise<{ readonly id: string; readonly decided_at: string }> {
    const { status, body } = await api.post('/api/decisions/next-best-action', { user_id: userId });
    expect(status).toBe(201);
    return body;
  }

  describe('at an instant when nobody asked', () => {
    let userId: string;

    /** One person's November, day by day, written straight into the tables: the API only knows now. */
    beforeAll(async () => {
      userId = await consenting(api);
      await state(api, userId, 'withdrawn');
      const at = (day: number, hour = 0): string => `2025-11-${String(day).padStart(2, '0')} ${hour}:00:00+00`;
      await query('update users set created_at = $2 where id = $1', userId, at(1));
      const consent = `update consent_records set stated_at = $3, received_at = $4 where user_id = $1 and status = $2`;
      await query(consent, userId, 'granted', at(1, 6), at(2));
      await query(consent, userId, 'withdrawn', at(5), at(5));
      await query(
        `insert into policies (key, version, kind, is_active, definition, created_at, deactivated_at)
          values ('one_a_day', 1, 'cap', false, $1, $2, $3)`,
        { kind: 'cap', limit: 1, window: { kind: 'calendar', unit: 'day' }, on_hit: 'defer' },
        at(3),
        at(4),
      );
      await query(
        `insert into contact_ledger (delivery_id, user_id, decision_id, at, channel, purpose, action, state)
          select uuidv7(), $1, uuidv7(), contact_at::timestamptz, 'email', 'marketing', 'offer', 'sent'
          from unnest($2::text[]) contact_at`,
        userId,
        [at(3, 10), at(4, 10)],
      );
      await query(
        `insert into suppressions (user_id, reason, source, since, until)
          values ($1, 'manual', 'spec', $2, $3), ($1, 'complaint', 'spec', $3, $4)`,
        userId,
        at(6),
        at(7),
        at(8),
      );
      await query(
        `insert into audit_log (at, principal, action, subject)
          values ($1, 'spec', 'kill_switch.on', 'controls'), ($2, 'spec', 'kill_switch.off', 'controls')`,
        at(2, 14),
        at(2, 16),
      );
      await query('update controls set changed_at = $1', at(2, 16));
    });

    it.each<[string, string, string | null, RegExp]>([
      [
        'before the consent was received, though it is dated earlier',
        '01T12',
        'CONSENT_MISSING',
        /there is no consent/,
      ],
      ['with consent', '02T12', null, /offer on email would have been chosen/],
      ['while sending was switched off', '02T15', 'KILL_SWITCH', /all sending is switched off/],
      ['when it was switched on again', '02T16', null, /would have been chosen/],
      [
        'under a policy that is no longer in force',
        '03T12',
        'CAP_REACHED',
        /would have been put off until 2025-11-04T00:00Z/,
      ],
      ['under it, before the contact that takes the place', '03T09', null, /would have been chosen/],
      ['after that policy, with a contact of the same day', '04T12', null, /would have been chosen/],
      ['after the withdrawal', '05T12', 'CONSENT_WITHDRAWN', /the user withdrew consent/],
      [
        'under the suppression',
        '06T12',
        'SUPPRESSED_MANUAL',
        /an operator suppressed .+ \(also in the way: the user withdrew consent\)/,
      ],
    ])('%s', async (_name, instant, reason, answer) => {
      const at = `2025-11-${instant}:00:00Z`;
      const said = await why(userId, { action: 'offer', at });
      expect(said).toMatchObject({ reason, answer_rests_on: 'hypothetical', attempts: [] });
      expect(said.answer).toMatch(answer);
      expect(said.hypothetical).toMatchObject({ id: null, decided_at: at.replace('Z', '.000Z') });
      expect(said.as_of_notes.join('\n')).toMatch(/Policies and the kill switch are those of then/);
    });

    it('says what would have changed it, with the instant where time alone does', async () => {
      expect(await why(userId, { action: 'offer', at: '2025-11-03T12:00:00Z' })).toMatchObject({
        standing: 'waits',
        what_would_change_it: {
          change: 'after 2025-11-04T00:00Z when the daily cap of 1 frees',
          after: '2025-11-04T00:00:00.000Z',
        },
      });
      expect(await why(userId, { action: 'offer', at: '2025-11-05T12:00:00Z' })).toMatchObject({
        standing: 'lost',
        what_would_change_it: { change: 'if consent for marketing on email were granted', after: null },
      });
    });

    it('does not know at an instant which suppressions were to come', async () => {
      const { what_would_change_it: said } = await why(userId, { action: 'offer', at: '2025-11-06T12:00:00Z' });
      expect(said?.change).toMatch(/^if the suppression for manual on email were lifted and if consent /);
    });

    it('says of a time before the user was known that it was so', async () => {
      const { as_of_notes } = await why(userId, { at: '2025-10-01T00:00:00Z' });
      expect(as_of_notes.at(-1)).toBe('The user was not known yet at that time.');
      expect((await why(userId, { at: '2025-11-02T00:00:00Z' })).as_of_notes.at(-1)).not.toMatch(/not known yet/);
    });

    it('refuses to guess when so much was sent since that the facts of then were not read', async () => {
      await query(
        `insert into contact_ledger (delivery_id, user_id, decision_id, at, channel, purpose, action, state)
          select uuidv7(), $1, uuidv7(), '2025-11-20', 'email', 'marketing', 'offer', 'sent' from generate_series(1, 2000)`,
        userId,
      );
      const url = `/api/decisions/why?user_id=${userId}&at=2025-11-03T12:00:00Z`;
      expect(await api.get(url)).toMatchObject({ status: 422, body: { code: 'TOO_MANY_CONTACTS' } });
    });
  });

  it('knows a suppression that was lifted since, from its beginning until it was lifted', async () => {
    const email = 'lifted.since@example.org';
    const userId = await consenting(api, { email });
    const made: { id: string }[] = [];
    for (const target of [{ user_id: userId }, { address: email }]) {
      made.push((await api.post('/api/suppressions', { ...target, reason: 'manual' })).body);
    }
    for (const { id } of made) await api.remove(`/api/suppressions/${id}`);
    const dated = `update suppressions set since = clock_timestamp() - interval '3 hours',
      lifted_at = date_trunc('milliseconds', clock_timestamp()) - $2::interval where id = $1`;
    await query(dated, made[0]?.id, '2 hours');
    await query(dated, made[1]?.id, '1 hour');
    await query(
      `update consent_records set stated_at = '2026-01-01', received_at = '2026-01-01' where user_id = $1`,
      userId,
    );
    const reasonAt = async (hoursAgo: number): Promise<string | null> =>
      (await why(userId, { action: 'offer', at: new Date(Date.now() - hoursAgo * 3_600_000).toISOString() })).reason;
    expect([await reasonAt(3.5), await reasonAt(2.5), await reasonAt(1.5), await reasonAt(0.5)]).toEqual([
      null,
      'SUPPRESSED_MANUAL',
      'SUPPRESSED_MANUAL',
      null,
    ]);
    const { action } = (await api.post('/api/decisions/next-best-action', { user_id: userId })).body as {
      action: string;
    };
    expect(action).toBe('offer');
  });

  it('says of the future what would be decided from the facts of now', async () => {
    const userId = await consenting(api);
    const at = (hours: number): string => new Date(Date.now() + hours * 3_600_000).toISOString();
    await api.post('/api/suppressions', { user_id: userId, reason: 'manual', until: at(24) });
    const soon = await why(userId, { action: 'offer', at: at(1) });
    expect(soon.answer).toMatch(/offer would not be chosen for this user, because an operator suppressed/);
    expect(soon.answer).toMatch(/; it would be different after .+ when the suppression ends\.$/);
    expect(soon.as_of_notes[0]).toMatch(/^The facts of now at that instant/);
    expect((await why(userId, { action: 'offer', at: at(25) })).answer).toMatch(/offer on email would be chosen/);
  });

  it('says of now, when no instant is given, what would be decided', async () => {
    const userId = await consenting(api);
    const { answer, standing, reason, answer_rests_on } = await why(userId);
    expect(answer).toMatch(/^At .+, offer on email would be chosen for this user, because it was worth 2, more than/);
    expect({ standing, reason, answer_rests_on }).toEqual({
      standing: null,
      reason: null,
      answer_rests_on: 'hypothetical',
    });
  });

  it('tells of an action why it lost, whatever won', async () => {
    const userId = await consenting(api);
    const said = await why(userId, { action: 'tips' });
    expect(said).toMatchObject({ standing: 'lost', reason: 'LOWER_PRIORITY' });
    expect(said.answer).toMatch(/tips would not be chosen .+ another action was worth more \(offer 2, tips 1\)/);
    expect(said.what_would_change_it?.change).toBe('if tips were worth more than 2 instead of 1');
  });

  it('weighs also an action that is not active, and a template by itself, as a step of a journey does', async () => {
    const userId = await consenting(api);
    await api.post('/api/actions', { key: 'old_offer', name: 'x', template: 'tips', value: 9, is_active: false });
    expect(await why(userId, { action: 'old_offer' })).toMatchObject({ standing: 'lost', reason: 'ACTION_INACTIVE' });
    await api.post('/api/message-templates', {
      key: 'only_mail',
      channel: 'email',
      purpose: 'marketing',
      subject: 'a',
      html: '<a href="{{ unsubscribe_url }}">u</a> {{ company.address }}',
      text: '{{ unsubscribe_url }} {{ company.address }}',
    });
    const said = await why(userId, { action: 'only_mail' });
    expect(said).toMatchObject({ standing: 'chosen', reason: null });
    expect((said.hypothetical['candidates'] as { action: string }[]).map(({ action }) => action)).toEqual([
      'only_mail',
    ]);
  });

  describe('beside what was recorded', () => {
    it('shows the nearest decisions on both sides, each with its sentence, and answers from the one at the instant', async () => {
      const userId = await consenting(api);
      const made: { readonly id: string; readonly decided_at: string }[] = [];
      for (let count = 0; count < 9; count += 1) {
        made.push(await decideNow(userId));
        if (count === 4) await state(api, userId, 'withdrawn');
      }
      const at = made[4]?.decided_at ?? '';
      const said = await why(userId, { action: 'tips', at });
      expect(said.answer_rests_on).toBe('record');
      expect(said.answer).toMatch(/^At .+, tips was not chosen for this user, because another action was worth more/);
      const shown = said.attempts.map(({ id, position }) => [made.findIndex((each) => each.id === id), position]);
      expect(shown).toEqual([
        [1, 'before'],
        [2, 'before'],
        [3, 'before'],
        [4, 'at'],
        [5, 'after'],
        [6, 'after'],
      ]);
      expect(said.attempts.at(-1)?.explanation).toMatch(/tips was not chosen .+ the user withdrew consent/);
      expect(await why(userId, { action: 'tips', at, within: 'PT1S' })).toMatchObject({
        answer_rests_on: 'record',
      });
    });

    it('supposes for the instant of a recorded decision what was recorded', async () => {
      const userId = await consenting(api);
      const { id, decided_at } = await decideNow(userId);
      const recorded = (await api.get(`/api/decisions/${id}/explain`)).body as Record<string, unknown>;
      const { hypothetical } = await why(userId, { at: decided_at });
      const same = ['outcome', 'action', 'channel', 'reason', 'gates', 'candidates', 'what_would_change_it'];
      for (const part of same) expect([part, hypothetical[part]]).toEqual([part, recorded[part]]);
      expect(hypothetical['explanation']).toMatch(/would have been chosen/);
    });

    it('passes over decisions in which the action was not weighed, that are too far, or of another clock', async () => {
      const userId = await consenting(api);
      const { id } = await decideNow(userId);
      const only = await api.post('/api/decisions/next-best-action', { user_id: userId, actions: ['offer'] });
      const found = async (more: Record<string, string>): Promise<readonly string[]> =>
        (await why(userId, more)).attempts.map((attempt) => attempt.id);
      expect(await found({ action: 'tips' })).toEqual([id]);
      expect(await found({ action: 'offer' })).toEqual([id, (only.body as { id: string }).id]);
      expect(await found({ clock_domain: 'demo' })).toEqual([]);
      await query(`update decisions set decided_at = decided_at - interval '2 days' where user_id = $1`, userId);
      expect(await found({})).toEqual([]);
      expect(await found({ within: 'P3D' })).toHaveLength(2);
    });
  });

  describe('wrong questions', () => {
    it.each([
      [`user_id=${NOBODY}`, 404, 'USER_UNKNOWN'],
      ['user_id=ext:nobody-at-all', 404, 'USER_UNKNOWN'],
      ['at=2027-01-01T00:00:00Z', 400, 'INVALID_INPUT'],
      [`user_id=${NOBODY}&at=yesterday`, 400, 'INVALID_INPUT'],
      [`user_id=${NOBODY}&at=2027-02-30T00:00:00Z`, 400, 'INVALID_INPUT'],
      [`user_id=${NOBODY}&at=9999-01-01T00:00:00Z`, 400, 'INVALID_INPUT'],
      [`user_id=${NOBODY}&within=1 day`, 400, 'INVALID_INPUT'],
      [`user_id=${NOBODY}&action=No such`, 400, 'INVALID_INPUT'],
    ])('%s: %i %s', async (search, status, code) => {
      expect(await api.get(`/api/decisions/why?${search}`)).toMatchObject({ status, body: { code } });
    });

    it('an action that nobody knows, and a person who was erased', async () => {
      const userId = await consenting(api);
      const url = `/api/decisions/why?user_id=${userId}`;
      expect(await api.get(`${url}&action=nowhere`)).toMatchObject({ status: 404, body: { code: 'ACTION_UNKNOWN' } });
      await api.remove(`/api/users/${userId}`);
      expect(await api.get(url)).toMatchObject({ status: 410, body: { code: 'USER_ERASED' } });
    });
  });
});
