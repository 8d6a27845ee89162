import fc from 'fast-check';
import type { EmailContent, InAppContent, MessageContent, PushContent, SmsContent, WebhookContent } from './content.js';
import { contentFaults, PUSH_BYTES_MAX, pushBytes } from './content-faults.js';
import { utf8Bytes } from './utf8-bytes.js';

const EMAIL: EmailContent = { channel: 'email', subject: 'Hi', html: '<p>Hi</p>', text: 'Hi' };
const SMS: SmsContent = { channel: 'sms', text: 'Hi\nthere' };
const PUSH: PushContent = { channel: 'push', title: 'Hi', body: 'there\nyou', link: null };
const IN_APP: InAppContent = {
  channel: 'in_app',
  title: 'Hi',
  body: 'a\nb',
  link: null,
  image: null,
  expiresInHours: 1,
};
const WEBHOOK: WebhookContent = { channel: 'webhook', endpoint: 'crm', body: '{"a": 1}' };
const HEAD_BYTES = pushBytes({ ...PUSH, body: '' });

describe('contentFaults', () => {
  it.each<[string, MessageContent]>([
    ['an e-mail', EMAIL],
    ['a subject of 998 characters', { ...EMAIL, subject: 'x'.repeat(998) }],
    ['a text message', SMS],
    ['a text message of ten segments', { ...SMS, text: 'x'.repeat(1_530) }],
    ['a notification', PUSH],
    ['one with a link', { ...PUSH, link: 'https://shop.example/a?b=1#c' }],
    ['one that opens an app', { ...PUSH, link: 'myshop://orders/1' }],
    ['an entry of an inbox', IN_APP],
    ['one with a picture', { ...IN_APP, link: 'myshop://orders/1', image: 'https://shop.example/a.png?b' }],
    ['a webhook', WEBHOOK],
    ['a webhook of 20,000 bytes', { ...WEBHOOK, body: `{"a": "${'x'.repeat(19_991)}"}` }],
    ['one of 4,096 bytes', { ...PUSH, body: 'x'.repeat(PUSH_BYTES_MAX - HEAD_BYTES) }],
  ])('lets %s pass', (_what, content) => {
    expect(contentFaults(content)).toEqual([]);
  });

  it.each<[string, MessageContent, RegExp]>([
    ['a line break in a subject', { ...EMAIL, subject: 'a\r\nBcc: b@example.com' }, /^subject: .*line break/],
    ['a NUL in a subject', { ...EMAIL, subject: 'a\u0000b' }, /^subject/],
    ['a next line character (C1) in a subject', { ...EMAIL, subject: 'a\u0085b' }, /^subject/],
    ['an empty subject', { ...EMAIL, subject: ' ' }, /^subject: it is empty/],
    ['a subject that no line can hold', { ...EMAIL, subject: 'x'.repeat(999) }, /^subject: it is too long/],
    ['an empty text message', { ...SMS, text: ' \n' }, /^text: it is empty/],
    ['a NUL in a text message', { ...SMS, text: 'a\u0000' }, /^text: .*control/],
    ['eleven segments', { ...SMS, text: 'x'.repeat(1_531) }, /^text: it takes 11 segments/],
    ['eleven segments of Cyrillic', { ...SMS, text: 'ш'.repeat(671) }, /^text: it takes 11 segments/],
    ['an empty title', { ...PUSH, title: '' }, /^title: it is empty/],
    ['a line break in a title', { ...PUSH, title: 'a\nb' }, /^title: .*line break/],
    ['an empty body', { ...PUSH, body: '' }, /^body: it is empty/],
    ['a link that runs a script', { ...PUSH, link: 'JavaScript:alert(1)' }, /^link/],
    ['a link to inline data', { ...PUSH, link: 'data:text/html,x' }, /^link/],
    ['a link into the file system', { ...PUSH, link: 'file:///etc/passwd' }, /^link/],
    ['a link to nowhere', { ...PUSH, link: '/orders' }, /^link/],
    ['a link with a space in it', { ...PUSH, link: 'https://shop.example/a b' }, /^link/],
    [
      '4,097 bytes',
      { ...PUSH, body: 'x'.repeat(PUSH_BYTES_MAX - HEAD_BYTES + 1) },
      /^body: .*4097 bytes of at most 4096/,
    ],
    ['an entry without a title', { ...IN_APP, title: ' ' }, /^title: it is empty/],
    ['a NUL in an entry', { ...IN_APP, body: 'a\u0000' }, /^body: .*control/],
    ['an entry whose link runs a script', { ...IN_APP, link: 'javascript:alert(1)' }, /^link/],
    ['a picture without encryption', { ...IN_APP, image: 'http://shop.example/a.png' }, /^image/],
    ['a picture that is data', { ...IN_APP, image: 'data:image/png;base64,x' }, /^image/],
    ['an entry of too many bytes', { ...IN_APP, body: 'x'.repeat(20_000) }, /^body: .*bytes of at most 20000/],
    ['a webhook that is no JSON', { ...WEBHOOK, body: '{"a": 1,}' }, /^body: it is no JSON object/],
    ['a webhook that is a list', { ...WEBHOOK, body: '[1]' }, /^body: it is no JSON object/],
    ['a webhook that is null', { ...WEBHOOK, body: 'null' }, /^body: it is no JSON object/],
    [
      'a webhook of 20,001 bytes',
      { ...WEBHOOK, body: `{"a": "${'x'.repeat(19_992)}"}` },
      /^body: it takes 20001 bytes/,
    ],
    ['too many bytes in few characters', { ...PUSH, body: '😀'.repeat(1_030) }, /^body: .*bytes/],
  ])('refuses %s', (_what, content, message) => {
    expect(contentFaults(content)).toEqual([expect.stringMatching(message)]);
  });

  it('tells everything at once', () => {
    expect(contentFaults({ ...PUSH, title: '', body: '', link: 'x' })).toHaveLength(3);
  });
});

describe('utf8Bytes', () => {
  it('counts as the encoder does, halves of pairs included', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.boolean(), (text, isTorn) => {
        const given = isTorn ? text.slice(1) : text;
        expect(utf8Bytes(given)).toBe(Buffer.byteLength(given));
      }),
    );
  });
});
