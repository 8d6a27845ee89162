import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SnsClient } from '../../src/modules/callbacks/sns-client.js';
import { get } from '../../src/platform/outbound/get.js';
import { ForbiddenAddressError } from '../../src/platform/outbound/guarded-request.js';

const LIMITS = { msMax: 5_000, answerBytesMax: 100 };

describe('what is fetched from Amazon SNS', () => {
  let server: Server;
  let origin: string;
  let asked: string[];
  let now: number;

  beforeAll(async () => {
    server = createServer((request, response) => {
      asked.push(`${request.method} ${request.url}`);
      if (request.url === '/silent') return;
      if (request.url === '/moved') response.writeHead(302, { location: `${origin}/elsewhere` });
      if (request.url === '/missing') response.writeHead(404);
      response.end(request.url === '/large' ? 'x'.repeat(65_537) : `pem of ${request.url}`);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  beforeEach(() => {
    asked = [];
    now = 0;
  });
  const clientOf = (mode: 'none' | 'required'): SnsClient =>
    new SnsClient(
      { now: () => now },
      { auth: { mode, bootstrapApiKey: null, jwksUrl: null, jwtIssuer: '', jwtAudience: '' } },
    );

  it('is a certificate, which is asked for once in an hour', async () => {
    const client = clientOf('none');
    for (const at of [0, 3_599_999]) {
      now = at;
      expect(await client.certificate(`${origin}/a.pem`)).toBe('pem of /a.pem');
    }
    expect(asked).toEqual(['GET /a.pem']);
    now = 3_600_000;
    await client.certificate(`${origin}/a.pem`);
    expect(asked).toHaveLength(2);
  });

  it('is kept of the last 16 addresses only', async () => {
    const client = clientOf('none');
    for (let n = 0; n <= 16; n += 1) await client.certificate(`${origin}/${n}.pem`);
    await client.certificate(`${origin}/16.pem`);
    expect(asked).toHaveLength(17);
    await client.certificate(`${origin}/0.pem`);
    expect(asked).toHaveLength(18);
  });

  it.each(['/moved', '/missing', '/large'])('is nothing where %s answers, and is asked for again', async (path) => {
    const client = clientOf('none');
    for (let time = 0; time < 2; time += 1) await expect(client.certificate(origin + path)).rejects.toThrow();
    await expect(client.confirm(origin + path)).rejects.toThrow();
    expect(asked).toEqual(Array.from({ length: 3 }, () => `GET ${path}`));
  });

  it('goes to public addresses by https only, except on one machine without authentication', async () => {
    await expect(clientOf('required').certificate(`${origin}/a.pem`)).rejects.toThrow(ForbiddenAddressError);
    await expect(clientOf('required').confirm('https://127.0.0.1/a.pem')).rejects.toThrow(ForbiddenAddressError);
    const named = { ...LIMITS, url: 'https://localhost/a.pem', isPrivateAllowed: false };
    await expect(get(named)).rejects.toThrow(ForbiddenAddressError);
    expect(asked).toEqual([]);
  });

  it('waits no longer than it was told', async () => {
    await expect(get({ ...LIMITS, url: `${origin}/silent`, msMax: 50, isPrivateAllowed: true })).rejects.toThrow();
  });
});
