import { assert } from '../../../core/kernel/assert.js';
import type { OutboundMessage, SendResult } from '../connector.js';
import type { HttpAnswer } from '../http/http-protocol.js';
import { isTaken, resultOfRefusal } from '../http/http-result.js';
import { PUSH_TTL_S } from './push-ttl.js';

const NOT_FOUND = 404;
const GONE = 410;
const LOCATION_MAX = 500;

/** What the page's service worker gets, before it is encrypted. */
export function toBrowserText({ deliveryId, content }: OutboundMessage): Buffer {
  assert(content.channel === 'push', 'web push sends notifications');
  const { title, body, link } = content;
  return Buffer.from(JSON.stringify({ title, body, link, delivery_id: deliveryId }));
}

/**
 * Headers beside `Authorization` (RFC 8030 sections 5.2 to 5.4). The topic is the delivery's own: of the same one the
 * push service keeps a single message.
 */
export function toPushHeaders({
  deliveryId,
  unsubscribeUrl,
}: Pick<OutboundMessage, 'deliveryId' | 'unsubscribeUrl'>): Readonly<Record<string, string>> {
  return {
    'content-type': 'application/octet-stream',
    'content-encoding': 'aes128gcm',
    ttl: String(PUSH_TTL_S),
    urgency: unsubscribeUrl === null ? 'high' : 'normal',
    // 32 characters at most, of base64url.
    topic: deliveryId.replaceAll('-', ''),
  };
}

/**
 * What a push service's answer says. It calls nobody back, so that a message without an address of its own (`Location`)
 * is one like any other.
 *
 * @param deliveryId in place of the service's id, where it gives none
 */
export function toPushResult(answer: HttpAnswer, deliveryId: string): SendResult {
  const { status, headers } = answer;
  if (!isTaken(answer)) return resultOfRefusal(answer, { refusedFor: isOfDevice(status) ? 'recipient' : 'other' });
  const { location = '' } = headers;
  const isUsable = location !== '' && location.length <= LOCATION_MAX;
  return { kind: 'accepted', providerMessageId: isUsable ? location : deliveryId };
}

/** The subscription never was, or is no more (RFC 8030 section 7.3). */
const isOfDevice = (status: number): boolean => status === NOT_FOUND || status === GONE;
