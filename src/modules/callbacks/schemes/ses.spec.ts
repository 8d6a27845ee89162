import type { CallbackContent } from '../callback-event.js';
import { DELIVERY, ISO, AT, PERSON, read, events, kinds } from '../../../../test/support/callback-reading.js';
import { MalformedCallback } from './scheme.js';
import { ses } from './ses.js';

const amazon = ses({ fetchCertificate: () => Promise.resolve(''), isStandInAllowed: false });

describe('events of Amazon SES', () => {
  const mail = {
    timestamp: '2027-06-15T01:00:00.000Z',
    source: 'shop@example.org',
    messageId: '0102018f-1111-000000',
    destination: [PERSON],
    tags: { 'ses:configuration-set': ['main'], delivery_id: [DELIVERY] },
  };
  const told = (message: object | string): object => ({
    Type: 'Notification',
    MessageId: 'n-1',
    TopicArn: 'arn:aws:sns:eu-central-1:123456789012:mail',
    Timestamp: '2027-06-15T01:30:01.000Z',
    Message: typeof message === 'string' ? message : JSON.stringify(message),
  });
  const bounce = (bounceType: string, bounceSubType: string): object => ({
    eventType: 'Bounce',
    mail,
    bounce: {
      bounceType,
      bounceSubType,
      bouncedRecipients: [
        { emailAddress: PERSON, status: '5.1.1', diagnosticCode: `smtp; 550 5.1.1 ${PERSON} unknown` },
      ],
      timestamp: ISO,
      feedbackId: 'f-1',
    },
  });
  const complaint = (more: object): object => ({
    eventType: 'Complaint',
    mail,
    complaint: { complainedRecipients: [{ emailAddress: PERSON }], timestamp: ISO, ...more },
  });

  it.each<[object, readonly string[]]>([
    [{ eventType: 'Send', mail, send: {} }, ['sent']],
    [{ eventType: 'Delivery', mail, delivery: { timestamp: ISO, smtpResponse: '250 ok' } }, ['delivered']],
    [{ notificationType: 'Delivery', mail, delivery: { timestamp: ISO } }, ['delivered']],
    [bounce('Permanent', 'General'), ['bounced']],
    [bounce('Permanent', 'NoEmail'), ['bounced']],
    [bounce('Permanent', 'OnAccountSuppressionList'), ['bounced']],
    [bounce('Permanent', 'UnsubscribedRecipient'), ['failed', 'unsubscribed']],
    [bounce('Transient', 'MailboxFull'), ['failed', 'soft_bounced']],
    [bounce('Transient', 'MessageTooLarge'), ['failed']],
    [bounce('Undetermined', 'Undetermined'), ['failed', 'soft_bounced']],
    [complaint({ complaintFeedbackType: 'abuse' }), ['complained']],
    [complaint({ complaintFeedbackType: 'not-spam' }), ['other']],
    [complaint({ complaintSubType: 'OnAccountSuppressionList' }), ['failed', 'unsubscribed']],
    [{ eventType: 'Reject', mail, reject: { reason: 'Bad content' } }, ['failed']],
    [{ eventType: 'Open', mail, open: { timestamp: ISO, userAgent: 'x' } }, ['opened']],
    [{ eventType: 'Click', mail, click: { timestamp: ISO, link: 'https://example.org' } }, ['clicked']],
    [{ eventType: 'Rendering Failure', mail, failure: { errorMessage: 'x', templateName: 'y' } }, ['failed']],
    [{ eventType: 'DeliveryDelay', mail, deliveryDelay: { delayType: 'MailboxFull' } }, ['soft_bounced']],
    [{ eventType: 'DeliveryDelay', mail, deliveryDelay: { delayType: 'TransientCommunicationFailure' } }, ['deferred']],
    [
      { eventType: 'Subscription', mail, subscription: { newTopicPreferences: { unsubscribeAll: true } } },
      ['unsubscribed'],
    ],
    [{ eventType: 'Subscription', mail, subscription: { newTopicPreferences: { unsubscribeAll: false } } }, ['other']],
    [{ eventType: 'Teleported', mail }, ['other']],
  ])('%j: %j', (message, expected) => {
    expect(kinds(amazon, told(message))).toEqual(expected);
  });

  it('tell which message, when and why, and no address', () => {
    expect(events(amazon, told(bounce('Permanent', 'General')))).toEqual([
      {
        id: 'n-1',
        kind: 'bounced',
        name: 'Bounce',
        deliveryId: DELIVERY,
        providerMessageId: '0102018f-1111-000000',
        at: AT,
        detail: 'Permanent General 5.1.1 smtp; 550 5.1.1 … unknown',
      },
    ]);
    const headers = [
      { name: 'Subject', value: 'x' },
      { name: 'X-Delivery-Id', value: DELIVERY },
    ];
    const untagged = { eventType: 'Send', mail: { ...mail, tags: {}, headers } };
    expect(events(amazon, told(untagged))).toMatchObject([{ deliveryId: DELIVERY, at: Date.parse(mail.timestamp) }]);
  });

  it.each([
    told('Successfully validated SNS topic.'),
    { Type: 'UnsubscribeConfirmation', MessageId: 'n-2', Message: 'x' },
  ])('that are of no message: %j', (body) => {
    expect(kinds(amazon, body)).toEqual(['other']);
  });

  it('ask for confirmation at an address of Amazon, and at no other', () => {
    const ask = (SubscribeURL: string): CallbackContent =>
      read(amazon, { Type: 'SubscriptionConfirmation', MessageId: 'c-1', SubscribeURL, Timestamp: ISO });
    const url = 'https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&Token=1';
    expect(ask(url)).toMatchObject({ kind: 'confirmation', url, event: { id: 'c-1', kind: 'other' } });
    expect(() => ask('https://sns.eu-central-1.amazonaws.com.evil.example/')).toThrow(MalformedCallback);
  });
});
