import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { ProviderAccounts } from '../../src/modules/providers/index.js';
import { Database } from '../../src/platform/database/database.js';
import { createTestApp } from '../support/app.js';
import { clientOf, type Answer } from '../support/client.js';

const GRID = { key: 'grid', kind: 'sendgrid', credentials: { api_key: 'SG.first' } };

describe('accounts with providers', () => {
  let app: NestFastifyApplication;
  let api: ReturnType<typeof clientOf>;
  beforeAll(async () => {
    app = await createTestApp();
    api = clientOf(app);
  });
  afterAll(() => app.close());
  beforeEach(() => app.get(Database).query({ text: 'delete from provider_accounts' }));

  type View = { state: string; callback_url: string };
  const viewOf = async (answer: Promise<Answer>): Promise<View> => (await answer).body;
  const act = (what: string, key = 'grid') => viewOf(api.post(`/api/providers/${key}/${what}`, {}));
  async function list(query = ''): Promise<{ keys: readonly string[]; cursor: string | null }> {
    const page: { data: { key: string }[]; next_cursor: string | null } = (await api.get(`/api/providers${query}`))
      .body;
    return { keys: page.data.map(({ key }) => key), cursor: page.next_cursor };
  }
  const accounts = (): ProviderAccounts => app.get(ProviderAccounts);
  function pathsOf({ body }: Answer): readonly string[] {
    const { errors }: { errors: { path: string }[] } = body;
    return errors.map(({ path }) => path).sort();
  }

  it('are shown without their credentials, which lie sealed in the database', async () => {
    const made = await api.post('/api/providers', GRID);
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({
      ...{ key: 'grid', kind: 'sendgrid', channel: 'email', state: 'active', priority: 100, per_second: null },
      credentials: ['api_key'],
      callback_url: expect.stringMatching(/\/callbacks\/grid\/[\w-]{32}$/),
    });
    expect(await api.get('/api/providers/grid')).toMatchObject({ status: 200, body: made.body });
    const [row] = await app.get(Database).query({ text: 'select * from provider_accounts' });
    expect(JSON.stringify([row, made.body])).not.toContain('SG.first');
    expect(await accounts().find('grid')).toMatchObject({ credentials: { api_key: 'SG.first' } });
  });

  it('opens no credentials that were moved to another account', async () => {
    await api.post('/api/providers', GRID);
    await api.post('/api/providers', { ...GRID, key: 'other' });
    await app.get(Database).query({
      text: `update provider_accounts set credentials = (select credentials from provider_accounts where key = 'grid')
        where key = 'other'`,
    });
    await expect(accounts().find('other')).rejects.toThrow();
  });

  it.each<[string, object, readonly string[]]>([
    [
      'lacks what its kind needs',
      { kind: 'twilio', credentials: {} },
      ['credentials.auth_token', 'settings.account_sid', 'settings.from'],
    ],
    ['has what its kind does not know', { settings: { region: 'eu' } }, ['settings.region']],
    ['is of another channel', { channel: 'sms' }, ['channel']],
    [
      'does not say which of several channels',
      { kind: 'standard_webhooks', credentials: { callback_secret: 'x' } },
      ['channel'],
    ],
    ['is of no known kind', { kind: 'pigeon' }, ['kind']],
    ['has an empty secret', { credentials: { api_key: '' } }, ['credentials.api_key']],
    ['may send none a second', { per_second: 0 }, ['per_second']],
  ])('is refused when it %s', async (_what, more, paths) => {
    const refused = await api.post('/api/providers', { ...GRID, ...more });
    expect(refused.status).toBe(400);
    expect(pathsOf(refused)).toEqual(paths);
    expect((await list()).keys).toEqual([]);
  });

  it('has a key of its own', async () => {
    await api.post('/api/providers', GRID);
    expect(await api.post('/api/providers', GRID)).toMatchObject({ status: 409, body: { code: 'PROVIDER_KEY_TAKEN' } });
  });

  it('replaces settings as a whole and the credentials that are named', async () => {
    await api.post('/api/providers', { ...GRID, credentials: { api_key: 'SG.first', callback_key: 'public' } });
    const changed = await api.put('/api/providers/grid', {
      ...{ settings: { base_url: 'http://127.0.0.1:1' }, credentials: { api_key: 'SG.second' } },
      ...{ priority: 5, per_second: 2.5 },
    });
    expect(changed).toMatchObject({ status: 200, body: { priority: 5, per_second: 2.5 } });
    expect(await accounts().find('grid')).toMatchObject({
      settings: { base_url: 'http://127.0.0.1:1' },
      credentials: { api_key: 'SG.second', callback_key: 'public' },
    });
    const refused = await api.put('/api/providers/grid', { credentials: { nonsense: 'x' } });
    expect(refused.status).toBe(400);
    expect(pathsOf(refused)).toEqual(['credentials.nonsense']);
  });

  it('has its place among those of its channel by priority, then by key', async () => {
    const register = (key: string, priority: number) => api.post('/api/providers', { ...GRID, key, priority });
    await Promise.all([register('late', 9), register('b', 1), register('a', 1), register('first', 0)]);
    expect((await act('pause', 'first')).state).toBe('paused');
    const states = async () => (await accounts().of('email')).map(({ key, state }) => `${key} ${state}`);
    expect(await states()).toEqual(['first paused', 'a active', 'b active', 'late active']);
    expect((await act('resume', 'first')).state).toBe('active');
    expect((await states())[0]).toBe('first active');
    expect(await accounts().of('sms')).toEqual([]);
  });

  it('gets another address for its callbacks', async () => {
    const before = await viewOf(api.post('/api/providers', GRID));
    const after = await act('rotate');
    expect(after.callback_url).not.toBe(before.callback_url);
    expect((await accounts().find('grid'))?.pathToken).toBe(after.callback_url.split('/').at(-1));
  });

  it('is gone when it is removed', async () => {
    await api.post('/api/providers', GRID);
    expect((await api.remove('/api/providers/grid')).status).toBe(204);
    for (const answer of [api.get('/api/providers/grid'), api.remove('/api/providers/grid')]) {
      expect(await answer).toMatchObject({ status: 404, body: { code: 'PROVIDER_UNKNOWN' } });
    }
    expect(await accounts().find('grid')).toBeNull();
  });

  it('is listed page by page, by channel too', async () => {
    for (const key of ['one', 'two', 'three']) await api.post('/api/providers', { ...GRID, key });
    const first = await list('?limit=2');
    expect(first.keys).toEqual(['three', 'two']);
    expect((await list(`?limit=2&cursor=${first.cursor}`)).keys).toEqual(['one']);
    expect((await list('?channel=sms')).keys).toEqual([]);
  });

  it('leaves a trace of every change, without a secret', async () => {
    await api.post('/api/providers', GRID);
    await act('pause');
    await api.put('/api/providers/grid', { credentials: { api_key: 'SG.second' } });
    await api.remove('/api/providers/grid');
    const log = await app.get(Database).query<{ action: string; detail: unknown }>({
      text: `select action, detail from audit_log where subject = 'grid' order by id desc limit 4`,
    });
    expect(log.map(({ action }) => action)).toEqual(
      ['remove', 'change', 'pause', 'create'].map((action) => `provider.${action}`),
    );
    expect(JSON.stringify(log)).not.toContain('SG.');
  });
});
