import { jest } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { BulkPages } from '../../src/modules/bulk-enrolments/index.js';
import type { BulkEnrolmentView, EntryRefusalView } from '../../src/modules/bulk-enrolments/bulk-enrolments.dto.js';
import { OutboxDispatcher } from '../../src/modules/journeys/outbox/outbox.dispatcher.js';
import { Database } from '../../src/platform/database/database.js';
import { createTestApp } from '../support/app.js';
import { clientOf, type Client } from '../support/client.js';

const CLOSE_MS_MAX = 120_000;
const steps = [{ kind: 'end', id: 'done' }];
const leads = { kind: 'equals', attribute: 'lifecycle_stage', value: 'lead' };
const UNKNOWN = '01890a5d-ac96-774b-bcce-b302099a8057';

describe('enrolment of many', () => {
  let app: NestFastifyApplication;
  let api: Client;
  // Nobody carries the workflow here: the spec asks for each page itself.
  beforeAll(async () => {
    app = await createTestApp({ OUTBOX_POLL_MS: '60000' });
    api = clientOf(app);
    jest.spyOn(app.get(OutboxDispatcher), 'kick').mockReturnValue();
  });
  afterAll(() => app.close(), CLOSE_MS_MAX);
  beforeEach(() => query('delete from outbox'));

  const query = <Row extends object>(text: string, ...values: unknown[]): Promise<readonly Row[]> =>
    app.get(Database).query<Row>({ text, values });
  const runs = async (journey: string): Promise<number> =>
    (await query('select from journey_runs where journey_key = $1', journey)).length;
  const page = (bulkId: string, number: number) => app.get(BulkPages).run({ bulkId, page: number });

  async function publish(key: string, entry: object = { mode: 'once' }): Promise<string> {
    await api.post('/api/journeys/templates', { key, name: key, entry, steps });
    expect((await api.post(`/api/journeys/templates/${key}/publish`, {})).status).toBe(200);
    return `/api/journeys/templates/${key}/enrolments`;
  }
  async function order(url: string, body: object): Promise<BulkEnrolmentView> {
    const answer = await api.post(url, body);
    expect([answer.status, answer.body]).toMatchObject([202, { state: 'queued' }]);
    const view = answer.body as BulkEnrolmentView;
    expect(answer.headers['location']).toBe(`${url}/${view.id}`);
    return view;
  }
  async function finish(id: string): Promise<void> {
    for (let number = 1; ; number += 1) {
      const answer = await page(id, number);
      if (answer.kind === 'over') return;
      expect(answer).toMatchObject({ kind: 'done', page: number });
    }
  }
  const find = async (url: string, id: string): Promise<BulkEnrolmentView> =>
    (await api.get(`${url}/${id}`)).body as BulkEnrolmentView;
  const many = (count: number, profile: object = {}): Promise<readonly string[]> =>
    Promise.all(Array.from({ length: count }, () => api.user(profile)));
  async function refusals(url: string, id: string): Promise<readonly EntryRefusalView[]> {
    const answer = await api.get(`${url}/${id}/refusals?limit=200`);
    return (answer.body as { data: readonly EntryRefusalView[] }).data;
  }
  async function importFile(url: string, type: string, text: string, search = ''): Promise<BulkEnrolmentView> {
    const response = await app.inject({
      method: 'POST',
      url: `${url}/import${search}`,
      headers: { 'content-type': type },
      payload: text,
    });
    expect([response.statusCode, response.body]).toMatchObject([202, expect.any(String)]);
    return response.json<BulkEnrolmentView>();
  }

  it('enters those who meet the condition and were there when it was asked for, in pages', async () => {
    const url = await publish('by_filter');
    await many(25, { lifecycle_stage: 'lead' });
    await many(5, { lifecycle_stage: 'customer' });
    const { id } = await order(url, { users: { where: leads }, per_second: 10 });
    await many(3, { lifecycle_stage: 'lead' });
    expect(await page(id, 1)).toEqual({ kind: 'done', page: 1, users: 20 });
    expect(await find(url, id)).toMatchObject({ state: 'running', counts: { entered: 20, users_total: 30 } });
    expect(await page(id, 2)).toEqual({ kind: 'over' });
    const view = await find(url, id);
    expect(view).toMatchObject({ state: 'done', progress: 1, refused_by: {} });
    expect(view.counts).toEqual({
      users_total: 30,
      looked_at: 30,
      passed_over: 5,
      entered: 25,
      already_in: 0,
      refused: 0,
    });
    expect(await runs('by_filter')).toBe(25);
  });

  it('does a page once, however often and however many at the same time ask for it', async () => {
    const url = await publish('repeated');
    const { id } = await order(url, { users: { ids: await many(30) }, per_second: 10 });
    const answers = await Promise.all(Array.from({ length: 8 }, () => page(id, 1)));
    expect(answers.map(({ kind }) => kind)).toEqual(Array(8).fill('done'));
    expect((await find(url, id)).counts).toMatchObject({ entered: 20, looked_at: 20 });
    expect(await page(id, 1)).toEqual({ kind: 'done', page: 1, users: 0 });
    await finish(id);
    expect((await find(url, id)).counts).toMatchObject({ entered: 30, looked_at: 30, refused: 0 });
    expect(await runs('repeated')).toBe(30);
    expect(await query('select from bulk_enrolment_items where bulk_id = $1', id)).toEqual([]);
  });

  it('counts who is in already apart, and who is refused by the reason, with a page of names', async () => {
    const url = await publish('again', { mode: 'after_exit', cool_down: 'PT1H' });
    const [inside = '', cooling = '', fresh = ''] = await many(3);
    for (const user of [inside, cooling]) await api.post(`/api/journeys/${user}/enroll`, { journey: 'again' });
    await query(
      `update journey_entries set ended_at = date_trunc('milliseconds', clock_timestamp()) where user_id = $1`,
      cooling,
    );
    const ids = [inside, cooling, fresh, fresh, UNKNOWN, 'ext:nobody-like-that'];
    const { id } = await order(url, { users: { ids } });
    await finish(id);
    const view = await find(url, id);
    expect(view.counts).toMatchObject({ users_total: 6, looked_at: 6, entered: 1, already_in: 2, refused: 3 });
    expect(view.refused_by).toEqual({ COOL_DOWN: 1, USER_UNKNOWN: 2 });
    expect((await refusals(url, id)).map(({ line, user_id, code }) => [line, user_id, code])).toEqual([
      [2, cooling, 'COOL_DOWN'],
      [5, UNKNOWN, 'USER_UNKNOWN'],
      [6, null, 'USER_UNKNOWN'],
    ]);
    const first = (await api.get(`${url}/${id}/refusals?limit=2`)).body as { data: object[]; next_cursor: string };
    const second = await api.get(`${url}/${id}/refusals?limit=2&cursor=${first.next_cursor}`);
    expect([first.data.length, (second.body as { data: object[] }).data.length]).toEqual([2, 1]);
  });

  it('takes CSV and JSON lines, refuses faulty lines by their number, and enrols the rest', async () => {
    const url = await publish('orders', { mode: 'parallel' });
    const user = await api.user({ external_id: 'file-1' });
    const csv = [
      'external_id,user_id,entry_key',
      'file-1,,a1',
      `,${user},a2`,
      'file-1,,a1',
      'x,y',
      'file-1,,bad key',
      'file-1,,',
    ];
    const { id } = await importFile(url, 'text/csv', csv.join('\n'));
    await finish(id);
    const view = await find(url, id);
    expect(view).toMatchObject({ source: 'file', state: 'done' });
    expect(view.counts).toMatchObject({ users_total: 6, entered: 2, already_in: 1, refused: 3 });
    expect((await refusals(url, id)).map(({ line, code }) => [line, code])).toEqual([
      [5, 'INVALID_LINE'],
      [6, 'INVALID_LINE'],
      [7, 'ENTRY_KEY_MISSING'],
    ]);
    const lines = [{ external_id: 'file-1' }, { user_id: user, entry_key: 'b2' }, { user_id: 'x' }, { nonsense: 1 }];
    const body = lines.map((line) => JSON.stringify(line)).join('\n');
    const second = await importFile(url, 'application/x-ndjson', body, '?entry_key=b1&per_second=5');
    await finish(second.id);
    expect((await find(url, second.id)).counts).toMatchObject({ users_total: 4, entered: 2, refused: 2 });
    const keys = await query<{ key: string }>('select entry_key as key from journey_entries where user_id = $1', user);
    expect(keys.map(({ key }) => key).sort()).toEqual(['a1', 'a2', 'b1', 'b2']);
  });

  it('enrols nobody of a file that is of no use', async () => {
    const url = await publish('no_use');
    const headers = { 'content-type': 'text/csv' };
    const payload = 'name\nada';
    const response = await app.inject({ method: 'POST', url: `${url}/import`, headers, payload });
    expect([response.statusCode, response.json()]).toMatchObject([400, { errors: [{ path: 'header' }] }]);
    const list = (await api.get(url)).body as { data: readonly BulkEnrolmentView[] };
    expect(list.data).toMatchObject([{ state: 'failed', fault: 'FILE_INCOMPLETE' }]);
  });

  it('lets nobody in while it is paused, goes on where it was, and ends at once when it is cancelled', async () => {
    const url = await publish('steered');
    const { id } = await order(url, { users: { ids: await many(50) }, per_second: 5 });
    const steer = async (command: string): Promise<number> => (await api.post(`${url}/${id}/${command}`, {})).status;
    await page(id, 1);
    expect([await steer('pause'), await steer('pause')]).toEqual([200, 200]);
    expect(await page(id, 2)).toEqual({ kind: 'paused' });
    expect(await find(url, id)).toMatchObject({ state: 'paused', counts: { entered: 10 } });
    expect(await steer('resume')).toBe(200);
    expect(await page(id, 2)).toMatchObject({ kind: 'done', users: 10 });
    expect(await steer('cancel')).toBe(200);
    expect(await page(id, 3)).toEqual({ kind: 'over' });
    expect(await find(url, id)).toMatchObject({ state: 'cancelled', counts: { entered: 20, looked_at: 20 } });
    expect([await steer('cancel'), await steer('resume')]).toEqual([200, 409]);
    const log = await query<{ action: string }>(`select action from audit_log where subject = $1 order by id`, id);
    const verbs = ['start', 'pause', 'resume', 'cancel'];
    expect(log.map(({ action }) => action)).toEqual(verbs.map((verb) => `bulk_enrolment.${verb}`));
  }, 120_000);

  it('waits while much is due already, and while its journey is paused; ends when the journey lets nobody in', async () => {
    const url = await publish('crowded');
    const { id } = await order(url, { users: { ids: await many(2) } });
    await query(`insert into outbox (kind, run_key, payload, available_at)
      select 'signal_run', 'x', '{}', clock_timestamp() - interval '1 second' from generate_series(1, 201)`);
    expect(await page(id, 1)).toMatchObject({ kind: 'wait' });
    expect(await find(url, id)).toMatchObject({ waits_for: 'OUTBOX_LONG', counts: { entered: 0 } });
    await query(`update outbox set available_at = date_trunc('milliseconds', clock_timestamp()) + interval '1 hour'`);
    expect(await page(id, 1)).toEqual({ kind: 'over' });
    const second = await order(url, { users: { ids: await many(2) } });
    await query(`update journeys set status = 'paused' where key = 'crowded'`);
    expect(await page(second.id, 1)).toMatchObject({ kind: 'wait' });
    expect(await find(url, second.id)).toMatchObject({ waits_for: 'JOURNEY_PAUSED', counts: { looked_at: 0 } });
    await query(`update journeys set status = 'archived' where key = 'crowded'`);
    expect(await page(second.id, 1)).toEqual({ kind: 'over' });
    expect(await find(url, second.id)).toMatchObject({ state: 'failed', fault: 'JOURNEY_NOT_PUBLISHED' });
  });

  it('spreads the starts, keeps to local times, and puts the runs behind what people do', async () => {
    const url = await publish('spread');
    const ids = await many(40, { timezone: 'Asia/Kathmandu' });
    const startAt = '2127-03-10T00:00:00Z';
    const { id } = await order(url, { users: { ids }, spread: 'PT1H', start_at: startAt, local_time: '09:00' });
    await finish(id);
    const starts = await query<{ at: number; isBulk: boolean }>(
      `select outbox.available_at as at, entry.is_bulk as "isBulk"
        from outbox join journey_entries entry on entry.run_key = outbox.run_key where outbox.kind = 'start_run'`,
    );
    const nine = Date.parse('2127-03-10T03:15:00Z');
    expect(starts).toHaveLength(40);
    expect(starts.every(({ isBulk }) => isBulk)).toBe(true);
    expect(Math.min(...starts.map(({ at }) => at))).toBeGreaterThanOrEqual(nine);
    expect(Math.max(...starts.map(({ at }) => at))).toBeLessThan(nine + 3_600_000);
    expect(new Set(starts.map(({ at }) => at)).size).toBeGreaterThan(30);
  });

  it('keeps the pace within a page: runs that begin now do so one after another', async () => {
    const url = await publish('paced');
    const { id } = await order(url, { users: { ids: await many(20) }, per_second: 10 });
    await page(id, 1);
    const [row] = await query<{ span: number }>(
      `select extract(epoch from max(available_at) - min(available_at))::float8 as span from outbox where kind = 'start_run'`,
    );
    expect(row?.span).toBeGreaterThan(1.5);
    expect(row?.span).toBeLessThan(2.5);
  });

  it('refuses what cannot be: no such journey, one that is a draft, no key in a parallel one', async () => {
    const users = { ids: [UNKNOWN] };
    await publish('needs_key', { mode: 'parallel' });
    await api.post('/api/journeys/templates', { key: 'bulk_draft', name: 'draft', steps });
    const url = (key: string): string => `/api/journeys/templates/${key}/enrolments`;
    expect(await api.post(url('nowhere'), { users })).toMatchObject({ status: 404, body: { code: 'JOURNEY_UNKNOWN' } });
    expect((await api.post(url('bulk_draft'), { users })).status).toBe(409);
    const missing = await api.post(url('needs_key'), { users });
    expect(missing).toMatchObject({ status: 400, body: { code: 'ENTRY_KEY_MISSING' } });
    expect((await api.get(`${url('needs_key')}/${UNKNOWN}`)).status).toBe(404);
  });

  it('forgets the keys of a person who is erased', async () => {
    const url = await publish('erased_key', { mode: 'parallel' });
    const user = await api.user({ external_id: 'gone-soon' });
    const { id } = await importFile(url, 'text/csv', 'external_id,entry_key\ngone-soon,order-7');
    expect((await api.remove(`/api/users/${user}`)).status).toBe(204);
    expect(await query('select entry_key from bulk_enrolment_items where bulk_id = $1', id)).toEqual([
      { entry_key: null },
    ]);
    await finish(id);
    expect((await find(url, id)).refused_by).toEqual({ USER_UNKNOWN: 1 });
  });
});
