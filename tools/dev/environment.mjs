// What `npm start` was told, and what it tells the processes that it starts.
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import '../typescript.mjs';

const { readConfig } = await import('../../src/platform/config/config.ts');
const { readSettings, settingText } = await import('../../src/platform/config/read-settings.ts');

const DATABASE_NAME = 'tactful';
const SECRET_BYTES = 32;
/** For what we are about to bring ourselves. */
const STAND_INS = { DATABASE_URL: 'postgres://127.0.0.1/', SECRET_KEY: '00'.repeat(SECRET_BYTES) };

/**
 * Reads `.env` and the environment, and makes the data folder.
 *
 * @returns the ports to hold, by the variable that changes each; which servers to bring; the hosts' environment
 * @throws ConfigError that names every setting at fault
 */
export function readEnvironment(root) {
  const file = path.join(root, '.env');
  if (existsSync(file)) process.loadEnvFile(file);
  const { values, faults } = readSettings(process.env);
  if (faults.length > 0) readConfig({ ...STAND_INS, ...process.env }); // throws, and names broken rules too

  const dataDir = path.resolve(root, values.DATA_DIR);
  mkdirSync(dataDir, { recursive: true });
  const isOwn = (name) => settingText(process.env, name) === undefined;
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
  const file = path.join(dataDir, 'secret.key');
  if (!existsSync(file)) writeFileSync(file, randomBytes(SECRET_BYTES).toString('base64'), { mode: 0o600 });
  return readFileSync(file, 'utf8').trim();
}
