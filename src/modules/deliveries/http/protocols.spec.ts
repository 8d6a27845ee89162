import type { ProviderAccount, ProviderKind } from '../../providers/index.js';
import type { OutboundMessage } from '../connector.js';
import type { Correspondence, HttpAnswer, HttpProtocol } from './http-protocol.js';
import { mailgun } from './mailgun.js';
import { postmark } from './postmark.js';
import { sendgrid } from './sendgrid.js';
import { ses } from './ses.js';
import { twilio } from './twilio.js';

const WITHDRAW = 'https://shop.example.org/unsubscribe/token';
const mail: OutboundMessage = {
  deliveryId: '0197-delivery',
  to: 'jane@example.com',
  content: { channel: 'email', subject: 'Grüße & 你好', html: '<p>hi</p>', text: 'hi' },
  unsubscribeUrl: WITHDRAW,
};
const text: OutboundMessage = {
  ...mail,
  to: '+33612345678',
  content: { channel: 'sms', text: 'à bientôt + 1 & more' },
};

function correspondence(kind: ProviderKind, more: Partial<ProviderAccount> = {}): Correspondence {
  return {
    account: {
      ...{ id: '1', key: 'acme', kind, channel: 'email', state: 'active', priority: 1, perSecond: null },
      ...{ settings: {}, credentials: {}, pathToken: 'path', updatedAt: 0 },
      ...more,
    },
    from: { name: 'The "Shop"', address: 'shop@example.org' },
    domain: 'example.org',
    callbackUrl: 'https://api.example.org/callbacks/acme/path',
  };
}

const answer = (status: number, json: unknown = {}, headers: HttpAnswer['headers'] = {}): HttpAnswer => ({
  status,
  headers,
  json,
});

const HEADERS = {
  'List-Id': '<marketing.example.org>',
  'List-Unsubscribe': `<${WITHDRAW}>`,
  'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
  'X-Delivery-Id': mail.deliveryId,
};

describe('what a provider is asked', () => {
  it('SendGrid', () => {
    const request = sendgrid.toRequest(mail, correspondence('sendgrid', { credentials: { api_key: 'SG.k' } }));
    expect(request.url).toBe('https://api.sendgrid.com/v3/mail/send');
    expect(request.headers['authorization']).toBe('Bearer SG.k');
    expect(JSON.parse(request.body)).toEqual({
      personalizations: [{ to: [{ email: mail.to }], custom_args: { delivery_id: mail.deliveryId } }],
      from: { email: 'shop@example.org', name: 'The "Shop"' },
      subject: 'Grüße & 你好',
      content: [
        { type: 'text/plain', value: 'hi' },
        { type: 'text/html', value: '<p>hi</p>' },
      ],
      headers: HEADERS,
      tracking_settings: { click_tracking: { enable: false }, open_tracking: { enable: false } },
    });
  });

  it('Postmark', () => {
    const request = postmark.toRequest(mail, correspondence('postmark', { credentials: { server_token: 'T' } }));
    expect(request.url).toBe('https://api.postmarkapp.com/email');
    expect(request.headers['x-postmark-server-token']).toBe('T');
    expect(JSON.parse(request.body)).toMatchObject({
      From: '"The \\"Shop\\"" <shop@example.org>',
      To: mail.to,
      Headers: Object.entries(HEADERS).map(([Name, Value]) => ({ Name, Value })),
      Metadata: { delivery_id: mail.deliveryId },
      MessageStream: 'broadcast',
      TrackOpens: false,
      TrackLinks: 'None',
    });
    const receipt = postmark.toRequest({ ...mail, unsubscribeUrl: null }, correspondence('postmark'));
    expect(JSON.parse(receipt.body)).toMatchObject({
      Headers: [{ Name: 'X-Delivery-Id', Value: mail.deliveryId }],
      MessageStream: 'outbound',
    });
  });

  it('Mailgun', () => {
    const account = {
      settings: { domain: 'mg.example.org', base_url: 'http://127.0.0.1:1' },
      credentials: { api_key: 'k' },
    };
    const request = mailgun.toRequest(mail, correspondence('mailgun', account));
    expect(request.url).toBe('http://127.0.0.1:1/v3/mg.example.org/messages');
    expect(request.headers['authorization']).toBe(`Basic ${Buffer.from('api:k').toString('base64')}`);
    expect(Object.fromEntries(new URLSearchParams(request.body))).toMatchObject({
      to: mail.to,
      subject: 'Grüße & 你好',
      'h:List-Unsubscribe': `<${WITHDRAW}>`,
      'v:delivery_id': mail.deliveryId,
      'o:tracking': 'no',
    });
  });

  describe('SES', () => {
    const settings = { region: 'eu-west-1' };
    const credentials = { access_key_id: 'AKIA', secret_access_key: 's' };
    const asked = (more: Partial<Correspondence> = {}) => ({
      ...correspondence('ses', { settings, credentials }),
      ...more,
    });

    it('gets the message with its headers and our id', () => {
      const request = ses.toRequest(mail, asked());
      expect(request.url).toBe('https://email.eu-west-1.amazonaws.com/v2/email/outbound-emails');
      expect(JSON.parse(request.body)).toEqual({
        FromEmailAddress: '"The \\"Shop\\"" <shop@example.org>',
        Destination: { ToAddresses: [mail.to] },
        Content: {
          Simple: {
            Subject: { Data: 'Grüße & 你好', Charset: 'UTF-8' },
            Body: { Text: { Data: 'hi', Charset: 'UTF-8' }, Html: { Data: '<p>hi</p>', Charset: 'UTF-8' } },
            Headers: Object.entries(HEADERS).map(([Name, Value]) => ({ Name, Value })),
          },
        },
        EmailTags: [{ Name: 'delivery_id', Value: mail.deliveryId }],
      });
    });

    it('goes by the configuration set of the account', () => {
      const { account } = correspondence('ses', { settings: { ...settings, configuration_set: 'events' } });
      const { body } = ses.toRequest(mail, asked({ account }));
      expect(JSON.parse(body)).toMatchObject({ ConfigurationSetName: 'events' });
    });

    it('is told in ASCII who writes, in words that are short enough', () => {
      const name = 'Müller & Söhne, 株式会社ミュラー兄弟商会東京本店';
      const { body } = ses.toRequest(mail, asked({ from: { name, address: 'shop@example.org' } }));
      const { FromEmailAddress: sender } = JSON.parse(body) as { FromEmailAddress: string };
      expect(sender).toMatch(/^(=\?UTF-8\?B\?[\w+/=]{1,63}\?= )+<shop@example\.org>$/);
      const words = [...sender.matchAll(/\?B\?([^?]+)\?=/g)];
      expect(words.map(([, word = '']) => Buffer.from(word, 'base64').toString()).join('')).toBe(name);
    });

    it('is signed for the service, the region and the time', () => {
      const { account } = asked();
      const request = ses.toRequest(mail, asked());
      const signed = ses.sign?.(request, account, Date.UTC(2026, 0, 2, 3, 4, 5));
      expect(signed).toMatchObject({ url: request.url, body: request.body });
      expect(signed?.headers).toMatchObject({
        'content-type': 'application/json',
        'x-amz-date': '20260102T030405Z',
        authorization: expect.stringContaining(
          'Credential=AKIA/20260102/eu-west-1/ses/aws4_request, SignedHeaders=content-type;host;x-amz-date, ',
        ),
      });
    });
  });

  it.each([
    ['+15005550006', 'From'],
    ['MG0123', 'MessagingServiceSid'],
  ])('Twilio, from %s', (from, parameter) => {
    const account = { settings: { account_sid: 'AC1', from }, credentials: { auth_token: 't' } };
    const request = twilio.toRequest(text, correspondence('twilio', account));
    expect(request.url).toBe('https://api.twilio.com/2010-04-01/Accounts/AC1/Messages.json');
    expect(request.headers['authorization']).toBe(`Basic ${Buffer.from('AC1:t').toString('base64')}`);
    expect(Object.fromEntries(new URLSearchParams(request.body))).toEqual({
      To: '+33612345678',
      Body: 'à bientôt + 1 & more',
      [parameter]: from,
      StatusCallback: `https://api.example.org/callbacks/acme/path?delivery=${text.deliveryId}`,
    });
  });

  it.each([
    ['sendgrid', sendgrid, text],
    ['postmark', postmark, text],
    ['mailgun', mailgun, text],
    ['ses', ses, text],
    ['twilio', twilio, mail],
  ] as const)('%s refuses the content of another channel', (kind, protocol, message) => {
    expect(() => protocol.toRequest(message, correspondence(kind))).toThrow();
  });
});

describe('what the answer of a provider means', () => {
  const all: readonly (readonly [string, HttpProtocol, HttpAnswer, string])[] = [
    ['SendGrid', sendgrid, answer(202, undefined, { 'x-message-id': 'id-1' }), 'id-1'],
    ['Postmark', postmark, answer(200, { ErrorCode: 0, MessageID: 'id-2' }), 'id-2'],
    ['Mailgun', mailgun, answer(200, { id: '<id-3@mg>', message: 'Queued.' }), '<id-3@mg>'],
    ['SES', ses, answer(200, { MessageId: 'id-5' }), 'id-5'],
    ['Twilio', twilio, answer(201, { sid: 'SM4', status: 'queued' }), 'SM4'],
  ];

  it.each(all)('%s took it', (_name, protocol, taken, id) => {
    expect(protocol.toResult(taken)).toEqual({ kind: 'accepted', providerMessageId: id });
  });

  it.each(all)('%s took it, and does not say under which id', (_name, protocol, taken) => {
    expect(protocol.toResult(answer(taken.status, { sid: '', id: null, MessageID: '', MessageId: '' }))).toMatchObject({
      kind: 'unknown',
    });
    expect(protocol.toResult(answer(taken.status, undefined))).toMatchObject({ kind: 'unknown' });
  });

  it.each(
    all.flatMap(([name, protocol]) =>
      (
        [
          [302, 'unavailable'],
          [400, 'rejected'],
          [401, 'unavailable'],
          [403, 'unavailable'],
          [404, 'rejected'],
          [408, 'unavailable'],
          [413, 'rejected'],
          [422, 'rejected'],
          [429, 'unavailable'],
          [500, 'unknown'],
          [502, 'unknown'],
          [503, 'unavailable'],
          [504, 'unknown'],
        ] as const
      ).map(([status, kind]) => [name, status, kind, protocol] as const),
    ),
  )('%s, status %i: %s', (_name, status, kind, protocol) => {
    expect(protocol.toResult(answer(status))).toMatchObject({ kind });
    expect(protocol.toResult(answer(status, 'no JSON at all'))).toMatchObject({ kind });
  });

  it.each([
    [400, 'MessageRejected', 'rejected'],
    [400, 'BadRequestException', 'rejected'],
    [400, 'AccountSuspendedException', 'unavailable'],
    [400, 'SendingPausedException', 'unavailable'],
    [400, 'MailFromDomainNotVerifiedException', 'unavailable'],
    [400, 'LimitExceededException', 'unavailable'],
    [400, 'ThrottlingException', 'unavailable'],
    [400, 'RequestExpired', 'unavailable'],
    [403, 'InvalidSignatureException', 'unavailable'],
    [404, 'NotFoundException', 'unavailable'],
    [429, 'TooManyRequestsException', 'unavailable'],
    [500, 'InternalServiceErrorException', 'unknown'],
    [500, 'ThrottlingException', 'unknown'],
    [503, 'ServiceUnavailableException', 'unavailable'],
  ])('SES, status %i, %s: %s', (status, type, kind) => {
    const detail = `status ${status}, ${type}`;
    const header = { 'x-amzn-errortype': `${type}:http://internal.amazon.com/coral/` };
    expect(ses.toResult(answer(status, { message: mail.to }, header))).toMatchObject({ kind, detail });
    expect(ses.toResult(answer(status, { __type: `com.amazonaws.ses#${type}` }))).toMatchObject({ kind, detail });
  });

  it('SES says for how long it is full', () => {
    const header = { 'x-amzn-errortype': 'LimitExceededException', 'retry-after': '60' };
    expect(ses.toResult(answer(400, {}, header))).toMatchObject({ kind: 'unavailable', retryAfterMs: 60_000 });
  });

  it('comes back when it is told to, at most an hour later', () => {
    const after = (text: string) => sendgrid.toResult(answer(429, {}, { 'retry-after': text }));
    expect(after('7')).toMatchObject({ kind: 'unavailable', retryAfterMs: 7_000 });
    expect(after('999999')).toMatchObject({ retryAfterMs: 3_600_000 });
    expect(after('Wed, 21 Oct 2027 07:28:00 GMT')).not.toHaveProperty('retryAfterMs');
  });

  it.each([
    ['SendGrid: the address', sendgrid, 400, { errors: [{ field: 'personalizations.0.to.0.email' }] }, 'recipient'],
    ['SendGrid: who sends', sendgrid, 400, { errors: [{ field: 'from.email' }] }, 'other'],
    ['Postmark: inactive', postmark, 422, { ErrorCode: 406 }, 'recipient'],
    ['Postmark: no such sender', postmark, 422, { ErrorCode: 401 }, 'other'],
    ['Twilio: no number', twilio, 400, { code: 21_211 }, 'recipient'],
    ['Twilio: a land line', twilio, 400, { code: 21_614 }, 'recipient'],
    ['Twilio: said STOP', twilio, 400, { code: 21_610 }, 'opted_out'],
    ['Twilio: an unverified sender', twilio, 400, { code: 21_606 }, 'other'],
  ] as const)('%s', (_name, protocol, status, json, refusedFor) => {
    expect(protocol.toResult(answer(status, json))).toMatchObject({ kind: 'rejected', refusedFor });
  });

  it('keeps codes and no words, which may repeat the address', () => {
    const told = JSON.stringify([
      twilio.toResult(answer(400, { code: 21_211, message: `'To' ${text.to} is not valid` })),
      sendgrid.toResult(answer(400, { errors: [{ message: `Bad ${mail.to}`, field: 'subject' }] })),
      postmark.toResult(answer(422, { ErrorCode: 300, Message: mail.to })),
    ]);
    expect(told).toContain('21211');
    expect(told).not.toContain(mail.to);
    expect(told).not.toContain(text.to);
  });
});
