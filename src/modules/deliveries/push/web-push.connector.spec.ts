import { createECDH, randomBytes } from 'node:crypto';
import http, { type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Clock } from '../../../platform/clock/clock.js';
import { Exchanges } from '../../../platform/outbound/exchange.js';
import { writePushAddress } from '../../../core/delivery/push-address.js';
import type { ProviderAccount } from '../../providers/index.js';
import type { OutboundMessage } from '../connector.js';
import { toBrowserText, toPushHeaders, toPushResult } from './web-push.js';
import { ENCRYPTION_BYTES } from './web-push-encryption.js';
import { WebPushConnector } from './web-push.connector.js';

const DELIVERY = '01890a5d-ac96-774b-bcce-b302099a8057';
const content = { channel: 'push', title: 'Hello', body: 'there', link: null } as const;

describe('web push', () => {
  const server = createECDH('prime256v1');
  const publicKey = server.generateKeys('base64url');
  const browser = createECDH('prime256v1');
  const p256dh = browser.generateKeys('base64url');
  const auth = randomBytes(16).toString('base64url');
  const services: Server[] = [];
  const exchanges = new Exchanges(true);
  afterAll(async () => {
    exchanges.close();
    await Promise.all(services.map((each) => new Promise((closed) => each.close(closed))));
  });

  /** A push service that notes what comes and answers with what `status` says. */
  async function service(status: () => number) {
    const received: { readonly headers: IncomingHttpHeaders; readonly bytes: number }[] = [];
    const listener = http.createServer((request, response) => {
      let bytes = 0;
      request.on('data', (chunk: Buffer) => (bytes += chunk.length));
      request.on('end', () => {
        received.push({ headers: request.headers, bytes });
        response.writeHead(status(), { location: '/messages/1' }).end();
      });
    });
    services.push(listener);
    await new Promise<void>((listening) => listener.listen(0, '127.0.0.1', listening));
    const { port } = listener.address() as AddressInfo;
    return { received, endpoint: `http://127.0.0.1:${port}/send/1` };
  }

  function connector(
    by = exchanges,
    credentials = { private_key: server.getPrivateKey('base64url') },
  ): WebPushConnector {
    const account: ProviderAccount = {
      ...{ id: '1', key: 'site', kind: 'webpush', channel: 'push', state: 'active', priority: 1, perSecond: null },
      settings: { subject: 'mailto:ops@example.org', public_key: publicKey },
      ...{ credentials, pathToken: 'path', updatedAt: 0 },
    };
    return new WebPushConnector(by, account, new Clock());
  }
  async function send(by: WebPushConnector, endpoint: string, more: Partial<OutboundMessage> = {}) {
    const to = writePushAddress({ platform: 'webpush', endpoint, p256dh, auth });
    return (await by.open()).send({ deliveryId: DELIVERY, to, content, unsubscribeUrl: null, ...more }, 2_000);
  }

  it('reaches browsers, and no device of FCM', () => {
    expect(connector().takes('fcm a')).toBe(false);
    expect(connector().takes('webpush https://push.example k a')).toBe(true);
  });

  it('says how long, how urgent and instead of what, and who sends', async () => {
    const { received, endpoint } = await service(() => 201);
    expect(await send(connector(), endpoint)).toEqual({ kind: 'accepted', providerMessageId: '/messages/1' });
    expect(received).toHaveLength(1);
    expect(received[0]?.headers).toMatchObject({
      ttl: '14400',
      urgency: 'high',
      topic: DELIVERY.replaceAll('-', ''),
      'content-encoding': 'aes128gcm',
      authorization: expect.stringMatching(/^vapid t=.+, k=.+$/),
    });
    expect(toPushHeaders({ deliveryId: DELIVERY, unsubscribeUrl: 'https://u.example' })['urgency']).toBe('normal');
    expect(toPushHeaders({ deliveryId: DELIVERY, unsubscribeUrl: null })['topic']).toMatch(/^[\w-]{1,32}$/);
  });

  it('sends 4,096 bytes and refuses one more before it leaves', async () => {
    const { received, endpoint } = await service(() => 201);
    const message = { deliveryId: DELIVERY, to: '', content, unsubscribeUrl: null };
    const room = 4_096 - ENCRYPTION_BYTES - toBrowserText({ ...message, content: { ...content, body: '' } }).length;
    const long = (characters: number) => ({ content: { ...content, body: 'x'.repeat(characters) } });
    const refused = await send(connector(), endpoint, long(room + 1));
    expect(refused).toMatchObject({ kind: 'rejected', refusedFor: 'other' });
    expect(await send(connector(), endpoint, long(room))).toMatchObject({ kind: 'accepted' });
    expect(received.map(({ bytes }) => bytes)).toEqual([4_096]);
  });

  it.each<[number, object]>([
    [200, { kind: 'accepted' }],
    [201, { kind: 'accepted' }],
    [202, { kind: 'accepted' }],
    [301, { kind: 'unavailable' }],
    [400, { kind: 'rejected', refusedFor: 'other' }],
    [401, { kind: 'unavailable' }],
    [403, { kind: 'unavailable' }],
    [404, { kind: 'rejected', refusedFor: 'recipient' }],
    [410, { kind: 'rejected', refusedFor: 'recipient' }],
    [413, { kind: 'rejected', refusedFor: 'other' }],
    [429, { kind: 'unavailable', retryAfterMs: 7_000 }],
    [500, { kind: 'unknown' }],
    [502, { kind: 'unknown' }],
    [503, { kind: 'unavailable', retryAfterMs: 7_000 }],
  ])('reads %i', (status, result) => {
    const answer = { status, headers: { 'retry-after': '7' }, json: undefined };
    expect(toPushResult(answer, DELIVERY)).toMatchObject(result);
  });

  it('goes by our id where the service gives none, or one without end', () => {
    for (const headers of [{}, { location: '' }, { location: 'x'.repeat(501) }]) {
      const result = toPushResult({ status: 201, headers, json: undefined }, DELIVERY);
      expect(result).toEqual({ kind: 'accepted', providerMessageId: DELIVERY });
    }
  });

  it('leaves one push service alone that fails, and no other one', async () => {
    const [bad, good] = [await service(() => 503), await service(() => 201)];
    const by = connector();
    for (let failure = 0; failure < 6; failure += 1) {
      expect(await send(by, bad.endpoint)).toMatchObject({ kind: 'unavailable' });
    }
    expect(bad.received).toHaveLength(5);
    expect(await send(by, good.endpoint)).toMatchObject({ kind: 'accepted' });
  });

  it('takes no refusal of a subscription for a failure of the service', async () => {
    let status = 403;
    const { endpoint } = await service(() => status);
    const by = connector();
    for (status of [403, 403, 410, 404, 401, 403, 400]) await send(by, endpoint);
    status = 201;
    expect(await send(by, endpoint)).toMatchObject({ kind: 'accepted' });
  });

  it('sends nothing to an address that is not public, and gives the device up', async () => {
    const careful = new Exchanges(false);
    const { received, endpoint } = await service(() => 201);
    const result = await send(connector(careful), endpoint);
    careful.close();
    expect(result).toMatchObject({ kind: 'rejected', refusedFor: 'recipient' });
    expect(received).toEqual([]);
  });

  it('sends nothing with keys that do not fit', async () => {
    const { received, endpoint } = await service(() => 201);
    expect(await send(connector(exchanges, { private_key: 'nonsense' }), endpoint)).toMatchObject({
      kind: 'unavailable',
    });
    expect(received).toEqual([]);
  });

  it('keeps no word of what the service says', async () => {
    const answer = { status: 410, headers: {}, json: { message: 'about https://push.example/send/1' } };
    expect(JSON.stringify(toPushResult(answer, DELIVERY))).not.toContain('push.example');
  });
});
