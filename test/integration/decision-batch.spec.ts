import { request, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Server } from 'node:http';
import { jest } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { BatchDecisions } from '../../src/modules/decisions/batch.service.js';
import { DecisionsService } from '../../src/modules/decisions/decisions.service.js';
import { Database } from '../../src/platform/database/database.js';
import { createTestApp } from '../support/app.js';
import { clientOf, type Client } from '../support/client.js';
import { stall } from '../support/concurrency.js';
import { consenting, makeActions } from '../support/marketing.js';
import { until } from '../support/until.js';

const URL = '/api/decisions/next-best-action/batch';
const POOL = 6;
/** Many specs share two cores. */
const SETUP_MS_MAX = 120_000;
const UNKNOWN = '01890a5d-ac96-774b-bcce-b302099a8057';

interface Line {
  readonly kind: string;
  readonly index?: number;
  readonly done?: number;
  readonly code?: string;
}

describe('decisions about many users', () => {
  let app: NestFastifyApplication;
  let api: Client;
  let people: string[];

  beforeAll(async () => {
    app = await createTestApp({ DATABASE_POOL_MAX: String(POOL) });
    await app.listen(0, '127.0.0.1');
    api = clientOf(app);
    await makeActions(api, 'offer', 'tips');
    people = await Promise.all(Array.from({ length: 8 }, () => consenting(api)));
  }, SETUP_MS_MAX);
  afterEach(() => jest.restoreAllMocks());
  afterAll(async () => {
    await app.close();
  });

  async function ask(body: object): Promise<{ readonly type: unknown; readonly lines: readonly Line[] }> {
    const { status, headers, body: text } = await api.post(URL, body);
    expect(status).toBe(200);
    const lines = String(text).split('\n').slice(0, -1);
    return { type: headers['content-type'], lines: lines.map((line) => JSON.parse(line) as Line) };
  }
  const stored = async (): Promise<number> =>
    (await app.get(Database).query<{ n: number }>({ text: 'select count(*)::int as n from decisions' }))[0]?.n ?? 0;

  /** A reader on a real connection who takes only what it asks for. */
  function open(body: object): Promise<IncomingMessage> {
    const { port } = (app.getHttpServer() as Server).address() as AddressInfo;
    const headers = { 'content-type': 'application/json' };
    return new Promise((resolve, reject) => {
      const sent = request({ port, host: '127.0.0.1', path: URL, method: 'POST', headers, agent: false }, resolve);
      sent.on('error', reject);
      sent.end(JSON.stringify(body));
    });
  }

  it('answers one line for each user in the order that was asked, what failed included, and a sum', async () => {
    const silent = await api.user({ external_id: 'no-consent', email: 'silent@example.org' });
    const erased = await api.user();
    await api.remove(`/api/users/${erased}`);
    const { type, lines } = await ask({
      user_ids: [people[0], 'ext:nobody', 'ext:no-consent', UNKNOWN, erased, people[1], people[0]],
    });
    expect(type).toBe('application/x-ndjson');
    expect(lines).toEqual([
      {
        kind: 'decision',
        index: 0,
        reference: people[0],
        user_id: people[0],
        outcome: 'act',
        action: 'offer',
        channel: 'email',
        reason: null,
        until: null,
        decision_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        explanation: expect.stringContaining('offer on email was chosen for this user'),
      },
      { kind: 'error', index: 1, reference: 'ext:nobody', code: 'USER_UNKNOWN', detail: 'there is no such user' },
      expect.objectContaining({
        kind: 'decision',
        index: 2,
        reference: 'ext:no-consent',
        user_id: silent,
        outcome: 'do_nothing',
        action: 'none',
        channel: 'none',
        reason: 'CONSENT_MISSING',
      }),
      expect.objectContaining({ kind: 'error', index: 3, code: 'USER_UNKNOWN' }),
      expect.objectContaining({ kind: 'error', index: 4, code: 'USER_ERASED' }),
      expect.objectContaining({ kind: 'decision', index: 5, user_id: people[1] }),
      expect.objectContaining({ kind: 'decision', index: 6, user_id: people[0] }),
      { kind: 'end', done: 7, acts: 3, defers: 0, silences: 1, errors: 3 },
    ]);
    const id = (lines[0] as unknown as { decision_id: string }).decision_id;
    expect((await api.get(`/api/decisions/${id}`)).body).toMatchObject({ user_id: people[0], action: 'offer' });
  });

  it('stores nothing in a dry run', async () => {
    const before = await stored();
    const { lines } = await ask({ user_ids: people, dry_run: true, actions: ['tips'] });
    expect(lines[0]).toMatchObject({ action: 'tips', decision_id: null });
    expect(lines.at(-1)).toMatchObject({ kind: 'end', acts: people.length });
    expect(await stored()).toBe(before);
  });

  it('keeps the order also when the first is decided last, and tells progress while it waits', async () => {
    const decisions = app.get(DecisionsService);
    const slow = stall(decisions.nextBestAction.bind(decisions));
    const plain = decisions.nextBestAction.bind(decisions);
    jest
      .spyOn(decisions, 'nextBestAction')
      .mockImplementation((question) =>
        question.user.kind === 'id' && question.user.id === people[1] ? slow.call(question) : plain(question),
      );
    const answer = await open({ user_ids: people });
    const lines: Line[] = [];
    let rest = '';
    answer.setEncoding('utf8').on('data', (text: string) => {
      const parts = `${rest}${text}`.split('\n');
      rest = parts.pop() ?? '';
      lines.push(...parts.map((part) => JSON.parse(part) as Line));
    });
    await until(
      () => lines.some(({ kind }) => kind === 'progress'),
      60_000,
      () => `progress in ${JSON.stringify(lines)}`,
    );
    expect(lines).toMatchObject([
      { kind: 'decision', index: 0 },
      { kind: 'progress', done: 1, total: people.length },
    ]);
    slow.goOn();
    await until(
      () => lines.at(-1)?.kind === 'end',
      60_000,
      () => 'the end',
    );
    const told = lines.filter(({ kind }) => kind === 'decision').map(({ index }) => index);
    expect(told).toEqual(people.map((_, index) => index));
  });

  it('tells progress at least every 500 users', async () => {
    const { lines } = await ask({ user_ids: Array.from({ length: 1_001 }, (_, n) => `ext:nobody-${n}`) });
    const done = lines.flatMap((line) => (line.kind === 'progress' ? (line.done ?? 0) : []));
    expect(done.length).toBeGreaterThanOrEqual(2);
    const gaps = [...done, 1_001].map((count, at) => count - (done[at - 1] ?? 0));
    expect(Math.max(...gaps)).toBeLessThanOrEqual(500);
    expect(lines.at(-1)).toMatchObject({ kind: 'end', done: 1_001, errors: 1_001 });
  }, 120_000);

  it('decides about no more users at once than half of the connections, all batches together', async () => {
    const decisions = app.get(DecisionsService);
    const plain = decisions.nextBestAction.bind(decisions);
    let running = 0;
    let most = 0;
    jest.spyOn(decisions, 'nextBestAction').mockImplementation(async (question) => {
      running += 1;
      most = Math.max(most, running);
      try {
        return await plain(question);
      } finally {
        running -= 1;
      }
    });
    const twice = [...people, ...people];
    await Promise.all([ask({ user_ids: twice }), ask({ user_ids: twice })]);
    expect(most).toBe(POOL / 2);
  });

  it('decides about nobody else once the reader has gone', async () => {
    const decisions = app.get(DecisionsService);
    const stalled = stall(decisions.nextBestAction.bind(decisions));
    const plain = decisions.nextBestAction.bind(decisions);
    const asked: unknown[] = [];
    jest.spyOn(decisions, 'nextBestAction').mockImplementation((question) => {
      asked.push(question.user);
      return asked.length === 5 ? stalled.call(question) : plain(question);
    });
    const answer = await open({ user_ids: Array.from({ length: 2_000 }, (_, n) => people[n % people.length]) });
    answer.resume();
    await stalled.arrived;
    const closed = jest.spyOn(AbortController.prototype, 'abort');
    answer.destroy();
    await until(
      () => closed.mock.calls.length > 0,
      60_000,
      () => 'that the stream is closed',
    );
    const taken = asked.length;
    stalled.goOn();
    // One more goes through the same places: whatever was to come before it has come.
    await ask({ user_ids: [people[0], people[1], people[2], people[3]], dry_run: true });
    expect(asked.length).toBe(taken + 4);
  });

  it('takes up users only as fast as the answer is read', async () => {
    const decisions = app.get(DecisionsService);
    const view = await decisions.nextBestAction({
      user: { kind: 'id', id: people[0] ?? '' },
      actions: null,
      context: {},
      isDryRun: true,
      clockDomain: 'real',
    });
    const asked = jest.spyOn(decisions, 'nextBestAction');
    asked.mockImplementation(() => Promise.resolve({ ...view, explanation: 'x'.repeat(100_000) }));
    const answer = await open({ user_ids: Array.from({ length: 5_000 }, () => people[0]) });
    answer.pause();
    let before = -1;
    // All buffers between are full when nothing was taken up between two looks.
    await until(
      () => {
        const isStill = before === asked.mock.calls.length;
        before = asked.mock.calls.length;
        return isStill;
      },
      60_000,
      () => 'that it stands still',
    );
    expect(before).toBeLessThan(1_000);
    answer.destroy();
  }, 120_000);

  it('gives up on a user who takes too long, and goes on', async () => {
    const decisions = app.get(DecisionsService);
    const stalled = stall(decisions.nextBestAction.bind(decisions));
    const plain = decisions.nextBestAction.bind(decisions);
    const others: Promise<unknown>[] = [];
    jest.spyOn(decisions, 'nextBestAction').mockImplementation((question) => {
      if (question.user.kind === 'id' && question.user.id === people[2]) return stalled.call(question);
      const answer = plain(question);
      others.push(answer);
      return answer;
    });
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'performance', 'Date'] });
    try {
      const lines = ask({ user_ids: [people[0], people[2], people[1]] });
      await stalled.arrived;
      await Promise.all(others);
      await jest.advanceTimersByTimeAsync(10_000);
      expect((await lines).lines.filter(({ kind }) => kind !== 'progress')).toMatchObject([
        { index: 0, kind: 'decision' },
        { index: 1, kind: 'error', code: 'TIMED_OUT' },
        { index: 2, kind: 'decision' },
        { kind: 'end', done: 3, errors: 1 },
      ]);
    } finally {
      jest.useRealTimers();
      stalled.goOn();
    }
  });

  it('breaks off without a last line when the process stops', async () => {
    const decisions = app.get(DecisionsService);
    const stalled = stall(decisions.nextBestAction.bind(decisions));
    const plain = decisions.nextBestAction.bind(decisions);
    jest
      .spyOn(decisions, 'nextBestAction')
      .mockImplementation((question) =>
        question.user.kind === 'id' && question.user.id === people[2] ? stalled.call(question) : plain(question),
      );
    const batches = new BatchDecisions(decisions, { error: () => undefined } as never, {
      database: { url: '', poolMax: 2 },
      isProduction: false,
    });
    const users = [0, 2, 1].map((n) => ({ kind: 'id' as const, id: people[n] ?? '' }));
    const question = { users, actions: null, context: {}, isDryRun: true, clockDomain: 'real' };
    const lines = await batches.start(question, new AbortController().signal);
    const read = (async () => {
      const kinds: string[] = [];
      for await (const { kind } of lines) kinds.push(kind);
      return kinds;
    })();
    const ended = expect(read).rejects.toThrow();
    await stalled.arrived;
    batches.beforeApplicationShutdown();
    stalled.goOn();
    await ended;
  });

  it('answers with a problem, not with a stream, what concerns everybody', async () => {
    const refused = await api.post(URL, { user_ids: people, clock_domain: 'Wrong' });
    expect(refused).toMatchObject({ status: 400, body: { code: 'INVALID_INPUT', errors: [{ path: 'clock_domain' }] } });
    const many = await api.post(URL, { user_ids: Array.from({ length: 10_001 }, () => UNKNOWN) });
    expect(many).toMatchObject({ status: 400, body: { errors: [{ path: 'user_ids' }] } });
    expect(await api.post(URL, { user_ids: [] })).toMatchObject({ status: 400 });
    const repeatable = await api.post(URL, { user_ids: people }, { 'idempotency-key': 'batch' });
    expect(repeatable).toMatchObject({ status: 400, body: { detail: 'this route takes no Idempotency-Key' } });
    jest
      .spyOn(app.get(DecisionsService), 'nextBestAction')
      .mockRejectedValue(Object.assign(new Error('connection refused'), { code: 'ECONNREFUSED' }));
    const down = await api.post(URL, { user_ids: people });
    expect(down).toMatchObject({ status: 503, body: { code: 'UNAVAILABLE' } });
    expect(down.headers['content-type']).toMatch(/^application\/problem\+json/);
  });

  it('tells of a database that goes away in the middle, user by user', async () => {
    const decisions = app.get(DecisionsService);
    const plain = decisions.nextBestAction.bind(decisions);
    jest
      .spyOn(decisions, 'nextBestAction')
      .mockImplementation((question) =>
        question.user.kind === 'id' && question.user.id === people[0]
          ? plain(question)
          : Promise.reject(Object.assign(new Error('connection refused'), { code: 'ECONNREFUSED' })),
      );
    const { lines } = await ask({ user_ids: [people[0], people[1]] });
    expect(lines).toMatchObject([
      { kind: 'decision' },
      { kind: 'error', code: 'UNAVAILABLE' },
      { kind: 'end', errors: 1 },
    ]);
  });

  it(
    'is documented as a stream, and its refusals as problems',
    async () => {
      const { paths } = (await api.get('/docs-json')).body as {
        paths: Record<string, { post: { responses: Record<string, { content: object }> } }>;
      };
      const responses = paths[URL]?.post.responses ?? {};
      expect(Object.keys(responses['200']?.content ?? {})).toEqual(['application/x-ndjson']);
      expect(Object.keys(responses['400']?.content ?? {})).toEqual(['application/problem+json']);
    },
    SETUP_MS_MAX,
  );
});

describe('decisions about many users, with keys and in production', () => {
  it(
    'asks for the scope, and refuses a virtual clock',
    async () => {
      const key = 'spec-bootstrap-key-0123456789abcdef';
      const app = await createTestApp({ AUTH: 'required', BOOTSTRAP_API_KEY: key });
      try {
        expect((await clientOf(app).post(URL, { user_ids: [UNKNOWN] })).status).toBe(401);
        const admin = clientOf(app, { authorization: `Bearer ${key}` });
        const made = await admin.post('/api/api-keys', { name: 'reader', scopes: ['decisions:read'] });
        const reader = clientOf(app, { authorization: `Bearer ${(made.body as { secret: string }).secret}` });
        expect((await reader.post(URL, { user_ids: [UNKNOWN] })).status).toBe(403);
        expect((await admin.post(URL, { user_ids: [UNKNOWN] })).status).toBe(200);
      } finally {
        await app.close();
      }
      const batches = new BatchDecisions({} as DecisionsService, {} as never, {
        database: { url: '', poolMax: 2 },
        isProduction: true,
      });
      const question = { users: [], actions: null, context: {}, isDryRun: false, clockDomain: 'demo' };
      await expect(batches.start(question, new AbortController().signal)).rejects.toMatchObject({ status: 403 });
    },
    SETUP_MS_MAX,
  );
});
