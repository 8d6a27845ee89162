import { jest } from '@jest/globals';
import { Retention } from '../../src/platform/database/retention.js';
import { SnsClient } from '../../src/modules/callbacks/sns-client.js';
import {
  grid,
  gridSays,
  KINDS,
  newId,
  nowS,
  openCallbackStage,
  type CallbackStage,
  type CallbackView,
} from '../support/callback-stage.js';
import {
  signMailgun,
  signSendgrid,
  signSns,
  signTwilio,
  TOPIC_ARN,
  type SignedCallback,
} from '../support/callback-signers.js';

jest.setTimeout(300_000);

const UNKNOWN_ID = '01890a5d-ac96-774b-bcce-b302099a8057';

describe('callbacks of providers', () => {
  let stage: CallbackStage;

  beforeAll(async () => {
    stage = await openCallbackStage();
  });
  afterAll(() => stage.close());

  it.each(KINDS)('of %s move the delivery, once', async (kind) => {
    const message = await stage.sent(kind);
    const signed = stage.arrived[kind](message);
    await stage.taken(kind, signed);
    await stage.allApplied();
    expect(await stage.stateOf(message.id)).toMatchObject({ state: 'delivered' });
    await stage.taken(kind, signed);
    await stage.taken(kind, signed);
    expect(await stage.list(`account=${kind}&delivery=${message.id}`)).toMatchObject([
      { kind: 'delivered', state: 'applied' },
    ]);
  });

  it.each(KINDS)('of %s with a wrong signature are refused, and nothing is stored', async (kind) => {
    const before = await stage.countOf();
    const { headers, body } = stage.arrived[kind]({ id: UNKNOWN_ID, messageId: 'm' });
    const text = body.toString();
    const spoilt = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [
        name,
        /signature|authorization/.test(name) ? spoil(value) : value,
      ]),
    );
    const forged = {
      headers: spoilt,
      body: Buffer.from(
        text.replace(/("[sS]ignature":")(.)/, (_, field, first) => `${field}${first === 'A' ? 'B' : 'A'}`),
      ),
    };
    const answer = await stage.send(kind, forged);
    expect(answer.status).toBe(401);
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    expect(await answer.json()).toMatchObject({ code: 'CALLBACK_NOT_VERIFIED' });
    expect((await stage.send(kind, { headers: {}, body: Buffer.alloc(0) })).status).toBe(401);
    expect(await stage.countOf()).toBe(before);
  });

  it('have no other address than the one of their account', async () => {
    const { pathname } = new URL(stage.addressOf('sendgrid'));
    const [token = ''] = pathname.split('/').slice(-1);
    await stage.api.post('/api/providers', {
      key: 'silent',
      kind: 'fcm',
      settings: { project_id: 'p' },
      credentials: { client_email: 'a@example.org', private_key: 'k' },
    });
    const silent = (await stage.api.get('/api/providers/silent')).body as { callback_url: string };
    const wrong = [
      `/callbacks/nobody/${token}`,
      `/callbacks/sendgrid/${token.slice(0, -1)}`,
      `/callbacks/sendgrid/${token}x`,
      `/callbacks/postmark/${token}`,
      new URL(silent.callback_url).pathname,
    ];
    const before = await stage.countOf();
    const { headers, body } = gridSays(grid('delivered', { id: UNKNOWN_ID }));
    for (const path of wrong) {
      const answer = await fetch(stage.origin + path, { method: 'POST', headers, body: new Uint8Array(body) });
      expect([path, answer.status]).toEqual([path, 404]);
    }
    expect(await stage.countOf()).toBe(before);
  });

  it('are void at an address that was rotated away, and good at the new one, and while the account is paused', async () => {
    await stage.register('sendgrid', 'turning');
    const message = await stage.sent('turning');
    const rotated = await stage.api.post('/api/providers/turning/rotate', {});
    expect((await stage.send('turning', gridSays(grid('open', message)))).status).toBe(404);
    stage.addresses.set('turning', (rotated.body as { callback_url: string }).callback_url);
    await stage.api.post('/api/providers/turning/pause', {});
    await stage.taken('turning', gridSays(grid('open', message)));
    await stage.allApplied();
    expect(await stage.stateOf(message.id)).toEqual({ state: 'delivered', opens: 1, clicks: 0 });
  });

  it('that are signed and unreadable are told so, whatever type they claim to be', async () => {
    for (const type of ['application/json', 'text/plain', 'multipart/form-data; boundary=x', 'nonsense']) {
      const broken = signSendgrid('{"event": ', nowS());
      const answer = await stage.send('sendgrid', { ...broken, headers: { ...broken.headers, 'content-type': type } });
      expect([type, answer.status, await answer.json()]).toMatchObject([type, 400, { code: 'CALLBACK_UNREADABLE' }]);
    }
  });

  it('take at most 1 MB, and no other route takes bytes of no type', async () => {
    const before = await stage.countOf();
    const large = gridSays(grid('delivered', { id: UNKNOWN_ID }, { more: 'x'.repeat(1_048_576) }));
    expect((await stage.send('sendgrid', large)).status).toBe(413);
    const headers = { 'content-type': 'application/octet-stream' };
    expect((await fetch(`${stage.origin}/api/users`, { method: 'POST', headers, body: '{}' })).status).toBe(415);
    expect(await stage.countOf()).toBe(before);
  });

  it('of Mailgun count once for each token, whatever the rest of the body says', async () => {
    const [one, other] = [await stage.sent('mailgun'), await stage.sent('mailgun')];
    const at = nowS();
    const said = (message: { id: string }): SignedCallback =>
      signMailgun({ event: 'opened', id: newId(), 'user-variables': { delivery_id: message.id } }, at, 'one-token');
    await stage.taken('mailgun', said(one));
    await stage.taken('mailgun', said(other));
    await stage.taken('mailgun', said(one));
    await stage.allApplied();
    expect([await stage.stateOf(one.id), await stage.stateOf(other.id)]).toMatchObject([
      { opens: 1 },
      { opens: 0, state: 'sent' },
    ]);
    const tokensAfter = async (time: string): Promise<number> => {
      await stage.query(
        `update callback_tokens set seen_at = date_trunc('milliseconds', clock_timestamp()) - $1::interval`,
        time,
      );
      await stage.app.get(Retention).purge();
      return (await stage.query('select from callback_tokens')).length;
    };
    // A request is taken for a day: for longer than that its token must be known.
    expect(await tokensAfter('25 hours')).toBeGreaterThan(0);
    expect(await tokensAfter('4 days')).toBe(0);
  });

  describe('of text messages', () => {
    const text = (from: string, body: string, more: Readonly<Record<string, string>> = {}): SignedCallback =>
      signTwilio(stage.addressOf('twilio'), {
        MessageSid: newId(),
        SmsStatus: 'received',
        From: from,
        To: '+12025550100',
        Body: body,
        ...more,
      });
    const summary = async (id: string): Promise<string> =>
      JSON.stringify((await stage.api.get(`/api/consents/${id}/summary`)).body);

    it('STOP withdraws before it is answered, with no instruction', async () => {
      const phone = '+12025550171';
      const id = await stage.api.user({ phone });
      await stage.api.post('/api/consents', { user_id: id, channel: 'sms', status: 'granted', source: 'spec' });
      const stop = text(phone, ' stop ');
      const answer = await stage.send('twilio', stop);
      expect(answer.status).toBe(200);
      expect(answer.headers.get('content-type')).toContain('text/xml');
      expect(await answer.text()).toMatch(/<Response\/>$/);
      expect(await summary(id)).toContain('"is_allowed":false');
      expect((await stage.api.get(`/api/suppressions?address=${encodeURIComponent(phone)}`)).body).toMatchObject({
        data: [{ reason: 'stop' }],
      });
      // START, and then the STOP of before once more: it is the same message, and old.
      expect((await stage.send('twilio', text(phone, 'START'))).status).toBe(200);
      expect((await stage.send('twilio', stop)).status).toBe(200);
      expect(await summary(id)).toContain('"is_allowed":true');
      expect((await stage.list('account=twilio&kind=inbound&state=applied')).length).toBe(2);
    });

    it('that came by no telephone number are kept and not acted upon', async () => {
      const before = (await stage.api.get('/api/consents/keywords')).body as { data: object[] };
      expect((await stage.send('twilio', text('whatsapp:+12025550172', 'STOP'))).status).toBe(200);
      expect((await stage.send('twilio', text('72975', 'STOP'))).status).toBe(200);
      expect((await stage.api.get('/api/consents/keywords')).body).toEqual(before);
      expect((await stage.list('account=twilio&kind=inbound&state=ignored')).length).toBe(2);
    });

    it('that could not be sent because of a STOP withdraw', async () => {
      const person = await stage.person();
      const message = await stage.sent('twilio', person);
      await stage.api.post('/api/consents', { user_id: person.id, channel: 'sms', status: 'granted', source: 'spec' });
      const more = `?delivery=${message.id}`;
      const fields = { MessageSid: 'SM-never-stored', MessageStatus: 'failed', ErrorCode: '21610' };
      await stage.taken('twilio', signTwilio(stage.addressOf('twilio') + more, fields), more);
      await stage.allApplied();
      expect(await stage.stateOf(message.id)).toMatchObject({ state: 'failed' });
      const { data } = (await stage.api.get(`/api/consents/${person.id}`)).body as { data: object[] };
      expect(data[0]).toMatchObject({ channel: 'sms', status: 'withdrawn', evidence: { delivery_id: message.id } });
    });
  });

  describe('of Amazon SNS', () => {
    const SUBSCRIBE = 'https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&Token=1';
    const confirmation = (TopicArn: string): SignedCallback =>
      signSns({
        ...{ Type: 'SubscriptionConfirmation', MessageId: newId(), Token: '1', Message: 'confirm', TopicArn },
        ...{ SubscribeURL: SUBSCRIBE, Timestamp: new Date().toISOString() },
      });

    it('are confirmed for the topic of the account, and for no other', async () => {
      const confirm = jest.spyOn(stage.app.get(SnsClient), 'confirm').mockResolvedValue();
      await stage.taken('ses', confirmation(TOPIC_ARN));
      expect(confirm.mock.calls).toEqual([[SUBSCRIBE]]);
      expect((await stage.send('ses', confirmation(`${TOPIC_ARN}2`))).status).toBe(401);
      expect(confirm).toHaveBeenCalledTimes(1);
      confirm.mockRejectedValueOnce(new Error('unreachable'));
      expect((await stage.send('ses', confirmation(TOPIC_ARN))).status).toBe(503);
      confirm.mockRestore();
    });

    it('are to be sent again while there is no certificate to check them with', async () => {
      const before = await stage.countOf();
      jest.spyOn(stage.app.get(SnsClient), 'certificate').mockRejectedValueOnce(new Error('unreachable'));
      expect((await stage.send('ses', stage.arrived.ses({ id: UNKNOWN_ID, messageId: 'x' }))).status).toBe(503);
      expect(await stage.countOf()).toBe(before);
    });
  });

  it('are listed newest first, in pages', async () => {
    const message = await stage.sent('sendgrid');
    await stage.taken(
      'sendgrid',
      gridSays(...['processed', 'delivered', 'open', 'click'].map((event) => grid(event, message))),
    );
    await stage.allApplied();
    const first = (await stage.api.get(`/api/callbacks?delivery=${message.id}&limit=3`)).body as {
      data: CallbackView[];
      next_cursor: string;
    };
    const rest = (await stage.api.get(`/api/callbacks?delivery=${message.id}&cursor=${first.next_cursor}`))
      .body as typeof first;
    expect([...first.data, ...rest.data].map(({ kind }) => kind)).toEqual(['clicked', 'opened', 'delivered', 'sent']);
    expect(rest.next_cursor).toBeNull();
    expect((await stage.api.get('/api/callbacks?state=lost')).status).toBe(400);
  });
});

/** Another character in the place of the last one that matters. */
const spoil = (text: string): string =>
  text.replace(/(.)(.{4})$/, (_, one: string, rest: string) => (one === 'A' ? 'B' : 'A') + rest);
