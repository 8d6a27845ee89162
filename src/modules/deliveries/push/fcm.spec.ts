import type { OutboundMessage } from '../connector.js';
import type { HttpAnswer } from '../http/http-protocol.js';
import { isTokenRefused, toFcmRequest, toFcmResult } from './fcm.js';

const NOW = Date.parse('2027-06-15T12:00:00Z');
const message: OutboundMessage = {
  deliveryId: '0197-delivery',
  to: 'fcm device-1',
  content: { channel: 'push', title: 'Grüße', body: 'Your parcel is here', link: 'https://shop.example/orders' },
  unsubscribeUrl: 'https://shop.example.org/unsubscribe/token',
};
const requestOf = (more: Partial<OutboundMessage> = {}) =>
  toFcmRequest({ ...message, ...more }, { token: 'device-1', now: NOW });
const sentOf = (more: Partial<OutboundMessage> = {}): { message: Record<string, unknown> } =>
  JSON.parse(requestOf(more).body);

describe('what FCM is asked', () => {
  it('shows title and text, opens the link, and carries our id', () => {
    expect(sentOf()).toEqual({
      message: {
        token: 'device-1',
        notification: { title: 'Grüße', body: 'Your parcel is here' },
        data: { delivery_id: '0197-delivery', link: 'https://shop.example/orders' },
        android: { ttl: '14400s', priority: 'NORMAL' },
        apns: { headers: { 'apns-expiration': String(NOW / 1_000 + 14_400) } },
        webpush: {
          headers: { TTL: '14400', Urgency: 'normal' },
          fcm_options: { link: 'https://shop.example/orders' },
        },
      },
    });
  });

  it('is urgent where the person waits for it', () => {
    expect(sentOf({ unsubscribeUrl: null }).message).toMatchObject({
      android: { priority: 'HIGH' },
      webpush: { headers: { Urgency: 'high' } },
    });
  });

  it('leaves the link of an app to the app, and names none where there is none', () => {
    const content = { channel: 'push', title: 'a', body: 'b', link: 'myshop://orders/1' } as const;
    const { data, webpush } = sentOf({ content }).message as Record<string, Record<string, unknown>>;
    expect([data?.['link'], webpush?.['fcm_options']]).toEqual(['myshop://orders/1', undefined]);
    expect(sentOf({ content: { ...content, link: null } }).message['data']).toEqual({ delivery_id: '0197-delivery' });
  });

  it('tells how many bytes FCM counts, in UTF-8', () => {
    const content = { channel: 'push', title: 'a', body: 'b', link: null } as const;
    const { payloadBytes } = requestOf({ content });
    expect(requestOf({ content: { ...content, body: 'bü😀' } }).payloadBytes).toBe(payloadBytes + 6);
  });

  it('refuses the content of another channel', () => {
    expect(() => requestOf({ content: { channel: 'sms', text: 'hi' } })).toThrow();
  });
});

const answer = (status: number, json: unknown = {}, headers: HttpAnswer['headers'] = {}): HttpAnswer => ({
  status,
  headers,
  json,
});
const FCM_ERROR = 'type.googleapis.com/google.firebase.fcm.v1.FcmError';
const BAD_REQUEST = 'type.googleapis.com/google.rpc.BadRequest';
const error = (status: number, errorCode: string | null, field?: string): HttpAnswer =>
  answer(status, {
    error: {
      code: status,
      status: 'STATUS',
      message: 'words about device-1',
      details: [
        ...(errorCode === null ? [] : [{ '@type': FCM_ERROR, errorCode }]),
        ...(field === undefined ? [] : [{ '@type': BAD_REQUEST, fieldViolations: [{ field }] }]),
      ],
    },
  });

describe('what the answer of FCM means', () => {
  it('it took the message', () => {
    const name = 'projects/p/messages/0:1';
    expect(toFcmResult(answer(200, { name }))).toEqual({ kind: 'accepted', providerMessageId: name });
    expect(toFcmResult(answer(200, { name: '' }))).toMatchObject({ kind: 'unknown' });
    expect(toFcmResult(answer(200, undefined))).toMatchObject({ kind: 'unknown' });
  });

  it.each<[string, HttpAnswer, object]>([
    ['the app is gone', error(404, 'UNREGISTERED'), { kind: 'rejected', refusedFor: 'recipient' }],
    [
      'a token that never was',
      error(400, 'INVALID_ARGUMENT', 'message.token'),
      { kind: 'rejected', refusedFor: 'recipient' },
    ],
    [
      'a message that it does not understand',
      error(400, 'INVALID_ARGUMENT', 'message.data'),
      { kind: 'rejected', refusedFor: 'other' },
    ],
    [
      'no more than that it does not understand',
      error(400, 'INVALID_ARGUMENT'),
      { kind: 'rejected', refusedFor: 'other' },
    ],
    ['a path that is none', error(404, null), { kind: 'rejected', refusedFor: 'other' }],
    ['a token of another project', error(403, 'SENDER_ID_MISMATCH'), { kind: 'rejected', refusedFor: 'other' }],
    ['a project that we may not send for', error(403, null), { kind: 'unavailable' }],
    ['Apple does not take our key', error(401, 'THIRD_PARTY_AUTH_ERROR'), { kind: 'unavailable' }],
    ['too much', error(429, 'QUOTA_EXCEEDED'), { kind: 'unavailable' }],
    ['a fault of its own', error(500, 'INTERNAL'), { kind: 'unknown' }],
    ['a gateway', answer(502, 'no JSON'), { kind: 'unknown' }],
    ['not now', error(503, 'UNAVAILABLE'), { kind: 'unavailable' }],
    ['elsewhere', answer(302), { kind: 'unavailable' }],
    ['no object', answer(400, null), { kind: 'rejected', refusedFor: 'other' }],
    [
      'details that are none',
      answer(404, { error: { details: 'UNREGISTERED' } }),
      { kind: 'rejected', refusedFor: 'other' },
    ],
  ])('%s', (_what, given, result) => {
    expect(toFcmResult(given)).toMatchObject(result);
  });

  it('comes back when it is told to', () => {
    for (const status of [429, 503]) {
      expect(toFcmResult(answer(status, {}, { 'retry-after': '7' }))).toMatchObject({ retryAfterMs: 7_000 });
    }
  });

  it('keeps codes, and no words', () => {
    const told = JSON.stringify([toFcmResult(error(404, 'UNREGISTERED')), toFcmResult(error(500, 'INTERNAL'))]);
    expect(told).toContain('status 404, UNREGISTERED');
    expect(told).not.toContain('device-1');
  });

  it('knows whose credentials a 401 is about', () => {
    expect(isTokenRefused(answer(401))).toBe(true);
    expect(isTokenRefused(error(401, null))).toBe(true);
    expect(isTokenRefused(error(401, 'THIRD_PARTY_AUTH_ERROR'))).toBe(false);
    expect(isTokenRefused(error(403, null))).toBe(false);
  });
});
