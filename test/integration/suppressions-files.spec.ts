import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { jest } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { OutboxDispatcher } from '../../src/modules/journeys/outbox/outbox.dispatcher.js';
import { Database } from '../../src/platform/database/database.js';
import { createTestApp } from '../support/app.js';
import { clientOf, type Client } from '../support/client.js';
import { lockWaits } from '../support/concurrency.js';
import { startSmtp, type TestSmtp } from '../support/smtp.js';
import { stageSteps } from '../support/step-stage.js';
import { until } from '../support/until.js';

const CSV = 'text/csv';
const NDJSON = 'application/x-ndjson';
const WAIT_MS_MAX = 50_000;

interface Imported {
  readonly id: string;
  readonly lines: number;
  readonly added: number;
  readonly extended: number;
  readonly unchanged: number;
  readonly refused: number;
  readonly faults: readonly { readonly line: number; readonly path: string; readonly message: string }[];
}
interface Exported {
  readonly address_hash: string | null;
  readonly hash_key: string | null;
}

/** Each spec makes people, sends them mail and hears of it: a few dozen requests, on a machine that may be busy. */
jest.setTimeout(300_000);

describe('files of suppressions', () => {
  let app: NestFastifyApplication;
  let smtp: TestSmtp;
  let api: Client;
  let stage: Awaited<ReturnType<typeof stageSteps>>;

  beforeAll(async () => {
    smtp = await startSmtp();
    app = await createTestApp({ SMTP_URL: smtp.url });
    // There is no Temporal here: nothing carries the outbox away.
    jest.spyOn(app.get(OutboxDispatcher), 'kick').mockReturnValue();
    api = clientOf(app);
    stage = await stageSteps(app);
  });
  afterAll(async () => {
    await app.close();
    await smtp.stop();
  });
  beforeEach(() => query('truncate suppressions, audit_log'));

  const query = <Row extends object>(text: string, ...values: unknown[]): Promise<readonly Row[]> =>
    app.get(Database).query<Row>({ text, values });
  const send = (payload: string | Readable, type: string, search = '') =>
    app.inject({
      method: 'POST',
      url: `/api/suppressions/import${search}`,
      payload,
      headers: { 'content-type': type },
    });
  async function imported(payload: string | Readable, type = CSV, search = ''): Promise<Imported> {
    const response = await send(payload, type, search);
    expect([response.statusCode, response.body]).toEqual([200, expect.any(String)]);
    return response.json<Imported>();
  }
  const counts = ({ lines, added, extended, unchanged, refused }: Imported) =>
    [lines, added, extended, unchanged, refused] as const;
  async function stored(): Promise<number> {
    const [row] = await query<{ rows: number }>('select count(*)::int as rows from suppressions');
    return row?.rows ?? 0;
  }
  const found = async (address: string): Promise<object[]> =>
    ((await api.get(`/api/suppressions?address=${encodeURIComponent(address)}`)).body as { data: object[] }).data;
  const exported = async (search: string, accept = '*/*') =>
    app.inject({ url: `/api/suppressions/export${search}`, headers: { accept } });
  const contents = () =>
    query(
      `select address_hash, user_id, channel, purpose, reason, source, since, until from suppressions
        order by 1, 2, 3, 4, 5`,
    );

  it('are read as CSV, with any columns in any order', async () => {
    const file = [
      '\ufeffChannel, address ,reason,purpose,until,source',
      'email,Jane@Example.com,hard_bounce,,,"Old, system"',
      'sms,+1 202 555 0123,stop,,2031-01-01T00:00:00Z,',
      '',
      ',"joe@example.com",,marketing,,',
    ].join('\r\n');
    expect(await imported(file, `${CSV}; charset=utf-8`)).toMatchObject({ lines: 3, added: 3, refused: 0, faults: [] });
    const rest = { purpose: null, until: null };
    expect(await found('jane@example.com')).toMatchObject([
      { ...rest, channel: 'email', reason: 'hard_bounce', source: 'Old, system' },
    ]);
    expect(await found('+12025550123')).toMatchObject([
      { channel: 'sms', reason: 'stop', until: '2031-01-01T00:00:00.000Z', source: 'import' },
    ]);
    expect(await found('JOE@example.com')).toMatchObject([{ channel: null, reason: 'manual', purpose: 'marketing' }]);
    expect(JSON.stringify(await query('select to_jsonb(item)::text as row from suppressions item'))).not.toContain('@');
  });

  it('are read as NDJSON', async () => {
    const file = ['{"address":"a@example.com"}', '{"address":"b@example.com","channel":null,"reason":"complaint"}', ''];
    expect(counts(await imported(file.join('\n'), NDJSON))).toEqual([2, 2, 0, 0, 0]);
    expect(await found('b@example.com')).toMatchObject([{ reason: 'complaint' }]);
  });

  it('are in force for the next claim, and wake the runs of those who are new in them', async () => {
    const person = await stage.person('in.the.file@example.com');
    const other = await stage.person('not.in.the.file@example.com');
    await person.send();
    await other.send();
    const file = 'address,channel\nIN.the.FILE@example.com,email\n';
    await imported(file);
    expect(await person.ask()).toMatchObject({ kind: 'skip', reason: 'SUPPRESSED_MANUAL' });
    expect(await other.ask()).toMatchObject({ kind: 'sent' });
    const woken = () =>
      query<{ id: string }>(
        `select distinct user_id as id from outbox join journey_entries using (run_key)
        where payload -> 'argument' ->> 'because' = 'suppression_changed'`,
      );
    expect(await woken()).toEqual([{ id: person.id }]);
    await query('delete from outbox');
    await imported(file);
    expect(await woken()).toEqual([]);
  });

  it('bind by purpose: other messages go on', async () => {
    const person = await stage.person('only.surveys@example.com');
    await imported('address,purpose\nonly.surveys@example.com,surveys\n');
    expect(await person.ask()).toMatchObject({ kind: 'sent' });
    await imported('address,purpose\nonly.surveys@example.com,marketing\n');
    expect(await person.ask()).toMatchObject({ kind: 'skip', reason: 'SUPPRESSED_MANUAL' });
  });

  it('with faults: every good line is stored, every fault is told with its line', async () => {
    const file = [
      'address,channel,reason,until',
      'good@example.com,email,manual,',
      'jane@,email,manual,',
      'a@example.com,E-Mail,why,tomorrow',
      'a@example.com,email',
      '"a@example.com,email,manual,',
      '202 555 0123,,,',
      ',,,',
      `${'a'.repeat(5_000)},,,`,
      'good.too@example.com,,,',
    ].join('\n');
    const result = await imported(file);
    expect(counts(result)).toEqual([9, 2, 0, 0, 7]);
    expect(result.faults).toEqual([
      { line: 3, path: 'address', message: expect.stringContaining('E.164') as string },
      { line: 4, path: 'channel', message: expect.any(String) as string },
      { line: 4, path: 'reason', message: expect.any(String) as string },
      { line: 4, path: 'until', message: expect.any(String) as string },
      { line: 5, path: '', message: 'has 2 values for 4 columns' },
      { line: 6, path: '', message: 'the quotes are not in order' },
      { line: 7, path: 'address', message: expect.any(String) as string },
      { line: 8, path: 'address', message: 'exactly one of address, address_hash and user_id' },
      { line: 9, path: '', message: 'the line is too long' },
    ]);
    expect(await stored()).toBe(2);
  });

  it('with faults in NDJSON: what is no object, holds what cannot be stored, or has a field that nobody knows', async () => {
    const lines = ['{', '[]', '5', '{"address":"a\\u0000@example.com"}', '{"address":"a@example.com","chanel":"sms"}'];
    const result = await imported([...lines, '{"address":"good@example.com"}'].join('\n'), NDJSON);
    expect(counts(result)).toEqual([6, 1, 0, 0, 5]);
    expect(result.faults.map(({ line, path, message }) => `${line} ${path} ${message}`)).toEqual([
      '1  the line is not JSON',
      '2  must be a JSON object',
      '3  must be a JSON object',
      expect.stringContaining('NUL'),
      '5 chanel is not known here',
    ]);
  });

  it('tell the first hundred faults and count the rest', async () => {
    const lines = Array.from({ length: 1_300 }, (_, index) => (index % 2 === 0 ? `a${index}@example.com` : 'nonsense'));
    const result = await imported(['address', ...lines].join('\n'));
    expect(counts(result)).toEqual([1_300, 650, 0, 0, 650]);
    expect(result.faults.map(({ line }) => line)).toEqual(Array.from({ length: 100 }, (_, index) => 3 + 2 * index));
  });

  it('can be tried out: the same counts, and nothing is stored, locked, woken or noted', async () => {
    const person = await stage.person('tried.out@example.com');
    await imported('address,until\nold@example.com,2030-01-01T00:00:00Z\nlonger@example.com,2030-01-01T00:00:00Z\n');
    await query('truncate audit_log, outbox');
    const file = [
      'address,user_id,until',
      'tried.out@example.com,,',
      'nonsense,,',
      'old@example.com,,2030-01-01T00:00:00Z',
      'longer@example.com,,2031-01-01T00:00:00Z',
      `,${person.id},`,
      ',ext:nobody,',
      ',01890a5d-ac96-774b-bcce-b302099a8057,',
    ].join('\n');
    const before = await contents();
    const tried = await imported(file, CSV, '?dry_run=true');
    expect(tried).toMatchObject({ dry_run: true });
    expect(await contents()).toEqual(before);
    expect(await query('select from audit_log union all select from outbox')).toEqual([]);
    const done = await imported(file);
    expect(counts(done)).toEqual([7, 2, 1, 1, 3]);
    expect({ ...tried, id: '', dry_run: false }).toEqual({ ...done, id: '' });
    expect(done.faults.map(({ line }) => line)).toEqual([3, 7, 8]);
  });

  it('are harmless when they come again, and when they hold a line several times: the longest end holds', async () => {
    const file = [
      'address,until',
      'twice@example.com,2030-01-01T00:00:00Z',
      'TWICE@example.com,2031-01-01T00:00:00Z',
      'twice@example.com,2029-01-01T00:00:00Z',
      'once@example.com,',
    ].join('\n');
    expect(counts(await imported(file))).toEqual([4, 2, 0, 2, 0]);
    const first = await contents();
    expect(counts(await imported(file))).toEqual([4, 0, 0, 4, 0]);
    expect(await contents()).toEqual(first);
    expect(await found('twice@example.com')).toMatchObject([{ until: '2031-01-01T00:00:00.000Z' }]);
  });

  it('wait for the claims of everybody in a batch, and two of them with the same people end both', async () => {
    const addresses = Array.from({ length: 40 }, (_, index) => `shared-${index}@example.com`);
    const ids = await Promise.all(addresses.map((email) => api.user({ email })));
    const database = app.get(Database);
    let isDone = false;
    let both: Promise<unknown> | undefined;
    await database.transaction(async (transaction) => {
      const text = 'select from contact_state where user_id = $1 for update';
      await transaction.query({ text, values: [ids[20]] });
      const files = [addresses, [...addresses].reverse()].map((each) => ['address', ...each].join('\n'));
      both = Promise.all(files.map((file) => imported(file))).finally(() => (isDone = true));
      await lockWaits(database, 'contact_state', 2);
      expect([isDone, await stored()]).toEqual([false, 0]);
    });
    await both;
    expect(await stored()).toBe(40);
  });

  it.each(['csv', 'ndjson'] as const)('go out as %s, without addresses, and come in again the same', async (format) => {
    const person = await stage.person('exported@example.com');
    const gone = await stage.person('erased.before@example.com');
    await api.remove(`/api/users/${gone.id}`);
    const lines = Array.from({ length: 1_500 }, (_, index) => `export-${index}@example.com,email,stop,,"a ""b"", c"`);
    await imported(['address,channel,reason,until,source', ...lines].join('\n'));
    await api.post('/api/suppressions', { user_id: person.id, purpose: 'marketing', until: '2031-01-01T00:00:00Z' });
    const file = await exported(`?format=${format}`);
    expect(file.headers['content-type']).toMatch(format === 'csv' ? CSV : NDJSON);
    expect(file.headers['content-disposition']).toBe(`attachment; filename="suppressions.${format}"`);
    expect(file.body).not.toContain('@');
    const before = await contents();
    expect(before).toHaveLength(1_502);
    const type = format === 'csv' ? CSV : NDJSON;
    expect(counts(await imported(file.body, type))).toEqual([1_502, 0, 0, 1_502, 0]);
    await query('truncate suppressions');
    expect(counts(await imported(file.body, type))).toEqual([1_502, 1_502, 0, 0, 0]);
    expect(await contents()).toEqual(before);
  });

  it('go out in the format that is asked for, and only what is asked for', async () => {
    await imported('address,reason\na@example.com,stop\nb@example.com,manual\n');
    expect((await exported('', NDJSON)).headers['content-type']).toMatch(NDJSON);
    expect((await exported('', '*/*')).headers['content-type']).toMatch(CSV);
    const stops = (await exported('?format=ndjson&reason=stop')).body.trim().split('\n');
    expect(stops.map((line) => JSON.parse(line) as object)).toMatchObject([{ reason: 'stop' }]);
    expect((await exported('?format=ndjson&address=nobody@example.com')).body).toBe('');
    expect((await exported('?format=xml')).statusCode).toBe(400);
    expect((await exported('?user_id=ext:nobody')).statusCode).toBe(404);
  });

  it('take hashes of this installation only: another key means another address, or none', async () => {
    await imported('address\na@example.com\n');
    const [line = ''] = (await exported('?format=ndjson')).body.trim().split('\n');
    const { address_hash: hash, hash_key: key } = JSON.parse(line) as Exported;
    expect(key).toMatch(/^[0-9a-f]{16}$/);
    await query('truncate suppressions');
    const file = [
      { address_hash: hash, hash_key: '0123456789abcdef' },
      { address_hash: hash },
      { address_hash: 'nonsense', hash_key: key },
      { address: 'a@example.com', address_hash: hash, hash_key: key },
      { address: 'a@example.com', reason: 'erasure' },
      { address_hash: hash, hash_key: key, since: '2199-01-01T00:00:00Z' },
    ];
    const result = await imported(file.map((each) => JSON.stringify(each)).join('\n'), NDJSON);
    expect(counts(result)).toEqual([6, 1, 0, 0, 5]);
    expect(result.faults.map(({ line: number, path }) => [number, path])).toEqual([
      [1, 'hash_key'],
      [2, 'hash_key'],
      [3, 'address_hash'],
      [4, 'address'],
      [5, 'reason'],
    ]);
    expect(await query('select from suppressions where since > clock_timestamp()')).toEqual([]);
  });

  it('refuse lines that would be over at birth; one that says when it began is history', async () => {
    const over = '2020-02-01T00:00:00Z';
    const file = ['address,since,until', `a@example.com,,${over}`, `b@example.com,2020-01-01T00:00:00Z,${over}`];
    for (const search of ['?dry_run=true', '']) {
      const result = await imported(file.join('\n'), CSV, search);
      expect([counts(result), result.faults.map(({ line, path }) => [line, path])]).toEqual([
        [2, 1, 0, 0, 1],
        [[2, 'until']],
      ]);
    }
    expect([await found('a@example.com'), (await found('b@example.com')).length]).toEqual([[], 1]);
  });

  it('leave their mark in the audit log before and after', async () => {
    const { id } = await imported('address\na@example.com\nnonsense\n');
    const trail = ((await api.get('/api/audit-log')).body as { data: { action: string; subject: string }[] }).data;
    const counted = { lines: 2, added: 1, extended: 0, unchanged: 0, refused: 1 };
    expect(trail).toMatchObject([
      { action: 'suppression.import', subject: id, principal: 'local', detail: { state: 'finished', ...counted } },
      { action: 'suppression.import', subject: id, detail: { state: 'begun' } },
    ]);
  });

  it.each<[string, string, RegExp]>([
    ['an unknown column', 'address,why\n', /knows no column "why"/],
    ['semicolons', 'address;channel\n', /separated by commas/],
    ['a column twice', 'address,address\n', /has a column twice/],
    ['neither address, hash nor user', 'channel,reason\n', /needs one of the columns address/],
    ['quotes that are not in order', '"address\n', /needs one of/],
  ])('are refused as a whole for a header with %s', async (_what, header, message) => {
    const response = await send(`${header}a@example.com,email\n`, CSV);
    expect(response.statusCode).toBe(400);
    expect(response.json()).toMatchObject({
      code: 'INVALID_INPUT',
      errors: [{ path: 'header', message: expect.stringMatching(message) as string }],
    });
    expect(await stored()).toBe(0);
  });

  it('may be empty', async () => {
    expect(counts(await imported('', CSV))).toEqual([0, 0, 0, 0, 0]);
    expect(counts(await imported('address\n', CSV))).toEqual([0, 0, 0, 0, 0]);
    expect(await query('select from audit_log')).toEqual([]);
  });

  it('are taken on their route only, and nothing else is taken there', async () => {
    expect((await send('{}', 'application/json')).statusCode).toBe(415);
    expect((await send('a=b', 'application/x-www-form-urlencoded')).statusCode).toBe(415);
    expect((await app.inject({ method: 'POST', url: '/api/suppressions/import' })).statusCode).toBe(415);
    for (const type of [CSV, NDJSON]) {
      const response = await app.inject({
        method: 'POST',
        url: '/api/suppressions',
        payload: '{"address":"a@example.com"}',
        headers: { 'content-type': type },
      });
      expect([response.statusCode, response.json<{ code: string }>().code]).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE']);
    }
    const withKey = { 'content-type': CSV, 'idempotency-key': 'k' };
    const url = '/api/suppressions/import';
    const keyed = await app.inject({ method: 'POST', url, payload: 'address\n', headers: withKey });
    expect(keyed.statusCode).toBe(400);
    expect((await send('address\n', CSV, '?dry_run=yes')).statusCode).toBe(400);
    expect(await stored()).toBe(0);
  });

  it('are refused beyond 100 MB, without being held in memory', async () => {
    const megabyte = Buffer.alloc(1_048_576, 'a');
    const chunks = [Buffer.from('address\n'), ...Array.from({ length: 101 }, () => megabyte)];
    const response = await send(Readable.from(chunks), CSV);
    expect(response.statusCode).toBe(413);
    expect(response.json()).toMatchObject({ code: 'BODY_TOO_LARGE' });
  });

  describe('over a real connection', () => {
    let url: string;
    beforeAll(async () => {
      await app.listen(0, '127.0.0.1');
      const { port } = app.getHttpServer().address() as AddressInfo;
      url = `http://127.0.0.1:${port}/api/suppressions/import`;
    });

    // An upload that was refused half-way may still be on its way, and the server would wait for it.
    afterAll(() => app.getHttpServer().closeAllConnections());

    async function* file(lines: number): AsyncGenerator<Uint8Array> {
      yield Buffer.from('address,source\n');
      for (let line = 0; line < lines; line += 100) {
        const some = Array.from({ length: 100 }, (_, index) => `big-${line + index}@example.com,${'x'.repeat(100)}\n`);
        yield Buffer.from(some.join(''));
      }
    }
    const request = (body: AsyncGenerator<Uint8Array>): RequestInit =>
      ({ method: 'POST', headers: { 'content-type': CSV }, body, duplex: 'half' }) as never;

    it('may be larger than any other body', async () => {
      const response = await fetch(url, request(file(12_000)));
      expect(response.status).toBe(200);
      expect(await response.json()).toMatchObject({ lines: 12_000, added: 12_000 });
    });

    it('keep what was stored when they break off, and can be sent again', async () => {
      async function* broken(): AsyncGenerator<Uint8Array> {
        yield* file(700);
        await until(
          async () => (await stored()) === 500,
          WAIT_MS_MAX,
          () => 'the first batch is stored',
        );
        throw new Error('cut');
      }
      await expect(fetch(url, request(broken()))).rejects.toThrow();
      expect(await query('select detail from audit_log')).toEqual([{ detail: { state: 'begun' } }]);
      const again = await fetch(url, request(file(700)));
      expect(await again.json()).toMatchObject({ lines: 700, added: 200, unchanged: 500 });
    });

    it('are answered when they are refused half-way, and the connection lives on', async () => {
      async function* endless(): AsyncGenerator<Uint8Array> {
        yield Buffer.from('nonsense\n');
        yield* file(30_000);
      }
      for (let times = 0; times < 3; times += 1) {
        const response = await fetch(url, request(endless()));
        expect(response.status).toBe(400);
        expect(await response.json()).toMatchObject({ code: 'INVALID_INPUT' });
      }
    });
  });
});
