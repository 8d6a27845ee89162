import { generateKeyPairSync, randomBytes, webcrypto } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startSandboxProcess, type SandboxProcess } from '../../support/sandbox.js';
import { askFcmToken, fcmAssertion, fcmToken, postFcm, vapid, vapidClaims } from './senders.js';

const FCM_ERROR = 'type.googleapis.com/google.firebase.fcm.v1.FcmError';
const BAD_REQUEST = 'type.googleapis.com/google.rpc.BadRequest';

const bytes = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(Buffer.from(text, 'base64url'));
const join = (...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> => Uint8Array.from(Buffer.concat(parts));
const utf8 = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

interface Keys {
  readonly p256dh: string;
  readonly auth: string;
}

/** RFC 8291 with the browser's crypto API, which the sandbox does not use. */
async function encrypt(text: string, { p256dh, auth }: Keys): Promise<Uint8Array<ArrayBuffer>> {
  const { subtle } = webcrypto;
  const curve = { name: 'ECDH', namedCurve: 'P-256' };
  const own = await subtle.generateKey(curve, true, ['deriveBits']);
  const ownPoint = new Uint8Array(await subtle.exportKey('raw', own.publicKey));
  const theirs = await subtle.importKey('raw', bytes(p256dh), curve, true, []);
  const secret = await subtle.deriveBits({ name: 'ECDH', public: theirs }, own.privateKey, 256);
  const derive = async (
    ikm: ArrayBuffer | Uint8Array<ArrayBuffer>,
    salt: Uint8Array<ArrayBuffer>,
    info: Uint8Array<ArrayBuffer>,
    bits: number,
  ) => {
    const key = await subtle.importKey('raw', ikm, 'HKDF', false, ['deriveBits']);
    return subtle.deriveBits({ name: 'HKDF', hash: 'SHA-256', salt, info }, key, bits);
  };
  const ikm = await derive(secret, bytes(auth), join(utf8('WebPush: info\0'), bytes(p256dh), ownPoint), 256);
  const salt = Uint8Array.from(randomBytes(16));
  const key = await derive(ikm, salt, utf8('Content-Encoding: aes128gcm\0'), 128);
  const iv = await derive(ikm, salt, utf8('Content-Encoding: nonce\0'), 96);
  const aes = await subtle.importKey('raw', key, 'AES-GCM', false, ['encrypt']);
  const sealed = await subtle.encrypt({ name: 'AES-GCM', iv }, aes, join(utf8(text), Uint8Array.of(2)));
  const recordSize = Buffer.alloc(4);
  recordSize.writeUInt32BE(4_096);
  return join(salt, recordSize, Uint8Array.of(ownPoint.length), ownPoint, new Uint8Array(sealed));
}

describe('push services of the sandbox', () => {
  let sandbox: SandboxProcess;
  const countOf = async (provider: string): Promise<number> => (await sandbox.accepted(`provider=${provider}`)).length;

  beforeAll(async () => {
    sandbox = await startSandboxProcess();
  });
  beforeEach(() => sandbox.faults([]));
  afterAll(() => sandbox.stop());

  describe('FCM', () => {
    const device = { token: 'device-1', notification: { title: 'Hello' }, data: { delivery_id: 'd-1' } };

    it('hands a token out for a signed assertion', async () => {
      const response = await askFcmToken(sandbox, await fcmAssertion(sandbox));
      expect([response.status, await response.json()]).toEqual([
        200,
        { access_token: expect.stringMatching(/^ya29\./), expires_in: 3_599, token_type: 'Bearer' },
      ]);
    });

    const now = Math.floor(Date.now() / 1_000);
    it.each([
      ['another account', { iss: 'other@example.com' }, 'invalid_grant'],
      ['another audience', { aud: 'https://example.com' }, 'invalid_grant'],
      ['an assertion that has ended', { iat: now - 4_000, exp: now - 400 }, 'invalid_grant'],
      ['one of more than an hour', { exp: now + 7_200 }, 'invalid_grant'],
      ['another scope', { scope: 'https://www.googleapis.com/auth/drive' }, 'invalid_scope'],
    ])('refuses a token to %s', async (_who, claims, error) => {
      const response = await askFcmToken(sandbox, await fcmAssertion(sandbox, claims));
      expect([response.status, await response.json()]).toEqual([400, { error, error_description: expect.any(String) }]);
    });

    it('refuses an assertion that another key signed, and one with a changed claim', async () => {
      const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
      const other = await fcmAssertion(sandbox, {}, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
      const [head, , signature] = (await fcmAssertion(sandbox)).split('.');
      const claims = { iss: 'root' };
      const changed = `${head}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.${signature}`;
      for (const assertion of [other, changed]) {
        const response = await askFcmToken(sandbox, assertion);
        expect([response.status, await response.json()]).toMatchObject([400, { error: 'invalid_grant' }]);
      }
    });

    it('checks assertions by the public key that it was given', async () => {
      const given = await startSandboxProcess();
      const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
      await given.accounts({ fcm: { public_key: publicKey.export({ type: 'spki', format: 'pem' }).toString() } });
      expect((await given.accounts()).fcm.private_key).toBeNull();
      const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
      expect((await askFcmToken(given, await fcmAssertion(given, {}, pem))).status).toBe(200);
      await given.stop();
    });

    it('accepts a message with a token of its own', async () => {
      const response = await postFcm(sandbox, await fcmToken(sandbox), device);
      const { name } = (await response.json()) as { name: string };
      expect(name).toMatch(/^projects\/sandbox\/messages\/./);
      expect((await sandbox.accepted('provider=fcm')).at(-1)).toMatchObject({
        id: name,
        recipient: 'device-1',
        key: 'd-1',
        body: device,
      });
    });

    it('refuses without a token, and for another project', async () => {
      const unknown = await postFcm(sandbox, 'ya29.other', device);
      expect([unknown.status, await unknown.json()]).toMatchObject([401, { error: { status: 'UNAUTHENTICATED' } }]);
      const other = await fetch(`${sandbox.url}/fcm/v1/projects/other/messages:send`, {
        method: 'POST',
        headers: { authorization: `Bearer ${await fcmToken(sandbox)}` },
        body: JSON.stringify({ message: device }),
      });
      expect([other.status, await other.json()]).toMatchObject([403, { error: { status: 'PERMISSION_DENIED' } }]);
    });

    it.each([
      [{ notification: {} }, 'message.message'],
      [{ token: 'a', topic: 'b' }, 'message.token'],
      [{ token: 'a', data: { n: 1 } }, 'message.data[0].value'],
      [{ token: 'a', data: { google_x: '1' } }, 'message.data'],
      [{ token: 'a', data: { text: 'x'.repeat(4_096) } }, 'message'],
    ])('refuses a message that is wrong (%#)', async (message, field) => {
      const before = await countOf('fcm');
      const response = await postFcm(sandbox, await fcmToken(sandbox), message);
      expect(await response.json()).toEqual({
        error: {
          code: 400,
          message: expect.any(String),
          status: 'INVALID_ARGUMENT',
          details: [
            { '@type': FCM_ERROR, errorCode: 'INVALID_ARGUMENT' },
            { '@type': BAD_REQUEST, fieldViolations: [{ field, description: expect.any(String) }] },
          ],
        },
      });
      expect(await countOf('fcm')).toBe(before);
    });

    it('takes 4,096 bytes and no more', async () => {
      const token = await fcmToken(sandbox);
      const size = (text: string): number => Buffer.byteLength(JSON.stringify({ data: { text } }));
      const text = 'x'.repeat(4_096 - size(''));
      expect((await postFcm(sandbox, token, { token: 'a', data: { text } })).status).toBe(200);
      expect((await postFcm(sandbox, token, { token: 'a', data: { text: `${text}x` } })).status).toBe(400);
    });

    it('says that an app is gone', async () => {
      await sandbox.accounts({ fcm: { unregistered: ['device-gone'] } });
      const response = await postFcm(sandbox, await fcmToken(sandbox), { token: 'device-gone' });
      expect([response.status, await response.json()]).toMatchObject([
        404,
        { error: { status: 'NOT_FOUND', details: [{ '@type': FCM_ERROR, errorCode: 'UNREGISTERED' }] } },
      ]);
    });

    it.each([
      [429, 'RESOURCE_EXHAUSTED', 'QUOTA_EXCEEDED'],
      [500, 'INTERNAL', 'INTERNAL'],
      [503, 'UNAVAILABLE', 'UNAVAILABLE'],
    ])('fails with %d as Google does', async (status, name, errorCode) => {
      await sandbox.faults([{ provider: 'fcm', kind: 'error', parameters: { status } }]);
      const response = await postFcm(sandbox, await fcmToken(sandbox), device);
      expect([response.status, await response.json()]).toMatchObject([
        status,
        { error: { code: status, status: name, details: [{ '@type': FCM_ERROR, errorCode }] } },
      ]);
    });

    it('accepts nothing that is only to be validated', async () => {
      const before = await countOf('fcm');
      const response = await fetch(`${sandbox.url}/fcm/v1/projects/sandbox/messages:send`, {
        method: 'POST',
        headers: { authorization: `Bearer ${await fcmToken(sandbox)}` },
        body: JSON.stringify({ validate_only: true, message: device }),
      });
      expect([response.status, await countOf('fcm')]).toEqual([200, before]);
    });
  });

  describe('web push', () => {
    interface Subscription {
      readonly id: string;
      readonly endpoint: string;
      readonly keys: Keys;
    }
    const subscribe = (body: object = {}): Promise<Subscription> =>
      sandbox.ask('POST', '/admin/web-push/subscriptions', body);
    const push = (
      { endpoint }: Subscription,
      body: Uint8Array<ArrayBuffer>,
      headers: Readonly<Record<string, string>> = {},
    ): Promise<Response> =>
      fetch(endpoint, {
        method: 'POST',
        headers: {
          authorization: vapid(vapidClaims(sandbox)).header,
          ttl: '60',
          'content-encoding': 'aes128gcm',
          ...headers,
        },
        body,
      });
    const lastText = async (): Promise<unknown> => (await sandbox.accepted('provider=webpush')).at(-1)?.body;

    it('reads the published example of RFC 8291', async () => {
      const subscription = await subscribe({
        private_key: 'q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94',
        auth: 'BTBZMqHH6r4Tts7J_aSIgg',
      });
      const body = bytes(
        'DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN',
      );
      expect((await push(subscription, body)).status).toBe(201);
      expect(await lastText()).toMatchObject({ is_readable: true, text: 'When I grow up, I want to be a watermelon' });
    });

    it('accepts with the address of the message, and reads what the browser would read', async () => {
      const subscription = await subscribe();
      const response = await push(subscription, await encrypt('Grüße, мир', subscription.keys), { topic: 'greeting' });
      expect(response.status).toBe(201);
      expect(response.headers.get('location')).toMatch(/^http:.+\/webpush\/messages\/./);
      expect(await lastText()).toMatchObject({ is_readable: true, text: 'Grüße, мир', ttl: 60 });
      expect((await sandbox.accepted('provider=webpush')).at(-1)).toMatchObject({
        recipient: subscription.id,
        key: 'greeting',
      });
    });

    it('accepts what no browser can read, and says so in its log', async () => {
      const [one, other] = [await subscribe(), await subscribe()];
      expect((await push(one, await encrypt('Hello', other.keys))).status).toBe(201);
      expect(await lastText()).toMatchObject({ is_readable: false, text: null });
    });

    it.each([
      ['without a TTL', { ttl: '' }, 400],
      ['with a TTL that is no number', { ttl: 'soon' }, 400],
      ['with an unknown urgency', { urgency: 'extreme' }, 400],
      ['with a topic that is too long', { topic: 'x'.repeat(33) }, 400],
      ['with another encoding', { 'content-encoding': 'aesgcm' }, 415],
      ['without authorization', { authorization: '' }, 401],
    ])('refuses a message %s', async (_what, headers, status) => {
      const subscription = await subscribe();
      const before = await countOf('webpush');
      expect((await push(subscription, await encrypt('Hello', subscription.keys), headers)).status).toBe(status);
      expect(await countOf('webpush')).toBe(before);
    });

    it.each([
      ['another audience', { aud: 'https://example.com' }],
      ['a token that has ended', { exp: 1 }],
      ['a token for more than a day', { exp: Math.floor(Date.now() / 1_000) + 100_000 }],
      ['no subject', { sub: undefined }],
    ])('refuses %s', async (_what, change) => {
      const subscription = await subscribe();
      const { header } = vapid({ ...vapidClaims(sandbox), ...change });
      const response = await push(subscription, await encrypt('Hello', subscription.keys), { authorization: header });
      expect(response.status).toBe(403);
    });

    it('refuses a signature of another key, and an application server that the browser was not told of', async () => {
      const [own, other] = [vapid(vapidClaims(sandbox)), vapid(vapidClaims(sandbox))];
      const subscription = await subscribe({ application_server_key: own.key });
      const text = await encrypt('Hello', subscription.keys);
      const forged = own.header.replace(own.key, other.key);
      expect((await push(subscription, text, { authorization: own.header })).status).toBe(201);
      expect((await push(subscription, text, { authorization: other.header })).status).toBe(403);
      expect((await push(await subscribe(), text, { authorization: forged })).status).toBe(403);
    });

    it('takes 4,096 bytes and no more', async () => {
      const subscription = await subscribe();
      const overhead = (await encrypt('', subscription.keys)).length;
      const fits = await encrypt('x'.repeat(4_096 - overhead), subscription.keys);
      const exceeds = await encrypt('x'.repeat(4_097 - overhead), subscription.keys);
      expect([fits.length, (await push(subscription, fits)).status]).toEqual([4_096, 201]);
      expect([exceeds.length, (await push(subscription, exceeds)).status]).toEqual([4_097, 413]);
    });

    it('says that a subscription is gone, or never was', async () => {
      const subscription = await subscribe();
      await sandbox.ask('DELETE', `/admin/web-push/subscriptions/${subscription.id}`);
      expect((await push(subscription, await encrypt('Hello', subscription.keys))).status).toBe(410);
      const unknown = { ...subscription, endpoint: `${sandbox.url}/webpush/unknown` };
      expect((await push(unknown, await encrypt('Hello', subscription.keys))).status).toBe(404);
    });
  });
});
