import { verifySuppressionKey } from '../../src/platform/address/suppression-key.js';
import { Database } from '../../src/platform/database/database.js';
import { migrate } from '../../src/platform/database/migrate.js';

const url = process.env['DATABASE_URL'] ?? '';
const secret = (byte: number) => ({ kid: `k${byte}`, key: new Uint8Array(32).fill(byte) });
const start = (current: number, ...previous: readonly number[]) =>
  verifySuppressionKey({
    secrets: { current: secret(current), previous: previous.map(secret) },
    database: { url, poolMax: 1 },
  });

describe('the key of suppressions', () => {
  const database = new Database({ url, poolMax: 1 });
  beforeAll(() => migrate(url));
  beforeEach(() => database.query({ text: 'truncate installation' }));
  afterEach(() => database.query({ text: 'truncate installation' }));
  afterAll(() => database.onApplicationShutdown());

  it('is the same at every start, and after every change of the secret that keeps the first one last', async () => {
    await Promise.all([start(1), start(1)]);
    await start(1);
    await start(2, 1);
    await start(3, 2, 1);
  });

  it.each([
    ['another secret', [2]],
    ['a first secret that was dropped', [3, 2]],
    ['former secrets in the wrong order', [3, 1, 2]],
  ] as const)('refuses the start with %s, each time', async (_, [current, ...previous]) => {
    await start(1);
    await expect(start(current, ...previous)).rejects.toThrow(/SECRET_KEYS_PREVIOUS must .* first secret ever used/s);
    await expect(start(current, ...previous)).rejects.toThrow(/order matters/);
    await start(1);
  });

  it('keeps a fingerprint that tells neither key nor secret', async () => {
    await start(1);
    const rows = await database.query<{ kept: string }>({
      text: 'select suppression_key_fingerprint as kept from installation',
    });
    expect(rows).toEqual([{ kept: expect.stringMatching(/^[0-9a-f]{64}$/) as string }]);
    expect(rows[0]?.kept).not.toContain('01010101');
  });

  it('asks for the migration where the database has none', async () => {
    await database.query({ text: 'alter table installation rename to installation_elsewhere' });
    try {
      await expect(start(1)).rejects.toThrow('the database is not migrated; start the API');
    } finally {
      await database.query({ text: 'alter table installation_elsewhere rename to installation' });
    }
  });
});
