import { eventsOf, type CallbackKind } from '../callback-event.js';
import {
  deliveryIdOf,
  detailOf,
  fieldsOf,
  hashOf,
  instantOf,
  jsonOf,
  messageIdOf,
  nameOf,
  textOf,
  type Fields,
} from './fields.js';
import { mailContent } from './inbound-mail.js';
import { headerOf, isSame, MalformedCallback, NOT_SIGNED, OK, refused, type CallbackScheme } from './scheme.js';

const KINDS: ReadonlyMap<string, readonly CallbackKind[]> = new Map([
  ['Delivery', ['delivered']],
  ['Open', ['opened']],
  ['Click', ['clicked']],
  ['SpamComplaint', ['complained']],
]);

/** Of the types of bounces those of which something follows; the others are answers of machines, or tests. */
const KINDS_OF_BOUNCE: ReadonlyMap<string, readonly CallbackKind[]> = new Map([
  ['HardBounce', ['bounced']],
  ['BadEmailAddress', ['bounced']],
  ['Transient', ['deferred']],
  ['SoftBounce', ['failed', 'soft_bounced']],
  ['DnsError', ['failed', 'soft_bounced']],
  ['Unsubscribe', ['unsubscribed']],
  ['SpamComplaint', ['complained']],
  ['SpamNotification', ['failed']],
  ['VirusNotification', ['failed']],
  ['ManuallyDeactivated', ['failed']],
  ['Blocked', ['failed']],
  ['SMTPApiError', ['failed']],
  ['DMARCPolicy', ['failed']],
  ['TemplateRenderingFailed', ['failed']],
]);

const KINDS_OF_SUPPRESSION: ReadonlyMap<string, readonly CallbackKind[]> = new Map([
  ['HardBounce', ['bounced']],
  ['SpamComplaint', ['complained']],
  ['ManualSuppression', ['unsubscribed']],
]);

/**
 * Postmark signs nothing: it shows the name and the password that the account has, by HTTP Basic, and it knows the address.
 * What makes an event itself stands for an id, which not every event has.
 */
export const postmark: CallbackScheme = {
  verify(request, { credentials }) {
    const { callback_user: user, callback_password: password } = credentials;
    if (user === undefined || password === undefined) {
      return refused('the account has no callback_user, or no callback_password');
    }
    const expected = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
    const given = headerOf(request, 'authorization');
    if (given === null) return NOT_SIGNED;
    return isSame(given, expected) ? OK : refused('the user or the password is wrong');
  },
  read({ body }) {
    const item = fieldsOf(jsonOf(body));
    if (isMail(item)) return mailContent(item['Subject'], item['MessageID'], item['OriginalRecipient'], item['Date']);
    if (textOf(item['RecordType']) === null) throw new MalformedCallback('the body has no RecordType');
    const name = nameOf(item['RecordType']);
    const providerMessageId = messageIdOf(item['MessageID']);
    const time = item['DeliveredAt'] ?? item['BouncedAt'] ?? item['ReceivedAt'] ?? item['ChangedAt'];
    const parts = [item['ID'], time, item['OriginalLink'], item['SuppressSending'] === true ? 'suppressed' : null];
    const facts = {
      id: hashOf(name, providerMessageId, ...parts.map(textOf)),
      name: name === 'Bounce' ? `${name} ${nameOf(item['Type'])}` : name,
      deliveryId: deliveryIdOf(fieldsOf(item['Metadata'])['delivery_id']),
      providerMessageId,
      at: instantOf(time),
      detail: detailOf(item['Description'], item['Details']),
    };
    return { kind: 'events', events: eventsOf(facts, kindsOf(name, item)) };
  },
};

/** What an inbound stream posts: a mail as it came, which is no event of a message of ours. */
const isMail = (item: Fields): boolean =>
  textOf(item['RecordType']) === null && Array.isArray(item['ToFull']) && textOf(item['MessageID']) !== null;

function kindsOf(name: string, item: Fields): readonly CallbackKind[] {
  if (name === 'Bounce') return KINDS_OF_BOUNCE.get(textOf(item['Type']) ?? '') ?? ['other'];
  if (name === 'SubscriptionChange') {
    if (item['SuppressSending'] !== true) return ['other'];
    return KINDS_OF_SUPPRESSION.get(textOf(item['SuppressionReason']) ?? '') ?? ['other'];
  }
  return KINDS.get(name) ?? ['other'];
}
