import fc from 'fast-check';
import {
  notification,
  SECRETS,
  signMailgun,
  signPostmark,
  signSendgrid,
  signSns,
  signStandard,
  signTwilio,
  signTwilioJson,
  SNS_CERTIFICATE,
  TOPIC_ARN,
  type SignedCallback,
  type SnsEnvelope,
} from '../../../../test/support/callback-signers.js';
import { mailgun } from './mailgun.js';
import { postmark } from './postmark.js';
import type { CallbackAccount, CallbackRequest, CallbackScheme, Verdict } from './scheme.js';
import { sendgrid } from './sendgrid.js';
import { ses } from './ses.js';
import { standardWebhooks } from './standard-webhooks.js';
import { twilio } from './twilio.js';

const URL_OF_ACCOUNT = 'https://reach.example.org/callbacks/account/token';
const NOW = Date.parse('2027-06-15T01:30:00Z');
const NOW_S = NOW / 1_000;
const NOW_ISO = new Date(NOW).toISOString();

const amazon = ses({ fetchCertificate: () => Promise.resolve(SNS_CERTIFICATE), isStandInAllowed: false });

const request = ({ headers, body }: SignedCallback, url = URL_OF_ACCOUNT): CallbackRequest => ({ url, headers, body });
const kindOf = async (verdict: Verdict | Promise<Verdict>): Promise<string> => (await verdict).kind;

describe('signatures of callbacks: published vectors', () => {
  it('SendGrid', async () => {
    const account = {
      settings: {},
      credentials: {
        callback_key:
          'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEEDr2LjtURuePQzplybdC+u4CwrqDqBaWjcMMsTbhdbcwHBcepxo7yAQGhHPTnlvFYPAZFceEu/1FwCM/QmGUhA==',
      },
    };
    const signed = {
      headers: {
        'x-twilio-email-event-webhook-timestamp': '1588788367',
        'x-twilio-email-event-webhook-signature':
          'MEUCIQCtIHJeH93Y+qpYeWrySphQgpNGNr/U+UyUlBkU6n7RAwIgJTz2C+8a8xonZGi6BpSzoQsbVRamr2nlxFDWYNH2j/0=',
      },
      body: Buffer.from('{"category":"example_payload","event":"test_event","message_id":"message_id"}'),
    };
    expect(await kindOf(sendgrid.verify(request(signed), account, NOW))).toBe('ok');
    const other = { ...signed, body: Buffer.from(signed.body.toString().replace('test_event', 'tent_event')) };
    expect(await kindOf(sendgrid.verify(request(other), account, NOW))).toBe('refused');
  });

  it('Twilio', async () => {
    const signed = {
      headers: { 'x-twilio-signature': '0/KCTR6DLpKmkAf8muzZqo1nDgQ=' },
      body: Buffer.from(
        'CallSid=CA1234567890ABCDE&Digits=1234&To=%2B18005551212&From=%2B12349013030&Caller=%2B12349013030',
      ),
    };
    const url = 'https://mycompany.com/myapp.php?foo=1&bar=2';
    const account = { settings: {}, credentials: { auth_token: '12345' } };
    expect(await kindOf(twilio.verify(request(signed, url), account, NOW))).toBe('ok');
    expect(await kindOf(twilio.verify(request(signed, url.replace('bar=2', 'bar=3')), account, NOW))).toBe('refused');
  });

  it('Standard Webhooks, with the prefix of the secret and without', async () => {
    const signed = {
      headers: {
        'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
        'webhook-timestamp': '1614265330',
        'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
      },
      body: Buffer.from('{"test": 2432232314}'),
    };
    for (const secret of ['MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw']) {
      const account = { settings: {}, credentials: { callback_secret: secret } };
      expect(await kindOf(standardWebhooks.verify(request(signed), account, 1_614_265_330_000))).toBe('ok');
    }
  });
});

/** One part of a request that a signature covers: where it stands, and how another text is put there. */
interface Part {
  readonly name: string;
  get(signed: CallbackRequest): string;
  set(signed: CallbackRequest, text: string): CallbackRequest;
}
interface Case {
  readonly name: string;
  readonly scheme: CallbackScheme;
  readonly account: CallbackAccount;
  readonly request: CallbackRequest;
  readonly parts: readonly Part[];
}

const header = (name: string): Part => ({
  name,
  get: ({ headers }) => String(headers[name]),
  set: (signed, text) => ({ ...signed, headers: { ...signed.headers, [name]: text } }),
});
// latin1: a byte for a character, so that every byte of the body is one that can be changed.
const body: Part = {
  name: 'body',
  get: (signed) => signed.body.toString('latin1'),
  set: (signed, text) => ({ ...signed, body: Buffer.from(text, 'latin1') }),
};
const address: Part = { name: 'url', get: ({ url }) => url, set: (signed, url) => ({ ...signed, url }) };

type Json = Record<string, unknown>;
const jsonField = (...path: readonly string[]): Part => ({
  name: path.join('.'),
  get: (signed) =>
    String(path.reduce<unknown>((value, name) => (value as Json)[name], JSON.parse(signed.body.toString()))),
  set(signed, text) {
    const content = JSON.parse(signed.body.toString()) as Json;
    const parent = path.slice(0, -1).reduce((value, name) => value[name] as Json, content);
    parent[path.at(-1) ?? ''] = text;
    return { ...signed, body: Buffer.from(JSON.stringify(content)) };
  },
});

const events = [
  { event: 'delivered', sg_event_id: 'a1', sg_message_id: 'm1', timestamp: NOW_S, email: 'é@example.org' },
];
const status = {
  MessageSid: 'SM1',
  MessageStatus: 'delivered',
  To: '+12025550123',
  From: '+1 (202) 5550100',
  Body: '',
};
const statusUrl = `${URL_OF_ACCOUNT}?delivery=01890a5d-ac96-774b-bcce-b302099a8057`;
const twilioJson = signTwilioJson(statusUrl, status);
const confirmation: SnsEnvelope = {
  Type: 'SubscriptionConfirmation',
  MessageId: 'c1',
  TopicArn: TOPIC_ARN,
  Token: 'abcdef',
  Message: 'Please confirm.',
  SubscribeURL: 'https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&Token=abcdef',
  Timestamp: NOW_ISO,
};
const NOTIFIED = ['Message', 'MessageId', 'Subject', 'Timestamp', 'TopicArn', 'Type', 'Signature', 'SignatureVersion'];
const CONFIRMED = ['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type', 'Signature'];

const CASES: readonly Case[] = [
  {
    name: 'SendGrid',
    scheme: sendgrid,
    account: SECRETS.sendgrid,
    request: request(signSendgrid(events, NOW_S)),
    parts: [header('x-twilio-email-event-webhook-signature'), header('x-twilio-email-event-webhook-timestamp'), body],
  },
  {
    name: 'Twilio (form)',
    scheme: twilio,
    account: SECRETS.twilio,
    request: request(signTwilio(statusUrl, status), statusUrl),
    parts: [header('x-twilio-signature'), body, address],
  },
  {
    name: 'Twilio (JSON)',
    scheme: twilio,
    account: SECRETS.twilio,
    request: request(twilioJson, twilioJson.url),
    parts: [header('x-twilio-signature'), body, address],
  },
  {
    name: 'Mailgun',
    scheme: mailgun,
    account: SECRETS.mailgun,
    request: request(signMailgun({ event: 'delivered', id: 'e1' }, NOW_S, 'a'.repeat(50))),
    parts: ['timestamp', 'token', 'signature'].map((name) => jsonField('signature', name)),
  },
  ...(['1', '2'] as const).map((version) => ({
    name: `Amazon SNS, version ${version}`,
    scheme: amazon,
    account: SECRETS.ses,
    request: request(notification({ eventType: 'Delivery', mail: { messageId: 'é' } }, 'n1', NOW_ISO, version)),
    parts: NOTIFIED.map((name) => jsonField(name)),
  })),
  {
    name: 'Amazon SNS (confirmation)',
    scheme: amazon,
    account: SECRETS.ses,
    request: request(signSns(confirmation)),
    parts: CONFIRMED.map((name) => jsonField(name)),
  },
  {
    name: 'Postmark',
    scheme: postmark,
    account: SECRETS.postmark,
    request: request(signPostmark({ RecordType: 'Delivery' })),
    parts: [header('authorization')],
  },
  {
    name: 'Standard Webhooks',
    scheme: standardWebhooks,
    account: SECRETS.standard_webhooks,
    request: request(signStandard({ type: 'message.delivered', data: {} }, { id: 'w1', timestampS: NOW_S })),
    parts: [header('webhook-id'), header('webhook-timestamp'), header('webhook-signature'), body],
  },
];

/** What Twilio signs of a form: its names and values. The same written in another way is the same. */
const meaningOf = (text: string): string => JSON.stringify([...new URLSearchParams(text)]);

describe.each(CASES)('signatures of callbacks: $name', ({ name, scheme, account, request: signed, parts }) => {
  const verdictOf = (changed: CallbackRequest): Promise<string> => kindOf(scheme.verify(changed, account, NOW));

  it('is right as it came', async () => {
    expect(await verdictOf(signed)).toBe('ok');
  });

  it.each(parts)('is refused with one changed byte in $name', async (part) => {
    const text = part.get(signed);
    const change = fc.record({ at: fc.nat(text.length - 1), by: fc.integer({ min: 1, max: 255 }) });
    await fc.assert(
      fc.asyncProperty(change, async ({ at, by }) => {
        const other = String.fromCharCode((text.charCodeAt(at) + by) % 256);
        const changed = text.slice(0, at) + other + text.slice(at + 1);
        if (name === 'Twilio (form)' && part.name === 'body') fc.pre(meaningOf(changed) !== meaningOf(text));
        if (part.name === 'url') fc.pre(URL.canParse(changed));
        expect(await verdictOf(part.set(signed, changed))).toBe('refused');
      }),
    );
  });

  it.each(parts.filter((part) => part !== address))('is refused without $name', async (part) => {
    expect(await verdictOf(part.set(signed, ''))).toBe('refused');
  });

  it('is refused by an account with another secret, and by one without', async () => {
    const names = Object.keys(account.credentials);
    const others = Object.fromEntries(names.map((each) => [each, 'whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA']));
    const another = { settings: { ...account.settings, topic_arn: `${TOPIC_ARN}s` }, credentials: others };
    expect(await kindOf(scheme.verify(signed, another, NOW))).toBe('refused');
    expect(await kindOf(scheme.verify(signed, { settings: {}, credentials: {} }, NOW))).toBe('refused');
  });
});

describe('signatures of callbacks', () => {
  it('of a form refuse a pair whose "=" has become an "&": what is signed would be the same', async () => {
    const signed = signTwilio(URL_OF_ACCOUNT, { A: 'B', C: 'd' });
    expect(signed.body.toString()).toBe('A=B&C=d');
    for (const [text, kind] of [
      ['A=B&C=d', 'ok'],
      ['A&B&C=d', 'refused'],
      ['A=B&=Cd', 'refused'],
    ] as const) {
      const other = { ...signed, body: Buffer.from(text) };
      expect(await kindOf(twilio.verify(request(other), SECRETS.twilio, NOW))).toBe(kind);
    }
  });

  it('of Twilio fit the address with the usual port and without', async () => {
    const [plain, ported] = ['https://reach.example.org/callbacks/a/b', 'https://reach.example.org:443/callbacks/a/b'];
    for (const [given, seen] of [
      [plain, ported],
      [ported, plain],
    ] as const) {
      const signed = signTwilio(given, status);
      expect(await kindOf(twilio.verify(request(signed, seen), SECRETS.twilio, NOW))).toBe('ok');
    }
    const other = signTwilio('https://reach.example.org:8443/callbacks/a/b', status);
    expect(await kindOf(twilio.verify(request(other, plain), SECRETS.twilio, NOW))).toBe('refused');
  });

  it.each([
    ['Standard Webhooks', 300, standardWebhooks, SECRETS.standard_webhooks],
    ['Mailgun', 86_400, mailgun, SECRETS.mailgun],
  ] as const)('of %s are good for %d s, backwards and forwards', async (_, seconds, scheme, account) => {
    const signed = (at: number): SignedCallback =>
      scheme === mailgun ? signMailgun({}, at, 't') : signStandard({}, { id: 'w', timestampS: at });
    for (const sign of [-1, 1]) {
      const [last, late] = [signed(NOW_S + sign * seconds), signed(NOW_S + sign * (seconds + 1))];
      expect(await kindOf(scheme.verify(request(last), account, NOW))).toBe('ok');
      expect(await kindOf(scheme.verify(request(late), account, NOW))).toBe('refused');
    }
  });

  it('of Standard Webhooks: one of several is enough, with either secret while they rotate', async () => {
    const signed = signStandard({ type: 'x' }, { id: 'w', timestampS: NOW_S });
    const more = {
      ...signed.headers,
      'webhook-signature': `v1,AAAA v2,x ${signed.headers['webhook-signature'] ?? ''}`,
    };
    const both = `whsec_${Buffer.alloc(32, 1).toString('base64')} ${SECRETS.standard_webhooks.credentials.callback_secret}`;
    const account = { settings: {}, credentials: { callback_secret: both } };
    expect(await kindOf(standardWebhooks.verify(request({ ...signed, headers: more }), account, NOW))).toBe('ok');
  });

  it.each([16, 65])('of Standard Webhooks: a secret of %d bytes is none', async (bytes) => {
    const key = Buffer.alloc(bytes, 7);
    const account = { settings: {}, credentials: { callback_secret: `whsec_${key.toString('base64')}` } };
    const signed = signStandard({ type: 'x' }, { id: 'w', timestampS: NOW_S });
    expect(await standardWebhooks.verify(request(signed), account, NOW)).toMatchObject({
      kind: 'refused',
      detail: expect.stringContaining('callback_secret') as unknown,
    });
  });

  it.each([
    'http://sns.eu-central-1.amazonaws.com/SimpleNotificationService-a.pem',
    'https://sns.eu-central-1.amazonaws.com.evil.example/SimpleNotificationService-a.pem',
    'https://evil.example/sns.eu-central-1.amazonaws.com/SimpleNotificationService-a.pem',
    'https://evilsns.eu-central-1.amazonaws.com/SimpleNotificationService-a.pem',
    'https://s3.eu-central-1.amazonaws.com/SimpleNotificationService-a.pem',
    'https://sns.s3.amazonaws.com/SimpleNotificationService-a.pem',
    'https://sns.eu-central-1.amazonaws.com.us/SimpleNotificationService-a.pem',
    'https://sns.eu-central-1.amazonaws.com:8443/SimpleNotificationService-a.pem',
    'https://a:b@sns.eu-central-1.amazonaws.com/SimpleNotificationService-a.pem',
    'https://sns.eu-central-1.amazonaws.com./SimpleNotificationService-a.pem',
    'https://sns.eu-central-1.amazonaws.com/?SimpleNotificationService-a.pem',
    'https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-a.pem?x=1',
    'https://sns.eu-central-1.amazonaws.com/bucket/SimpleNotificationService-a.pem',
    'https://127.0.0.1/SimpleNotificationService-a.pem',
    'nonsense',
  ])('of Amazon SNS ask nobody at %s for a certificate', async (SigningCertURL) => {
    let asked = 0;
    const fetchCertificate = (): Promise<string> => {
      asked += 1;
      return Promise.resolve(SNS_CERTIFICATE);
    };
    const signed = signSns({ ...confirmation, SigningCertURL });
    const account = { ...SECRETS.ses, settings: { ...SECRETS.ses.settings, base_url: 'https://127.0.0.1' } };
    const scheme = ses({ fetchCertificate, isStandInAllowed: false });
    expect(await kindOf(scheme.verify(request(signed), account, NOW))).toBe('refused');
    expect(asked).toBe(0);
  });

  it.each(['sns.us-east-1.amazonaws.com', 'sns.us-gov-west-1.amazonaws.com', 'sns.cn-north-1.amazonaws.com.cn'])(
    'of Amazon SNS are checked with a certificate from %s',
    async (host) => {
      const signed = signSns({ ...confirmation, SigningCertURL: `https://${host}/SimpleNotificationService-a.pem` });
      expect(await kindOf(amazon.verify(request(signed), SECRETS.ses, NOW))).toBe('ok');
    },
  );

  it('of Amazon SNS are checked with what stands in for Amazon only where that is allowed', async () => {
    const signed = signSns({ ...confirmation, SigningCertURL: 'http://127.0.0.1:9/ses/certificate.pem' });
    const account = { ...SECRETS.ses, settings: { ...SECRETS.ses.settings, base_url: 'http://127.0.0.1:9/ses' } };
    const local = ses({ fetchCertificate: () => Promise.resolve(SNS_CERTIFICATE), isStandInAllowed: true });
    expect(await kindOf(local.verify(request(signed), account, NOW))).toBe('ok');
    expect(await kindOf(local.verify(request(signed), SECRETS.ses, NOW))).toBe('refused');
    expect(await kindOf(amazon.verify(request(signed), account, NOW))).toBe('refused');
  });

  it('of Amazon SNS end with the certificate', async () => {
    const late = Date.parse('2127-01-01T00:00:00Z');
    expect(await kindOf(amazon.verify(request(signSns(confirmation)), SECRETS.ses, late))).toBe('refused');
  });

  it('of Amazon SNS cannot be told without the certificate', async () => {
    const scheme = ses({ fetchCertificate: () => Promise.reject(new Error('unreachable')), isStandInAllowed: false });
    await expect(async () => scheme.verify(request(signSns(confirmation)), SECRETS.ses, NOW)).rejects.toThrow();
  });
});
