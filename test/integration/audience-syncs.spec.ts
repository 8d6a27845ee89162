import { createHash } from 'node:crypto';
import { jest } from '@jest/globals';
import { AudienceMembers } from '../../src/modules/audience-syncs/audience-members.repository.js';
import { AudienceRounds } from '../../src/modules/audience-syncs/audience-rounds.js';
import { ContactStage } from '../support/contact-stage.js';
import { startSandboxProcess, type SandboxProcess } from '../support/sandbox.js';
import { until } from '../support/until.js';

jest.setTimeout(300_000);

const ROUND_MS_MAX = 50_000;

interface Audience {
  readonly members: readonly string[];
  readonly adds: number;
  readonly removes: number;
  readonly largest: number;
}
interface SyncView {
  readonly state: string;
  readonly members: { readonly present: number; readonly to_add: number; readonly to_remove: number };
  readonly failure: string | null;
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const byEmail = (address: string): string => `EMAIL_SHA256 ${sha256(address)}`;
const byPhone = (digits: string): string => `PHONE_SHA256 ${sha256(digits)}`;

describe('audiences of an advertising platform', () => {
  let stage: ContactStage;
  let sandbox: SandboxProcess;

  beforeAll(async () => {
    [stage, sandbox] = await Promise.all([ContactStage.open(1, 6), startSandboxProcess()]);
  });
  afterAll(async () => {
    await stage.close();
    await sandbox.stop();
  });
  beforeEach(async () => {
    await sandbox.faults([]);
    await stage.query('delete from audience_members');
    await stage.query('delete from audience_syncs');
  });

  let made = 0;
  async function person(
    profile: object = {},
    consent: object | null = {},
  ): Promise<{ readonly id: string; readonly email: string }> {
    made += 1;
    const email = `member-${made}@example.org`;
    const whole: Record<string, unknown> = { email, lifecycle_stage: 'customer', ...profile };
    const given = Object.fromEntries(Object.entries(whole).filter(([, value]) => value !== null));
    const { id } = await stage.send<{ id: string }>('POST', '/api/users', given);
    if (consent !== null) await agree(id, consent);
    return { id, email };
  }
  const agree = (user_id: string, more: object = {}): Promise<unknown> =>
    stage.send('POST', '/api/consents', {
      ...{ user_id, purpose: 'advertising', channel: 'audience', status: 'granted', source: 'spec' },
      ...more,
    });

  let syncs = 0;
  /** Waits for its first round. @returns its key, which is the name of the audience too */
  async function sync(more: object = {}): Promise<string> {
    syncs += 1;
    const key = `audience_${syncs}`;
    await stage.send('POST', '/api/audience-syncs', {
      ...{ key, name: key, base_url: `${sandbox.url}/audiences`, audience_id: key, access_token: 'sandbox' },
      where: { kind: 'equals', attribute: 'lifecycle_stage', value: 'customer' },
      ...more,
    });
    await ended(key, null);
    return key;
  }
  const endOf = async (key: string): Promise<number | null> =>
    (await stage.query<{ at: number | null }>('select round_ended_at as at from audience_syncs where key = $1', key))[0]
      ?.at ?? null;
  const ended = (key: string, before: number | null): Promise<void> =>
    until(
      async () => {
        const at = await endOf(key);
        return at !== null && at !== before;
      },
      ROUND_MS_MAX,
      () => `the end of a round of ${key}`,
    );
  /** One round, now. */
  async function round(key: string): Promise<void> {
    const before = await endOf(key);
    await due(key);
    await ended(key, before);
  }
  async function due(key: string): Promise<void> {
    await stage.query(
      `update audience_syncs set next_at = date_trunc('milliseconds', clock_timestamp()) where key = $1`,
      key,
    );
    stage.get(AudienceRounds).kick();
  }
  const there = (key: string): Promise<Audience> => sandbox.ask('GET', `/admin/audiences/${key}`);
  async function get<View>(url: string): Promise<View> {
    return (await stage.inject({ method: 'GET', url })).json<View>();
  }
  const view = (key: string): Promise<SyncView> => get(`/api/audience-syncs/${key}`);

  it('hold who meets the condition, has agreed to it, and is not suppressed: by SHA-256 of the address', async () => {
    const [one, two] = [
      await person({ email: 'Ada.Lovelace@Example.ORG', phone: '+442079460000' }),
      await person({ email: null, phone: '+4930901820' }),
    ];
    await person({ lifecycle_stage: 'lead' });
    await person({}, null);
    await person({}, { purpose: 'marketing' });
    await person({}, { channel: 'email' });
    await person({}, { status: 'denied' });
    await person({ email: null, external_id: 'without-address' });
    const suppressed = await person();
    await stage.send('POST', '/api/suppressions', { user_id: suppressed.id, reason: 'manual' });
    const key = await sync({ identifiers: ['email', 'phone'] });
    expect((await there(key)).members).toEqual(
      [byEmail('ada.lovelace@example.org'), byPhone('442079460000'), byPhone('4930901820')].sort(),
    );
    expect(await view(key)).toMatchObject({ members: { present: 3, to_add: 0, to_remove: 0 }, failure: null });
    const { data } = await get<{ data: { user_id: string }[] }>(`/api/audience-syncs/${key}/members?state=present`);
    expect(data.map(({ user_id }) => user_id).sort()).toEqual([one.id, one.id, two.id].sort());
    expect(await get(`/api/audience-syncs/${key}/members?state=to_remove`)).toMatchObject({ data: [] });
    await stage.query(`update users set lifecycle_stage = null where id = any ($1)`, [one.id, two.id]);
  });

  it('lose within a round who withdraws, is suppressed, erased, or does not meet the condition any more', async () => {
    const people = await Promise.all([1, 2, 3, 4, 5].map(() => person()));
    const [withdrawn, erased, changed, moved, stays] = people as [
      (typeof people)[0],
      (typeof people)[0],
      (typeof people)[0],
      (typeof people)[0],
      (typeof people)[0],
    ];
    const key = await sync();
    expect((await there(key)).members).toEqual(people.map(({ email }) => byEmail(email)).sort());
    await agree(withdrawn.id, { status: 'withdrawn' });
    await stage.send('DELETE', `/api/users/${erased.id}`);
    await stage.send('PUT', `/api/users/${changed.id}`, { email: changed.email, lifecycle_stage: 'lead' });
    await stage.send('PUT', `/api/users/${moved.id}`, { email: 'moved@example.org', lifecycle_stage: 'customer' });
    await round(key);
    expect((await there(key)).members).toEqual([byEmail('moved@example.org'), byEmail(stays.email)].sort());
    expect(await view(key)).toMatchObject({ members: { present: 2, to_add: 0, to_remove: 0 } });
    const kept = await stage.query(
      'select hash from audience_members where hash = $1',
      byEmail(erased.email).split(' ')[1],
    );
    expect(kept).toEqual([]);
    const { adds, removes } = await there(key);
    await round(key);
    expect(await there(key)).toMatchObject({ adds, removes });
  });

  const optOut = async (id: string): Promise<void> => {
    const event = { user_id: id, event_name: 'page' };
    const headers = { 'sec-gpc': '1' };
    const told = await stage.inject({ method: 'POST', url: '/api/events', payload: event, headers });
    expect(told.statusCode).toBe(201);
  };
  const OPT_OUTS = ['sale', 'sharing', 'targeting'];
  /** The person's own word again, by name and for this channel. */
  const optIn = async (id: string, purposes = OPT_OUTS): Promise<void> => {
    for (const purpose of purposes) await agree(id, { purpose });
  };

  it('lose within a round who sends Sec-GPC, and take them back for the same purposes granted anew', async () => {
    const reader = { lifecycle_stage: 'reader' };
    const [gone, back, half, stays] = [
      await person(reader),
      await person(reader),
      await person(reader),
      await person(reader),
    ];
    const key = await sync({ where: { kind: 'equals', attribute: 'lifecycle_stage', value: 'reader' } });
    const members = async (): Promise<readonly string[]> => (await there(key)).members;
    expect(await members()).toEqual([gone, back, half, stays].map(({ email }) => byEmail(email)).sort());
    for (const { id } of [gone, back, half]) await optOut(id);
    await round(key);
    expect(await members()).toEqual([byEmail(stays.email)]);
    expect(await view(key)).toMatchObject({ members: { present: 1, to_add: 0, to_remove: 0 } });
    await agree(gone.id);
    await optIn(back.id);
    await optIn(half.id, ['sharing', 'targeting']);
    await round(key);
    expect(await members()).toEqual([back, stays].map(({ email }) => byEmail(email)).sort());
    await optIn(half.id, ['sale']);
    await agree(back.id, { purpose: 'sharing', status: 'withdrawn' });
    await round(key);
    expect(await members()).toEqual([half, stays].map(({ email }) => byEmail(email)).sort());
  });

  it('never hold who had opted out before agreeing to advertising', async () => {
    const before = await person({ lifecycle_stage: 'visitor' }, null);
    await optOut(before.id);
    await agree(before.id);
    const asked = await person({ lifecycle_stage: 'visitor' });
    await agree(asked.id, { purpose: 'targeting', status: 'pending' });
    const key = await sync({ where: { kind: 'equals', attribute: 'lifecycle_stage', value: 'visitor' } });
    expect((await there(key)).members).toEqual([byEmail(asked.email)]);
    expect(await there(key)).toMatchObject({ adds: 1, removes: 0 });
  });

  it.each(['paused', 'stopped by the kill switch'])('add nobody and go on removing while %s', async (how) => {
    const gone = await person();
    const key = await sync();
    const newcomer = await person();
    await agree(gone.id, { status: 'withdrawn' });
    const isPaused = how === 'paused';
    const change = { method: 'PATCH', url: `/api/audience-syncs/${key}` } as const;
    if (isPaused) await stage.inject({ ...change, payload: { state: 'paused' } });
    else await stage.send('PUT', '/api/controls', { kill_switch: true });
    await round(key);
    const paused = (await there(key)).members;
    expect(paused).not.toContain(byEmail(gone.email));
    expect(paused).not.toContain(byEmail(newcomer.email));
    if (isPaused) await stage.inject({ ...change, payload: { state: 'active' } });
    else await stage.send('PUT', '/api/controls', { kill_switch: false });
    await round(key);
    expect((await there(key)).members).toContain(byEmail(newcomer.email));
    await stage.query('update users set lifecycle_stage = null where id = $1', newcomer.id);
  });

  it.each<[string, string, object, RegExp]>([
    ['fails', 'error', { status: 500 }, /^status 500/],
    ['does not know us', 'error', { status: 401 }, /^status 401, code 2/],
    ['asks to come back', 'rate_limited', { retry_after_s: 600 }, /^status 429, code 80003/],
    ['hangs up before', 'reset_before', {}, /^ECONNRESET/],
    ['hangs up after', 'reset_after', {}, /^ECONNRESET/],
    ['says what nobody understands', 'malformed', { part: 'body' }, /^received an unknown number/],
  ])('come to the same in the end where the platform %s', async (_what, kind, parameters, failure) => {
    const whom = await person();
    await sandbox.faults([{ provider: 'audiences', kind, parameters, count: 1 }]);
    const key = await sync();
    const failed = await view(key);
    expect(failed.failure).toMatch(failure);
    expect(failed.members).toMatchObject({ to_add: expect.any(Number) as number, present: 0 });
    const [{ waitS } = { waitS: 0 }] = await stage.query<{ waitS: number }>(
      `select extract(epoch from next_at - clock_timestamp())::float8 as "waitS" from audience_syncs where key = $1`,
      key,
    );
    expect(waitS).toBeGreaterThan(kind === 'rate_limited' ? 590 : 20);
    expect(waitS).toBeLessThan(kind === 'rate_limited' ? 601 : 31);
    await round(key);
    expect((await there(key)).members).toContain(byEmail(whom.email));
    expect(await view(key)).toMatchObject({ failure: null, members: { to_add: 0 } });
    // What the platform took without saying so can be taken back too.
    await agree(whom.id, { status: 'withdrawn' });
    await round(key);
    expect((await there(key)).members).not.toContain(byEmail(whom.email));
  });

  it('take back what may be there, though nobody said so, when its person withdraws meanwhile', async () => {
    const whom = await person();
    await sandbox.faults([{ provider: 'audiences', kind: 'reset_after', count: 1 }]);
    const key = await sync();
    expect((await there(key)).members).toContain(byEmail(whom.email));
    await agree(whom.id, { status: 'withdrawn' });
    await round(key);
    expect((await there(key)).members).not.toContain(byEmail(whom.email));
  });

  it('go on where a round broke off, in batches of at most 10,000', async () => {
    await stage.query(
      `with made as (
        insert into users (external_id, email, lifecycle_stage, attributes)
        select 'many-' || n, 'many-' || n || '@example.org', 'many', '{}' from generate_series(1, 10050) n returning id)
      insert into consent_records (user_id, purpose, channel, brand, status, basis, stated_at, received_at, source)
        select id, 'advertising', 'audience', 'default', 'granted', 'consent', clock_timestamp(), clock_timestamp(), 'spec'
        from made`,
    );
    const members = stage.get(AudienceMembers);
    const real = members.candidates.bind(members);
    const read = jest.spyOn(members, 'candidates');
    let pages = 0;
    read.mockImplementation((...asked) => {
      pages += 1;
      return pages === 5 ? Promise.reject(new Error('broken off')) : real(...asked);
    });
    const creating = sync({ where: { kind: 'equals', attribute: 'lifecycle_stage', value: 'many' } });
    await until(
      () => pages === 5,
      ROUND_MS_MAX,
      () => 'the fifth page',
    );
    const key = `audience_${syncs}`;
    await due(key);
    await creating;
    // The page that broke was read again, and none before it.
    const whole = pages;
    expect((await there(key)).members).toHaveLength(10_050);
    expect(await there(key)).toMatchObject({ adds: 2, largest: 10_000 });
    await round(key);
    expect(pages - whole).toBe(whole - 1);
    read.mockRestore();
    await stage.query(`update users set lifecycle_stage = null where lifecycle_stage = 'many'`);
  }, 120_000);

  it('are emptied at the platform before they are gone', async () => {
    await person();
    const key = await sync();
    expect((await there(key)).members).not.toEqual([]);
    await stage.send('DELETE', `/api/audience-syncs/${key}`);
    await until(
      async () => (await stage.inject({ method: 'GET', url: `/api/audience-syncs/${key}` })).statusCode === 404,
      ROUND_MS_MAX,
      () => `the end of ${key}`,
    );
    expect((await there(key)).members).toEqual([]);
  });

  it('keep their token to themselves', async () => {
    const key = await sync({ access_token: 'secret-of-the-platform' });
    expect(JSON.stringify([await view(key), await get('/api/audience-syncs')])).not.toContain('secret-of-the-platform');
    const rows = await stage.query(
      `select from audience_syncs sync where to_jsonb(sync)::text like '%secret-of-the-platform%'`,
    );
    expect(rows).toEqual([]);
    const payload = {
      key,
      name: 'x',
      audience_id: 'x',
      access_token: 'x',
      where: { kind: 'exists', attribute: 'email' },
    };
    const taken = await stage.inject({ method: 'POST', url: '/api/audience-syncs', payload });
    expect([taken.statusCode, taken.json()]).toMatchObject([409, { code: 'AUDIENCE_KEY_TAKEN' }]);
  });
});
