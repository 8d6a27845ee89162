import { createPublicKey, verify, type KeyObject } from 'node:crypto';
import { eventsOf, type CallbackContent, type CallbackEvent, type CallbackKind } from '../callback-event.js';
import {
  deliveryIdOf,
  detailOf,
  fieldsOf,
  hashOf,
  idOf,
  instantOf,
  isMailboxAtFault,
  jsonOf,
  nameOf,
  textOf,
  type Fields,
} from './fields.js';
import { formFieldsOf, mailContent } from './inbound-mail.js';
import {
  bytesOfBase64,
  headerOf,
  NOT_SIGNED,
  OK,
  refused,
  WRONG,
  type CallbackRequest,
  type CallbackScheme,
} from './scheme.js';

const SIGNATURE = 'x-twilio-email-event-webhook-signature';
const TIMESTAMP = 'x-twilio-email-event-webhook-timestamp';
const CURVE = 'prime256v1';

const KINDS: ReadonlyMap<string, readonly CallbackKind[]> = new Map([
  // The provider has the message: more than an attempt without an answer knew.
  ['processed', ['sent']],
  ['delivered', ['delivered']],
  ['open', ['opened']],
  ['click', ['clicked']],
  ['spamreport', ['complained']],
  ['unsubscribe', ['unsubscribed']],
  ['group_unsubscribe', ['unsubscribed']],
]);

/**
 * SendGrid's signed event webhook: ECDSA over P-256 with SHA-256, in DER and base64, over timestamp and body. Each event
 * has an id to be known again by, so that no age is too great: SendGrid repeats for a day.
 */
export const sendgrid: CallbackScheme = {
  verify(request, { credentials }) {
    const [signature, timestamp] = [headerOf(request, SIGNATURE), headerOf(request, TIMESTAMP)];
    if (mailOf(request) !== null) return OK;
    if (signature === null || timestamp === null) return NOT_SIGNED;
    const key = keyOf(credentials['callback_key']);
    if (key === null) return refused('the account has no callback_key, or one that is no public key of this kind');
    const bytes = bytesOfBase64(signature);
    const signed = Buffer.concat([Buffer.from(timestamp), request.body]);
    return bytes !== null && verify('sha256', signed, { key, dsaEncoding: 'der' }, bytes) ? OK : WRONG;
  },
  read(request) {
    const mail = mailOf(request);
    if (mail !== null) return readMail(mail);
    const { body } = request;
    const value = jsonOf(body);
    const items: readonly unknown[] = Array.isArray(value) ? value : [value];
    return { kind: 'events', events: items.flatMap((item) => read(fieldsOf(item))) };
  },
};

/**
 * What Inbound Parse posts, which SendGrid does not sign. Whoever knows the address can make such a request; it says no more
 * than a mail does, which anybody can send, and its subject is believed for the token in it only.
 */
function mailOf(request: CallbackRequest): Fields | null {
  if (headerOf(request, SIGNATURE) !== null || headerOf(request, TIMESTAMP) !== null) return null;
  const fields = formFieldsOf(request);
  return fields === null || textOf(fields['envelope']) === null ? null : fields;
}

const readMail = (fields: Fields): CallbackContent =>
  mailContent(fields['subject'], fields['headers'] ?? fields['email'], fields['envelope'], fields['subject']);

function keyOf(text = ''): KeyObject | null {
  try {
    const key = createPublicKey({ key: Buffer.from(text, 'base64'), format: 'der', type: 'spki' });
    return key.asymmetricKeyDetails?.namedCurve === CURVE ? key : null;
  } catch {
    return null;
  }
}

function read(item: Fields): readonly CallbackEvent[] {
  const name = nameOf(item['event']);
  const facts = {
    id: idOf(item['sg_event_id']) ?? hashOf(name, textOf(item['sg_message_id']), textOf(item['timestamp'])),
    name,
    // Our custom arguments stand beside the provider's own fields.
    deliveryId: deliveryIdOf(item['delivery_id']),
    providerMessageId: messageIdOf(item['sg_message_id']),
    at: instantOf(item['timestamp']),
    detail: detailOf(item['status'], item['reason'] ?? item['response']),
  };
  return eventsOf(facts, kindsOf(name, item));
}

/** `X-Message-Id`, which the provider answered at first: in events names of its machines and a counter follow it. */
const messageIdOf = (value: unknown): string | null => idOf(textOf(value)?.replace(/\.(filter|recvd).*$/, ''));

function kindsOf(name: string, item: Fields): readonly CallbackKind[] {
  // Opened by a machine that fetches every message: nobody has seen it.
  if (item['sg_machine_open'] === true) return ['other'];
  if (name === 'deferred') return [isMailboxAtFault(textOf(item['response'])) ? 'soft_bounced' : 'deferred'];
  if (name === 'bounce') return item['type'] === 'blocked' ? ['failed', 'soft_bounced'] : ['bounced'];
  if (name === 'dropped') return kindsOfDrop(textOf(item['reason']) ?? '');
  return KINDS.get(name) ?? ['other'];
}

/** Why the provider did not even try. */
function kindsOfDrop(reason: string): readonly CallbackKind[] {
  if (/^(bounced address|invalid)$/i.test(reason)) return ['bounced'];
  return /^(unsubscribed address|spam reporting address)$/i.test(reason) ? ['failed', 'unsubscribed'] : ['failed'];
}
