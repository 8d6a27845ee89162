import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readAccessConfig, readConfig, readDatabaseConfig } from './config.js';
import { deriveKey } from './derive-key.js';
import { localSecretFile } from './local-secret.js';
import { ConfigError } from './read-settings.js';
import { settings } from './settings.js';

const SECRET = Buffer.alloc(32, 1).toString('base64');
const OTHER_SECRET = Buffer.alloc(32, 2).toString('hex');
const local = { DATABASE_URL: 'postgres://localhost/tactful', SECRET_KEY: SECRET };
const production = {
  ...local,
  NODE_ENV: 'production',
  PUBLIC_URL: 'https://journeys.example.com/',
  SMTP_URL: 'smtps://smtp.example.com',
  EMAIL_FROM: 'Shop <hello@Example.com>',
  COMPANY_NAME: 'Shop Ltd',
  COMPANY_ADDRESS: '12 High Street, Dublin',
};

const rsa = (modulusLength: number): string =>
  generateKeyPairSync('rsa', { modulusLength }).privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64');

function faultsOf(
  environment: Record<string, string | undefined>,
  read: (_: typeof environment) => unknown = readConfig,
) {
  try {
    read(environment);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.faults.map(({ name }) => name);
    throw error;
  }
}

describe('readConfig', () => {
  it('needs a database and a secret only, on one machine', () => {
    expect(readConfig(local)).toMatchObject({
      isProduction: false,
      http: { host: '127.0.0.1', port: 8000, publicUrl: 'http://127.0.0.1:8000', bodyLimitBytes: 1_048_576 },
      auth: { mode: 'none', bootstrapApiKey: null, jwksUrl: null, jwtIssuer: 'tactful' },
      temporal: { address: '127.0.0.1:7233', taskQueue: 'journeys' },
      email: { from: { name: 'Tactful', address: 'hello@tactful.example' }, domain: 'tactful.example' },
    });
  });

  it('asks for keys in production, and drops the slash and the case that would break a comparison', () => {
    expect(readConfig(production)).toMatchObject({
      isProduction: true,
      http: { publicUrl: 'https://journeys.example.com' },
      auth: { mode: 'required' },
      email: { from: { name: 'Shop', address: 'hello@Example.com' }, domain: 'example.com' },
    });
  });

  it.each([
    ['no secret', { ...local, SECRET_KEY: undefined }, ['SECRET_KEY']],
    ['no database', { SECRET_KEY: SECRET }, ['DATABASE_URL']],
    ['empty text counts as not set', { ...local, DATABASE_URL: ' ' }, ['DATABASE_URL']],
    ['a selector of DKIM without its key', { ...local, DKIM_SELECTOR: 's1' }, ['DKIM_PRIVATE_KEY']],
    ['a key of DKIM without its selector', { ...local, DKIM_PRIVATE_KEY: rsa(2_048) }, ['DKIM_SELECTOR']],
    [
      'a key of DKIM that is too short',
      { ...local, DKIM_SELECTOR: 's1', DKIM_PRIVATE_KEY: rsa(1_024) },
      ['DKIM_PRIVATE_KEY'],
    ],
    [
      'a key of DKIM that is none',
      { ...local, DKIM_SELECTOR: 's1', DKIM_PRIVATE_KEY: 'nonsense' },
      ['DKIM_PRIVATE_KEY'],
    ],
    ['a port too high', { ...local, PORT: '65536' }, ['PORT']],
    ['a port with an exponent', { ...local, PORT: '8e3' }, ['PORT']],
    ['a secret of 31 bytes', { ...local, SECRET_KEY: Buffer.alloc(31).toString('base64') }, ['SECRET_KEY']],
    ['a secret that is a phrase', { ...local, SECRET_KEY: 'correct horse battery staple!!!!' }, ['SECRET_KEY']],
    [
      'former keys with one kid',
      { ...local, SECRET_KEYS_PREVIOUS: `a:${SECRET},a:${OTHER_SECRET}` },
      ['SECRET_KEYS_PREVIOUS'],
    ],
    ['a former key that is the current one', { ...local, SECRET_KEYS_PREVIOUS: SECRET }, ['SECRET_KEYS_PREVIOUS']],
    [
      'a header break in the sender',
      { ...local, EMAIL_FROM: 'A\r\nBcc: b@example.com <a@example.com>' },
      ['EMAIL_FROM'],
    ],
    ['a header break in the company', { ...local, COMPANY_NAME: 'A\nB' }, ['COMPANY_NAME']],
    ['a sender that is no address', { ...local, EMAIL_FROM: 'Shop' }, ['EMAIL_FROM']],
    ['no authentication beyond loopback', { ...local, HOST: '0.0.0.0' }, ['HOST']],
    ['open http to another machine', { ...local, PUBLIC_URL: 'http://example.com' }, ['PUBLIC_URL']],
    ['a look-alike of loopback', { ...local, PUBLIC_URL: 'http://127.0.0.1.example.com' }, ['PUBLIC_URL']],
    [
      'keys fetched in the clear',
      { ...local, JWKS_URL: 'http://example.com/keys' },
      ['JWKS_URL', 'JWT_ISSUER', 'JWT_AUDIENCE'],
    ],
    ['no authentication in production', { ...production, AUTH: 'none' }, ['AUTH']],
    ['http in production, loopback too', { ...production, PUBLIC_URL: 'http://127.0.0.1:8000' }, ['PUBLIC_URL']],
    [
      'production with nothing',
      { NODE_ENV: 'production' },
      ['SECRET_KEY', 'DATABASE_URL', 'PUBLIC_URL', 'SMTP_URL', 'EMAIL_FROM', 'COMPANY_NAME', 'COMPANY_ADDRESS'],
    ],
    ['several at once', { ...local, PORT: 'x', LOG_LEVEL: 'loud', HOST: '0.0.0.0' }, ['LOG_LEVEL', 'PORT', 'HOST']],
  ])('refuses %s', (_, environment, faults) => {
    expect(faultsOf(environment)).toEqual(faults);
  });

  it('accepts other hosts once authentication is on', () => {
    expect(faultsOf({ ...local, HOST: '0.0.0.0', AUTH: 'required' })).toEqual([]);
  });

  it('goes without a secret in a test only that nobody else reaches and that asks for no token', () => {
    const test = { DATABASE_URL: local.DATABASE_URL, NODE_ENV: 'test' };
    expect(readConfig(test).secrets.current.kid).toBe('test');
    expect(faultsOf({ ...test, HOST: '::1' })).toEqual([]);
    expect(faultsOf({ ...test, AUTH: 'required' })).toEqual(['SECRET_KEY']);
    expect(faultsOf({ ...test, AUTH: 'required', HOST: '0.0.0.0' })).toEqual(['SECRET_KEY']);
    expect(faultsOf({ ...test, HOST: '0.0.0.0' })).toEqual(['SECRET_KEY', 'HOST']);
    expect(faultsOf({ ...test, NODE_ENV: 'development' })).toEqual(['SECRET_KEY']);
  });

  it('tells name, finding, expectation and example', () => {
    expect(() => readConfig({ ...local, PORT: 'eight' })).toThrow(
      /1 setting is wrong:\n  PORT: found "eight"; expected a port, 0 to 65535; for example PORT=8000/,
    );
  });

  it('never repeats a secret in its message', () => {
    for (const [name, setting] of Object.entries(settings)) {
      if (!('isSecret' in setting)) continue;
      expect(() => readConfig({ ...local, [name]: 'hunter2 é' })).toThrow(/set \(not shown\)/);
      expect(() => readConfig({ ...local, [name]: 'hunter2 é' })).not.toThrow(/hunter2/);
    }
  });
});

describe('readAccessConfig', () => {
  const dataDir = mkdtempSync(path.join(tmpdir(), 'tactful-config-'));
  const accessFaults = (environment: Record<string, string>): string[] => faultsOf(environment, readAccessConfig);
  afterEach(() => rmSync(localSecretFile(dataDir), { force: true }));
  afterAll(() => rmSync(dataDir, { recursive: true }));

  it('asks for no database, and takes the secret that `npm start` made', () => {
    expect(accessFaults({ DATA_DIR: dataDir })).toEqual(['SECRET_KEY']);
    writeFileSync(localSecretFile(dataDir), `${OTHER_SECRET}\n`);
    const kept = readAccessConfig({ DATA_DIR: dataDir, SECRET_KEY: '', PORT: 'x' });
    expect(kept.secrets).toEqual(readConfig({ ...local, SECRET_KEY: OTHER_SECRET }).secrets);
    expect(readAccessConfig({ ...local, DATA_DIR: dataDir })).toMatchObject({
      auth: { mode: 'none', jwtIssuer: 'tactful' },
      secrets: readConfig(local).secrets,
    });
  });

  it('takes none but SECRET_KEY in production', () => {
    writeFileSync(localSecretFile(dataDir), OTHER_SECRET);
    expect(accessFaults({ NODE_ENV: 'production', DATA_DIR: dataDir })).toEqual(['SECRET_KEY']);
    expect(accessFaults({ NODE_ENV: 'produktion', DATA_DIR: dataDir })).toEqual(['NODE_ENV']);
    expect(accessFaults({ NODE_ENV: 'production', SECRET_KEY: SECRET })).toEqual([]);
  });
});

describe('readDatabaseConfig', () => {
  it('asks for nothing but the database, and means that of npm start where none is named', () => {
    const own = { DATABASE_URL: 'postgres://db.example/one', DATABASE_POOL_MAX: '3', PORT: 'x' };
    expect(readDatabaseConfig(own)).toEqual({ url: own.DATABASE_URL, poolMax: 3 });
    const { url } = readDatabaseConfig({ POSTGRES_PORT: '5999' });
    expect(url).toBe('postgres://postgres@127.0.0.1:5999/tactful');
  });

  it('never guesses in production, and names what is wrong', () => {
    expect(faultsOf({ NODE_ENV: 'production' }, readDatabaseConfig)).toEqual(['DATABASE_URL']);
    expect(faultsOf({ DATABASE_URL: 'mysql://x' }, readDatabaseConfig)).toEqual(['DATABASE_URL']);
  });
});

describe('secret keys', () => {
  it('name themselves, so that a former one moves over unchanged', () => {
    const before = readConfig(local).secrets.current;
    const { secrets } = readConfig({ ...local, SECRET_KEY: `2027:${OTHER_SECRET}`, SECRET_KEYS_PREVIOUS: SECRET });
    expect(secrets.current.kid).toBe('2027');
    expect(secrets.previous).toEqual([before]);
  });

  it('give each purpose a key of its own, and the same key each time', () => {
    const { current } = readConfig(local).secrets;
    const keys = (['suppression', 'unsubscribe', 'operator-token'] as const).map((purpose) =>
      deriveKey(current, purpose).toString('hex'),
    );
    expect(new Set(keys).size).toBe(3);
    // A change here would orphan every suppression and every unsubscribe link ever made.
    expect(keys[0]).toBe('ba0ac030c9fc6b71993f55e7f7b391496af9cd5853b35007b0d062ca407cad93');
  });
});
