import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { ModulesContainer } from '@nestjs/core';
import { ApiKeysService } from '../../src/modules/access/api-keys.service.js';
import { makeOperatorToken } from '../../src/modules/access/operator-tokens.js';
import { REQUIREMENT } from '../../src/modules/access/scopes.decorator.js';
import { GRANTABLE, type GrantableScope } from '../../src/modules/access/scopes.js';
import { CONFIG } from '../../src/platform/config/config.module.js';
import type { Config } from '../../src/platform/config/config.js';
import { Database } from '../../src/platform/database/database.js';
import { createTestApp } from '../support/app.js';
import { clientOf } from '../support/client.js';

const BOOTSTRAP = 'spec-bootstrap-key-0123456789abcdef';
const HOUR_MS = 3_600_000;

describe('access', () => {
  let app: NestFastifyApplication;
  const admin = () => clientOf(app, { authorization: `Bearer ${BOOTSTRAP}` });
  const as = (credential: string) => clientOf(app, { authorization: `Bearer ${credential}` });

  beforeAll(async () => {
    app = await createTestApp({ AUTH: 'required', BOOTSTRAP_API_KEY: BOOTSTRAP });
  });
  afterAll(async () => {
    await app.close();
  });

  interface KeyView {
    readonly id: string;
    readonly secret: string;
    readonly last_used_at: string | null;
  }
  async function key(scopes: readonly GrantableScope[], more: object = {}): Promise<KeyView> {
    const made = await admin().post('/api/api-keys', { name: 'spec', scopes, ...more });
    expect(made.status).toBe(201);
    return made.body;
  }
  function token(
    scopes: readonly GrantableScope[],
    changes: Partial<{ from: number; until: number }> = {},
    config = app.get<Config>(CONFIG),
  ) {
    const now = Date.now();
    return makeOperatorToken(config, { subject: 'ada', scopes, from: now, until: now + HOUR_MS, ...changes });
  }

  it('hands out no scope that the maker does not hold', async () => {
    const maker = await key(['keys:write', 'users:read']);
    const client = clientOf(app, { authorization: `Bearer ${maker.secret}` });
    for (const scopes of [['admin'], ['users:write'], ['users:read', 'journeys:write']]) {
      const refused = await client.post('/api/api-keys', { name: 'more', scopes });
      expect(refused).toMatchObject({ status: 403, body: { code: 'INSUFFICIENT_SCOPE' } });
    }
    expect((await client.post('/api/api-keys', { name: 'less', scopes: ['users:read'] })).status).toBe(201);
  });

  it('has a scope, or the word public, on every route', () => {
    const open: string[] = [];
    const forgotten: string[] = [];
    for (const module of app.get(ModulesContainer).values()) {
      for (const { metatype } of module.controllers.values()) {
        const prototype = (metatype as { prototype: Record<string, object> } | null)?.prototype ?? {};
        for (const name of Object.getOwnPropertyNames(prototype)) {
          const handler = prototype[name];
          if (handler === undefined || name === 'constructor' || !Reflect.hasMetadata('path', handler)) continue;
          const requirement: unknown =
            Reflect.getMetadata(REQUIREMENT, handler) ?? Reflect.getMetadata(REQUIREMENT, metatype as object);
          const route = `${(metatype as { name: string }).name}.${name}`;
          if (requirement === undefined) forgotten.push(route);
          else if ((requirement as { kind: string }).kind === 'public') open.push(route);
        }
      }
    }
    expect(forgotten).toEqual([]);
    expect(open.sort()).toEqual([
      'CodecController.preflight',
      'ConfirmController.confirm',
      'ConfirmController.show',
      'HealthController.health',
      'HealthController.ready',
      'InboxController.receive',
      'PreferencesController.save',
      'PreferencesController.show',
      'TrackingController.follow',
      'TrackingController.open',
      'UnsubscribeController.show',
      'UnsubscribeController.withdraw',
      'UserInboxController.dismiss',
      'UserInboxController.list',
      'UserInboxController.open',
      'UserInboxController.preflight',
      'UserInboxController.read',
      'UserInboxController.readAll',
    ]);
  });

  it('answers 401 with a challenge without a key, on every route that is not public', async () => {
    const { paths } = (await app.inject({ url: '/docs-json' })).json<{
      paths: Record<string, Record<string, object>>;
    }>();
    for (const [path, operations] of Object.entries(paths)) {
      for (const [method, operation] of Object.entries(operations)) {
        if (!('security' in operation)) continue;
        const url = path.replaceAll(/\{[^}]+\}/g, '01890a5d-ac96-774b-bcce-b302099a8057');
        const refused = await app.inject({ method: method.toUpperCase() as 'GET', url });
        expect([method, path, refused.statusCode]).toEqual([method, path, 401]);
        expect(refused.headers['www-authenticate']).toBe('Bearer');
        expect(refused.json()).toMatchObject({ code: 'UNAUTHENTICATED' });
      }
    }
  });

  it('shows metrics to those who may read them, and readiness to everybody', async () => {
    expect((await as((await key(['metrics:read'])).secret).get('/metrics')).status).toBe(200);
    expect(await as((await key(['audit:read'])).secret).get('/metrics')).toMatchObject({
      status: 403,
      body: { code: 'INSUFFICIENT_SCOPE', detail: 'this needs the scope metrics:read' },
    });
    expect((await clientOf(app).get('/api/health')).status).toBe(200);
    expect((await clientOf(app).get('/api/ready')).status).not.toBe(401);
  });

  it('lets a key do what its scopes say and nothing else', async () => {
    const { secret } = await key(['users:read']);
    expect((await as(secret).get('/api/users')).status).toBe(200);
    const refused = await as(secret).post('/api/users', { external_id: 'a' });
    expect(refused).toMatchObject({
      status: 403,
      body: { code: 'INSUFFICIENT_SCOPE', detail: 'this needs the scope users:write' },
    });
    expect(refused.headers['www-authenticate']).toBe('Bearer error="insufficient_scope", scope="users:write"');
  });

  it('takes the key in X-API-Key too', async () => {
    const { secret } = await key(['users:read']);
    expect((await clientOf(app, { 'x-api-key': secret }).get('/api/users')).status).toBe(200);
  });

  it('shows a secret once and stores only its hash', async () => {
    const { id, secret } = await key(['users:read']);
    expect(secret).toMatch(/^tk_[0-9a-f]{32}_[A-Za-z0-9_-]{43}$/);
    const listed = await admin().get('/api/api-keys');
    expect(JSON.stringify(listed.body)).not.toContain(secret);
    const random = secret.slice(-43);
    const text = `select 1 from api_keys as item where to_jsonb(item)::text like '%' || $1 || '%'`;
    expect(await app.get(Database).query({ text, values: [random] })).toEqual([]);
    const found = (listed.body as { data: { id: string }[] }).data.find((each) => each.id === id);
    expect(found).toMatchObject({ name: 'spec', scopes: ['users:read'], revoked_at: null });
  });

  it('does not store a secret as the answer of a repeatable request', async () => {
    const refused = await admin().post('/api/api-keys', { name: 'x', scopes: ['admin'] }, { 'idempotency-key': 'k' });
    expect(refused).toMatchObject({ status: 400, body: { code: 'INVALID_INPUT' } });
  });

  it('ends with revocation and with expiry, at once', async () => {
    const revoked = await key(['users:read']);
    expect((await as(revoked.secret).get('/api/users')).status).toBe(200);
    expect((await admin().remove(`/api/api-keys/${revoked.id}`)).status).toBe(204);
    expect((await as(revoked.secret).get('/api/users')).status).toBe(401);
    const expired = await key(['users:read'], { expires_at: '2020-01-01T00:00:00Z' });
    expect((await as(expired.secret).get('/api/users')).status).toBe(401);
  });

  it('refuses a key with one changed character, and everything that is no key', async () => {
    const { id, secret } = await key(['admin']);
    const replacement = secret.at(-2) === 'A' ? 'B' : 'A';
    const other = await key(['users:read']);
    const forged = [
      secret.slice(0, -2) + replacement + secret.slice(-1),
      secret.slice(0, -1),
      `${secret}A`,
      `tk_${id.replaceAll('-', '')}_${other.secret.slice(-43)}`,
      'tk_',
      'x',
      'a'.repeat(5_000),
    ];
    for (const text of forged) expect((await as(text).get('/api/users')).status).toBe(401);
    for (const header of ['Basic abc', 'Bearer', '', 'Bearer  a b']) {
      expect((await clientOf(app, { authorization: header }).get('/api/users')).status).toBe(401);
    }
  });

  it('notes the last use, at most once a minute', async () => {
    const { id, secret } = await key(['users:read']);
    const lastUse = async (): Promise<string | null | undefined> =>
      ((await admin().get('/api/api-keys')).body as { data: KeyView[] }).data.find((each) => each.id === id)
        ?.last_used_at;
    expect(await lastUse()).toBeNull();
    await as(secret).get('/api/users');
    const first = await lastUse();
    expect(first).toEqual(expect.any(String));
    await as(secret).get('/api/users');
    expect(await lastUse()).toBe(first);
    await app
      .get(Database)
      .query({ text: `update api_keys set last_used_at = last_used_at - interval '61 s' where id = $1`, values: [id] });
    await as(secret).get('/api/users');
    expect(await lastUse()).not.toBe(first);
  });

  it('knows operators by their token', async () => {
    expect((await as(await token(['users:read'])).get('/api/users')).status).toBe(200);
    expect((await as(await token(['users:read'])).get('/api/controls')).status).toBe(403);
    await as(await token(['controls:write'])).put('/api/controls', { kill_switch: true });
    const trail = (await admin().get('/api/audit-log')).body as { data: object[] };
    expect(trail.data[0]).toMatchObject({ principal: 'operator:ada', action: 'kill_switch.on' });
    await as(await token(['admin'])).put('/api/controls', { kill_switch: false });
  });

  it('refuses tokens that are old, forged, for others, or unsigned', async () => {
    const config = app.get<Config>(CONFIG);
    const past = Date.now() - 2 * HOUR_MS;
    const { auth, secrets } = config;
    const foreign = { kid: secrets.current.kid, key: new Uint8Array(32).fill(1) };
    const none = Buffer.from('{"alg":"none"}').toString('base64url');
    const [header = '', payload = '', signature = ''] = (await token(['admin'])).split('.');
    const forged = [
      await token(['admin'], { from: past, until: past + HOUR_MS }),
      await token(['admin'], {}, { ...config, secrets: { ...secrets, current: foreign } }),
      await token(['admin'], {}, { ...config, auth: { ...auth, jwtAudience: 'others' } }),
      await token(['admin'], {}, { ...config, auth: { ...auth, jwtIssuer: 'others' } }),
      `${none}.${payload}.${signature}`,
      `${header}.${Buffer.from('{"scope":"admin"}').toString('base64url')}.${signature}`,
      'a.b.c',
    ];
    for (const text of forged) {
      const refused = await as(text).get('/api/users');
      expect(refused.status).toBe(401);
      expect(refused.headers['www-authenticate']).toBe('Bearer error="invalid_token"');
    }
  });

  it('lists every scope in the documentation of the request that makes keys', async () => {
    const { components } = (await app.inject({ url: '/docs-json' })).json<{
      components: { schemas: { NewApiKey: { properties: { scopes: { items: { enum: string[] } } } } } };
    }>();
    expect(components.schemas.NewApiKey.properties.scopes.items.enum).toEqual([...GRANTABLE]);
  });

  it('keeps a bootstrap key revoked while the variable still stands', async () => {
    const keys = app.get(ApiKeysService);
    const { id } = ((await admin().get('/api/api-keys')).body as { data: { id: string; name: string }[] }).data.find(
      ({ name }) => name === 'bootstrap',
    ) ?? { id: '' };
    const rescue = await key(['admin']);
    expect((await admin().remove(`/api/api-keys/${id}`)).status).toBe(204);
    await keys.onApplicationBootstrap();
    expect((await admin().get('/api/users')).status).toBe(401);
    expect((await as(rescue.secret).get('/api/users')).status).toBe(200);
  });
});
