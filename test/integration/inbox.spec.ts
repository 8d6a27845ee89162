import { jest } from '@jest/globals';
import type { StepAnswer } from '../../src/core/journeys/step-answer.js';
import { InboxDeposits } from '../../src/modules/deliveries/in-app/inbox-deposits.repository.js';
import { InboxTokens } from '../../src/modules/inbox/inbox-tokens.js';
import { AttemptAliveError } from '../../src/modules/steps/index.js';
import { ContactStage, messageRequest, NO_NOISE, type Contactee } from '../support/contact-stage.js';
import { StepProcesses, type StepOrder } from '../support/step-process.js';
import { until } from '../support/until.js';

/** Processes are started and killed. */
jest.setTimeout(300_000);

const GONE_MS_MAX = 60_000;
const ORIGIN = 'https://shop.example';

interface Item {
  readonly id: string;
  readonly state: string;
  readonly title: string;
  readonly unsubscribe_url: string | null;
}
interface Shown {
  readonly data: readonly Item[];
  readonly next_cursor: string | null;
  readonly unread_count: number;
}
type Request = ReturnType<typeof messageRequest>;

describe('the inbox', () => {
  let stage: ContactStage;

  beforeAll(async () => {
    process.env['IN_APP_ORIGINS'] = `https://other.example,${ORIGIN}`;
    stage = await ContactStage.open(1, 6);
    delete process.env['IN_APP_ORIGINS'];
    await stage.template('mail');
    await stage.journey('mails', 'mail');
    const entry = { channel: 'in_app', body: 'Your parcel is <b>there</b>.', link: `${ORIGIN}/orders` };
    const note = { ...entry, key: 'note', title: 'Hello {{ user.name }}', image: `${ORIGIN}/parcel.png` };
    await stage.send('POST', '/api/message-templates', { ...note, expires_in_hours: 48 });
    const receipt = { ...entry, key: 'receipt', title: 'Receipt', legal_basis: 'contract', purpose: 'transactional' };
    await stage.send('POST', '/api/message-templates', receipt);
  });
  afterAll(() => stage.close());

  async function person(): Promise<Contactee> {
    const made = await stage.person();
    const consent = { user_id: made.id, channel: 'in_app', status: 'granted', source: 'spec' };
    await stage.send('POST', '/api/consents', consent);
    return made;
  }
  async function requestOf({ id }: Contactee, template = 'note'): Promise<Request> {
    const [runKey = ''] = await stage.enter(id, 'mails');
    const request = messageRequest({ runKey, userId: id, journeyKey: 'mails' }, template);
    return { ...request, step: { ...request.step, channel: 'in_app' } as never };
  }
  const ask = async (whom: Contactee, template?: string): Promise<StepAnswer> =>
    stage.ask(await requestOf(whom, template));
  async function sent(whom: Contactee, template?: string): Promise<string> {
    const answer = await ask(whom, template);
    if (answer.kind !== 'sent') throw new Error(JSON.stringify(answer));
    return answer.deliveryId;
  }
  const token = async ({ id }: Contactee, body: object = {}): Promise<string> =>
    (await stage.send<{ token: string }>('POST', `/api/users/${id}/inbox-token`, body)).token;
  async function call(
    method: 'GET' | 'POST' | 'OPTIONS',
    url: string,
    bearer: string | null,
    more: Readonly<Record<string, string>> = {},
  ) {
    const headers = { ...more, ...(bearer === null ? {} : { authorization: `Bearer ${bearer}` }) };
    const response = await stage.inject({ method, url, headers });
    const body = (response.body === '' ? null : response.json<unknown>()) as never;
    return { status: response.statusCode, headers: response.headers, body };
  }
  const shown = async (bearer: string, query = ''): Promise<Shown> =>
    (await call('GET', `/inbox${query}`, bearer)).body;
  const outcomes = async (id: string): Promise<readonly string[]> =>
    (
      await stage.query<{ kind: string }>('select kind from contact_outcomes where delivery_id = $1 order by kind', id)
    ).map(({ kind }) => kind);
  const counts = (id: string): Promise<readonly object[]> =>
    stage.query('select open_count as opens, click_count as clicks from deliveries where id = $1', id);

  it('takes a message once, as sent, with what its template says and the link to withdraw', async () => {
    const whom = await person();
    const request = await requestOf(whom);
    const [first, again] = [await stage.ask(request), await stage.ask(request)];
    expect(first).toMatchObject({ kind: 'sent' });
    expect(again).toEqual(first);
    const { data, unread_count } = await shown(await token(whom));
    expect(unread_count).toBe(1);
    expect(data).toMatchObject([
      {
        id: 'deliveryId' in first ? first.deliveryId : '',
        ...{ title: 'Hello Ada', body: 'Your parcel is <b>there</b>.', state: 'unread' },
        ...{ link: `${ORIGIN}/orders`, image: `${ORIGIN}/parcel.png`, read_at: null },
        unsubscribe_url: expect.stringContaining('/unsubscribe/') as string,
      },
    ]);
    const rows = await stage.query(
      `select delivery.state, provider, attempt, channel, provider_message_id = delivery.id::text as "isNamed",
          (select state from contact_ledger where delivery_id = delivery.id) as ledger,
          round(extract(epoch from expires_at - item.created_at) / 3600)::int as hours
        from deliveries delivery join inbox_items item using (id) where delivery.user_id = $1`,
      whom.id,
    );
    const settled = { state: 'sent', provider: 'inbox', attempt: 1, channel: 'in_app', isNamed: true };
    expect(rows).toEqual([{ ...settled, ledger: 'sent', hours: 48 }]);
  });

  it('needs consent for its channel, unless the message rests on none', async () => {
    const whom = await stage.person();
    expect(await ask(whom)).toMatchObject({ kind: 'skip', reason: 'CONSENT_MISSING' });
    expect(await ask(whom, 'receipt')).toMatchObject({ kind: 'sent' });
    const { data } = await shown(await token(whom));
    expect(data).toMatchObject([{ title: 'Receipt', unsubscribe_url: null }]);
  });

  it('is under the caps of every channel', async () => {
    const lift = await stage.policy('one_a_day', {
      limit: 1,
      window: { kind: 'rolling', duration: 'PT24H' },
      scope: { kind: 'channel', channel: 'in_app' },
    });
    const whom = await person();
    expect([await ask(whom), await ask(whom)]).toMatchObject([{ kind: 'sent' }, { reason: 'CAP_REACHED' }]);
    await lift();
  });

  it.each([
    ['read', 'read', ['opened'], { opens: 1, clicks: 0 }],
    ['open', 'read', ['clicked', 'opened'], { opens: 1, clicks: 1 }],
    ['dismiss', 'dismissed', ['dismissed'], { opens: 0, clicks: 0 }],
  ])('notes %s, once, as outcomes of the message', async (act, state, kinds, counted) => {
    const whom = await person();
    const [id, bearer] = [await sent(whom), await token(whom)];
    const acts = await Promise.all([1, 2, 3].map(() => call('POST', `/inbox/${id}/${act}`, bearer)));
    acts.push(await call('POST', `/inbox/${id}/${act}`, bearer));
    for (const each of acts) expect(each).toMatchObject({ status: 200, body: { id, state } });
    expect(await outcomes(id)).toEqual(kinds);
    expect(await counts(id)).toEqual([counted]);
    const { data, unread_count } = await shown(bearer);
    expect([data.length, unread_count]).toEqual([state === 'dismissed' ? 0 : 1, 0]);
  });

  it('reads everything at once', async () => {
    const whom = await person();
    const ids = [await sent(whom), await sent(whom), await sent(whom)];
    const bearer = await token(whom);
    await call('POST', `/inbox/${ids[0]}/read`, bearer);
    expect(await call('POST', '/inbox/read-all', bearer)).toMatchObject({
      status: 200,
      body: { read_count: 2, unread_count: 0 },
    });
    for (const id of ids) expect(await outcomes(id)).toEqual(['opened']);
  });

  it('comes in pages, newest first, without what has expired or was dismissed; operators see all of it', async () => {
    const whom = await person();
    const ids = [await sent(whom), await sent(whom), await sent(whom), await sent(whom)];
    const bearer = await token(whom);
    await stage.query(
      `update inbox_items set expires_at = date_trunc('milliseconds', clock_timestamp()) where id = $1`,
      ids[1],
    );
    await call('POST', `/inbox/${ids[2]}/dismiss`, bearer);
    const first = await shown(bearer, '?limit=1');
    expect([first.data.map(({ id }) => id), first.unread_count]).toEqual([[ids[3]], 2]);
    const second = await shown(bearer, `?limit=1&cursor=${first.next_cursor}`);
    expect([second.data.map(({ id }) => id), second.next_cursor]).toEqual([[ids[0]], null]);
    const whole = (await call('GET', `/api/users/${whom.id}/inbox`, null)).body as Shown;
    expect(whole.data.map(({ id }) => id)).toEqual(ids.toReversed());
  });

  it('opens to the token of its owner only', async () => {
    const [whom, other] = [await person(), await person()];
    const [id, bearer, foreign] = [await sent(whom), await token(whom), await token(other)];
    const tokens = stage.get(InboxTokens);
    const expired = tokens.make(whom.id, Date.now() - 1_000);
    const [payload = '', ...signature] = bearer.split('.');
    const bytes = Buffer.from(payload, 'base64url');
    bytes.writeUInt8(255, 17);
    const forged = [bytes.toString('base64url'), ...signature].join('.');
    for (const wrong of [null, 'nonsense', expired, forged, `${bearer}x`]) {
      for (const [method, url] of [
        ['GET', '/inbox'],
        ['POST', `/inbox/${id}/read`],
        ['POST', '/inbox/read-all'],
      ] as const) {
        const refused = await call(method, url, wrong);
        expect(refused).toMatchObject({ status: 401, body: { code: 'UNAUTHENTICATED' } });
        expect(refused.headers['www-authenticate']).toMatch(/^Bearer/);
      }
    }
    expect((await shown(foreign)).data).toEqual([]);
    for (const act of ['read', 'open', 'dismiss']) {
      expect(await call('POST', `/inbox/${id}/${act}`, foreign)).toMatchObject({
        status: 404,
        body: { code: 'INBOX_ITEM_UNKNOWN' },
      });
    }
    expect(await outcomes(id)).toEqual([]);
    const preferences = await stage.send<{ url: string }>('POST', `/api/users/${whom.id}/preference-link`, {});
    expect(await call('GET', '/inbox', preferences.url.split('/').at(-1) ?? '')).toMatchObject({ status: 401 });
  });

  it('may be read by pages of the sites that are set, and no others, refusals too', async () => {
    const bearer = await token(await person());
    const site = { origin: ORIGIN, 'sec-fetch-site': 'cross-site' };
    for (const [method, url, given, status] of [
      ['GET', '/inbox', bearer, 200],
      ['GET', '/inbox', null, 401],
      ['POST', '/inbox/read-all', bearer, 200],
      ['OPTIONS', '/inbox', null, 204],
      ['OPTIONS', '/inbox/read-all', null, 204],
      ['OPTIONS', '/inbox/x/read', null, 204],
    ] as const) {
      const answer = await call(method, url, given, site);
      expect([method, url, answer.status]).toEqual([method, url, status]);
      expect(answer.headers).toMatchObject({ 'access-control-allow-origin': ORIGIN, vary: 'origin' });
      const { headers } = await call(method, url, given, { ...site, origin: 'https://evil.example' });
      expect(headers).not.toHaveProperty('access-control-allow-origin');
    }
  });

  it('is gone with its owner, who is not put into one any more', async () => {
    const whom = await person();
    await sent(whom);
    const bearer = await token(whom);
    const waiting = await requestOf(whom);
    const deposits = stage.get(InboxDeposits);
    const put = deposits.put.bind(deposits);
    jest.spyOn(deposits, 'put').mockImplementationOnce(async (deposit) => {
      await stage.send('DELETE', `/api/users/${whom.id}`);
      return put(deposit);
    });
    expect(await stage.ask(waiting)).toMatchObject({ kind: 'skip', reason: 'PROVIDER_REJECTED' });
    expect(await stage.query('select id from inbox_items where user_id = $1', whom.id)).toEqual([]);
    expect(await call('GET', '/inbox', bearer)).toMatchObject({ status: 401 });
  });

  it('takes nothing from an attempt that was given back', async () => {
    const whom = await person();
    const id = await sent(whom);
    await stage.query(`update deliveries set state = 'released' where id = $1`, id);
    await stage.query('delete from inbox_items where id = $1', id);
    const entry = { title: 'late', body: 'late', link: null, image: null, expiresInHours: 1 };
    expect(await stage.get(InboxDeposits).put({ ...entry, deliveryId: id, unsubscribeUrl: null })).toBe(false);
    expect(await stage.query('select id from inbox_items where id = $1', id)).toEqual([]);
  });

  describe('with a process that is killed between claim and entry', () => {
    let processes: StepProcesses;
    beforeAll(() => {
      processes = new StepProcesses({ ...NO_NOISE });
    });
    afterAll(() => processes.close());

    async function die(death: StepOrder['death']) {
      const whom = await person();
      const request = await requestOf(whom);
      const { writes, answer, sessionName } = await processes.run({ request, death });
      await until(
        async () =>
          (await stage.query('select from pg_stat_activity where application_name = $1', sessionName)).length === 0,
        GONE_MS_MAX,
        () => `the end of the sessions of ${sessionName}`,
      );
      return { whom, request, writes, answer };
    }

    it('has the message exactly once, and it is never unknown', async () => {
      const whole = await die(null);
      expect(whole.answer).toMatchObject({ kind: 'sent' });
      const put = whole.writes.findIndex((write) => write.includes('inbox_deposits_put')) + 1;
      expect(put).toBeGreaterThan(1);
      for (const death of [
        { write: put, moment: 'before' },
        { write: put, moment: 'after' },
        { write: put + 1, moment: 'before' },
      ] as const) {
        const { whom, request, answer: told } = await die(death);
        expect(told).toBeNull();
        const asked = await stage.ask(request).catch((error: unknown) => error);
        if (death.write === put && death.moment === 'before') {
          expect(asked).toBeInstanceOf(AttemptAliveError);
          await stage.query(
            `update deliveries set deadline_at = date_trunc('milliseconds', clock_timestamp()) where user_id = $1`,
            whom.id,
          );
          // The settled attempt is told apart from the next one: whoever asks again makes it.
          await stage.ask(request).catch(() => undefined);
        }
        expect(await stage.ask(request)).toMatchObject({ kind: 'sent' });
        const left = await stage.query(
          `select delivery.state, ledger.state as ledger, count(item.id)::int as items from deliveries delivery
            join contact_ledger ledger on delivery_id = delivery.id left join inbox_items item using (id)
            where delivery.user_id = $1 group by 1, 2`,
          whom.id,
        );
        expect({ death, left }).toEqual({ death, left: [{ state: 'sent', ledger: 'sent', items: 1 }] });
      }
    });
  });
});
