import { DELIVERY, ADDRESS, read, events, kinds } from '../../../../test/support/callback-reading.js';
import { twilio } from './twilio.js';

describe('events of Twilio', () => {
  const form = (fields: Readonly<Record<string, string>>): string => new URLSearchParams(fields).toString();
  const status = (MessageStatus: string, more: Readonly<Record<string, string>> = {}): string =>
    form({ MessageSid: 'SM1', SmsSid: 'SM1', SmsStatus: MessageStatus, MessageStatus, To: '+12025550123', ...more });

  it.each<[string, string, readonly string[]]>([
    ['accepted', '', ['sent']],
    ['queued', '', ['sent']],
    ['sending', '', ['sent']],
    ['sent', '', ['sent']],
    ['delivered', '', ['delivered']],
    ['read', '', ['opened']],
    ['canceled', '', ['failed']],
    ['undelivered', '30007', ['failed']],
    ['undelivered', '30003', ['failed', 'soft_bounced']],
    ['undelivered', '30005', ['bounced']],
    ['undelivered', '30006', ['bounced']],
    ['failed', '21211', ['bounced']],
    ['failed', '21614', ['bounced']],
    ['failed', '21610', ['failed', 'unsubscribed']],
    ['failed', '', ['failed']],
    ['scheduled', '', ['other']],
    ['teleported', '', ['other']],
  ])('%s %s: %j', (word, ErrorCode, expected) => {
    expect(kinds(twilio, status(word, ErrorCode === '' ? {} : { ErrorCode }))).toEqual(expected);
  });

  it('tell which message and why, and no number', () => {
    const ErrorMessage = 'unreachable: +1 (202) 555-0123';
    const body = status('undelivered', { ErrorCode: '30007', ErrorMessage });
    expect(events(twilio, body, `${ADDRESS}?delivery=${DELIVERY}`)).toEqual([
      {
        id: 'SM1:undelivered',
        kind: 'failed',
        name: 'undelivered',
        deliveryId: DELIVERY,
        providerMessageId: 'SM1',
        at: null,
        detail: '30007 unreachable: …',
      },
    ]);
  });

  it('of a message have one id for each state', () => {
    const ids = ['sent', 'delivered', 'sent'].map((word) => events(twilio, status(word))[0]?.id);
    expect(ids).toEqual(['SM1:sent', 'SM1:delivered', 'SM1:sent']);
  });

  it('in JSON are the same', () => {
    const body = { MessageSid: 'SM2', MessageStatus: 'delivered' };
    expect(events(twilio, body, `${ADDRESS}?bodySHA256=00`)).toMatchObject([
      { id: 'SM2:delivered', kind: 'delivered' },
    ]);
  });

  it.each([
    [{ Body: 'Stop ' }, 'Stop '],
    // A word of the account's own, which the provider has understood.
    [{ Body: 'arrêt', OptOutType: 'STOP' }, 'STOP'],
  ])('%j is a text that a person wrote', (more, text) => {
    const received = form({
      MessageSid: 'SM3',
      SmsStatus: 'received',
      From: '+12025550123',
      To: '+12025550100',
      ...more,
    });
    expect(read(twilio, received)).toEqual({
      kind: 'text_message',
      message: { messageId: 'SM3', from: '+12025550123', text },
      event: {
        ...{ id: 'SM3', kind: 'inbound', name: 'received', deliveryId: null, providerMessageId: 'SM3' },
        ...{ at: null, detail: null },
      },
    });
  });
});
