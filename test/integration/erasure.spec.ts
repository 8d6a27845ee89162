import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Database } from '../../src/platform/database/database.js';
import { createTestApp } from '../support/app.js';
import { clientOf, type Client } from '../support/client.js';

const EMAIL = 'forget.me.7d1f@example.com';
const PHONE = '+12025550199';
const NAME = 'Zebulon Quibbleworth';
const MARKS = [EMAIL, EMAIL.toUpperCase(), PHONE, NAME, 'ext-forget-me', 'secret-property', 'secret-evidence'];

describe('erasing a person', () => {
  let app: NestFastifyApplication;
  let api: Client;
  let id: string;

  beforeAll(async () => {
    app = await createTestApp();
    api = clientOf(app);
    const created = await api.post(
      '/api/users',
      { external_id: 'ext-forget-me', email: EMAIL, phone: PHONE, name: NAME },
      { 'idempotency-key': 'erase-1' },
    );
    id = (created.body as { id: string }).id;
    const consent = {
      user_id: id,
      channel: 'email',
      status: 'granted',
      source: 'spec',
      evidence: { a: 'secret-evidence' },
    };
    await api.post('/api/consents', consent);
    const event = {
      user_id: id,
      event_name: 'bought',
      properties: { a: 'secret-property' },
      message_id: 'erased-message',
    };
    await api.post('/api/events', event);
    expect(await placesOf(MARKS)).not.toEqual([]);
    expect((await api.remove('/api/users/ext:ext-forget-me')).status).toBe(204);
  });
  afterAll(async () => {
    await app.close();
  });

  /** Every table whose rows, written as text, hold one of the words. */
  async function placesOf(words: readonly string[]): Promise<readonly string[]> {
    const database = app.get(Database);
    const tables = await database.query<{ name: string }>({
      text: `select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')`,
    });
    const places: string[] = [];
    for (const { name } of tables) {
      const text = `select 1 from "${name}" as item where to_jsonb(item)::text ilike any ($1) limit 1`;
      if ((await database.query({ text, values: [words.map((word) => `%${word}%`)] })).length > 0) places.push(name);
    }
    return places;
  }

  it('leaves no personal word in any table', async () => {
    expect(await placesOf(MARKS)).toEqual([]);
  });

  it('answers 410 for the id, 404 for the external id, and takes nothing more in about the person', async () => {
    expect(await api.get(`/api/users/${id}`)).toMatchObject({ status: 410, body: { code: 'USER_ERASED' } });
    expect(await api.get('/api/users/ext:ext-forget-me')).toMatchObject({ status: 404 });
    expect(await api.put(`/api/users/${id}`, { email: EMAIL })).toMatchObject({ status: 410 });
    expect(await api.post('/api/events', { user_id: id, event_name: 'late' })).toMatchObject({ status: 404 });
    const consent = { user_id: id, channel: 'email', status: 'granted', source: 'late' };
    expect(await api.post('/api/consents', consent)).toMatchObject({ status: 404 });
    expect(await placesOf([EMAIL])).toEqual([]);
  });

  it('keeps both addresses suppressed for whoever comes back with them, and the suppression for good', async () => {
    for (const address of [EMAIL, PHONE]) {
      const found = (await api.get(`/api/suppressions?address=${encodeURIComponent(address)}`)).body as {
        data: { id: string; reason: string; channel: string | null }[];
      };
      expect(found.data).toMatchObject([{ reason: 'erasure', channel: null }]);
      const lifted = await api.remove(`/api/suppressions/${found.data[0]?.id ?? ''}`);
      expect(lifted).toMatchObject({ status: 409, body: { code: 'ERASURE_IS_FINAL' } });
    }
  });

  it('does not answer the request that made the user with what it said then', async () => {
    const again = await api.post(
      '/api/users',
      { external_id: 'ext-forget-me', email: EMAIL, phone: PHONE, name: NAME },
      { 'idempotency-key': 'erase-1' },
    );
    expect(again).toMatchObject({ status: 410, body: { code: 'USER_ERASED' } });
  });

  it('does not take a late copy of an erased event for a new one', async () => {
    const other = await api.user();
    const copy = await api.post('/api/events', { user_id: other, event_name: 'bought', message_id: 'erased-message' });
    expect(copy.body).toMatchObject({ status: 'duplicate' });
  });

  it('proves the erasure in the audit trail, once', async () => {
    expect((await api.remove(`/api/users/${id}`)).status).toBe(204);
    const trail = (await api.get('/api/audit-log')).body as { data: { action: string; subject: string }[] };
    expect(trail.data.filter(({ action }) => action === 'user.erase')).toMatchObject([{ subject: id }]);
  });
});
