import { eventsOf, type CallbackContent, type CallbackKind } from '../callback-event.js';
import {
  deliveryIdOf,
  detailOf,
  fieldsOf,
  hashOf,
  idOf,
  instantOf,
  jsonOf,
  messageIdOf,
  nameOf,
  textOf,
  type Fields,
} from './fields.js';
import { MalformedCallback, type CallbackAccount, type CallbackScheme } from './scheme.js';
import { isSnsUrl, verifySns, type FetchCertificate } from './sns.js';

const DELIVERY_TAG = 'delivery_id';
const DELIVERY_HEADER = 'x-delivery-id';

const KINDS: ReadonlyMap<string, readonly CallbackKind[]> = new Map([
  ['Send', ['sent']],
  ['Delivery', ['delivered']],
  ['Reject', ['failed']],
  ['Rendering Failure', ['failed']],
  ['Open', ['opened']],
  ['Click', ['clicked']],
]);
/** The field that tells more about an event, where it is not the event's name in lower case. */
const FIELD_OF: ReadonlyMap<string, string> = new Map([
  ['Rendering Failure', 'failure'],
  ['DeliveryDelay', 'deliveryDelay'],
]);

/**
 * Amazon SES, told through a topic of Amazon SNS.
 *
 * @param trust.isStandInAllowed on one's own machine, whoever stands in for Amazon (`base_url`) may stand in here too
 */
export function ses(trust: {
  readonly fetchCertificate: FetchCertificate;
  readonly isStandInAllowed: boolean;
}): CallbackScheme {
  const standInOf = ({ settings }: CallbackAccount): string | null => {
    const { base_url: baseUrl } = settings;
    return trust.isStandInAllowed && baseUrl !== undefined ? (URL.parse(baseUrl)?.origin ?? null) : null;
  };
  return {
    verify(request, account, now) {
      const { fetchCertificate } = trust;
      const topicArn = account.settings['topic_arn'];
      return verifySns(request.body, { topicArn, fetchCertificate, standIn: standInOf(account), now });
    },
    read({ body }, account) {
      const envelope = fieldsOf(jsonOf(body));
      if (envelope['Type'] !== 'SubscriptionConfirmation') return readMessage(envelope);
      return readConfirmation(envelope, standInOf(account));
    },
  };
}

function factsOf(envelope: Fields, name: string) {
  const id = idOf(envelope['MessageId']) ?? hashOf(name, textOf(envelope['Timestamp']));
  const at = instantOf(envelope['Timestamp']);
  return { id, name, at, deliveryId: null, providerMessageId: null, detail: null };
}

function readConfirmation(envelope: Fields, standIn: string | null): CallbackContent {
  const url = envelope['SubscribeURL'];
  if (!isSnsUrl(url, standIn)) throw new MalformedCallback('the address to confirm at is not one of Amazon SNS');
  return { kind: 'confirmation', url, event: { ...factsOf(envelope, 'SubscriptionConfirmation'), kind: 'other' } };
}

function readMessage(envelope: Fields): CallbackContent {
  const message = fieldsOf(contentOf(envelope));
  const word = textOf(message['eventType'] ?? message['notificationType']);
  // Amazon also says good-bye, and that it has found the topic.
  if (word === null) {
    const event = { ...factsOf(envelope, nameOf(envelope['Type'])), kind: 'other' } as const;
    return { kind: 'events', events: [event] };
  }
  const name = nameOf(word);
  const mail = fieldsOf(message['mail']);
  const more = fieldsOf(message[FIELD_OF.get(name) ?? name.toLowerCase()]);
  const facts = {
    ...factsOf(envelope, name),
    deliveryId: deliveryOf(mail),
    providerMessageId: messageIdOf(mail['messageId']),
    at: instantOf(more['timestamp']) ?? instantOf(mail['timestamp']),
    detail: detailOf(...wordsOf(more)),
  };
  return { kind: 'events', events: eventsOf(facts, kindsOf(name, more)) };
}

function contentOf(envelope: Fields): unknown {
  try {
    return JSON.parse(textOf(envelope['Message']) ?? '');
  } catch {
    return null;
  }
}

/** By our tag, which SES gives back for a configuration set, else by our header, where headers are included. */
function deliveryOf(mail: Fields): string | null {
  const tag = fieldsOf(mail['tags'])[DELIVERY_TAG];
  const headers: readonly unknown[] = Array.isArray(mail['headers']) ? mail['headers'] : [];
  const header = headers.map(fieldsOf).find(({ name }) => textOf(name)?.toLowerCase() === DELIVERY_HEADER);
  return deliveryIdOf(Array.isArray(tag) ? tag[0] : tag) ?? deliveryIdOf(header?.['value']);
}

function wordsOf(more: Fields): readonly unknown[] {
  const recipients: unknown = more['bouncedRecipients'];
  const first = fieldsOf(Array.isArray(recipients) ? recipients[0] : null);
  const type = [more['bounceType'], more['bounceSubType'], more['complaintFeedbackType'], more['delayType']];
  return [
    ...type,
    first['status'],
    first['diagnosticCode'],
    more['reason'],
    more['errorMessage'],
    more['smtpResponse'],
  ];
}

function kindsOf(name: string, more: Fields): readonly CallbackKind[] {
  switch (name) {
    case 'Bounce':
      return kindsOfBounce(textOf(more['bounceType']), textOf(more['bounceSubType']) ?? '');
    case 'Complaint':
      return kindsOfComplaint(more);
    case 'DeliveryDelay':
      return [more['delayType'] === 'MailboxFull' ? 'soft_bounced' : 'deferred'];
    case 'Subscription':
      return fieldsOf(more['newTopicPreferences'])['unsubscribeAll'] === true ? ['unsubscribed'] : ['other'];
    default:
      return KINDS.get(name) ?? ['other'];
  }
}

function kindsOfBounce(type: string | null, subType: string): readonly CallbackKind[] {
  if (subType === 'UnsubscribedRecipient') return ['failed', 'unsubscribed'];
  if (type === 'Permanent') return ['bounced'];
  // Of the message, not of the address.
  if (/^(MessageTooLarge|ContentRejected|AttachmentRejected)$/.test(subType)) return ['failed'];
  return ['failed', 'soft_bounced'];
}

function kindsOfComplaint(more: Fields): readonly CallbackKind[] {
  // Somebody found it among the spam and says that it is none.
  if (more['complaintFeedbackType'] === 'not-spam') return ['other'];
  // Not sent, because of a complaint before.
  return more['complaintSubType'] === 'OnAccountSuppressionList' ? ['failed', 'unsubscribed'] : ['complained'];
}
