import type { Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { jest } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Database } from '../../src/platform/database/database.js';
import { IdempotencyRepository } from '../../src/platform/http/idempotency.repository.js';
import { Log } from '../../src/platform/observability/log.js';
import { createTestApp } from '../support/app.js';
import { clientOf, type Client } from '../support/client.js';

describe('HTTP', () => {
  let app: NestFastifyApplication;
  let api: Client;
  beforeAll(async () => {
    app = await createTestApp();
    api = clientOf(app);
  });
  afterAll(async () => {
    await app.close();
  });

  const count = async (externalId: string): Promise<number> => {
    const text = 'select 1 from users where external_id = $1';
    return (await app.get(Database).query({ text, values: [externalId] })).length;
  };

  it('without authentication lets no other site change anything, body or not', async () => {
    for (const site of ['cross-site', 'same-site']) {
      const refused = await api.post('/api/users', { external_id: 'csrf' }, { 'sec-fetch-site': site });
      expect(refused).toMatchObject({ status: 403, body: { code: 'FOREIGN_SITE' } });
    }
    expect(await count('csrf')).toBe(0);
    const own = await api.post('/api/users', { external_id: 'csrf' }, { 'sec-fetch-site': 'same-origin' });
    expect(own.status).toBe(201);
  });

  describe('Idempotency-Key', () => {
    it('answers the same request again with the first answer, marked, and does it once', async () => {
      const request = () => api.post('/api/users', { external_id: 'repeat' }, { 'idempotency-key': 'one' });
      const first = await request();
      const second = await request();
      expect([first.status, second.status]).toEqual([201, 201]);
      expect(second.body).toEqual(first.body);
      expect(first.headers['idempotency-replayed']).toBeUndefined();
      expect(second.headers['idempotency-replayed']).toBe('true');
      expect(await count('repeat')).toBe(1);
    });

    it('does a request once, however many send it at the same time', async () => {
      const answers = await Promise.all(
        Array.from({ length: 10 }, () =>
          api.post('/api/users/batch', { users: [{ external_id: 'at-once' }] }, { 'idempotency-key': 'two' }),
        ),
      );
      const statuses = new Set(answers.map(({ status }) => status));
      expect([...statuses].every((status) => status === 200 || status === 409)).toBe(true);
      const done = answers.filter(
        ({ headers, status }) => status === 200 && headers['idempotency-replayed'] === undefined,
      );
      expect(done).toHaveLength(1);
      expect(done[0]?.body).toMatchObject({ results: [{ status: 'created' }] });
    });

    it('refuses the key for another body or another address with 422', async () => {
      await api.post('/api/users', { external_id: 'reused' }, { 'idempotency-key': 'three' });
      const otherBody = await api.post('/api/users', { external_id: 'other' }, { 'idempotency-key': 'three' });
      const otherPath = await api.post(
        '/api/users/batch',
        { users: [{ external_id: 'x' }] },
        { 'idempotency-key': 'three' },
      );
      for (const refused of [otherBody, otherPath]) {
        expect(refused).toMatchObject({ status: 422, body: { code: 'IDEMPOTENCY_KEY_REUSED' } });
      }
      expect(await count('other')).toBe(0);
    });

    it('forgets a refused request, so that it can be corrected under the same key', async () => {
      const wrong = await api.post('/api/users', { email: 'no' }, { 'idempotency-key': 'four' });
      expect(wrong.status).toBe(400);
      const right = await api.post('/api/users', { email: 'yes@example.com' }, { 'idempotency-key': 'four' });
      expect(right.status).toBe(201);
    });

    it('takes over from a process that died in the middle, but not before its time is up', async () => {
      const database = app.get(Database);
      const request = () => api.post('/api/users', { external_id: 'orphan' }, { 'idempotency-key': 'five' });
      expect((await request()).status).toBe(201);
      await database.query({ text: `update idempotency_keys set status = null, body = null where key = 'five'` });
      expect(await request()).toMatchObject({ status: 409, body: { code: 'REQUEST_IN_PROGRESS' } });
      await database.query({
        text: `update idempotency_keys set locked_until = date_trunc('milliseconds', clock_timestamp()) where key = 'five'`,
      });
      expect(await request()).toMatchObject({ status: 409, body: { code: 'EXTERNAL_ID_TAKEN' } });
    });

    it('keeps answers for two days', async () => {
      const database = app.get(Database);
      await api.post('/api/users', { external_id: 'kept' }, { 'idempotency-key': 'six' });
      const age = (interval: string) =>
        database.query({
          text: `update idempotency_keys set created_at = date_trunc('milliseconds', clock_timestamp()) - interval '${interval}' where key = 'six'`,
        });
      const rows = () => database.query({ text: `select 1 from idempotency_keys where key = 'six'` });
      await age('47 hours');
      await app.get(IdempotencyRepository).purge();
      expect(await rows()).toHaveLength(1);
      await age('49 hours');
      await app.get(IdempotencyRepository).purge();
      expect(await rows()).toHaveLength(0);
    });
  });

  describe('the Host header without authentication', () => {
    it.each(['localhost', 'localhost:8000', '127.0.0.1:8000', '127.8.8.8', '[::1]:8000', 'LOCALHOST'])(
      'answers %s',
      async (host) => {
        expect((await app.inject({ url: '/api/users', headers: { host } })).statusCode).toBe(200);
      },
    );
    it.each([
      'evil.example',
      'localhost.evil.example',
      '127.0.0.1.evil.example',
      '192.168.1.1',
      '0.0.0.0:8000',
      'evil.example:8000',
    ])('refuses %s, with whatever path', async (host) => {
      for (const url of ['/api/users', '/metrics', '/docs', '/nothing']) {
        const refused = await app.inject({ url, headers: { host } });
        expect([url, refused.statusCode]).toEqual([url, 403]);
        expect(refused.json()).toMatchObject({ code: 'HOST_NOT_ALLOWED' });
      }
    });
  });

  it('sends safe headers and a request id, the caller’s own where it can be printed', async () => {
    const { headers } = await app.inject({ url: '/api/users', headers: { 'x-request-id': 'caller-1' } });
    expect(headers).toMatchObject({
      'x-request-id': 'caller-1',
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    });
    const other = await app.inject({ url: '/api/users', headers: { 'x-request-id': 'a b "c"' } });
    expect(other.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('answers an unknown path with 404 and a wrong method with 405 and what is allowed', async () => {
    expect(await api.get('/api/nothing')).toMatchObject({
      status: 404,
      body: { code: 'NOT_FOUND', instance: '/api/nothing' },
    });
    const wrong = await api.put('/api/users', {});
    expect(wrong).toMatchObject({ status: 405, body: { code: 'METHOD_NOT_ALLOWED' } });
    expect(wrong.headers['allow']).toBe('GET, HEAD, POST');
  });

  it('never shows the query in an error, since it may hold an address', async () => {
    const refused = await api.get('/api/users?email=jane@example.com&nonsense=1');
    expect(JSON.stringify(refused.body)).not.toContain('jane@example.com');
  });

  it('answers 503 with Retry-After while the database cannot answer', async () => {
    const database = app.get(Database);
    const query = database.query.bind(database);
    const broken = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    database.query = () => Promise.reject(broken);
    try {
      const refused = await api.get('/api/users');
      expect(refused).toMatchObject({ status: 503, body: { code: 'UNAVAILABLE' } });
      expect(refused.headers['retry-after']).toBe('1');
      expect((await api.get('/api/ready')).body).toMatchObject({ status: 'unavailable', database: 'unavailable' });
      expect((await api.get('/api/health')).status).toBe(200);
    } finally {
      database.query = query;
    }
  });

  it('answers 503 with Retry-After when a lock does not come free in time', async () => {
    const id = await api.user();
    await app.get(Database).transaction(async (transaction) => {
      await transaction.query({ text: 'select from contact_state where user_id = $1 for update', values: [id] });
      const consent = { user_id: id, channel: 'email', status: 'granted', source: 'spec' };
      const refused = await api.post('/api/consents', consent);
      expect(refused).toMatchObject({ status: 503, body: { code: 'UNAVAILABLE' } });
      expect(refused.headers['retry-after']).toBe('1');
    });
  }, 120_000);

  it('answers a bug with 500, an id, and no other word about it', async () => {
    const database = app.get(Database);
    const query = database.query.bind(database);
    database.query = () => Promise.reject(new Error('secret detail'));
    try {
      const refused = await api.get('/api/users');
      expect(refused).toMatchObject({
        status: 500,
        body: { code: 'INTERNAL_ERROR', error_id: expect.any(String) as string },
      });
      expect(JSON.stringify(refused.body)).not.toContain('secret');
    } finally {
      database.query = query;
    }
  });

  it('describes itself: pages at /docs, every body with an example or fields, every refusal as a problem', async () => {
    const page = await app.inject({ url: '/docs' });
    expect(page.statusCode).toBe(200);
    expect(page.headers['content-security-policy']).toContain("script-src 'self'");
    const document = (await app.inject({ url: '/docs-json' })).json<{
      openapi: string;
      paths: Record<string, Record<string, { responses: Record<string, { content?: object }>; summary?: string }>>;
    }>();
    expect(document.openapi).toMatch(/^3\./);
    for (const [path, operations] of Object.entries(document.paths)) {
      for (const [method, { responses, summary }] of Object.entries(operations)) {
        expect([method, path, summary]).toEqual([method, path, expect.any(String)]);
        for (const [status, { content }] of Object.entries(responses)) {
          if (Number(status) >= 400) expect(Object.keys(content ?? {})).toEqual(['application/problem+json']);
        }
      }
    }
  });

  describe('over a bare socket', () => {
    let port: number;
    beforeAll(async () => {
      await app.listen(0, '127.0.0.1');
      port = (app.getHttpServer().address() as AddressInfo).port;
    });

    /** Everything that comes back until the server closes, or until the first answer is whole. */
    function say(text: string): Promise<string> {
      return new Promise((resolve, reject) => {
        const socket = connect(port, '127.0.0.1', () => socket.write(text));
        let answer = '';
        socket.on('data', (part) => {
          answer += part.toString();
          if (answer.endsWith('}')) socket.destroy();
        });
        socket.on('close', () => resolve(answer));
        socket.on('error', reject);
      });
    }

    it.each<[string, string, number]>([
      ['no HTTP', 'GARBAGE\r\n\r\n', 400],
      ['an address that cannot be decoded', 'GET /%zz HTTP/1.1\r\nHost: localhost\r\n\r\n', 400],
      ['headers of 20 KB', `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'a'.repeat(20_000)}\r\n\r\n`, 431],
      ['a body without a type', 'POST /api/users HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}', 415],
      ['no Host', 'GET /api/users HTTP/1.0\r\n\r\n', 403],
    ])('answers %s with a problem', async (_what, text, status) => {
      const answer = await say(text);
      expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
      expect(answer.toLowerCase()).toContain('content-type: application/problem+json');
      expect(answer).toContain(`"status":${status}`);
    });

    it('takes a request that breaks off for no fault of ours', async () => {
      const failures = jest.spyOn(app.get(Log), 'error').mockReturnValue();
      const server = app.getHttpServer() as Server;
      const connections = () => new Promise<number>((resolve) => server.getConnections((_, count) => resolve(count)));
      const head = 'Content-Type: application/json\r\nContent-Length: 50\r\nExpect: 100-continue';
      const socket = connect(port, '127.0.0.1');
      socket.write(`POST /api/users HTTP/1.1\r\nHost: localhost\r\n${head}\r\n\r\n`);
      await new Promise((resolve) => socket.once('data', resolve));
      await new Promise((resolve) => socket.write('{"a":', resolve));
      const before = await connections();
      socket.destroy();
      while ((await connections()) >= before) await new Promise((resolve) => setImmediate(resolve));
      await new Promise((resolve) => setImmediate(resolve));
      expect(failures.mock.calls).toEqual([]);
      failures.mockRestore();
    });
  });

  it('measures requests by route, never by path', async () => {
    const id = await api.user({ external_id: 'measured' });
    await api.get(`/api/users/${id}`);
    await api.get('/api/users/ext:measured');
    const metrics = (await api.get('/metrics')).body as string;
    expect(metrics).toMatch(
      /tactful_http_request_seconds_count\{method="GET",route="\/api\/users\/:id",status="200"\} 2/,
    );
    expect(metrics).not.toContain(id);
    expect(metrics).toContain('process_cpu_seconds_total');
  });
});
