import { DELIVERY, AT, AT_S, PERSON, events, kinds } from '../../../../test/support/callback-reading.js';
import { mailgun } from './mailgun.js';

describe('events of Mailgun', () => {
  const event = (data: object): object => ({
    signature: { timestamp: String(AT_S), token: 't', signature: 's' },
    'event-data': {
      id: 'CPgfbmQMTCKtHW6uIWtuVe',
      timestamp: AT_S + 0.25,
      'log-level': 'info',
      recipient: PERSON,
      message: { headers: { to: PERSON, 'message-id': '20270615013000.1.ABC@mail.example.org' }, size: 111 },
      'user-variables': { delivery_id: DELIVERY },
      ...data,
    },
  });
  const failed = (severity: string, reason: string, status: object): object => ({
    event: 'failed',
    severity,
    reason,
    'delivery-status': { 'attempt-no': 1, message: `no mailbox for ${PERSON}`, ...status },
  });

  it.each<[object, readonly string[]]>([
    [{ event: 'accepted' }, ['sent']],
    [{ event: 'delivered', 'delivery-status': { code: 250, message: 'OK' } }, ['delivered']],
    [failed('temporary', 'generic', { code: 421, 'enhanced-code': '4.7.0' }), ['deferred']],
    [failed('temporary', 'generic', { code: 452, 'enhanced-code': '4.2.2' }), ['soft_bounced']],
    [failed('permanent', 'bounce', { code: 550, 'enhanced-code': '5.1.1' }), ['bounced']],
    [failed('permanent', 'generic', { code: 550 }), ['bounced']],
    [failed('permanent', 'generic', { code: 550, 'enhanced-code': '5.7.1' }), ['failed']],
    [failed('permanent', 'generic', { code: 554 }), ['failed']],
    [failed('permanent', 'old', { code: 498 }), ['failed', 'soft_bounced']],
    [failed('permanent', 'suppress-bounce', { code: 605 }), ['bounced']],
    [failed('permanent', 'suppress-complaint', { code: 607 }), ['failed', 'unsubscribed']],
    [failed('permanent', 'suppress-unsubscribe', { code: 606 }), ['failed', 'unsubscribed']],
    [{ event: 'rejected', reject: { reason: 'virus', description: '' } }, ['failed']],
    [{ event: 'opened', 'client-info': { 'client-name': 'Chrome' } }, ['opened']],
    [{ event: 'opened', 'client-info': { bot: 'apple' } }, ['other']],
    [{ event: 'clicked', url: 'https://example.org/' }, ['clicked']],
    [{ event: 'clicked', 'client-info': { bot: 'generic' } }, ['other']],
    [{ event: 'complained' }, ['complained']],
    [{ event: 'unsubscribed' }, ['unsubscribed']],
    [{ event: 'stored' }, ['other']],
    [{ event: 'list_member_uploaded' }, ['other']],
    // An empty map is an empty list in what they write it with.
    [{ event: 'accepted', 'user-variables': [] }, ['sent']],
  ])('%j: %j', (data, expected) => {
    expect(kinds(mailgun, event(data))).toEqual(expected);
  });

  it('tell which message, when and why, and no address', () => {
    const permanent = failed('permanent', 'bounce', { code: 550, 'enhanced-code': '5.1.1' });
    expect(events(mailgun, event(permanent))).toEqual([
      {
        id: 'CPgfbmQMTCKtHW6uIWtuVe',
        kind: 'bounced',
        name: 'failed',
        deliveryId: DELIVERY,
        providerMessageId: '20270615013000.1.ABC@mail.example.org',
        at: AT + 250,
        detail: 'bounce 550 no mailbox for …',
      },
    ]);
  });
});
