import { connect, type AddressInfo, type Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import Fastify, { type FastifyInstance } from 'fastify';

import { limitBodyTime } from './body-time.js';
import { readBodies } from './body.js';

const HEAD = 'host: a\r\ncontent-length: 9\r\ncontent-type: ';

describe('limitBodyTime', () => {
  let server: FastifyInstance;
  beforeAll(async () => {
    server = Fastify();
    readBodies(server);
    limitBodyTime(server, 50);
    server.post('/json', async () => 'done');
    server.post('/refusing', { onRequest: (_request, reply) => void reply.code(401).send('no') }, async () => 'done');
    const takesLines = { config: { takesLines: true } };
    server.post('/lines', takesLines, async (request) => (await text(request.body as Readable)).length);
    server.post('/refusing-lines', takesLines, async (_request, reply) => reply.code(401).send('no'));
    await server.listen({ host: '127.0.0.1', port: 0 });
  });
  afterAll(() => server.close());

  function open(path: string, type: string): Socket {
    const { port } = server.server.address() as AddressInfo;
    const socket = connect(port, '127.0.0.1');
    socket.write(`POST ${path} HTTP/1.1\r\n${HEAD}${type}\r\n\r\n{"a"`);
    return socket;
  }

  it('ends a request whose body does not come', async () => {
    const answer = await text(open('/json', 'application/json'));
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    expect(answer).toContain('"code":"REQUEST_TIMEOUT"');
  });

  it.each([
    ['/refusing', 'application/json'],
    ['/refusing-lines', 'text/csv'],
  ])('ends the connection when the rest of a body does not come after the answer: %s', async (path, type) => {
    // Resolves once the server has ended the connection, in whichever way.
    const socket = open(path, type);
    const answer = await text(socket).catch(() => 'HTTP/1.1 401 cut');
    expect(answer).toMatch(/^HTTP\/1\.1 401 /);
  });

  it('leaves time to a route that reads lines as they come', async () => {
    const slow = open('/lines', 'text/csv');
    // The other request was begun later and is given up: so the time of this one is over, and it still goes on.
    await text(open('/json', 'application/json'));
    slow.end(':"b"}');
    expect(await text(slow)).toMatch(/^HTTP\/1\.1 200 .*\r\n\r\n9$/s);
  });

  it('does nothing to a body that comes', async () => {
    const { port } = server.server.address() as AddressInfo;
    const headers = { 'content-type': 'application/json' };
    expect((await fetch(`http://127.0.0.1:${port}/json`, { method: 'POST', body: '{}', headers })).status).toBe(200);
  });
});
