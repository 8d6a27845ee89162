import { jest } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import pg from 'pg';
import { DecisionInputs } from '../../src/modules/decisions/index.js';
import { RunSignals } from '../../src/modules/journeys/index.js';
import { Database } from '../../src/platform/database/database.js';
import { createTestApp } from '../support/app.js';
import { clientOf, type Client } from '../support/client.js';
import { subscription } from '../support/subscription.js';

const UNKNOWN_ID = '01890a5d-ac96-774b-bcce-b302099a8057';
const BOOTSTRAP = 'spec-bootstrap-key-0123456789abcdef';

interface Device {
  readonly id: string;
  readonly user_id: string;
  readonly state: string;
  readonly last_seen_at: string;
  readonly created_at: string;
  readonly replaced: readonly string[];
}

describe('devices of a user', () => {
  let app: NestFastifyApplication;
  let api: Client;
  let userId: string;
  let tokens = 0;

  beforeAll(async () => {
    app = await createTestApp({ OUTBOX_POLL_MS: '60000' });
    jest.spyOn(app.get(RunSignals), 'kick').mockReturnValue();
    api = clientOf(app);
  });
  afterAll(async () => {
    await app.close();
  });
  beforeEach(async () => {
    userId = await api.user();
  });

  const newToken = (): string => `device-token-${(tokens += 1)}:APA91b`;
  const put = (body: object, user = userId) => api.put(`/api/users/${user}/devices`, body);
  const fcm = async (token: string, user = userId, more: object = {}): Promise<Device> =>
    (await put({ platform: 'fcm', token, ...more }, user)).body as Device;
  const listed = async (user = userId, query = ''): Promise<readonly Device[]> =>
    ((await api.get(`/api/users/${user}/devices?${query}`)).body as { data: Device[] }).data;
  const query = <Row extends object>(text: string, ...values: unknown[]): Promise<readonly Row[]> =>
    app.get(Database).query<Row>({ text, values });
  const audited = async (user = userId): Promise<readonly string[]> =>
    (await query<{ action: string }>('select action from audit_log where subject = $1 order by id', user)).map(
      ({ action }) => action,
    );
  const end = (id: string): Promise<unknown> =>
    query(
      `update user_devices set state = 'gone', address = null, gone_at = date_trunc('milliseconds', clock_timestamp()) where id = $1`,
      id,
    );

  it('are shown without what one could send with', async () => {
    const [token, browser] = [newToken(), subscription()];
    const first = await put({ platform: 'fcm', token, app: 'shop', label: 'Pixel 9' });
    const second = await put({ platform: 'webpush', subscription: browser });
    expect([first.status, second.status]).toEqual([201, 201]);
    expect(first.body).toMatchObject({ user_id: userId, app: 'shop', label: 'Pixel 9', state: 'active', replaced: [] });
    expect(await listed()).toMatchObject([
      { platform: 'webpush', hint: 'https://push.example.com', gone_at: null },
      { platform: 'fcm', hint: '…APA91b' },
    ]);
    const shown = JSON.stringify([first.body, second.body, await listed(), await query('select * from audit_log')]);
    for (const secret of [token, browser.endpoint, browser.keys.p256dh, browser.keys.auth]) {
      expect(shown).not.toContain(secret);
    }
  });

  it('are one however often they are seen; only the first time is news', async () => {
    const token = newToken();
    const first = await fcm(token);
    const again = await put({ platform: 'fcm', token, label: 'renamed' });
    expect([again.status, again.body]).toMatchObject([200, { id: first.id, label: 'renamed' }]);
    const { created_at: madeAt, last_seen_at: seenAt } = again.body as Device;
    expect(madeAt).toBe(first.created_at);
    expect(Date.parse(seenAt)).toBeGreaterThanOrEqual(Date.parse(first.last_seen_at));
    expect(await listed()).toHaveLength(1);
    expect(await audited()).toEqual(['device.register']);
  });

  it('are one by their endpoint, however it is written and whatever its keys', async () => {
    const endpoint = 'https://PUSH.example.com/send/a b';
    const first = (await put({ platform: 'webpush', subscription: subscription(endpoint) })).body as Device;
    const other = subscription('https://push.example.com:443/send/a%20b');
    expect((await put({ platform: 'webpush', subscription: other })).body).toMatchObject({ id: first.id });
    const [row] = await query<{ address: string }>('select address from user_devices where id = $1', first.id);
    expect(row?.address).toBe(`webpush https://push.example.com/send/a%20b ${other.keys.p256dh} ${other.keys.auth}`);
  });

  it('move to whoever signs in on them, and tell nothing of the one before', async () => {
    const [token, other] = [newToken(), await api.user()];
    const first = await fcm(token);
    await query(`update user_devices set created_at = '2026-01-01Z' where id = $1`, first.id);
    const moved = await fcm(token, other);
    expect(await listed()).toEqual([]);
    expect(await listed(other)).toMatchObject([{ user_id: other }]);
    expect(moved.created_at > '2026-01-02').toBe(true);
    expect([await audited(), await audited(other)]).toEqual([['device.register'], ['device.move']]);
  });

  it('are at most 20: what is gone is forgotten first, then what was not seen for longest, and it is told', async () => {
    const made: Device[] = [];
    for (let index = 0; index < 20; index += 1) made.push(await fcm(newToken()));
    await end(made[7]?.id ?? '');
    expect((await fcm(newToken())).replaced).toEqual([made[7]?.id]);
    expect((await fcm(newToken())).replaced).toEqual([made[0]?.id]);
    expect(await listed(userId, 'limit=100')).toHaveLength(20);
  });

  it('are listed in pages, newest first', async () => {
    const made = [await fcm(newToken()), await fcm(newToken()), await fcm(newToken())].map(({ id }) => id);
    const { body } = await api.get(`/api/users/${userId}/devices?limit=2`);
    const { data, next_cursor: cursor } = body as { data: Device[]; next_cursor: string };
    const rest = await listed(userId, `limit=2&cursor=${cursor}`);
    expect([...data, ...rest].map(({ id }) => id)).toEqual(made.toReversed());
  });

  it('are forgotten when they are removed, by their own user only', async () => {
    const { id } = await fcm(newToken());
    const unknown = { status: 404, body: { code: 'DEVICE_UNKNOWN' } };
    expect(await api.remove(`/api/users/${await api.user()}/devices/${id}`)).toMatchObject(unknown);
    expect((await api.remove(`/api/users/${userId}/devices/${id}`)).status).toBe(204);
    expect(await api.remove(`/api/users/${userId}/devices/${id}`)).toMatchObject(unknown);
    expect(await listed()).toEqual([]);
    expect(await audited()).toEqual(['device.register', 'device.remove']);
  });

  it('come back when they are seen after they were gone', async () => {
    const token = newToken();
    const { id } = await fcm(token);
    await end(id);
    expect(await listed()).toMatchObject([{ state: 'gone', hint: null }]);
    expect(await fcm(token)).toMatchObject({ id, state: 'active', gone_at: null });
    expect(await audited()).toEqual(['device.register', 'device.register']);
  });

  const { endpoint, keys } = subscription();
  const flipped = Buffer.from(keys.p256dh, 'base64url');
  flipped.writeUInt8(flipped.readUInt8(64) ^ 1, 64);
  it.each<[string, object, string]>([
    ['no platform', {}, 'platform'],
    ['a platform that is none', { platform: 'apns', token: 'a' }, 'platform'],
    ['a token with a space', { platform: 'fcm', token: 'a b' }, 'token'],
    ['an empty token', { platform: 'fcm', token: '' }, 'token'],
    ['a token without end', { platform: 'fcm', token: 'x'.repeat(4_097) }, 'token'],
    ['a subscription of FCM', { platform: 'fcm', subscription: { endpoint, keys } }, 'token'],
    ['an endpoint that is no web address', webPush('ftp://push.example.com/a'), 'subscription.endpoint'],
    ['an endpoint with a password', webPush('https://a:b@push.example.com/a'), 'subscription.endpoint'],
    ['a key of 64 bytes', webPush(endpoint, { p256dh: bytes(64) }), 'subscription.keys.p256dh'],
    ['a key that is compressed', webPush(endpoint, { p256dh: bytes(33) }), 'subscription.keys.p256dh'],
    ['a key off the curve', webPush(endpoint, { p256dh: flipped.toString('base64url') }), 'subscription.keys.p256dh'],
    ['a secret of 15 bytes', webPush(endpoint, { auth: bytes(15) }), 'subscription.keys.auth'],
    ['a secret that is no base64url', webPush(endpoint, { auth: `${bytes(16)}!!` }), 'subscription.keys.auth'],
  ])('are refused with %s', async (_what, body, path) => {
    const refused = await put(body);
    expect(refused).toMatchObject({ status: 400, body: { code: 'INVALID_INPUT' } });
    expect((refused.body as { errors: { path: string }[] }).errors.map((each) => each.path)).toContain(path);
    expect(await listed()).toEqual([]);
  });

  function webPush(given: string, more: object = {}): object {
    return { platform: 'webpush', subscription: { endpoint: given, keys: { ...keys, ...more } } };
  }
  function bytes(count: number): string {
    return Buffer.alloc(count, 4).toString('base64url');
  }

  it('are those of users who are there', async () => {
    const body = { platform: 'fcm', token: newToken() };
    expect(await put(body, UNKNOWN_ID)).toMatchObject({ status: 404, body: { code: 'USER_UNKNOWN' } });
    await api.remove(`/api/users/${userId}`);
    expect(await put(body)).toMatchObject({ status: 410, body: { code: 'USER_ERASED' } });
    expect(await api.get(`/api/users/${userId}/devices`)).toMatchObject({ status: 410 });
  });

  it('are erased with the person, and what named them stays suppressed', async () => {
    const [token, browser] = [newToken(), subscription()];
    await fcm(token);
    await put({ platform: 'webpush', subscription: browser });
    const hashes = await query<{ hash: string }>(
      'select address_hash as hash from user_devices where user_id = $1',
      userId,
    );
    await api.remove(`/api/users/${userId}`);
    expect(await query('select id from user_devices where user_id = $1', userId)).toEqual([]);
    const kept = await query(
      `select reason, channel from suppressions where address_hash = any ($1) and lifted_at is null`,
      hashes.map(({ hash }) => hash),
    );
    expect(kept).toEqual([
      { reason: 'erasure', channel: null },
      { reason: 'erasure', channel: null },
    ]);
    const found = `select 1 from suppressions as item where to_jsonb(item)::text like any ($1)`;
    expect(await query(found, [`%${token}%`, `%${browser.endpoint}%`])).toEqual([]);
  });

  describe('as facts of a decision', () => {
    const factsOf = async () => {
      const ask = { user: { kind: 'id' as const, id: userId }, weighs: { kind: 'templates' as const, keys: ['note'] } };
      const rest = { run: null, journey: null, clockDomain: 'real', context: {}, now: null };
      const { facts, input } = await app.get(DecisionInputs).read(app.get(Database), { ...ask, ...rest });
      return { to: facts.user?.pushAddress, hash: input.candidates[0]?.addressHash, facts };
    };
    const account = (kind: string): Promise<unknown> =>
      api.post('/api/providers', {
        ...(kind === 'fcm'
          ? { settings: { project_id: 'p' }, credentials: { client_email: 'a@b', private_key: 'k' } }
          : { settings: { subject: 'mailto:a@b', public_key: 'p' }, credentials: { private_key: 'k' } }),
        ...{ key: kind, kind },
      });
    afterEach(() => query('delete from provider_accounts'));

    it('cost nothing as long as no message goes to one, and no statement afterwards', async () => {
      const statements = async (): Promise<readonly string[]> => {
        await factsOf();
        const spy = jest.spyOn(pg.Client.prototype, 'query');
        await factsOf();
        const calls = spy.mock.calls as unknown as readonly [{ readonly name: string; readonly text: string }][];
        const sent = calls.map(([{ name }]) => name);
        spy.mockRestore();
        return sent;
      };
      expect(await statements()).toEqual(['facts_id']);
      await api.post('/api/message-templates', { key: 'note', channel: 'push', title: 'Hello', body: 'there' });
      expect(await statements()).toEqual(['facts_id_devices']);
    });

    it('are the one seen last', async () => {
      expect(await factsOf()).toMatchObject({ to: null, hash: null });
      const [one, other] = [newToken(), newToken()];
      const first = await fcm(one);
      await fcm(other);
      expect(await factsOf()).toMatchObject({ to: `fcm ${other}`, hash: expect.stringMatching(/^[0-9a-f]{64}$/) });
      await fcm(one);
      expect((await factsOf()).to).toBe(`fcm ${one}`);
      await end(first.id);
      expect((await factsOf()).to).toBe(`fcm ${other}`);
    });

    it('are by preference one for which there is an account', async () => {
      const token = newToken();
      await put({ platform: 'webpush', subscription: subscription() });
      await fcm(token);
      await account('webpush');
      expect((await factsOf()).to).toMatch(/^webpush /);
      await account('fcm');
      expect((await factsOf()).to).toBe(`fcm ${token}`);
    });

    it('bring the suppressions of the device with them, and of no other one', async () => {
      const [one, other] = [newToken(), newToken()];
      await fcm(one);
      await fcm(other);
      await query(
        `insert into suppressions (address_hash, reason, source, since)
          select address_hash, 'manual', address, '2026-01-01Z' from user_devices where user_id = $1`,
        userId,
      );
      const { hash, facts } = await factsOf();
      expect(facts.suppressions.map(({ addressHash }) => addressHash)).toEqual([hash]);
    });
  });
});

describe('push services of strangers', () => {
  let app: NestFastifyApplication;
  beforeAll(async () => {
    app = await createTestApp({ AUTH: 'required', BOOTSTRAP_API_KEY: BOOTSTRAP });
  });
  afterAll(() => app.close());

  it.each(['http://push.example.com/a', 'https://127.0.0.1/a', 'https://[::1]/a', 'https://169.254.169.254/latest'])(
    'are not at %s',
    async (endpoint) => {
      const api = clientOf(app, { authorization: `Bearer ${BOOTSTRAP}` });
      const id = await api.user();
      const refused = await api.put(`/api/users/${id}/devices`, {
        platform: 'webpush',
        subscription: subscription(endpoint),
      });
      expect(refused).toMatchObject({ status: 400, body: { errors: [{ path: 'subscription.endpoint' }] } });
    },
  );
});
