import { jest } from '@jest/globals';
import type { ProviderAccount, ProviderKind } from '../../providers/index.js';
import type { Sought } from '../connector.js';
import type { Correspondence, HttpAnswer } from './http-protocol.js';
import { fingerprintOf, fingerprintOfText, listedBy, type HttpQuestion } from './look-up.js';
import { postmarkLookUp } from './postmark-look-up.js';
import { twilioLookUp } from './twilio-look-up.js';

const AT = Date.parse('2027-06-15T10:00:00Z');
const TEXT = 'à bientôt';
const sought: Sought = {
  deliveryId: '01890a5d-ac96-774b-bcce-b302099a8057',
  address: '+33612345678',
  contentHash: fingerprintOfText(TEXT),
  attemptedAt: AT,
};

function correspondence(kind: ProviderKind, more: Partial<ProviderAccount>): Correspondence {
  return {
    account: {
      ...{ id: '1', key: 'acme', kind, channel: 'sms', state: 'active', priority: 1, perSecond: null },
      ...{ settings: {}, credentials: {}, pathToken: 'path', updatedAt: 0, ...more },
    },
    from: { name: 'Shop', address: 'shop@example.org' },
    domain: 'example.org',
    callbackUrl: 'https://api.example.org/callbacks/acme/path',
  };
}

const answer = (json: unknown, status = 200): HttpAnswer => ({ status, headers: {}, json });

describe('what Twilio is asked', () => {
  const PATH = '/2010-04-01/Accounts/AC1/Messages.json';
  const texts = (from = '+15005550006') =>
    correspondence('twilio', { settings: { account_sid: 'AC1', from }, credentials: { auth_token: 't' } });
  const message = (change: object = {}): object => ({
    ...{ sid: 'SM1', to: sought.address, from: '+15005550006', body: TEXT, direction: 'outbound-api' },
    ...{ date_created: 'Tue, 15 Jun 2027 10:00:00 +0000', date_sent: null, messaging_service_sid: null, ...change },
  });
  const read = (messages: readonly object[], more: object = {}, from?: string) =>
    twilioLookUp.read(answer({ messages, next_page_uri: null, ...more }), sought, texts(from));

  it('lists what went to the number, also what waits in a queue and has no date of sending', () => {
    const [question, ...more] = twilioLookUp.questions(sought, texts());
    expect(more).toEqual([]);
    expect(question?.url).toBe(`https://api.twilio.com${PATH}?To=%2B33612345678&From=%2B15005550006&PageSize=100`);
    expect(question?.headers['authorization']).toBe(`Basic ${Buffer.from('AC1:t').toString('base64')}`);
    expect(twilioLookUp.questions({ ...sought, address: null }, texts())).toEqual([]);
  });

  it('does not name a sender where a service chooses it', () => {
    expect(twilioLookUp.questions(sought, texts('MG1'))[0]?.url).not.toContain('From=');
  });

  it.each<[string, object, string | undefined, readonly object[]]>([
    ['its words', {}, undefined, [{ id: 'SM1', isAlike: true }]],
    ['its words without the space around them', { body: ` ${TEXT}\n` }, undefined, [{ id: 'SM1', isAlike: true }]],
    ['other words', { body: 'Hello' }, undefined, [{ id: 'SM1', isAlike: false }]],
    ['another number in spite of the filter', { to: '+1' }, undefined, [{ id: 'SM1', isAlike: false }]],
    ['no date', { date_created: null }, undefined, [{ id: 'SM1', isAlike: true }]],
    ['a time before the attempt', { date_created: 'Tue, 15 Jun 2027 09:58:00 +0000' }, undefined, []],
    [
      'a clock that is a little behind',
      { date_created: 'Tue, 15 Jun 2027 09:59:01 +0000' },
      undefined,
      [{ id: 'SM1', isAlike: true }],
    ],
    ['what the person wrote', { direction: 'inbound' }, undefined, []],
    ['another service', { messaging_service_sid: 'MG2' }, 'MG1', []],
    ['the service', { messaging_service_sid: 'MG1', from: null }, 'MG1', [{ id: 'SM1', isAlike: true }]],
  ])('knows a message with %s', (_what, change, from, messages) => {
    expect(read([message(change)], {}, from)).toEqual({ messages, next: null });
  });

  it('goes from page to page, and takes its credentials nowhere else', () => {
    expect(read([], { next_page_uri: `${PATH}?Page=1` })?.next?.url).toBe(`https://api.twilio.com${PATH}?Page=1`);
    for (const next of ['@evil.example/', 'https://evil.example/', '/2010-04-01/Accounts/AC2/Messages.json?Page=1']) {
      expect(read([], { next_page_uri: next })).toBeNull();
    }
  });
});

describe('what Postmark is asked', () => {
  const mails = correspondence('postmark', { credentials: { server_token: 'T' } });
  const message = (deliveryId: unknown) => ({ MessageID: 'id-1', Metadata: { delivery_id: deliveryId } });

  it('searches all streams for our id', () => {
    const questions = postmarkLookUp.questions(sought, mails);
    const streams = questions.map(({ url }) => new URL(url).searchParams.get('messagestream'));
    expect(streams).toEqual(['outbound', 'broadcast']);
    for (const { url, headers } of questions) {
      expect(url).toContain('https://api.postmarkapp.com/messages/outbound?count=50&offset=0&');
      expect(new URL(url).searchParams.get('metadata_delivery_id')).toBe(sought.deliveryId);
      expect(headers['x-postmark-server-token']).toBe('T');
    }
  });

  it.each<[string, readonly object[], readonly object[] | null]>([
    ['finds it', [message(sought.deliveryId)], [{ id: 'id-1', isAlike: true }]],
    ['finds nothing', [], []],
    ['is shown messages of others alone, as if there were no filter', [message('other'), {}], null],
  ])('%s', (_what, messages, found) => {
    const listed = postmarkLookUp.read(answer({ TotalCount: messages.length, Messages: messages }), sought, mails);
    expect(listed).toEqual(found === null ? null : { messages: found, next: null });
  });
});

describe('what says nothing', () => {
  const page = { messages: [], next: { url: 'https://provider.example/next', headers: {} } };
  const question: HttpQuestion = { url: 'https://provider.example/', headers: {} };
  const account = correspondence('twilio', {});

  it.each([
    ['an error', answer({ messages: [], Messages: [] }, 500)],
    ['a refusal', answer({ messages: [], Messages: [] }, 401)],
    ['no JSON', answer(undefined)],
    ['another form', answer({ messages: 1, Messages: {} })],
  ])('is %s', (_what, told) => {
    expect(twilioLookUp.read(told, sought, account)).toBeNull();
    expect(postmarkLookUp.read(told, sought, account)).toBeNull();
  });

  it('is one question without an answer, and a list without an end', async () => {
    const lookUp = { questions: () => [question, question], read: () => ({ messages: [], next: null }) };
    const ask = jest
      .fn<() => Promise<HttpAnswer | null>>()
      .mockResolvedValueOnce(answer({}))
      .mockResolvedValueOnce(null);
    expect(await listedBy(lookUp, sought, account, ask)).toBeNull();
    const endless = { questions: () => [question], read: () => page };
    expect(await listedBy(endless, sought, account, () => Promise.resolve(answer({})))).toBeNull();
    const nothing = { questions: () => [], read: () => page };
    expect(await listedBy(nothing, sought, account, ask)).toBeNull();
  });

  it('is not what all questions agree on', async () => {
    const lookUp = {
      questions: () => [question, question],
      read: () => ({ messages: [{ id: 'a', isAlike: true }], next: null }),
    };
    expect(await listedBy(lookUp, sought, account, () => Promise.resolve(answer({})))).toHaveLength(2);
  });
});

describe('by what a message is known again', () => {
  it('is its words where they are all that is shown', () => {
    expect(fingerprintOf({ channel: 'sms', text: `${TEXT} ` })).toBe(fingerprintOfText(TEXT));
    expect(fingerprintOf({ channel: 'sms', text: 'other' })).not.toBe(fingerprintOfText(TEXT));
    expect(fingerprintOf({ channel: 'email', subject: 's', html: 'h', text: 't' })).toBeNull();
  });
});
