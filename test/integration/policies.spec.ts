import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { LegalOverlays } from '../../src/modules/policies/index.js';
import { Database } from '../../src/platform/database/database.js';
import { createTestApp } from '../support/app.js';
import { clientOf, type Client } from '../support/client.js';

interface View {
  readonly key: string;
  readonly version: number;
  readonly kind: string;
  readonly is_active: boolean;
  readonly created_at: string;
  readonly deactivated_at: string | null;
}

const cap = { kind: 'cap', limit: 1, window: { kind: 'calendar', unit: 'day' } };
const quiet = { kind: 'quiet_hours', start: '21:00', end: '08:00' };
const fatigue = { kind: 'fatigue', half_life: 'P3D', contact_weight: 0.3 };

describe('policies', () => {
  let app: NestFastifyApplication;
  let api: Client;
  beforeAll(async () => {
    app = await createTestApp();
    api = clientOf(app);
  });
  afterAll(async () => {
    await app.close();
  });

  const pageOf = async (url: string): Promise<readonly View[]> => ((await api.get(url)).body as { data: View[] }).data;
  const keysOf = async (query: string): Promise<readonly string[]> =>
    (await pageOf(`/api/policies?limit=200&${query}`)).map(({ key }) => key);
  const trail = async (subject: string): Promise<readonly string[]> => {
    const { data } = (await api.get('/api/audit-log?limit=200')).body as {
      data: { action: string; subject: string }[];
    };
    return data.filter((entry) => entry.subject === subject).map(({ action }) => action);
  };

  it('keep every version and put one of them in force', async () => {
    expect(await api.post('/api/policies', { key: 'daily', definition: cap })).toMatchObject({
      status: 201,
      body: {
        version: 1,
        kind: 'cap',
        is_active: true,
        deactivated_at: null,
        definition: { ...cap, purposes: ['marketing'], scope: { kind: 'global' }, gives_back_on: ['failed'] },
      },
    });
    expect(await api.put('/api/policies/daily', { ...cap, limit: 2 })).toMatchObject({
      status: 200,
      body: { version: 2 },
    });
    const [second, first] = await pageOf('/api/policies/daily/versions');
    expect([second, first]).toMatchObject([
      { version: 2, is_active: true, deactivated_at: null },
      { version: 1, is_active: false },
    ]);
    expect(Date.parse(first?.deactivated_at ?? '')).toBeLessThanOrEqual(Date.parse(second?.created_at ?? ''));
    expect((await api.remove('/api/policies/daily')).status).toBe(204);
    expect(await keysOf('')).not.toContain('daily');
    expect((await api.get('/api/policies/daily')).body).toMatchObject({
      version: 2,
      is_active: false,
      deactivated_at: expect.any(String) as string,
    });
    expect(await api.put('/api/policies/daily', quiet)).toMatchObject({
      body: { version: 3, kind: 'quiet_hours', is_active: true, definition: { channels: ['email'] } },
    });
    expect(await api.post('/api/policies', { key: 'daily', definition: cap })).toMatchObject({
      status: 409,
      body: { code: 'POLICY_KEY_TAKEN' },
    });
    expect(await api.put('/api/policies/nowhere', cap)).toMatchObject({
      status: 404,
      body: { code: 'POLICY_UNKNOWN' },
    });
    expect(await trail('daily')).toEqual(['policy.write', 'policy.deactivate', 'policy.write', 'policy.write']);
  });

  it('have one version in force, however many write at once', async () => {
    await api.post('/api/policies', { key: 'raced', definition: cap });
    await Promise.all(Array.from({ length: 8 }, (_, limit) => api.put('/api/policies/raced', { ...cap, limit })));
    const versions = await pageOf('/api/policies/raced/versions');
    expect(versions.map(({ version, is_active }) => [version, is_active])).toEqual(
      [9, 8, 7, 6, 5, 4, 3, 2, 1].map((version) => [version, version === 9]),
    );
  });

  it.each<[string, object, object]>([
    ['fatigue', fatigue, { ...fatigue, contact_weight: 0.5 }],
    ['arbitration', { kind: 'arbitration' }, { kind: 'arbitration', do_nothing_value: 1 }],
  ])('have one %s in force, under whatever key', async (kind, definition, changed) => {
    const answers = await Promise.all(
      ['a', 'b', 'c'].map((name) => api.post('/api/policies', { key: `${kind}_${name}`, definition })),
    );
    const [refused] = answers.filter(({ status }) => status !== 201);
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409]);
    expect(refused).toMatchObject({ body: { code: 'POLICY_KIND_TAKEN' } });
    const [key] = await keysOf(`kind=${kind}`);
    expect(await api.put(`/api/policies/${key}`, changed)).toMatchObject({ status: 200, body: { version: 2 } });
    await api.remove(`/api/policies/${key}`);
    expect((await api.post('/api/policies', { key: `${kind}_d`, definition })).status).toBe(201);
    expect(await api.put(`/api/policies/${key}`, changed)).toMatchObject({ status: 409 });
    expect(await keysOf(`kind=${kind}`)).toEqual([`${kind}_d`]);
  });

  it('are listed by kind, and by whether they are in force', async () => {
    await api.post('/api/policies', { key: 'listed_cap', definition: cap });
    await api.post('/api/policies', { key: 'listed_quiet', definition: quiet });
    await api.put('/api/policies/listed_quiet', { ...quiet, end: '07:00' });
    expect(await keysOf('kind=quiet_hours')).toContain('listed_quiet');
    expect(await keysOf('kind=quiet_hours')).not.toContain('listed_cap');
    // A version that was replaced is no policy out of force.
    expect(await keysOf('active=false')).not.toContain('listed_quiet');
    await api.remove('/api/policies/listed_quiet');
    expect(await keysOf('kind=quiet_hours&active=false')).toContain('listed_quiet');
    expect((await pageOf('/api/policies?active=false')).filter(({ key }) => key === 'listed_quiet')).toMatchObject([
      { version: 2, is_active: false },
    ]);
    expect(await keysOf('active=true')).not.toContain('listed_quiet');
    const first = (await api.get('/api/policies?limit=1')).body as { data: View[]; next_cursor: string };
    const second = (await api.get(`/api/policies?limit=1&cursor=${first.next_cursor}`)).body as { data: View[] };
    expect(second.data).toHaveLength(1);
    expect(second.data[0]?.key).not.toBe(first.data[0]?.key);
  });

  it('tell the path of every fault', async () => {
    const refused = await api.post('/api/policies', {
      key: 'wakes',
      definition: { ...quiet, weekdays: [0], channel: 'email' },
    });
    expect(refused).toMatchObject({ status: 400, body: { code: 'INVALID_INPUT' } });
    const { errors } = refused.body as { errors: { path: string }[] };
    expect(errors.map(({ path }) => path).sort()).toEqual(['definition.channel', 'definition.weekdays[0]', 'key']);
    const allDay = await api.post('/api/policies', { key: 'all_day', definition: { ...quiet, end: '21:00' } });
    expect(allDay).toMatchObject({ status: 400, body: { errors: [{ path: 'definition.end' }] } });
    const law = { kind: 'legal_overlay', jurisdictions: ['FR'], start: '08:00', end: '08:00', source: 'a law' };
    const allDayByLaw = await api.post('/api/policies', { key: 'all_day', definition: law });
    expect(allDayByLaw).toMatchObject({ status: 400, body: { errors: [{ path: 'definition.end' }] } });
    const meant = { key: 'all_day', definition: { ...law, allow_long: true } };
    expect(await api.post('/api/policies', meant)).toMatchObject({ status: 201 });
  });

  describe('the laws that come with the product', () => {
    it('are put in force once, however many processes start; what an operator did with them stays', async () => {
      const install = (): Promise<void> => app.get(LegalOverlays).install();
      await api.post('/api/policies', { key: 'us_fl_sms_calls', definition: quiet });
      await Promise.all([install(), install()]);
      const laws = await pageOf('/api/policies?kind=legal_overlay&limit=200');
      expect(laws.length).toBeGreaterThan(5);
      expect(laws.every(({ version }) => version === 1)).toBe(true);
      expect(laws.map(({ key }) => key)).not.toContain('us_fl_sms_calls');
      expect(await trail('us_federal_sms_calls')).toEqual(['policy.write']);
      await api.remove('/api/policies/us_federal_sms_calls');
      await install();
      const others = laws.map(({ key }) => key).filter((key) => key !== 'us_federal_sms_calls');
      expect(await keysOf('kind=legal_overlay')).toEqual(others);
      expect(await trail('us_federal_sms_calls')).toEqual(['policy.deactivate', 'policy.write']);
    });

    it('stay as they were stored before whole days had to be meant, and bind as they did', async () => {
      const key = 'fr_sundays_holidays_sms';
      await app.get(LegalOverlays).install();
      const database = app.get(Database);
      const text = `update policies set definition = definition - 'allow_long' where key = $1 returning definition`;
      const [former] = await database.query<{ definition: object }>({ text, values: [key] });
      expect(former?.definition).toMatchObject({ start: '00:00', end: '00:00' });
      await app.get(LegalOverlays).install();
      const [stored, ...earlier] = (await pageOf(`/api/policies/${key}/versions`)) as readonly object[];
      expect([stored, earlier]).toMatchObject([{ version: 1, is_active: true, definition: former?.definition }, []]);
      expect(Object.keys((stored as { definition: object }).definition)).not.toContain('allow_long');
      // A decision reads all policies in force.
      const user_id = await api.user({ jurisdiction: 'FR', phone: '+33612345678' });
      const decided = await api.post('/api/decisions/next-best-action', { user_id, dry_run: true });
      expect(decided.status).toBe(201);
      // The same law in the words of today is no change, and a change can be made of what was stored.
      const wakes = (): Promise<number> => pageOf('/api/policies/wakes?limit=200').then(({ length }) => length);
      const before = await wakes();
      const today = { ...former?.definition, allow_long: true };
      expect(await api.put(`/api/policies/${key}`, today)).toMatchObject({ status: 200, body: { version: 2 } });
      expect(await wakes()).toBe(before);
      expect((await api.put(`/api/policies/${key}`, former?.definition ?? {})).status).toBe(400);
      expect((await api.remove(`/api/policies/${key}`)).status).toBe(204);
    });
  });
});
