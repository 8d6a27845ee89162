import http from 'node:http';
import net, { type AddressInfo, type Server } from 'node:net';
import { Exchanges, type TimedPost } from './exchange.js';
import { ForbiddenAddressError } from './guarded-request.js';

const ANSWER_BYTES_MAX = 1_000;

describe('an exchange with a provider', () => {
  const servers: Server[] = [];
  let exchanges: Exchanges;
  beforeEach(() => {
    exchanges = new Exchanges(true);
  });
  afterEach(async () => {
    exchanges.close();
    await Promise.all(servers.splice(0).map((server) => new Promise((closed) => server.close(closed))));
  });

  async function listen(server: Server): Promise<number> {
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    servers.push(server);
    return (server.address() as AddressInfo).port;
  }
  const post = (port: number, more: Partial<TimedPost> = {}) =>
    exchanges.post({
      ...{ url: `http://127.0.0.1:${port}/send`, headers: { 'x-key': 'k' }, body: 'grüße' },
      ...{ startWithinMs: 20_000, answerWithinMs: 20_000, answerBytesMax: ANSWER_BYTES_MAX },
      ...more,
    });

  it('hands the body over, and the answer back', async () => {
    const got: string[] = [];
    const port = await listen(
      http.createServer((request, response) => {
        got.push(`${request.method} ${request.url} ${request.headers['x-key']} ${request.headers['content-length']}`);
        request.on('data', (chunk: Buffer) => got.push(chunk.toString()));
        request.on('end', () => response.writeHead(202, { 'x-message-id': 'm' }).end('{}'));
      }),
    );
    expect(await post(port)).toMatchObject({
      ...{ kind: 'answered', status: 202, body: '{}' },
      headers: { 'x-message-id': 'm' },
    });
    expect(got).toEqual(['POST /send k 7', 'grüße']);
  });

  it('keeps its connection for the next one', async () => {
    let connections = 0;
    const server = http.createServer((_request, response) => void response.end());
    server.on('connection', () => (connections += 1));
    const port = await listen(server);
    for (const _ of [1, 2, 3]) await post(port);
    expect(connections).toBe(1);
  });

  it('is late when there is no connection in time, and sends nothing', async () => {
    const bytes: Buffer[] = [];
    // Takes the connection and never answers the greeting of TLS.
    const port = await listen(net.createServer((socket) => socket.on('data', (chunk) => bytes.push(chunk))));
    expect(await post(port, { url: `https://127.0.0.1:${port}/`, startWithinMs: 100 })).toEqual({ kind: 'late' });
    expect(Buffer.concat(bytes).toString('latin1')).not.toContain('POST');
  });

  it('did not begin where nobody listens', async () => {
    const port = await listen(net.createServer());
    await new Promise((closed) => servers.pop()?.close(closed));
    expect(await post(port)).toEqual({ kind: 'failed', code: 'ECONNREFUSED', hasBegun: false });
  });

  it.each<[string, (socket: net.Socket) => unknown, string]>([
    ['hangs up without an answer', (socket) => socket.destroy(), 'ECONNRESET'],
    ['resets the connection', (socket) => socket.resetAndDestroy(), 'ECONNRESET'],
    ['never answers', () => undefined, 'ETIMEDOUT'],
    ['answers what is no HTTP', (socket) => socket.end('hello\r\n\r\n'), 'HPE_INVALID_CONSTANT'],
    [
      'stops in the middle of its answer',
      (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf'),
      'ECONNRESET',
    ],
    [
      'drips its answer without end',
      (socket) => {
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n');
        const drip = setInterval(() => socket.write('.'), 20);
        socket.on('close', () => clearInterval(drip)).on('error', () => undefined);
      },
      'ETIMEDOUT',
    ],
  ])('may have begun where the other side %s', async (_what, act, code) => {
    const port = await listen(net.createServer((socket) => socket.once('data', () => act(socket))));
    const more = code === 'ETIMEDOUT' ? { answerWithinMs: 300 } : {};
    expect(await post(port, more)).toEqual({ kind: 'failed', code, hasBegun: true });
  });

  it('reads no more of an answer than was asked for', async () => {
    const port = await listen(
      http.createServer((_request, response) => void response.end('x'.repeat(ANSWER_BYTES_MAX + 1))),
    );
    expect(await post(port)).toMatchObject({ kind: 'answered', status: 200, body: null });
  });

  it('goes to no private address but on one’s own machine', async () => {
    const port = await listen(http.createServer((_request, response) => void response.end()));
    const careful = new Exchanges(false);
    for (const url of [`http://example.com/`, `https://127.0.0.1:${port}/`]) {
      const request = { url, headers: {}, body: '', startWithinMs: 1_000, answerWithinMs: 1_000, answerBytesMax: 10 };
      await expect(careful.post(request)).rejects.toThrow(ForbiddenAddressError);
    }
    careful.close();
  });
});
