import { jest } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { RunSignals } from '../../src/modules/journeys/index.js';
import { Database } from '../../src/platform/database/database.js';
import { createTestApp } from '../support/app.js';
import { clientOf, type Client } from '../support/client.js';
import { lockWaits } from '../support/concurrency.js';

const UNKNOWN_ID = '01890a5d-ac96-774b-bcce-b302099a8057';

describe('suppressions', () => {
  let app: NestFastifyApplication;
  let api: Client;
  beforeAll(async () => {
    app = await createTestApp();
    api = clientOf(app);
  });
  afterAll(async () => {
    await app.close();
  });

  const found = async (query: string): Promise<{ id: string; reason: string }[]> =>
    ((await api.get(`/api/suppressions?${query}`)).body as { data: { id: string; reason: string }[] }).data;

  it('keep a keyed hash of an address and not the address', async () => {
    const added = await api.post('/api/suppressions', { address: 'Quiet@Example.com', reason: 'hard_bounce' });
    expect(added).toMatchObject({ status: 201, body: { user_id: null, channel: null, reason: 'hard_bounce' } });
    expect((added.body as { address_hash: string }).address_hash).toMatch(/^[0-9a-f]{64}$/);
    const text = `select 1 from suppressions as item where to_jsonb(item)::text ilike '%quiet@%'`;
    expect(await app.get(Database).query({ text })).toEqual([]);
    expect(await found('address=quiet@EXAMPLE.com')).toHaveLength(1);
    expect(await found('address=other@example.com')).toEqual([]);
  });

  it('are found again through the hash that the user carries', async () => {
    const id = await api.user({ email: 'Carried@Example.com' });
    await api.post('/api/suppressions', { address: 'carried@example.com', channel: 'email' });
    const text = `select reason from suppressions join users on email_hash = address_hash where users.id = $1`;
    expect(await app.get(Database).query({ text, values: [id] })).toEqual([{ reason: 'manual' }]);
  });

  it('are made once; the same again can only last longer', async () => {
    const suppression = { address: 'longer@example.com', channel: 'email', reason: 'manual' };
    const first = await api.post('/api/suppressions', { ...suppression, until: '2031-01-01T00:00:00Z' });
    const shorter = await api.post('/api/suppressions', { ...suppression, until: '2030-01-01T00:00:00Z' });
    expect(shorter.body).toEqual(first.body);
    const forGood = await api.post('/api/suppressions', suppression);
    expect(forGood.body).toMatchObject({ id: (first.body as { id: string }).id, until: null });
    expect(await found('address=longer@example.com')).toHaveLength(1);
  });

  it('cover a user whatever the address, and can be lifted', async () => {
    const id = await api.user({ external_id: 'suppressed-user' });
    const added = await api.post('/api/suppressions', { user_id: 'ext:suppressed-user', channel: 'email' });
    expect(added).toMatchObject({ status: 201, body: { user_id: id, address_hash: null } });
    expect(await found(`user_id=${id}`)).toHaveLength(1);
    expect((await api.remove(`/api/suppressions/${(added.body as { id: string }).id}`)).status).toBe(204);
    expect(await found(`user_id=${id}`)).toEqual([]);
    expect(await api.remove(`/api/suppressions/${UNKNOWN_ID}`)).toMatchObject({
      status: 404,
      body: { code: 'SUPPRESSION_UNKNOWN' },
    });
  });

  it.each<[string, object, string]>([
    ['neither address nor user', {}, 'address'],
    ['both', { address: 'a@example.com', user_id: UNKNOWN_ID }, 'address'],
    ['what is no address', { address: 'a@' }, 'address'],
    ['a reason that only erasure may give', { address: 'a@example.com', reason: 'erasure' }, 'reason'],
  ])('refuse %s', async (_what, payload, path) => {
    expect(await api.post('/api/suppressions', payload)).toMatchObject({ status: 400, body: { errors: [{ path }] } });
  });

  it('are refused when they would be over at birth, by the clock of the database', async () => {
    const over = { address: 'over@example.com', until: '2020-01-01T00:00:00Z' };
    const refusal = { status: 422, body: { code: 'SUPPRESSION_OVER', errors: [{ path: 'until' }] } };
    expect(await api.post('/api/suppressions', over)).toMatchObject(refusal);
    // A machine whose clock is behind does not decide.
    const now = jest.spyOn(Date, 'now').mockReturnValue(0);
    expect(await api.post('/api/suppressions', over)).toMatchObject(refusal);
    now.mockRestore();
    expect(await found('address=over@example.com')).toEqual([]);
    const isWritten = `select from audit_log where action = 'suppression.add' and at > clock_timestamp() - interval '1 s'
      and subject not in (select id::text from suppressions)`;
    expect(await app.get(Database).query({ text: isWritten })).toEqual([]);
  });

  it('leave a trace when they are lifted, which is shown to whoever asks for it', async () => {
    const suppression = { address: 'traced@example.com', reason: 'manual' };
    const first = (await api.post('/api/suppressions', suppression)).body as unknown as { id: string; lifted_at: null };
    expect(first.lifted_at).toBeNull();
    await api.remove(`/api/suppressions/${first.id}`);
    expect(await found('address=traced@example.com')).toEqual([]);
    expect((await api.remove(`/api/suppressions/${first.id}`)).status).toBe(404);
    expect(await found('address=traced@example.com&lifted=true')).toMatchObject([
      { id: first.id, lifted_at: expect.any(String) as string },
    ]);
    // Made again it is another one, and can be lifted again.
    const second = (await api.post('/api/suppressions', suppression)).body as unknown as { id: string };
    expect(second.id).not.toBe(first.id);
    expect(await found('address=traced@example.com')).toMatchObject([{ id: second.id, lifted_at: null }]);
    await api.remove(`/api/suppressions/${second.id}`);
    expect((await found('address=traced@example.com&lifted=true')).map(({ id }) => id)).toEqual([second.id, first.id]);
  });

  it('are in no export once they are lifted, and an import makes them anew', async () => {
    const { body } = await api.post('/api/suppressions', { address: 'exported@example.com' });
    const { id } = body as { id: string };
    const exported = async (): Promise<string> =>
      (await app.inject({ url: '/api/suppressions/export?format=ndjson' })).body;
    const line = (await exported()).split('\n').find((each) => each.includes(id)) ?? '';
    await api.remove(`/api/suppressions/${id}`);
    expect(await exported()).not.toContain(id);
    const headers = { 'content-type': 'application/x-ndjson' };
    for (const url of ['/api/suppressions/import?dry_run=true', '/api/suppressions/import']) {
      const imported = await app.inject({ method: 'POST', url, payload: line, headers });
      expect(imported.json()).toMatchObject({ added: 1, unchanged: 0, refused: 0 });
    }
    expect(await found('address=exported@example.com')).toHaveLength(1);
  });

  it('are lifted under the lock of everybody who has the address, whose runs then ask again', async () => {
    const id = await api.user({ email: 'lifted@example.com' });
    const { body } = await api.post('/api/suppressions', { address: 'lifted@example.com' });
    const database = app.get(Database);
    const order: string[] = [];
    const wake = jest.spyOn(app.get(RunSignals), 'wake');
    let lifting: Promise<unknown> | undefined;
    await database.transaction(async (transaction) => {
      await transaction.query({ text: 'select 1 from contact_state where user_id = $1 for update', values: [id] });
      lifting = api.remove(`/api/suppressions/${(body as { id: string }).id}`).then(() => order.push('lifting'));
      await lockWaits(database, 'contact_state');
      order.push('claim');
    });
    await lifting;
    expect(order).toEqual(['claim', 'lifting']);
    expect(wake.mock.calls.map(([, ...told]) => told)).toEqual([[[id], 'suppression_changed']]);
    wake.mockRestore();
  });

  it('are found by every part of their scope', async () => {
    const address = 'scoped@example.com';
    const bounced = { address, channel: 'email', reason: 'hard_bounce', source: 'spec' };
    const made = [
      await api.post('/api/suppressions', bounced),
      await api.post('/api/suppressions', { ...bounced, channel: null, purpose: 'marketing', reason: 'complaint' }),
      await api.post('/api/suppressions', { ...bounced, purpose: 'marketing' }),
    ];
    const ids = made.map(({ body }) => (body as { id: string }).id);
    expect(new Set(ids).size).toBe(3);
    const which = async (query: string): Promise<number[]> =>
      (await found(`address=${address}&${query}`)).map(({ id }) => ids.indexOf(id)).sort();
    expect(await which('reason=hard_bounce')).toEqual([0, 2]);
    expect(await which('channel=email')).toEqual([0, 2]);
    expect(await which('channel=*')).toEqual([1]);
    expect(await which('purpose=marketing')).toEqual([1, 2]);
    expect(await which('purpose=*')).toEqual([0]);
    const { since } = made[2]?.body as unknown as { since: string };
    expect(await which(`since=${since}`)).toContain(2);
    expect(await which('since=2199-01-01T00:00:00Z')).toEqual([]);
  });

  it('are one for one address, however it is written', async () => {
    for (const address of ['info@bücher.example', ' INFO@xn--bcher-kva.example', 'info@bu\u0308cher.EXAMPLE']) {
      await api.post('/api/suppressions', { address });
    }
    expect(await found(`address=${encodeURIComponent('info@Bücher.example')}`)).toHaveLength(1);
    for (const address of ['+44 (0)20 7946 0123', '0044 20 7946-0123'])
      await api.post('/api/suppressions', { address });
    expect(await found(`address=${encodeURIComponent('+442079460123')}`)).toHaveLength(1);
  });

  it('concern whoever has the telephone number, too', async () => {
    const id = await api.user({ phone: '+12025550142' });
    const { body } = await api.post('/api/suppressions', { address: '+1 (202) 555-0142', reason: 'stop' });
    const text = 'select phone_hash as hash from users where id = $1';
    const hash = (body as { address_hash: string }).address_hash;
    expect(await app.get(Database).query({ text, values: [id] })).toEqual([{ hash }]);
  });

  it('begin anew when they were over', async () => {
    const suppression = { address: 'again@example.com', reason: 'soft_bounce' };
    const text = `update suppressions set since = '2020-01-01Z', until = '2020-02-01Z' where id = $1`;
    const first = await api.post('/api/suppressions', { ...suppression, until: '2031-01-01T00:00:00Z' });
    await app.get(Database).query({ text, values: [(first.body as { id: string }).id] });
    const again = (await api.post('/api/suppressions', { ...suppression, until: '2031-01-01T00:00:00Z' }))
      .body as unknown as { id: string; since: string; until: string };
    expect(again).toMatchObject({ id: (first.body as { id: string }).id, until: '2031-01-01T00:00:00.000Z' });
    expect(Date.parse(again.since)).toBeGreaterThan(Date.parse('2026-01-01T00:00:00Z'));
  });

  it('begin in the millisecond in which they are made, cut and not rounded: the next check may come within it', async () => {
    const database = app.get(Database);
    await database.query({ text: 'delete from suppressions' });
    for (let times = 0; times < 50; times += 1)
      await api.post('/api/suppressions', { address: `m${times}@example.com` });
    // The column is rounded by the database: half of the time it is a millisecond ahead of the cut one.
    const text = `select count(*)::int as made, count(*) filter (where since > created_at)::int as late,
      count(*) filter (where since < created_at) > 0 as "isCut" from suppressions`;
    expect(await database.query({ text })).toEqual([{ made: 50, late: 0, isCut: true }]);
  });

  it('wait for the lock of everybody who has the address', async () => {
    const [one, two] = [
      await api.user({ email: 'locked@example.com' }),
      await api.user({ email: 'LOCKED@example.com' }),
    ];
    const database = app.get(Database);
    for (const id of [one, two]) {
      const order: string[] = [];
      let suppression: Promise<unknown> | undefined;
      await database.transaction(async (transaction) => {
        await transaction.query({ text: 'select 1 from contact_state where user_id = $1 for update', values: [id] });
        suppression = api
          .post('/api/suppressions', { address: 'locked@example.com', source: id })
          .then(() => order.push('suppression'));
        await lockWaits(database, 'contact_state');
        order.push('claim');
      });
      await suppression;
      expect(order).toEqual(['claim', 'suppression']);
    }
  });
});
