import { DELIVERY, ISO, AT, PERSON, events } from '../../../../test/support/callback-reading.js';
import { standardWebhooks } from './standard-webhooks.js';

describe('events of Standard Webhooks', () => {
  it.each([
    ['message.sent', 'sent'],
    ['message.delivered', 'delivered'],
    ['message.hard_bounced', 'bounced'],
    ['message.soft_bounced', 'soft_bounced'],
    ['message.deferred', 'deferred'],
    ['message.unsubscribed', 'unsubscribed'],
    ['message.exploded', 'other'],
    ['delivered', 'other'],
  ])('%s: %s', (type, kind) => {
    const data = {
      delivery_id: DELIVERY.toUpperCase(),
      provider_message_id: '<m@example.org>',
      detail: `to ${PERSON}`,
    };
    expect(events(standardWebhooks, { type, timestamp: ISO, data })).toEqual([
      {
        id: 'msg_1',
        kind,
        name: type,
        deliveryId: DELIVERY,
        providerMessageId: 'm@example.org',
        at: AT,
        detail: 'to …',
      },
    ]);
  });
});
