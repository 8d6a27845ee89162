import { generateKeyPairSync, verify } from 'node:crypto';
import http, { type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { jest } from '@jest/globals';
import { Clock } from '../../../platform/clock/clock.js';
import { Exchanges } from '../../../platform/outbound/exchange.js';
import type { ProviderAccount } from '../../providers/index.js';
import type { OutboundMessage } from '../connector.js';
import { FcmConnector } from './fcm.connector.js';

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const PEM = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const message: OutboundMessage = {
  deliveryId: '0197-delivery',
  to: 'fcm device-1',
  content: { channel: 'push', title: 'Hello', body: 'there', link: null },
  unsubscribeUrl: null,
};

/** A desk for tokens and FCM behind one address, which count and answer as they are told. */
describe('FCM and its access tokens', () => {
  const server = http.createServer((request, response) => {
    void textOf(request).then((text) => {
      const [status, body] = request.url === '/token' ? desk(text) : fcm(request.headers.authorization ?? '');
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
  });
  let url = '';
  let exchanges: Exchanges;
  let asked: string[] = [];
  let sentWith: string[] = [];
  let now = 0;
  let desk = (text: string): readonly [number, object] => {
    asked.push(text);
    return [200, { access_token: `token-${asked.length}`, expires_in: 3_600 }];
  };
  const wellDesk = desk;
  let fcm = (authorization: string): readonly [number, object] => {
    sentWith.push(authorization);
    return [200, { name: `projects/p/messages/${sentWith.length}` }];
  };
  const wellFcm = fcm;

  beforeAll(async () => {
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  beforeEach(() => {
    [asked, sentWith, now] = [[], [], 0];
    [desk, fcm] = [wellDesk, wellFcm];
    exchanges = new Exchanges(true);
    jest.spyOn(performance, 'now').mockImplementation(() => now);
  });
  afterEach(() => {
    exchanges.close();
    jest.restoreAllMocks();
  });
  afterAll(() => new Promise((closed) => server.close(closed)));

  function connector(credentials: Readonly<Record<string, string>> = {}): FcmConnector {
    const account: ProviderAccount = {
      ...{ id: '1', key: 'app', kind: 'fcm', channel: 'push', state: 'active', priority: 1, perSecond: null },
      settings: { base_url: url, token_url: `${url}/token`, project_id: 'p' },
      credentials: { client_email: 'svc@p.iam.gserviceaccount.com', private_key: PEM, ...credentials },
      ...{ pathToken: 'path', updatedAt: 0 },
    };
    return new FcmConnector(exchanges, account, new Clock());
  }
  const send = async (by: FcmConnector, more: Partial<OutboundMessage> = {}) =>
    (await by.open()).send({ ...message, ...more }, 2_000);

  it('reaches devices of its own platform', () => {
    expect(['fcm a', 'webpush https://push.example k a', 'a@example.org'].map((to) => connector().takes(to))).toEqual([
      true,
      false,
      false,
    ]);
  });

  it('asks for a token once, signed by the service account, and before any message leaves', async () => {
    const by = connector();
    const lines = await Promise.all([by.open(), by.open(), by.open()]);
    expect([asked.length, sentWith.length]).toEqual([1, 0]);
    for (const line of lines) expect(await line.send(message, 2_000)).toMatchObject({ kind: 'accepted' });
    expect(sentWith).toEqual(['Bearer token-1', 'Bearer token-1', 'Bearer token-1']);
    const form = new URLSearchParams(asked[0]);
    const [head = '', claims = '', signature = ''] = (form.get('assertion') ?? '').split('.');
    expect(form.get('grant_type')).toBe('urn:ietf:params:oauth:grant-type:jwt-bearer');
    expect(verify('sha256', Buffer.from(`${head}.${claims}`), publicKey, Buffer.from(signature, 'base64url'))).toBe(
      true,
    );
    const { iat, exp, ...rest } = JSON.parse(Buffer.from(claims, 'base64url').toString());
    expect(rest).toEqual({
      iss: 'svc@p.iam.gserviceaccount.com',
      scope: 'https://www.googleapis.com/auth/firebase.messaging',
      aud: `${url}/token`,
    });
    expect(exp - iat).toBe(3_600);
  });

  it('takes another token shortly before the one it has ends', async () => {
    const by = connector();
    await send(by);
    now = 3_539_000;
    await send(by);
    expect(asked).toHaveLength(1);
    now = 3_541_000;
    await send(by);
    expect(sentWith.at(-1)).toBe('Bearer token-2');
  });

  it('begins anew with another token where one that worked is refused, and lets nothing leave twice by itself', async () => {
    const by = connector();
    await send(by);
    fcm = () => [401, { error: { status: 'UNAUTHENTICATED' } }];
    expect(await send(by)).toMatchObject({ kind: 'late' });
    expect([asked.length, sentWith.length]).toEqual([1, 1]);
    fcm = wellFcm;
    expect(await send(by)).toMatchObject({ kind: 'accepted' });
    expect(sentWith).toEqual(['Bearer token-1', 'Bearer token-2']);
  });

  it('cannot send where a token that was never taken is refused: another one would be, too', async () => {
    fcm = () => [401, { error: { status: 'UNAUTHENTICATED' } }];
    const by = connector();
    expect(await send(by)).toMatchObject({ kind: 'unavailable' });
    expect(await send(by)).toMatchObject({ kind: 'unavailable' });
  });

  it('keeps its token where only Apple refuses', async () => {
    const details = [
      { '@type': 'type.googleapis.com/google.firebase.fcm.v1.FcmError', errorCode: 'THIRD_PARTY_AUTH_ERROR' },
    ];
    const by = connector();
    fcm = () => [401, { error: { details } }];
    expect(await send(by)).toMatchObject({ kind: 'unavailable' });
    fcm = wellFcm;
    expect(await send(by)).toMatchObject({ kind: 'accepted' });
    expect(asked).toHaveLength(1);
  });

  it.each<[string, () => readonly [number, object]]>([
    ['refuses the account', () => [400, { error: 'invalid_grant' }]],
    ['fails', () => [500, {}]],
    ['hands out nothing', () => [200, { expires_in: 3_600 }]],
    ['does not say for how long', () => [200, { access_token: 'a' }]],
  ])('cannot send, and asks again for the next message, where the desk %s', async (_what, answer) => {
    const by = connector();
    desk = answer;
    expect(await send(by)).toMatchObject({ kind: 'unavailable', detail: expect.stringContaining('no access token') });
    expect(sentWith).toEqual([]);
    desk = wellDesk;
    expect(await send(by)).toMatchObject({ kind: 'accepted' });
  });

  it('cannot send with a key that is none, and does not repeat it', async () => {
    const result = await send(connector({ private_key: 'secret words' }));
    expect(result).toMatchObject({ kind: 'unavailable' });
    expect(JSON.stringify(result)).not.toContain('secret words');
  });

  it('takes a key with line ends as they are written in JSON', async () => {
    expect(await send(connector({ private_key: PEM.replaceAll('\n', '\\n') }))).toMatchObject({ kind: 'accepted' });
  });

  it('refuses what is longer than FCM takes, and sends nothing of it', async () => {
    const by = connector();
    const content = (characters: number) =>
      ({ channel: 'push', title: 'a', body: 'x'.repeat(characters), link: null }) as const;
    const shown = { notification: { title: 'a', body: '' }, data: { delivery_id: message.deliveryId } };
    const fits = 4_096 - JSON.stringify(shown).length;
    expect(await send(by, { content: content(fits + 1) })).toMatchObject({ kind: 'rejected', refusedFor: 'other' });
    expect(sentWith).toEqual([]);
    expect(await send(by, { content: content(fits) })).toMatchObject({ kind: 'accepted' });
  });
});

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
