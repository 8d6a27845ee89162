import { jest } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { UserHooks } from '../../src/modules/users/index.js';
import { UsersRepository } from '../../src/modules/users/users.repository.js';
import { Database } from '../../src/platform/database/database.js';
import { createTestApp } from '../support/app.js';
import { clientOf, type Answer, type Client } from '../support/client.js';

const UNKNOWN_ID = '01890a5d-ac96-774b-bcce-b302099a8057';
const ROUNDS = 20;

describe('users', () => {
  let app: NestFastifyApplication;
  let api: Client;
  beforeAll(async () => {
    app = await createTestApp();
    api = clientOf(app);
  });
  afterAll(async () => {
    await app.close();
  });

  const rows = <Row extends object>(text: string, ...values: unknown[]): Promise<readonly Row[]> =>
    app.get(Database).query<Row>({ text, values });

  it('stores a user with the row that all contacts lock, and reads it back by both ids', async () => {
    const created = await api.post('/api/users', {
      external_id: 'both/ids?',
      email: 'Jane@Example.com',
      phone: '+12025550123',
      name: 'Jane Doe',
      lifecycle_stage: 'trial',
      timezone: 'Europe/Berlin',
      locale: 'de-AT',
      attributes: { plan: 'pro', nested: { seats: 3 } },
    });
    expect(created).toMatchObject({
      status: 201,
      body: { email: 'Jane@Example.com', timezone: 'Europe/Berlin', attributes: { plan: 'pro', nested: { seats: 3 } } },
    });
    const { id } = created.body;
    const shown = { ...(created.body as object), hold: null };
    expect((await api.get(`/api/users/${id as string}`)).body).toEqual(shown);
    expect((await api.get(`/api/users/ext:${encodeURIComponent('both/ids?')}`)).body).toEqual(shown);
    expect(await rows('select user_id from contact_state where user_id = $1', id)).toHaveLength(1);
  });

  it('stores hostile but legal text verbatim', async () => {
    const name = `Robert'); DROP TABLE users;-- <script>alert(1)</script> {{ 7 | times: 7 }} %s \\ 😀 ‮`;
    const id = await api.user({ name, attributes: { note: 'line one\r\nline two', [name]: name } });
    expect((await api.get(`/api/users/${id}`)).body).toMatchObject({
      name,
      attributes: { note: 'line one\r\nline two', [name]: name },
    });
  });

  it.each<[string, object, string]>([
    ['line break in the e-mail address', { email: 'a@example.com\r\nBcc: b@example.com' }, 'email'],
    ['line break in the name', { email: 'a@example.com', name: 'A\r\nBcc: b@example.com' }, 'name'],
    ['line break in the external id', { external_id: 'a\nb' }, 'external_id'],
    ['no zone', { email: 'a@example.com', timezone: 'Mars/Olympus' }, 'timezone'],
    ['an offset for a zone', { email: 'a@example.com', timezone: '+02:00' }, 'timezone'],
    ['no language tag', { email: 'a@example.com', locale: 'deutsch!' }, 'locale'],
    ['no E.164 number', { phone: '030 123456' }, 'phone'],
    ['attributes of 33 KB', { email: 'a@example.com', attributes: { a: 'x'.repeat(33_000) } }, 'attributes'],
    ['a field in camelCase', { email: 'a@example.com', lifecycleStage: 'trial' }, 'lifecycleStage'],
    ['nothing to find the user by', { name: 'Nobody' }, 'external_id'],
  ])('refuses %s with its path', async (_what, payload, path) => {
    const refused = await api.post('/api/users', payload);
    expect(refused).toMatchObject({ status: 400, body: { code: 'INVALID_INPUT', errors: [{ path }] } });
  });

  it('answers 409 for a taken external_id, also when both come at once', async () => {
    const attempts = await Promise.all(
      Array.from({ length: 8 }, () => api.post('/api/users', { external_id: 'taken', email: 'a@example.com' })),
    );
    expect(attempts.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409, 409, 409, 409]);
    expect(attempts.find(({ status }) => status === 409)?.body).toMatchObject({ code: 'EXTERNAL_ID_TAKEN' });
    expect(await rows(`select id from users where external_id = 'taken'`)).toHaveLength(1);
  });

  it('lets two users share an e-mail address', async () => {
    const [one, two] = [
      await api.user({ email: 'shared@example.com' }),
      await api.user({ email: 'Shared@Example.com' }),
    ];
    const found = await api.get('/api/users?email=SHARED@example.com');
    expect((found.body as { data: { id: string }[] }).data.map(({ id }) => id)).toEqual([one, two]);
    expect(
      (await rows<{ h: string }>(`select distinct email_hash as h from users where id in ($1, $2)`, one, two)).length,
    ).toBe(1);
  });

  it('replaces the whole profile, but keeps the external id', async () => {
    const id = await api.user({ external_id: 'kept', email: 'old@example.com', name: 'Old', attributes: { a: 1 } });
    const replaced = await api.put(`/api/users/${id}`, { email: 'new@example.com' });
    expect(replaced).toMatchObject({
      status: 200,
      body: { id, external_id: 'kept', email: 'new@example.com', name: null, attributes: {} },
    });
  });

  it('makes a user who is put under an unknown external id, and knows no unknown UUID', async () => {
    expect(await api.put('/api/users/ext:put-new', { email: 'a@example.com' })).toMatchObject({
      status: 201,
      body: { external_id: 'put-new' },
    });
    expect(await api.put('/api/users/ext:put-new', { email: 'b@example.com' })).toMatchObject({ status: 200 });
    expect(await api.put(`/api/users/${UNKNOWN_ID}`, {})).toMatchObject({
      status: 404,
      body: { code: 'USER_UNKNOWN' },
    });
    const other = await api.user();
    expect(await api.put(`/api/users/${other}`, { external_id: 'put-new' })).toMatchObject({ status: 409 });
  });

  it('pages through a list without a gap or a repetition', async () => {
    for (let count = 0; count < 5; count += 1) await api.user({ email: 'paged@example.com' });
    const seen: string[] = [];
    let cursor = '';
    do {
      const page = (await api.get(`/api/users?email=paged@example.com&limit=2${cursor}`)).body as {
        data: { id: string }[];
        next_cursor: string | null;
      };
      seen.push(...page.data.map(({ id }) => id));
      cursor = page.next_cursor === null ? '' : `&cursor=${page.next_cursor}`;
    } while (cursor !== '');
    expect(new Set(seen).size).toBe(5);
    expect(seen).toHaveLength(5);
  });

  it('imports a batch by external id: created, then updated, all or none', async () => {
    const users = Array.from({ length: 500 }, (_, index) => ({ external_id: `batch-${index}`, attributes: { index } }));
    const created = (await api.post('/api/users/batch', { users })).body as {
      results: { status: string; id: string }[];
    };
    expect(created.results).toHaveLength(500);
    expect(created.results.every(({ status }) => status === 'created')).toBe(true);
    const again = (await api.post('/api/users/batch', { users })).body as typeof created;
    expect(again.results.map(({ id }) => id)).toEqual(created.results.map(({ id }) => id));
    expect(again.results.every(({ status }) => status === 'updated')).toBe(true);
    const states = `select count(*)::int as n from contact_state join users on id = user_id where external_id like 'batch-%'`;
    expect(await rows(states)).toEqual([{ n: 500 }]);
    const broken = [
      { external_id: 'batch-new' },
      { external_id: 'batch-bad', email: 'no' },
      { external_id: 'batch-new' },
    ];
    expect(await api.post('/api/users/batch', { users: broken })).toMatchObject({
      status: 400,
      body: { errors: [{ path: 'users[1].email' }, { path: 'users[2].external_id' }] },
    });
    const twice = [{ external_id: 'batch-twice' }, { external_id: 'batch-twice' }];
    expect(await api.post('/api/users/batch', { users: twice })).toMatchObject({
      status: 400,
      body: { errors: [{ path: 'users[1].external_id' }] },
    });
    expect(await rows(`select id from users where external_id in ('batch-new', 'batch-twice')`)).toEqual([]);
  });

  it('imports overlapping batches at once without a deadlock', async () => {
    const forwards = Array.from({ length: 200 }, (_, index) => ({ external_id: `overlap-${index}` }));
    const backwards = [...forwards].reverse();
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        api.post('/api/users/batch', { users: index % 2 ? forwards : backwards }),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 200));
  });

  it.each<[string, (profiles: readonly object[]) => Promise<Answer>]>([
    ['a batch', (users) => api.post('/api/users/batch', { users })],
    ['one by one', async ([profile]) => api.put('/api/users/ext:synced-0', profile ?? {})],
  ])('tells nobody of a profile that is written again as it was: %s', async (_what, write) => {
    const profiles = Array.from({ length: 3 }, (_, index) => ({
      external_id: `synced-${index}`,
      email: `synced-${index}@example.com`,
      attributes: { plan: 'pro', nested: { seats: 3, level: 1 } },
    }));
    await api.post('/api/users/batch', { users: profiles });
    const [{ id } = { id: '' }] = await rows<{ id: string }>(`select id from users where external_id = 'synced-0'`);
    const change = jest.spyOn(app.get(UserHooks), 'change');
    const told = (): unknown[] => change.mock.calls.flatMap(([, ids]) => [...ids]);
    try {
      const reordered = profiles.map((each) => ({
        ...each,
        attributes: { nested: { level: 1, seats: 3 }, plan: 'pro' },
      }));
      expect((await write(reordered)).status).toBe(200);
      expect(told()).toEqual([]);
      const moved = reordered.map((each, index) => (index === 0 ? { ...each, timezone: 'Asia/Tokyo' } : each));
      expect((await write(moved)).status).toBe(200);
      expect(told()).toEqual([id]);
    } finally {
      change.mockRestore();
    }
  });

  it('imports beside events about the same people without a deadlock, whatever their order', async () => {
    // Ids ascend while external ids descend: whoever locks by the one meets whoever locks by the other.
    const externalIds = Array.from({ length: 100 }, (_, index) => `crossed-${999 - index}`);
    for (const external_id of externalIds) await api.user({ external_id });
    const users = externalIds.map((external_id) => ({ external_id }));
    const events = externalIds.map((external_id) => ({ user_id: `ext:${external_id}`, event_name: 'crossed' }));
    const upsert = jest.spyOn(app.get(UsersRepository), 'upsert');
    const hold = jest.spyOn(app.get(UsersRepository), 'holdAlone');
    try {
      for (let round = 0; round < ROUNDS; round += 1) {
        const batches = [users, [...users].reverse()].map((each) => api.post('/api/users/batch', { users: each }));
        const taken = [events, [...events].reverse()].map((each) => api.post('/api/events', { events: each }));
        const answers = await Promise.all([...batches, ...taken]);
        expect(answers.map(({ status }) => status)).toEqual([200, 200, 202, 202]);
      }
      // A deadlock would have been repeated, and so called more often.
      expect([upsert.mock.calls.length, hold.mock.calls.length]).toEqual([2 * ROUNDS, 2 * ROUNDS]);
    } finally {
      upsert.mockRestore();
      hold.mockRestore();
    }
  }, 120_000);
});
