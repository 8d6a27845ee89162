import { jest } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { ConfirmationDispatcher } from '../../src/modules/consents/confirmation.dispatcher.js';
import { ConfirmationsRepository } from '../../src/modules/consents/confirmations.repository.js';
import { Database } from '../../src/platform/database/database.js';
import { createTestApp } from '../support/app.js';
import { clientOf, type Client } from '../support/client.js';
import { startSmtp, type TestSmtp } from '../support/smtp.js';
import { until } from '../support/until.js';

/** A busy machine takes its time to make the tables and start the API. */
/** Columns keep milliseconds: an instant that is rounded up has not come yet. */
const PAST = `date_trunc('milliseconds', clock_timestamp())`;
const START_MS_MAX = 120_000;

const MAIL_MS_MAX = 50_000;
const KEY = 'spec-bootstrap-key-0123456789abcdef';
const FORM = 'application/x-www-form-urlencoded';

interface Confirmation {
  readonly id: string;
  readonly mail: string;
  readonly delivery_id: string | null;
  readonly pending_record_id: string;
  readonly confirmed_at: string | null;
  readonly created_at: string;
  readonly expires_at: string;
}

describe('double opt-in', () => {
  let app: NestFastifyApplication;
  let api: Client;
  let smtp: TestSmtp;
  let people = 0;

  beforeAll(async () => {
    smtp = await startSmtp();
    // With authentication on: the link must need none. No poll: only a kick looks for due mails.
    app = await createTestApp({
      AUTH: 'required',
      BOOTSTRAP_API_KEY: KEY,
      OUTBOX_POLL_MS: '60000',
      SMTP_URL: smtp.url,
      COMPANY_NAME: 'Bobby <Tables> & Co',
      CONFIRMATION_VALID_DAYS: '3',
    });
    api = clientOf(app, { authorization: `Bearer ${KEY}` });
  }, START_MS_MAX);
  afterAll(async () => {
    await app.close();
    await smtp.stop();
  }, START_MS_MAX);

  const query = <Row extends object>(text: string, ...values: unknown[]): Promise<readonly Row[]> =>
    app.get(Database).query<Row>({ text, values });
  async function person(localPart = 'person'): Promise<{ id: string; email: string }> {
    people += 1;
    const email = `${localPart}-${people}@example.org`;
    return { id: await api.user({ email }), email };
  }
  const ask = (id: string, more: object = {}) =>
    api.post('/api/consents', {
      user_id: id,
      channel: 'email',
      status: 'pending',
      double_opt_in: true,
      source: 'footer',
      text_version: '2027-01',
      jurisdiction: 'DE',
      ...more,
    });
  const confirmations = async (id: string): Promise<readonly Confirmation[]> =>
    ((await api.get(`/api/consents/${id}/confirmations`)).body as { data: Confirmation[] }).data;
  /** Resolves once the newest confirmation of the person is settled, and tells how. */
  async function settled(id: string): Promise<string> {
    let mail = 'waiting';
    await until(
      async () => (mail = (await confirmations(id))[0]?.mail ?? 'none') !== 'waiting',
      MAIL_MS_MAX,
      () => 'a settled confirmation',
    );
    return mail;
  }
  async function asked(localPart?: string): Promise<{ id: string; email: string; path: string }> {
    const someone = await person(localPart);
    expect((await ask(someone.id)).status).toBe(201);
    expect(await settled(someone.id)).toBe('sent');
    return { ...someone, path: await linkOf(someone.email) };
  }
  async function linkOf(email: string): Promise<string> {
    const mails = await smtp.mailsTo(email);
    const [url = ''] = /http\S+\/confirm\/\S+/.exec(mails.at(-1)?.text ?? '') ?? [];
    return new URL(url).pathname;
  }
  const look = (url: string) => app.inject({ url });
  const press = (url: string) =>
    app.inject({ method: 'POST', url, payload: 'confirm=yes', headers: { 'content-type': FORM } });
  const statuses = async (id: string): Promise<string[]> =>
    ((await api.get(`/api/consents/${id}`)).body as { data: { status: string }[] }).data.map(({ status }) => status);
  const isAllowed = async (id: string): Promise<boolean> =>
    ((await api.get(`/api/consents/${id}/summary`)).body as { consents: { is_allowed: boolean }[] }).consents.some(
      ({ is_allowed }) => is_allowed,
    );

  it('sends one mail, whose page confirms by POST and changes nothing by GET', async () => {
    const { id, email, path } = await asked();
    const [mail] = await smtp.mailsTo(email);
    expect(mail?.subject).toBe('Please confirm: messages from Bobby <Tables> & Co');
    expect(mail?.html).toContain('Bobby &lt;Tables&gt; &amp; Co');
    expect(mail?.html).toContain(path);
    expect(mail?.headers.some(({ key }) => key === 'list-unsubscribe')).toBe(false);
    for (const page of [await look(path), await look(path), await app.inject({ method: 'HEAD', url: path })]) {
      expect(page.statusCode).toBe(200);
      expect(page.headers['content-security-policy']).toContain("default-src 'none'");
      expect(page.headers['cache-control']).toBe('no-store');
    }
    expect((await look(path)).body).toContain('<form method="post">');
    expect(await statuses(id)).toEqual(['pending']);
    expect(await isAllowed(id)).toBe(false);
    const confirmed = await press(path);
    expect(confirmed.statusCode).toBe(200);
    expect(confirmed.body).toContain('You have confirmed');
    expect(await isAllowed(id)).toBe(true);
    const [confirmation] = await confirmations(id);
    const { data } = (await api.get(`/api/consents/${id}`)).body as { data: object[] };
    expect(data[0]).toMatchObject({
      status: 'granted',
      source: 'double_opt_in',
      jurisdiction: 'DE',
      text_version: '2027-01',
      evidence: {
        confirmation_id: confirmation?.id,
        pending_record_id: confirmation?.pending_record_id,
        delivery_id: confirmation?.delivery_id,
      },
    });
  });

  it('notes Sec-GPC on both, which confirms nothing', async () => {
    const { id, path } = await asked();
    await app.inject({ url: path, headers: { 'sec-gpc': '1' } });
    const sources = ((await api.get(`/api/consents/${id}`)).body as { data: { source: string }[] }).data;
    expect(sources.map(({ source }) => source).sort()).toEqual(['footer', 'sec-gpc', 'sec-gpc', 'sec-gpc']);
    expect(await isAllowed(id)).toBe(false);
  });

  it('confirms once, however often and however many at once', async () => {
    const { id, path } = await asked();
    const answers = await Promise.all(Array.from({ length: 8 }, () => press(path)));
    expect(answers.map(({ statusCode }) => statusCode)).toEqual(Array.from({ length: 8 }, () => 200));
    expect(await statuses(id)).toEqual(['granted', 'pending']);
  });

  it('does not grant again what was withdrawn after it was confirmed', async () => {
    const { id, path } = await asked();
    await press(path);
    await api.post('/api/consents', { user_id: id, channel: 'email', status: 'withdrawn', source: 'spec' });
    const again = await press(path);
    expect([again.statusCode, again.body]).toEqual([200, expect.stringContaining('Nothing was changed')]);
    expect(await statuses(id)).toEqual(['withdrawn', 'granted', 'pending']);
  });

  it('is void once the person refused after the question, or objected', async () => {
    const [refusing, objecting] = [await asked(), await asked()];
    await api.post('/api/consents', { user_id: refusing.id, channel: 'email', status: 'denied', source: 'spec' });
    await api.post(`/api/consents/${objecting.id}/objection`, { source: 'spec' });
    for (const { id, path } of [refusing, objecting]) {
      expect((await look(path)).statusCode).toBe(410);
      expect((await press(path)).statusCode).toBe(410);
      expect(await isAllowed(id)).toBe(false);
    }
  });

  it('says so when the link has expired, and grants nothing', async () => {
    const { id, path } = await asked();
    const [{ created_at, expires_at } = { created_at: '', expires_at: '' }] = await confirmations(id);
    expect(Date.parse(expires_at) - Date.parse(created_at)).toBeCloseTo(3 * 86_400_000, -3);
    await query(`update consent_confirmations set expires_at = ${PAST} where user_id = $1`, id);
    for (const answer of [await look(path), await press(path)]) {
      expect(answer.statusCode).toBe(410);
      expect(answer.body).toContain('expired');
    }
    expect(await statuses(id)).toEqual(['pending']);
  });

  it('knows no forged, cut or foreign link', async () => {
    const { id, path } = await asked();
    const flipped = path.slice(0, -1) + (path.endsWith('A') ? 'B' : 'A');
    for (const url of [flipped, path.slice(0, -1), '/confirm/x', path.replace('/confirm/', '/preferences/')]) {
      expect([url, (await look(url)).statusCode]).toEqual([url, 404]);
      expect((await press(url)).statusCode).toBeGreaterThanOrEqual(400);
    }
    expect(await isAllowed(id)).toBe(false);
  });

  it('keeps the hash of the token only', async () => {
    const { path } = await asked();
    const token = path.split('/').at(-1) ?? '';
    for (const table of ['consent_confirmations', 'consent_records', 'deliveries', 'outbox', 'audit_log']) {
      const text = `select 1 from ${table} item where strpos(to_jsonb(item)::text, $1) > 0`;
      expect([table, await query(text, token)]).toEqual([table, []]);
    }
  });

  it('sends no second mail within the validity, however often and however many ask at once', async () => {
    const { id, email } = await person();
    await Promise.all(Array.from({ length: 6 }, () => ask(id)));
    expect(await settled(id)).toBe('sent');
    await ask(id);
    app.get(ConfirmationDispatcher).kick();
    expect(await confirmations(id)).toHaveLength(1);
    expect(await smtp.mailsTo(email)).toHaveLength(1);
    await query(`update consent_confirmations set expires_at = ${PAST} where user_id = $1`, id);
    await ask(id);
    expect(await settled(id)).toBe('sent');
    expect(await smtp.mailsTo(email)).toHaveLength(2);
  });

  it('asks for each purpose and brand by itself', async () => {
    const { id, email } = await person();
    await ask(id);
    await ask(id, { purpose: 'newsletter' });
    await ask(id, { brand: 'other' });
    await until(
      async () => (await confirmations(id)).every(({ mail }) => mail === 'sent'),
      MAIL_MS_MAX,
      () => 'three mails',
    );
    expect(await smtp.mailsTo(email)).toHaveLength(3);
  });

  it('answers with the grant where it holds already: nothing is recorded, nobody is asked', async () => {
    const { id, path, email } = await asked();
    await press(path);
    expect(await ask(id)).toMatchObject({ status: 201, body: { status: 'granted', source: 'double_opt_in' } });
    expect(await statuses(id)).toEqual(['granted', 'pending']);
    expect(await smtp.mailsTo(email)).toHaveLength(1);
  });

  it('sends nothing to a suppressed address, an erased person, or nobody', async () => {
    const { id: suppressed, email } = await person();
    await api.post('/api/suppressions', { address: email, reason: 'hard_bounce' });
    await ask(suppressed);
    expect(await settled(suppressed)).toBe('SUPPRESSED_HARD_BOUNCE');
    const { id: complained, email: other } = await person();
    await api.post('/api/suppressions', { address: other, reason: 'complaint', channel: 'email' });
    await ask(complained);
    expect(await settled(complained)).toBe('SUPPRESSED_COMPLAINT');
    const nowhere = await api.user();
    await ask(nowhere);
    expect(await settled(nowhere)).toBe('ADDRESS_MISSING');
    expect([...(await smtp.mailsTo(email)), ...(await smtp.mailsTo(other))]).toEqual([]);
    expect((await ask('01890a5d-ac96-774b-bcce-b302099a8057')).status).toBe(404);
  });

  it('forgets the question with the person, also one whose mail is on its way', async () => {
    const { id, email, path } = await asked();
    expect((await api.remove(`/api/users/${id}`)).status).toBe(204);
    expect((await look(path)).statusCode).toBe(404);
    expect((await press(path)).statusCode).toBe(404);
    expect(await query('select 1 from consent_confirmations where user_id = $1', id)).toEqual([]);
    const late = await unkicked();
    await api.remove(`/api/users/${late.id}`);
    app.get(ConfirmationDispatcher).kick();
    await confirmNothingIsDue();
    expect(await smtp.mailsTo(late.email)).toEqual([]);
    expect(
      await query(`select 1 from deliveries item where to_jsonb(item)::text like '%' || $1 || '%'`, email),
    ).toEqual([]);
  });

  /** Asked, as by a process that died right after the commit. */
  async function unkicked(localPart?: string): Promise<{ id: string; email: string }> {
    const someone = await person(localPart);
    const kick = jest.spyOn(app.get(ConfirmationDispatcher), 'kick').mockReturnValue();
    await ask(someone.id);
    kick.mockRestore();
    return someone;
  }
  async function confirmNothingIsDue(): Promise<void> {
    const text = 'select 1 from consent_confirmations where ended_as is null and available_at <= clock_timestamp()';
    await until(
      async () => (await query(text)).length === 0,
      MAIL_MS_MAX,
      () => 'nothing due',
    );
  }

  it('survives the death of the process after the commit: the next round sends', async () => {
    const { id, email } = await unkicked();
    expect(await confirmations(id)).toMatchObject([{ mail: 'waiting' }]);
    app.get(ConfirmationDispatcher).kick();
    expect(await settled(id)).toBe('sent');
    expect(await smtp.mailsTo(email)).toHaveLength(1);
  });

  it('gives each due confirmation to one taker', async () => {
    await confirmNothingIsDue();
    for (let n = 0; n < 6; n += 1) await unkicked();
    const repository = app.get(ConfirmationsRepository);
    const taken = (await Promise.all(Array.from({ length: 4 }, () => repository.lease(3)))).flat();
    expect(taken).toHaveLength(6);
    expect(new Set(taken).size).toBe(6);
    await query('delete from consent_confirmations where ended_as is null');
  });

  it('never repeats an attempt whose outcome is not known', async () => {
    const { id, email } = await asked();
    // As if the process had died after the claim: the mail left, the answer was not recorded.
    await query(
      `update deliveries set state = 'sending', settled_at = null, deadline_at = ${PAST} + interval '1 hour'
        where user_id = $1`,
      id,
    );
    const forget = `update consent_confirmations set ended_as = null, available_at = ${PAST} where user_id = $1`;
    await query(forget, id);
    app.get(ConfirmationDispatcher).kick();
    const putOff = `select 1 from consent_confirmations where user_id = $1 and available_at > clock_timestamp() + interval '30 minutes'`;
    await until(
      async () => (await query(putOff, id)).length === 1,
      MAIL_MS_MAX,
      () => 'put off until the attempt is over',
    );
    expect((await confirmations(id))[0]?.mail).toBe('waiting');
    await query(`update deliveries set deadline_at = ${PAST} where user_id = $1`, id);
    await query(forget, id);
    app.get(ConfirmationDispatcher).kick();
    expect(await settled(id)).toBe('unknown');
    expect(await smtp.mailsTo(email)).toHaveLength(1);
  });

  it.each([
    ['refused', 'failed', 2],
    ['taken-then-cut', 'unknown', 1],
  ])('%s by the mail server: %s; asked again, %i questions', async (localPart, state, questions) => {
    const { id } = await person(localPart);
    await ask(id);
    expect(await settled(id)).toBe(state);
    await ask(id);
    expect(await confirmations(id)).toHaveLength(questions);
  });

  it('tries again, as the same delivery, when the mail server could not take it', async () => {
    const { id } = await person('later');
    await ask(id);
    const text = 'select state, attempt from deliveries where user_id = $1';
    await until(
      async () => (await query<{ state: string }>(text, id))[0]?.state === 'released',
      MAIL_MS_MAX,
      () => 'a released delivery',
    );
    await query(`update users set email = replace(email, 'later', 'now') where id = $1`, id);
    await until(
      async () => {
        await query(`update consent_confirmations set available_at = ${PAST} where user_id = $1`, id);
        app.get(ConfirmationDispatcher).kick();
        return (await confirmations(id))[0]?.mail === 'sent';
      },
      MAIL_MS_MAX,
      () => 'a mail after all',
    );
    expect(await query(text, id)).toEqual([{ state: 'sent', attempt: 2 }]);
  });

  it('waits while all sending is switched off, or the person is on hold', async () => {
    await api.put('/api/controls', { kill_switch: true });
    const { id, email } = await person();
    await ask(id);
    const tried = async (): Promise<string | undefined> => {
      await query(`update consent_confirmations set available_at = ${PAST} where user_id = $1`, id);
      app.get(ConfirmationDispatcher).kick();
      await confirmNothingIsDue();
      return (await confirmations(id))[0]?.mail;
    };
    expect(await tried()).toBe('waiting');
    await api.post(`/api/users/${id}/hold`, { reason: 'spec' });
    await api.put('/api/controls', { kill_switch: false });
    expect(await tried()).toBe('waiting');
    await api.remove(`/api/users/${id}/hold`);
    await tried();
    expect(await settled(id)).toBe('sent');
    expect(await smtp.mailsTo(email)).toHaveLength(1);
  });

  it('proves the address it was sent to and no other: a new address is asked anew', async () => {
    const { id, path } = await asked();
    const email = `moved-${people}@example.org`;
    await api.put(`/api/users/${id}`, { email });
    expect((await press(path)).statusCode).toBe(410);
    expect(await isAllowed(id)).toBe(false);
    await ask(id);
    expect(await settled(id)).toBe('sent');
    expect((await press(await linkOf(email))).statusCode).toBe(200);
    expect(await isAllowed(id)).toBe(true);
  });

  it('uses no quota and records which statement led to it', async () => {
    const { id } = await asked();
    expect(await query('select 1 from contact_ledger where user_id = $1', id)).toEqual([]);
    const [confirmation] = await confirmations(id);
    const text = 'select decision_id, idempotency_key, template_version from deliveries where user_id = $1';
    expect(await query(text, id)).toEqual([
      {
        decision_id: confirmation?.pending_record_id,
        idempotency_key: `doi:${confirmation?.id}`,
        template_version: 0,
      },
    ]);
  });

  it("uses the company's own template if it is fit, and the built-in mail if it is not", async () => {
    const template = {
      key: 'double_opt_in',
      legal_basis: 'contract',
      purpose: 'transactional',
      subject: 'Really, {{ user.name | default: "friend" }}?',
      html: '<a href="{{ confirm_url }}">yes</a>',
      text: 'Yes: {{ confirm_url }}',
    };
    expect((await api.post('/api/message-templates', template)).status).toBe(201);
    const { email } = await asked();
    expect((await smtp.mailsTo(email))[0]?.subject).toBe('Really, friend?');
    const { key: _key, ...input } = template;
    for (const unfit of [
      { ...input, text: 'No link' },
      { ...input, html: '<p>No link</p>' },
      { ...input, text: '{{ confirm_url | nonsense }}' },
    ]) {
      const stored = await api.put('/api/message-templates/double_opt_in', unfit);
      if (stored.status !== 200) continue;
      const next = await asked();
      expect((await smtp.mailsTo(next.email))[0]?.subject).toMatch(/^Please confirm/);
    }
  });
});
