import { createHmac } from 'node:crypto';
import { MINUTE_MS, SECOND_MS } from '../../../core/kernel/instant.js';
import { eventsOf, type CallbackKind } from '../callback-event.js';
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
} from './fields.js';
import { headerOf, isSame, MalformedCallback, NOT_SIGNED, OK, refused, WRONG, type CallbackScheme } from './scheme.js';

/** As the specification's own libraries have it. */
const AGE_MS_MAX = 5 * MINUTE_MS;
const KEY_BYTES = { min: 24, max: 64 };
const PREFIX = 'message.';

/** Our own words, since the standard has none for what becomes of messages. */
const KINDS: ReadonlyMap<string, CallbackKind> = new Map([
  ['sent', 'sent'],
  ['deferred', 'deferred'],
  ['delivered', 'delivered'],
  ['failed', 'failed'],
  ['bounced', 'bounced'],
  ['hard_bounced', 'bounced'],
  ['soft_bounced', 'soft_bounced'],
  ['complained', 'complained'],
  ['opened', 'opened'],
  ['clicked', 'clicked'],
  ['converted', 'converted'],
  ['dismissed', 'dismissed'],
  ['unsubscribed', 'unsubscribed'],
]);

/**
 * Standard Webhooks (https://www.standardwebhooks.com): `v1,` and base64 of HMAC-SHA256 over `id.timestamp.body`; one
 * signature of several is enough, so that secrets can rotate. The id of the request is the id of its event.
 */
export const standardWebhooks: CallbackScheme = {
  verify(request, { credentials }, now) {
    const [id, timestamp, signatures] = [
      headerOf(request, 'webhook-id'),
      headerOf(request, 'webhook-timestamp'),
      headerOf(request, 'webhook-signature'),
    ];
    if (id === null || timestamp === null || signatures === null || !/^\d{1,12}$/.test(timestamp)) return NOT_SIGNED;
    const keys = keysOf(credentials['callback_secret'] ?? '');
    if (keys.length === 0) return refused('the account has no callback_secret of 24 to 64 bytes');
    const expected = keys.map((key) => {
      const signed = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(request.body);
      return `v1,${signed.digest('base64')}`;
    });
    const given = signatures.split(' ');
    if (!expected.some((one) => given.some((other) => isSame(one, other)))) return WRONG;
    const isInTime = Math.abs(now - Number(timestamp) * SECOND_MS) <= AGE_MS_MAX;
    return isInTime ? OK : refused('the request is too old, or a clock is wrong');
  },
  read(request) {
    const body = fieldsOf(jsonOf(request.body));
    const type = textOf(body['type']);
    if (type === null) throw new MalformedCallback('the body has no type');
    const data = fieldsOf(body['data']);
    const facts = {
      id: idOf(headerOf(request, 'webhook-id')) ?? hashOf(type),
      name: nameOf(type),
      deliveryId: deliveryIdOf(data['delivery_id']),
      providerMessageId: messageIdOf(data['provider_message_id']),
      at: instantOf(body['timestamp']),
      detail: detailOf(data['detail']),
    };
    const word = type.startsWith(PREFIX) ? type.slice(PREFIX.length) : '';
    return { kind: 'events', events: eventsOf(facts, [KINDS.get(word) ?? 'other']) };
  },
};

/** Several, separated by a space, while they rotate. */
function keysOf(text: string): readonly Buffer[] {
  const keys = text.split(' ').map((secret) => Buffer.from(secret.replace(/^whsec_/, ''), 'base64'));
  return keys.filter(({ length }) => length >= KEY_BYTES.min && length <= KEY_BYTES.max);
}
