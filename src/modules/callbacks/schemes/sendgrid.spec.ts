import { DELIVERY, AT, AT_S, PERSON, events, kinds } from '../../../../test/support/callback-reading.js';
import { sendgrid } from './sendgrid.js';

describe('events of SendGrid', () => {
  const event = (more: object): object => ({
    email: PERSON,
    timestamp: AT_S,
    'smtp-id': '<14c5d75ce93.dfd.64b469@ismtpd-555>',
    category: ['offers'],
    sg_event_id: 'ZGVsaXZlcmVkLTA',
    sg_message_id: '14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0',
    delivery_id: DELIVERY,
    ...more,
  });
  const bounce = { event: 'bounce', status: '5.1.1', reason: `550 5.1.1 <${PERSON}>: no such user`, ip: '192.0.2.1' };

  it.each<[object, readonly string[]]>([
    [{ event: 'processed' }, ['sent']],
    [{ event: 'deferred', response: '421 4.7.0 try again later', attempt: '5' }, ['deferred']],
    [{ event: 'deferred', response: '452 4.2.2 mailbox full' }, ['soft_bounced']],
    [{ event: 'delivered', response: '250 OK' }, ['delivered']],
    [{ event: 'open', useragent: 'Mozilla/5.0', ip: '192.0.2.1', sg_machine_open: false }, ['opened']],
    [{ event: 'open', sg_machine_open: true }, ['other']],
    [{ event: 'click', url: 'https://example.org/?token=1', url_offset: { index: 0, type: 'html' } }, ['clicked']],
    [{ ...bounce, type: 'bounce' }, ['bounced']],
    [{ ...bounce, type: 'blocked' }, ['failed', 'soft_bounced']],
    [{ event: 'dropped', reason: 'Bounced Address', status: '5.0.0' }, ['bounced']],
    [{ event: 'dropped', reason: 'Unsubscribed Address' }, ['failed', 'unsubscribed']],
    [{ event: 'dropped', reason: 'Spam Reporting Address' }, ['failed', 'unsubscribed']],
    [{ event: 'dropped', reason: 'Recipient List over Package Quota' }, ['failed']],
    [{ event: 'spamreport' }, ['complained']],
    [{ event: 'unsubscribe' }, ['unsubscribed']],
    [{ event: 'group_unsubscribe', asm_group_id: 10 }, ['unsubscribed']],
    [{ event: 'group_resubscribe', asm_group_id: 10 }, ['other']],
    [{ event: 'account_status_change', type: 'compliance_suspend' }, ['other']],
    [{ event: 'constructor' }, ['other']],
    [{}, ['other']],
  ])('%j: %j', (more, expected) => {
    expect(kinds(sendgrid, [event(more)])).toEqual(expected);
  });

  it('tell which message, when and why, and no address', () => {
    expect(events(sendgrid, [event({ ...bounce, type: 'bounce' })])).toEqual([
      {
        id: 'ZGVsaXZlcmVkLTA',
        kind: 'bounced',
        name: 'bounce',
        deliveryId: DELIVERY,
        providerMessageId: '14c5d75ce93.dfd.64b469',
        at: AT,
        detail: '5.1.1 550 5.1.1 <…>: no such user',
      },
    ]);
  });

  it('are as many as the request holds, each with an id of its own', () => {
    const several = [
      event({ event: 'open' }),
      event({ event: 'dropped', reason: 'Unsubscribed Address', sg_event_id: 'b' }),
    ];
    expect(events(sendgrid, several).map(({ id, kind }) => [id, kind])).toEqual([
      ['ZGVsaXZlcmVkLTA', 'opened'],
      ['b', 'failed'],
      ['b#unsubscribed', 'unsubscribed'],
    ]);
    const today = { sg_event_id: 'c', event: 'open', sg_message_id: 'Qb3k9q1xRzu.recvd-5f54b5d587-abc-1-63A.0' };
    expect(events(sendgrid, today)).toMatchObject([{ providerMessageId: 'Qb3k9q1xRzu', deliveryId: null, at: null }]);
  });
});
