import { DELIVERY, ISO, AT, PERSON, events, kinds } from '../../../../test/support/callback-reading.js';
import { postmark } from './postmark.js';

describe('events of Postmark', () => {
  const event = (more: object): object => ({
    MessageID: '883953f4-6105-42a2-a16a-77a8eac79483',
    MessageStream: 'outbound',
    ServerID: 23,
    Recipient: PERSON,
    Tag: 'offer',
    Metadata: { delivery_id: DELIVERY },
    ...more,
  });
  const bounce = (Type: string): object => ({
    ...{ RecordType: 'Bounce', ID: 42, Type, TypeCode: 1, Email: PERSON, BouncedAt: ISO },
    Description: 'The server was unable to deliver.',
    Details: `smtp;550 5.1.1 <${PERSON}>`,
  });
  const change = (SuppressSending: boolean, SuppressionReason: string | null): object => ({
    ...{ RecordType: 'SubscriptionChange', ChangedAt: ISO, Origin: 'Recipient', SuppressSending, SuppressionReason },
  });

  it.each<[object, readonly string[]]>([
    [{ RecordType: 'Delivery', DeliveredAt: ISO, Details: 'smtp;250 ok' }, ['delivered']],
    [{ RecordType: 'Open', FirstOpen: true, ReceivedAt: ISO, UserAgent: 'x' }, ['opened']],
    [{ RecordType: 'Click', ReceivedAt: ISO, OriginalLink: 'https://example.org/' }, ['clicked']],
    [{ RecordType: 'SpamComplaint', ID: 42, Type: 'SpamComplaint', BouncedAt: ISO }, ['complained']],
    [bounce('HardBounce'), ['bounced']],
    [bounce('BadEmailAddress'), ['bounced']],
    [bounce('Transient'), ['deferred']],
    [bounce('SoftBounce'), ['failed', 'soft_bounced']],
    [bounce('DnsError'), ['failed', 'soft_bounced']],
    [bounce('Blocked'), ['failed']],
    [bounce('SpamNotification'), ['failed']],
    [bounce('Unsubscribe'), ['unsubscribed']],
    [bounce('AutoResponder'), ['other']],
    [bounce('Teleported'), ['other']],
    [change(true, 'ManualSuppression'), ['unsubscribed']],
    [change(true, 'HardBounce'), ['bounced']],
    [change(true, 'SpamComplaint'), ['complained']],
    [change(false, null), ['other']],
    [{ RecordType: 'Inbound' }, ['other']],
  ])('%j: %j', (more, expected) => {
    expect(kinds(postmark, event(more))).toEqual(expected);
  });

  it('tell which message, when and why, and no address', () => {
    expect(events(postmark, event(bounce('HardBounce')))).toEqual([
      {
        id: expect.stringMatching(/^[\w-]{43}$/) as unknown,
        kind: 'bounced',
        name: 'Bounce HardBounce',
        deliveryId: DELIVERY,
        providerMessageId: '883953f4-6105-42a2-a16a-77a8eac79483',
        at: AT,
        detail: 'The server was unable to deliver. smtp;550 5.1.1 <…>',
      },
    ]);
  });

  it('are told apart by what they are, since not all have an id', () => {
    const open = { RecordType: 'Open', ReceivedAt: ISO, UserAgent: 'x' };
    const click = { RecordType: 'Click', ReceivedAt: ISO, OriginalLink: 'https://example.org/' };
    const different = [
      open,
      { ...open, ReceivedAt: '2027-06-15T01:30:01.0Z' },
      { ...open, MessageID: 'another' },
      click,
      { ...click, OriginalLink: 'https://example.org/2' },
      change(true, 'ManualSuppression'),
      change(false, null),
    ];
    const ids = (items: readonly object[]) => items.map((item) => events(postmark, event(item))[0]?.id);
    expect(new Set(ids(different)).size).toBe(different.length);
    expect(ids(different)).toEqual(ids(different));
    expect(ids([{ ...open, UserAgent: 'y' }])).toEqual(ids([open]));
  });
});
