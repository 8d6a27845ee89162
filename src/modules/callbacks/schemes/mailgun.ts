import { createHmac } from 'node:crypto';
import { DAY_MS, SECOND_MS } from '../../../core/kernel/instant.js';
import { eventsOf, type CallbackContent, type CallbackKind } from '../callback-event.js';
import {
  deliveryIdOf,
  detailOf,
  fieldsOf,
  hashOf,
  idOf,
  instantOf,
  isMailboxAtFault,
  jsonOf,
  messageIdOf,
  nameOf,
  textOf,
  type Fields,
} from './fields.js';
import { formFieldsOf, mailContent } from './inbound-mail.js';
import { isSame, NOT_SIGNED, refused, WRONG, type CallbackRequest, type CallbackScheme } from './scheme.js';

/** Mailgun repeats what was not taken for some nine hours. Tokens are kept for longer than this. */
const AGE_MS_MAX = DAY_MS;

const KINDS: ReadonlyMap<string, readonly CallbackKind[]> = new Map([
  ['accepted', ['sent']],
  ['delivered', ['delivered']],
  ['rejected', ['failed']],
  ['complained', ['complained']],
  ['unsubscribed', ['unsubscribed']],
]);

/**
 * Mailgun: hex of HMAC-SHA256 over timestamp and token, which stand in the body. The rest of the body is not signed, so
 * that each token counts once.
 */
export const mailgun: CallbackScheme = {
  verify(request, { credentials }, now) {
    const key = credentials['callback_key'];
    if (key === undefined) return refused('the account has no callback_key');
    const { timestamp, token, signature } = signatureOf(request);
    if (timestamp === null || token === null || signature === null) return NOT_SIGNED;
    const expected = createHmac('sha256', key).update(`${timestamp}${token}`).digest('hex');
    if (!isSame(signature, expected)) return WRONG;
    const age = now - Number(timestamp) * SECOND_MS;
    if (!(Math.abs(age) <= AGE_MS_MAX)) return refused('the signature is too old');
    return { kind: 'ok', onceToken: token };
  },
  read(request) {
    const mail = formFieldsOf(request);
    if (mail !== null) return readMail(mail);
    const { body } = request;
    const data = fieldsOf(fieldsOf(jsonOf(body))['event-data']);
    const name = nameOf(data['event']);
    const status = fieldsOf(data['delivery-status']);
    const reject = fieldsOf(data['reject']);
    const providerMessageId = messageIdOf(fieldsOf(fieldsOf(data['message'])['headers'])['message-id']);
    const facts = {
      id: idOf(data['id']) ?? hashOf(name, providerMessageId, textOf(data['timestamp'])),
      name,
      deliveryId: deliveryIdOf(fieldsOf(data['user-variables'])['delivery_id']),
      providerMessageId,
      at: instantOf(data['timestamp']),
      detail: detailOf(data['reason'] ?? reject['reason'], status['code'], status['message'] ?? status['description']),
    };
    return { kind: 'events', events: eventsOf(facts, kindsOf(name, data)) };
  },
};

/** A route that forwards mails ("store and notify" too) posts a form, with the same three fields at its top. */
function readMail(fields: Fields): CallbackContent {
  return mailContent(
    fields['subject'] ?? fields['Subject'],
    fields['Message-Id'] ?? fields['token'],
    fields['recipient'],
  );
}

function signatureOf(request: CallbackRequest): Readonly<Record<'timestamp' | 'token' | 'signature', string | null>> {
  let fields: Fields = {};
  try {
    fields = formFieldsOf(request) ?? fieldsOf(fieldsOf(jsonOf(request.body))['signature']);
  } catch {
    // What cannot be read is not signed either.
  }
  const [timestamp, token, signature] = ['timestamp', 'token', 'signature'].map((name) => {
    const value = fields[name];
    return typeof value === 'string' || typeof value === 'number' ? String(value) : null;
  });
  return { timestamp: timestamp ?? null, token: token ?? null, signature: signature ?? null };
}

function kindsOf(name: string, data: Fields): readonly CallbackKind[] {
  if (name === 'failed') return kindsOfFailure(data);
  // Opened or followed by a machine that looks into every message: nobody has seen it.
  const isMachine = textOf(fieldsOf(data['client-info'])['bot']) !== null;
  if (name === 'opened') return [isMachine ? 'other' : 'opened'];
  if (name === 'clicked') return [isMachine ? 'other' : 'clicked'];
  return KINDS.get(name) ?? ['other'];
}

function kindsOfFailure(data: Fields): readonly CallbackKind[] {
  const status = fieldsOf(data['delivery-status']);
  const code = textOf(status['code']) ?? '';
  const enhanced = textOf(status['enhanced-code'] ?? status['bounce-code']) ?? '';
  if (data['severity'] === 'temporary') return [isMailboxAtFault(enhanced) ? 'soft_bounced' : 'deferred'];
  switch (textOf(data['reason']) ?? '') {
    case 'suppress-bounce':
      return ['bounced'];
    case 'suppress-complaint':
    case 'suppress-unsubscribe':
      return ['failed', 'unsubscribed'];
    // Tried until it was too old.
    case 'old':
      return ['failed', 'soft_bounced'];
    default:
      return isAddressAtFault(code, enhanced) ? ['bounced'] : ['failed'];
  }
}

/** RFC 3463: class 5, subject 1 is the address. Without such a code 550 says it best. */
const isAddressAtFault = (code: string, enhanced: string): boolean =>
  enhanced === '' ? code === '550' : /^5\.1\./.test(enhanced);
