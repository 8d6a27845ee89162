import { Database } from '../../src/platform/database/database.js';
import { Log } from '../../src/platform/observability/log.js';

const PERSON = 'jane@example.com';

describe('the log of a database error', () => {
  const database = new Database({ url: process.env['DATABASE_URL'] ?? '', poolMax: 1 });
  beforeAll(() =>
    database.query({
      text: `create table spec_people (
        address text constraint no_address check (address not like '%@%'), name text not null, key text unique)`,
    }),
  );
  afterAll(async () => {
    await database.query({ text: 'drop table spec_people' });
    await database.onApplicationShutdown();
  });

  async function logged(text: string, ...values: readonly unknown[]): Promise<Record<string, unknown>> {
    const lines: string[] = [];
    const log = new Log({ isProduction: true, logLevel: 'info' }, { write: (line) => void lines.push(line) });
    const error: unknown = await database.query({ text, values }).catch((thrown: unknown) => thrown);
    log.error('failed', { error });
    log.warn('failed below', { error: new Error('outer', { cause: error }) });
    log.error(error);
    expect(lines).toHaveLength(3);
    for (const line of lines) expect(line).not.toContain('jane');
    const [own, below] = lines.map((line) => (JSON.parse(line) as { error: Record<string, unknown> }).error);
    expect(below?.['cause']).toEqual(own);
    return own ?? {};
  }

  it('names the constraint, and not the row that it refused', async () => {
    const insert = 'insert into spec_people (address, name) values ($1, $2)';
    expect(await logged(insert, PERSON, 'Jane')).toMatchObject({
      type: 'DatabaseError',
      code: '23514',
      constraint: 'no_address',
      message: expect.stringContaining('no_address') as string,
      stack: expect.stringMatching(/\n\s+at /) as string,
    });
  });

  it('names the column that may not be empty', async () => {
    const facts = await logged('insert into spec_people (key) values ($1)', PERSON);
    expect(facts).toMatchObject({ code: '23502', message: expect.stringContaining('"name"') as string });
    expect(Object.keys(facts).sort()).toEqual(['code', 'message', 'stack', 'type']);
  });

  it('cuts out the value that cannot be read', async () => {
    expect(await logged('select $1::uuid', PERSON)).toMatchObject({
      code: '22P02',
      message: 'invalid input syntax for type uuid: …',
    });
    expect(await logged('select $1::text::timestamptz', `2026-99-99\n    at ${PERSON} "`)).toMatchObject({
      code: expect.stringMatching(/^22/) as string,
    });
    expect(await logged('select $1::text::int', '99999999999')).toMatchObject({
      message: 'value "…" is out of range for type integer',
    });
  });
});
