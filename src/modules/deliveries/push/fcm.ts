import type { PushContent } from '../../../core/content/content.js';
import { assert } from '../../../core/kernel/assert.js';
import { SECOND_MS, type InstantMs } from '../../../core/kernel/instant.js';
import type { OutboundMessage, SendResult } from '../connector.js';
import type { HttpAnswer } from '../http/http-protocol.js';
import { isTaken, resultOfRefusal, resultWithoutId, textAt } from '../http/http-result.js';
import { PUSH_TTL_S } from './push-ttl.js';

const FCM_ERROR = 'type.googleapis.com/google.firebase.fcm.v1.FcmError';
const BAD_REQUEST = 'type.googleapis.com/google.rpc.BadRequest';
const UNAUTHORIZED = 401;

/** A message as FCM's HTTP v1 API takes it, and how many bytes of it FCM counts. */
interface FcmRequest {
  readonly body: string;
  readonly payloadBytes: number;
}

/**
 * `notification` is what the system shows; `data` is for the app, which opens `link` where the system does not. Whoever
 * waits for what they asked for is woken, all others are told when the device is awake.
 *
 * @see https://firebase.google.com/docs/reference/fcm/rest/v1/projects.messages
 */
export function toFcmRequest(
  { deliveryId, content, unsubscribeUrl }: OutboundMessage,
  { token, now }: { readonly token: string; readonly now: InstantMs },
): FcmRequest {
  assert(content.channel === 'push', 'FCM sends notifications');
  const isAskedFor = unsubscribeUrl === null;
  const shown = {
    notification: { title: content.title, body: content.body },
    data: { delivery_id: deliveryId, ...(content.link === null ? {} : { link: content.link }) },
  };
  const message = {
    token,
    ...shown,
    android: { ttl: `${PUSH_TTL_S}s`, priority: isAskedFor ? 'HIGH' : 'NORMAL' },
    apns: { headers: { 'apns-expiration': String(Math.floor(now / SECOND_MS) + PUSH_TTL_S) } },
    webpush: { headers: { TTL: String(PUSH_TTL_S), Urgency: isAskedFor ? 'high' : 'normal' }, ...optionsOf(content) },
  };
  return { body: JSON.stringify({ message }), payloadBytes: Buffer.byteLength(JSON.stringify(shown)) };
}

/** A browser opens pages of `https` only. */
function optionsOf({ link }: PushContent): object {
  return link?.startsWith('https://') === true ? { fcm_options: { link } } : {};
}

/**
 * What FCM's answer says about the message. That the app is gone from the device, or the token never was one, is about
 * the device; a token of another project is a fault of our settings, by which no device must end.
 *
 * @see https://firebase.google.com/docs/reference/fcm/rest/v1/ErrorCode
 */
export function toFcmResult(answer: HttpAnswer): SendResult {
  if (isTaken(answer)) {
    const name = textAt(answer.json, 'name');
    return name === null ? resultWithoutId(answer) : { kind: 'accepted', providerMessageId: name };
  }
  const code = detailOf(answer, FCM_ERROR, 'errorCode');
  const field = detailOf(answer, BAD_REQUEST, 'fieldViolations', 0, 'field');
  const detail = code ?? textAt(answer.json, 'error', 'status');
  if (code === 'SENDER_ID_MISMATCH') {
    return { kind: 'rejected', detail: `status ${answer.status}, ${code}`, refusedFor: 'other' };
  }
  const isOfDevice = code === 'UNREGISTERED' || (code === 'INVALID_ARGUMENT' && field === 'message.token');
  return resultOfRefusal(answer, {
    ...(detail === null ? {} : { detail }),
    refusedFor: isOfDevice ? 'recipient' : 'other',
  });
}

/** Whether the access token is not taken: Apple's, or a browser's, may be refused by the same status. */
export const isTokenRefused = (answer: HttpAnswer): boolean =>
  answer.status === UNAUTHORIZED && detailOf(answer, FCM_ERROR, 'errorCode') !== 'THIRD_PARTY_AUTH_ERROR';

function detailOf({ json }: HttpAnswer, type: string, ...path: readonly (string | number)[]): string | null {
  const details = (json as { error?: { details?: unknown } } | null | undefined)?.error?.details;
  if (!Array.isArray(details)) return null;
  const detail: unknown = details.find((each) => textAt(each, '@type') === type);
  return textAt(detail, ...path);
}
