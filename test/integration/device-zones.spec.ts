import { jest } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { INVALID_TIMEZONE } from '../../src/modules/events/device-zones.js';
import { RunSignals } from '../../src/modules/journeys/index.js';
import { UserHooks } from '../../src/modules/users/index.js';
import { Database } from '../../src/platform/database/database.js';
import { createTestApp } from '../support/app.js';
import { clientOf, type Client } from '../support/client.js';

const SETUP_MS_MAX = 120_000;
const HOUR_MS = 3_600_000;

describe('where devices say that people are', () => {
  let app: NestFastifyApplication;
  let api: Client;
  let userId: string;
  const moved: string[] = [];

  beforeAll(async () => {
    app = await createTestApp({ OUTBOX_POLL_MS: '60000' });
    jest.spyOn(app.get(RunSignals), 'kick').mockReturnValue();
    app.get(UserHooks).onChange(async (_transaction, ids) => void moved.push(...ids));
    api = clientOf(app);
  }, SETUP_MS_MAX);
  afterAll(async () => {
    await app.close();
  });
  beforeEach(async () => {
    userId = await api.user();
    moved.length = 0;
  });

  const ago = (ms: number): string => new Date(Date.now() - ms).toISOString();

  async function send(timezone: unknown, more: object = {}): Promise<void> {
    const event = { user_id: userId, event_name: 'viewed', context: { timezone }, ...more };
    expect((await api.post('/api/events', event)).status).toBeLessThan(300);
  }

  async function zone(): Promise<string | null> {
    const text = 'select context_timezone as zone from users where id = $1';
    const [row] = await app.get(Database).query<{ zone: string | null }>({ text, values: [userId] });
    return row?.zone ?? null;
  }

  it('is kept from the newest event, also when an older one comes later', async () => {
    await send('Europe/Paris', { timestamp: ago(2 * HOUR_MS) });
    expect(await zone()).toBe('Europe/Paris');
    await send('Asia/Tokyo', { timestamp: ago(HOUR_MS) });
    await send('America/New_York', { timestamp: ago(3 * HOUR_MS) });
    expect(await zone()).toBe('Asia/Tokyo');
    expect(moved).toEqual([userId, userId]);
  });

  it('wakes nobody when it is the same, or when the profile knows better', async () => {
    await send('Europe/Paris');
    await send('Europe/Paris');
    expect(moved).toEqual([userId]);
    userId = await api.user({ timezone: 'Asia/Seoul' });
    await send('Europe/Paris');
    expect(await zone()).toBe('Europe/Paris');
    expect(moved).toHaveLength(1);
  });

  it('is made up for when an event is sent again because keeping the zone had failed', async () => {
    const event = { message_id: 'sent-twice', timestamp: ago(HOUR_MS) };
    await send('Europe/Paris', event);
    await app.get(Database).query({ text: 'update users set context_timezone = null, context_timezone_at = null' });
    await send('Europe/Paris', event);
    expect(await zone()).toBe('Europe/Paris');
  });

  it('when it is no zone becomes one event about the fault, and changes nothing', async () => {
    await send('Europe/Paris');
    await send('Mars/Olympus', { message_id: 'odd' });
    await send('Mars/Olympus');
    expect(await zone()).toBe('Europe/Paris');
    const { body } = await api.get(`/api/events?user_id=${userId}&event_name=${INVALID_TIMEZONE}`);
    expect(body).toMatchObject({ data: [{ properties: { value: 'Mars/Olympus', message_id: 'odd' } }] });
    expect((body as { data: unknown[] }).data).toHaveLength(1);
  });

  it('holds for many users at once, in batches that cross', async () => {
    const ids = await Promise.all(Array.from({ length: 20 }, () => api.user()));
    const batch = (timezone: string, users: readonly string[]): Promise<unknown> =>
      api.post('/api/events', {
        events: users.map((user_id) => ({ user_id, event_name: 'viewed', context: { timezone } })),
      });
    const reversed = [...ids].reverse();
    await Promise.all([batch('Asia/Tokyo', ids), batch('Asia/Seoul', reversed), batch('Asia/Tokyo', reversed)]);
    const rows = await app.get(Database).query({
      text: `select from users where id = any ($1) and context_timezone like 'Asia/%'`,
      values: [ids],
    });
    expect(rows).toHaveLength(20);
  });

  it('stands behind what the company says in the profile, where the jurisdiction is kept too', async () => {
    const profile = { email: 'place@example.org', jurisdiction: 'US-FL', timezone: 'America/New_York' };
    const { body } = await api.put(`/api/users/${userId}`, profile);
    expect(body).toMatchObject(profile);
    await api.post('/api/users/batch', { users: [{ external_id: 'place-1', jurisdiction: 'FR' }] });
    expect((await api.get('/api/users/ext:place-1')).body).toMatchObject({ jurisdiction: 'FR' });
    const faulty = await api.put(`/api/users/${userId}`, { jurisdiction: 'florida' });
    expect(faulty).toMatchObject({ status: 400, body: { errors: [{ path: 'jurisdiction' }] } });
  });

  it('goes with the person', async () => {
    await send('Europe/Paris');
    await api.remove(`/api/users/${userId}`);
    expect(await zone()).toBeNull();
  });
});
