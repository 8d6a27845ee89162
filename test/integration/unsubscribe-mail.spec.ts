import { createHmac } from 'node:crypto';
import { jest } from '@jest/globals';
import { UnsubscribeMail } from '../../src/modules/unsubscribe/index.js';
import { SECRETS, signPostmark, type SignedCallback } from '../support/callback-signers.js';
import { newId, nowS, openCallbackStage, type CallbackStage } from '../support/callback-stage.js';

jest.setTimeout(300_000);

const DELIVERY = '01890a5d-ac96-774b-bcce-b302099a8058';
const STRANGER = 'stranger@elsewhere.example';

/** A mail that a mail program wrote, as it follows a `mailto:` address. */
interface Mail {
  readonly to: string;
  readonly subject: string;
  readonly id: string;
}

const form = (fields: Readonly<Record<string, string>>): SignedCallback => ({
  headers: { 'content-type': 'application/x-www-form-urlencoded' },
  body: Buffer.from(new URLSearchParams(fields).toString()),
});
const multipart = (fields: Readonly<Record<string, string>>): SignedCallback => {
  const parts = Object.entries(fields).map(
    ([name, value]) => `--xYzZY\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  );
  return {
    headers: { 'content-type': 'multipart/form-data; boundary=xYzZY' },
    body: Buffer.from(`${parts.join('')}--xYzZY--\r\n`),
  };
};

function mailgunFields({ to, subject, id }: Mail, key: string = SECRETS.mailgun.credentials.callback_key) {
  const [timestamp, token] = [String(nowS()), newId()];
  const signature = createHmac('sha256', key).update(`${timestamp}${token}`).digest('hex');
  const envelope = { recipient: to, sender: STRANGER, from: `Eve <${STRANGER}>`, subject, 'Message-Id': `<${id}>` };
  return { ...envelope, 'body-plain': '', timestamp, token, signature };
}

/** In the words of each provider that passes mails on. */
const PASSED_ON: Readonly<
  Record<string, readonly [account: 'mailgun' | 'postmark' | 'sendgrid', (mail: Mail) => SignedCallback]>
> = {
  'a route of Mailgun': ['mailgun', (mail) => form(mailgunFields(mail))],
  'a route of Mailgun, as multipart': ['mailgun', (mail) => multipart(mailgunFields(mail))],
  'an inbound stream of Postmark': [
    'postmark',
    ({ to, subject, id }) =>
      signPostmark({
        ...{
          From: STRANGER,
          FromFull: { Email: STRANGER, Name: 'Eve' },
          To: to,
          ToFull: [{ Email: to, MailboxHash: '' }],
        },
        ...{ OriginalRecipient: to, Subject: subject, MessageID: id, TextBody: '', MessageStream: 'inbound' },
      }),
  ],
  'Inbound Parse of SendGrid': [
    'sendgrid',
    ({ to, subject, id }) =>
      multipart({
        ...{ headers: `Message-ID: <${id}>\nFrom: ${STRANGER}\n`, from: `Eve <${STRANGER}>`, to, subject, text: '' },
        ...{ envelope: JSON.stringify({ to: [to], from: STRANGER }), charsets: '{"subject":"UTF-8"}' },
      }),
  ],
};

describe('unsubscribing by mail', () => {
  let stage: CallbackStage;
  let id: string;
  beforeAll(async () => {
    stage = await openCallbackStage({ UNSUBSCRIBE_MAILTO: 'out@in.example.org' });
  });
  afterAll(() => stage.close());
  beforeEach(async () => {
    id = await stage.api.user();
    await grant();
  });

  const grant = () =>
    stage.api.post('/api/consents', { user_id: id, channel: 'email', status: 'granted', source: 'spec' });
  const history = async (): Promise<readonly { status: string; source: string; evidence: object }[]> =>
    ((await stage.api.get(`/api/consents/${id}`)).body as { data: never[] }).data;
  const statuses = async (): Promise<string[]> => (await history()).map(({ status }) => status);
  function mail(): Mail {
    const subject = { userId: id, purpose: 'marketing', channel: 'email', brand: 'default', deliveryId: DELIVERY };
    const address = new URL(stage.app.get(UnsubscribeMail).addressFor(subject) ?? '');
    return { to: address.pathname, subject: address.searchParams.get('subject') ?? '', id: newId() };
  }
  const inbound = (account: string) => stage.list(`account=${account}&kind=inbound&limit=200`);

  it.each(Object.entries(PASSED_ON))(
    'withdraws what the token says, from whomever it comes: %s',
    async (_what, [account, write]) => {
      const before = (await inbound(account)).length;
      const written = mail();
      await stage.taken(account, write(written));
      expect(await history()).toMatchObject([
        { status: 'withdrawn', source: 'list_unsubscribe', evidence: { delivery_id: DELIVERY, method: 'mail' } },
        { status: 'granted' },
      ]);
      await stage.taken(account, write(written));
      expect(await statuses()).toEqual(['withdrawn', 'granted']);
      const [newest, ...more] = await inbound(account);
      expect([newest?.state, newest?.name, more.length]).toEqual(['applied', 'mail', before]);
      expect(JSON.stringify(await stage.query('select * from provider_callbacks'))).not.toMatch(
        /stranger|unsubscribe /i,
      );
    },
  );

  it.each(Object.entries(PASSED_ON))('does nothing without a token of ours: %s', async (_what, [account, write]) => {
    const { to, subject } = mail();
    const forged = subject.replace(
      / (.{5})(.)/,
      (_, head: string, next: string) => ` ${head}${next === 'A' ? 'B' : 'A'}`,
    );
    for (const other of ['unsubscribe', 'please unsubscribe me', forged, subject.toLowerCase(), '']) {
      await stage.taken(account, write({ to, subject: other, id: newId() }));
    }
    expect(await statuses()).toEqual(['granted']);
    expect((await inbound(account))[0]).toMatchObject({ state: 'ignored', delivery_id: null });
  });

  it('is refused where the provider would have signed, or at another address', async () => {
    const written = mail();
    const wrong = [
      await stage.send('mailgun', form(mailgunFields(written, 'another-key'))),
      await stage.send('mailgun', multipart({ ...mailgunFields(written), signature: '' })),
      await stage.send('postmark', {
        ...signPostmark({ Subject: written.subject, ToFull: [], MessageID: 'x' }),
        headers: {},
      }),
    ];
    expect(wrong.map(({ status }) => status)).toEqual([401, 401, 401]);
    const { pathname } = new URL(stage.addressOf('sendgrid'));
    const [, write] = PASSED_ON['Inbound Parse of SendGrid'] ?? [];
    const { headers, body } = write?.(written) ?? { headers: {}, body: Buffer.alloc(0) };
    const address = `${stage.origin}${pathname.slice(0, -1)}`;
    expect((await fetch(address, { method: 'POST', headers, body: new Uint8Array(body) })).status).toBe(404);
    expect(await statuses()).toEqual(['granted']);
  });

  it('lets no unsigned form of SendGrid tell of messages', async () => {
    const message = await stage.sent('sendgrid');
    const event = JSON.stringify([{ event: 'bounce', delivery_id: message.id, sg_event_id: newId() }]);
    for (const fields of [
      { envelope: '{}', subject: 'x', events: event },
      { envelope: event, event: 'bounce', delivery_id: message.id },
    ]) {
      await stage.taken('sendgrid', multipart(fields));
    }
    expect((await stage.send('sendgrid', multipart({ event: 'bounce', delivery_id: message.id }))).status).toBe(401);
    const json = { headers: { 'content-type': 'application/json' }, body: Buffer.from(event) };
    expect((await stage.send('sendgrid', json)).status).toBe(401);
    await stage.allApplied();
    expect(await stage.stateOf(message.id)).toMatchObject({ state: 'sent' });
  });
});
