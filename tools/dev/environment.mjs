// What `npm start` was told, and what it tells the processes that it starts.
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import '../typescript.mjs';

const { readConfig } = await import('../../src/platform/config/config.ts');
const { localSecretFile, readLocalSecret } = await import('../../src/platform/config/local-secret.ts');
const { readSettings, settingText } = await import('../../src/platform/config/read-settings.ts');

const DATABASE_NAME = 'tactful';
const SECRET_BYTES = 32;
/** For what we are about to bring ourselves. */
const STAND_INS = { DATABASE_URL: 'postgres://127.0.0.1/', SECRET_KEY: '00'.repeat(SECRET_BYTES) };

/** We would make up the very settings that production must be given. */
const NOT_IN_PRODUCTION = [
  'cannot start: NODE_ENV is production, and "npm start" and "npm run dev" are for trying out on one machine',
  '  unset NODE_ENV, or run "npm run build" and then, with the settings of docs/reference/configuration.md,',
  '  "node dist/src/main.js" (API) and "node dist/src/worker.js" (worker)',
].join('\n');

/**
 * Reads `.env` and the environment, and makes the data folder.
 *
 * @returns the ports to hold, by the variable that changes each; which servers to bring; the hosts' environment
 * @throws ConfigError that names every setting at fault; Error in production
 */
export function readEnvironment(root) {
  const file = path.join(root, '.env');
  if (existsSync(file)) process.loadEnvFile(file);
  const { values, faults } = readSettings(process.env);
  const isOwn = (name) => settingText(process.env, name) === undefined;
  if (values.NODE_ENV === 'production') throw new Error(NOT_IN_PRODUCTION);
  if (faults.length > 0) {
    const standIns = Object.entries(STAND_INS).filter(([name]) => isOwn(name));
    readConfig({ ...process.env, ...Object.fromEntries(standIns) }); // throws, and names broken rules too
  }

  const dataDir = path.resolve(root, values.DATA_DIR);
  mkdirSync(dataDir, { recursive: true });
  const own = { postgres: isOwn('DATABASE_URL'), temporal: isOwn('TEMPORAL_ADDRESS'), mailbox: isOwn('SMTP_URL') };
  const hostEnv = {
    ...process.env,
    ...(own.postgres && { DATABASE_URL: `postgres://postgres@127.0.0.1:${values.POSTGRES_PORT}/${DATABASE_NAME}` }),
    ...(own.temporal && { TEMPORAL_ADDRESS: `127.0.0.1:${values.TEMPORAL_PORT}` }),
    ...(own.mailbox && { SMTP_URL: `smtp://127.0.0.1:${values.MAILBOX_SMTP_PORT}` }),
    ...(own.temporal && isOwn('TEMPORAL_UI_URL') && { TEMPORAL_UI_URL: `http://127.0.0.1:${values.TEMPORAL_UI_PORT}` }),
    ...(own.mailbox && isOwn('INBOX_URL') && { INBOX_URL: `http://127.0.0.1:${values.MAILBOX_HTTP_PORT}` }),
    ...(isOwn('SECRET_KEY') && { SECRET_KEY: secretOf(dataDir) }),
    TACTFUL_SUPERVISED: '1',
    TZ: 'UTC',
  };
  return { dataDir, own, hostEnv, values, ports: portsToHold(values, own), config: readConfig(hostEnv) };
}

function portsToHold(values, own) {
  return [
    'PORT',
    'WORKER_HEALTH_PORT',
    ...(own.postgres ? ['POSTGRES_PORT'] : []),
    ...(own.temporal ? ['TEMPORAL_PORT', 'TEMPORAL_UI_PORT'] : []),
    ...(own.mailbox ? ['MAILBOX_SMTP_PORT', 'MAILBOX_HTTP_PORT'] : []),
  ].map((variable) => ({ variable, port: values[variable] }));
}

/** One per installation: unsubscribe links in the local inbox keep working after a restart. */
function secretOf(dataDir) {
  const kept = readLocalSecret(dataDir);
  if (kept !== undefined) return kept;
  const secret = randomBytes(SECRET_BYTES).toString('base64');
  writeFileSync(localSecretFile(dataDir), secret, { mode: 0o600 });
  return secret;
}
