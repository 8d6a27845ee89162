import type { Config } from '../config/config.js';
import { Database, type Queryable } from '../database/database.js';
import { AddressHasher } from './address-hash.js';

const UNDEFINED_TABLE = '42P01';

const OTHER_KEY = [
  'cannot start: the first secret of this database is not the one that is set.',
  'The suppressions in the database were hashed with a key of the first secret ever used. With another key none of them',
  'would be found, and people who must get no message would get some.',
  'SECRET_KEYS_PREVIOUS must hold the former values of SECRET_KEY, newest first, and end with the first secret ever used',
  '(order matters); if SECRET_KEY was never changed, it is the first secret, and SECRET_KEYS_PREVIOUS stays empty.',
  'See "Production" in docs/guides/operating.md.',
].join('\n');
const NO_TABLE = 'cannot start: the database is not migrated; start the API of this version first, which does it';

/**
 * Compares the key of suppressions with the one that this database was first started with. Call it after the migration
 * and before anything is served or sent.
 *
 * @throws an error that tells what to do when they differ: starting all the same would forget every suppression
 */
export async function verifySuppressionKey(config: Pick<Config, 'database' | 'secrets'>): Promise<void> {
  const fingerprint = new AddressHasher(config).fingerprint();
  const database = new Database({ url: config.database.url, poolMax: 1 });
  try {
    if ((await keepFirst(database, fingerprint)) !== fingerprint) throw new Error(OTHER_KEY);
  } finally {
    await database.onApplicationShutdown();
  }
}

/** @returns the fingerprint of the first start, which may be this one */
async function keepFirst(database: Queryable, fingerprint: string): Promise<string | undefined> {
  try {
    await database.query({
      text: 'insert into installation (id, suppression_key_fingerprint) values (1, $1) on conflict do nothing',
      values: [fingerprint],
    });
  } catch (error) {
    if ((error as { code?: unknown }).code === UNDEFINED_TABLE) throw new Error(NO_TABLE, { cause: error });
    throw error;
  }
  const text = 'select suppression_key_fingerprint as kept from installation';
  const [row] = await database.query<{ kept: string }>({ text });
  return row?.kept;
}
