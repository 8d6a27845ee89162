import { DAY_MS, HOUR_MS } from '../../core/kernel/instant.js';
import { readLocalSecret } from './local-secret.js';
import { ConfigError, readSettings, settingText } from './read-settings.js';
import type { Environment, SettingFault } from './read-settings.js';
import { isLoopback } from './setting.js';
import type { Mailbox, SecretKey } from './setting.js';
import { settings } from './settings.js';
import type { SettingName, SettingValues } from './settings.js';

/** Everything that can be set from outside, parsed once at start. */
export interface Config {
  readonly isProduction: boolean;
  /** Started by `npm start`: stop when standard input ends. */
  readonly isSupervised: boolean;
  readonly logLevel: NonNullable<SettingValues['LOG_LEVEL']>;
  /** What is assumed where nothing else is known. `timezone` is an IANA zone. */
  readonly workspace: { readonly timezone: string };
  readonly http: {
    readonly host: string;
    readonly port: number;
    /** Without a trailing slash. */
    readonly publicUrl: string;
    readonly bodyLimitBytes: number;
  };
  readonly auth: {
    /** `none`: one machine, loopback only; the Host header is then checked in place of a key. */
    readonly mode: 'none' | 'required';
    readonly bootstrapApiKey: string | null;
    readonly jwksUrl: string | null;
    readonly jwtIssuer: string;
    readonly jwtAudience: string;
  };
  readonly secrets: {
    readonly current: SecretKey;
    /** Former keys: they verify, they never sign. */
    readonly previous: readonly SecretKey[];
  };
  readonly database: { readonly url: string; readonly poolMax: number };
  /** What is there only to be seen. */
  readonly logs: { readonly keptMs: number };
  readonly outbox: { readonly pollMs: number };
  /** Providers that are asked whether they took a message. */
  readonly lookUps: { readonly afterMs: number };
  /** Runs that are woken after a looser policy. */
  readonly policies: { readonly wakesPerSecond: number };
  readonly temporal: {
    readonly address: string;
    readonly namespace: string;
    readonly taskQueue: string;
    readonly uiUrl: string;
    readonly arePayloadsSealed: boolean;
  };
  readonly worker: { readonly healthPort: number; readonly cachedWorkflowsMax: number };
  readonly email: {
    readonly smtpUrl: string;
    readonly from: Mailbox;
    /** Domain of Message-ID and List-Id. */
    readonly domain: string;
    /** How mail is signed for the domain of `from`; null where it is not. `privateKey` is PEM. */
    readonly dkim: { readonly selector: string; readonly privateKey: string } | null;
    readonly inboxUrl: string;
    /** Takes mails that withdraw; null: none does. */
    readonly unsubscribeMailto: string | null;
  };
  readonly company: { readonly name: string; readonly address: string };
  /** The inbox that apps and sites show: on pages of which sites. */
  readonly inApp: { readonly origins: readonly string[] };
  /** Whether clicks and openings may be tracked, and by which consent; without a purpose by none. */
  readonly tracking: { readonly purpose: string | null; readonly links: boolean; readonly opens: boolean };
  /** What marketing is judged by that goes out from one domain. */
  readonly sendingGuard: { readonly windowMs: number; readonly volumeMin: number };
  /** When soft bounces of one address suppress it. */
  readonly softBounces: { readonly count: number; readonly withinMs: number; readonly forMs: number };
  readonly consents: { readonly confirmationValidDays: number };
  /** What subscribers were told. */
  readonly eventStream: { readonly keptMs: number; readonly pauseAfterMs: number };
}

/** Have a default that suits one machine only, or none at all. */
const REQUIRED_IN_PRODUCTION = [
  'SECRET_KEY',
  'DATABASE_URL',
  'PUBLIC_URL',
  'SMTP_URL',
  'EMAIL_FROM',
  'COMPANY_NAME',
  'COMPANY_ADDRESS',
] as const satisfies readonly SettingName[];

/** For a test run that only this machine reaches and that asks nobody for a token; all else demands a key of its own. */
const TEST_SECRET: SecretKey = { kid: 'test', key: new Uint8Array(32).fill(7) };

/**
 * Reads the environment. No other file may read `process.env`.
 *
 * @throws ConfigError that names every setting at fault
 */
export function readConfig(environment: Environment = process.env): Config {
  const { values, faults } = check(environment);
  if (faults.length > 0) throw new ConfigError(faults, environment);
  return compose(values);
}

/**
 * What is needed to make a token. Asks for no server; where SECRET_KEY is not set, the secret that `npm start` keeps in
 * the data folder serves, though never in production.
 *
 * @throws ConfigError that names every setting at fault among those of access
 */
export function readAccessConfig(environment: Environment = process.env): Pick<Config, 'auth' | 'secrets'> {
  const complete = { ...environment, SECRET_KEY: settingText(environment, 'SECRET_KEY') ?? localSecret(environment) };
  const { values, faults } = check(complete);
  const concerned = faults.filter(({ name }) => ['process', 'access'].includes(settings[name].group));
  if (concerned.length > 0) throw new ConfigError(concerned, complete);
  return { auth: authOf(values), secrets: secretsOf(values) };
}

/** The database that `npm start` brings has this name. */
const LOCAL_DATABASE_NAME = 'tactful';

/**
 * What is needed to look into the database, and nothing else. Where DATABASE_URL is not set, the server that `npm start`
 * brings is meant, though never in production.
 *
 * @throws ConfigError that names the settings at fault
 */
export function readDatabaseConfig(environment: Environment = process.env): Config['database'] {
  const { values, faults } = readSettings(environment);
  const concerned = faults.filter(({ name }) => ['process', 'database', 'local'].includes(settings[name].group));
  if (concerned.length > 0) throw new ConfigError(concerned, environment);
  const { DATABASE_URL, DATABASE_POOL_MAX: poolMax, NODE_ENV, POSTGRES_PORT } = values;
  if (DATABASE_URL !== undefined) return { url: DATABASE_URL, poolMax };
  if (NODE_ENV === 'production') throw new ConfigError([{ name: 'DATABASE_URL' }], environment);
  return { url: `postgres://postgres@127.0.0.1:${POSTGRES_PORT}/${LOCAL_DATABASE_NAME}`, poolMax };
}

function localSecret(environment: Environment): string | undefined {
  const { NODE_ENV, DATA_DIR } = readSettings(environment).values;
  // A faulty DATA_DIR is absent here.
  return NODE_ENV === 'production' || DATA_DIR === undefined ? undefined : readLocalSecret(DATA_DIR);
}

function check(environment: Environment): ReturnType<typeof readSettings> {
  const { values, faults } = readSettings(environment);
  const isBroken = new Set(faults.map(({ name }) => name));
  // A setting that could not be read is reported once, not again by each rule that uses it.
  const broken = brokenRules(values, environment).filter(({ name }) => !isBroken.has(name));
  return { values, faults: [...faults, ...broken] };
}

function brokenRules(values: SettingValues, environment: Environment): SettingFault[] {
  const isMissing = (name: SettingName): boolean => settingText(environment, name) === undefined;
  return [
    ...(values.NODE_ENV === 'production' ? productionFaults(values, isMissing) : localFaults(values)),
    ...accessFaults(values, isMissing),
    ...signingFaults(isMissing),
  ];
}

function productionFaults(values: SettingValues, isMissing: (name: SettingName) => boolean): SettingFault[] {
  const faults: SettingFault[] = REQUIRED_IN_PRODUCTION.filter(isMissing).map((name) => ({ name }));
  if (values.AUTH === 'none') faults.push({ name: 'AUTH', expected: 'required, because NODE_ENV is production' });
  if (values.PUBLIC_URL?.startsWith('https://') === false) faults.push({ name: 'PUBLIC_URL' });
  return faults;
}

function localFaults(values: SettingValues): SettingFault[] {
  const faults: SettingFault[] = [];
  if (values.DATABASE_URL === undefined) faults.push({ name: 'DATABASE_URL' });
  if (values.SECRET_KEY === undefined && !isClosedTest(values)) faults.push({ name: 'SECRET_KEY' });
  // Faulty settings are absent here, and reported already.
  if (values.HOST !== undefined && authMode(values) === 'none' && !isLoopback(values.HOST)) {
    faults.push({ name: 'HOST', expected: 'a loopback address, because AUTH is none (or set AUTH=required)' });
  }
  if (isOpenHttp(values.PUBLIC_URL)) faults.push({ name: 'PUBLIC_URL' });
  return faults;
}

/** A test run that nobody else can reach, and in which no token is asked for. */
function isClosedTest(values: SettingValues): boolean {
  const isLocal = values.HOST !== undefined && isLoopback(values.HOST);
  return values.NODE_ENV === 'test' && authMode(values) === 'none' && isLocal;
}

function accessFaults(values: SettingValues, isMissing: (name: SettingName) => boolean): SettingFault[] {
  const faults: SettingFault[] = [];
  if (isOpenHttp(values.JWKS_URL)) faults.push({ name: 'JWKS_URL' });
  const kid = values.SECRET_KEY?.kid;
  if (kid !== undefined && values.SECRET_KEYS_PREVIOUS?.some((key) => key.kid === kid) === true) {
    faults.push({ name: 'SECRET_KEYS_PREVIOUS', expected: 'kids other than that of SECRET_KEY' });
  }
  if (isMissing('JWKS_URL')) return faults;
  return [...faults, ...(['JWT_ISSUER', 'JWT_AUDIENCE'] as const).filter(isMissing).map((name) => ({ name }))];
}

/** A selector without its key, or a key without its selector, would leave mail unsigned in silence. */
function signingFaults(isMissing: (name: SettingName) => boolean): SettingFault[] {
  const missing = (['DKIM_SELECTOR', 'DKIM_PRIVATE_KEY'] as const).filter(isMissing);
  return missing.length === 1 ? missing.map((name) => ({ name })) : [];
}

function isOpenHttp(url: string | undefined): boolean {
  return url?.startsWith('http://') === true && !isLoopback(new URL(url).hostname);
}

function authMode(values: SettingValues): 'none' | 'required' {
  return values.AUTH ?? (values.NODE_ENV === 'production' ? 'required' : 'none');
}

function compose(values: SettingValues): Config {
  const domain = values.EMAIL_DOMAIN ?? values.EMAIL_FROM.address.replace(/^.*@/, '').toLowerCase();
  return {
    isProduction: values.NODE_ENV === 'production',
    isSupervised: values.TACTFUL_SUPERVISED ?? false,
    logLevel: values.LOG_LEVEL,
    workspace: { timezone: values.WORKSPACE_TIMEZONE },
    http: {
      host: values.HOST,
      port: values.PORT,
      publicUrl: values.PUBLIC_URL ?? `http://127.0.0.1:${values.PORT}`,
      bodyLimitBytes: values.BODY_LIMIT_BYTES,
    },
    auth: authOf(values),
    secrets: secretsOf(values),
    database: { url: values.DATABASE_URL ?? '', poolMax: values.DATABASE_POOL_MAX },
    logs: { keptMs: values.LOGS_KEPT_DAYS * DAY_MS },
    outbox: { pollMs: values.OUTBOX_POLL_MS },
    lookUps: { afterMs: values.LOOK_UP_AFTER_MS },
    policies: { wakesPerSecond: values.POLICY_WAKES_PER_SECOND },
    temporal: {
      address: values.TEMPORAL_ADDRESS,
      namespace: values.TEMPORAL_NAMESPACE,
      taskQueue: values.TEMPORAL_TASK_QUEUE,
      uiUrl: values.TEMPORAL_UI_URL,
      arePayloadsSealed: values.TEMPORAL_PAYLOADS === 'sealed',
    },
    worker: { healthPort: values.WORKER_HEALTH_PORT, cachedWorkflowsMax: values.WORKER_CACHED_WORKFLOWS_MAX },
    email: {
      smtpUrl: values.SMTP_URL,
      from: values.EMAIL_FROM,
      domain,
      dkim: dkimOf(values),
      inboxUrl: values.INBOX_URL,
      unsubscribeMailto: values.UNSUBSCRIBE_MAILTO ?? null,
    },
    company: { name: values.COMPANY_NAME, address: values.COMPANY_ADDRESS },
    inApp: { origins: values.IN_APP_ORIGINS ?? [] },
    tracking: {
      purpose: values.TRACKING_PURPOSE ?? null,
      links: values.TRACKING_LINKS === 'on',
      opens: values.TRACKING_OPENS === 'on',
    },
    sendingGuard: { windowMs: values.SENDING_WINDOW_HOURS * HOUR_MS, volumeMin: values.SENDING_VOLUME_MIN },
    softBounces: {
      count: values.SOFT_BOUNCE_COUNT,
      withinMs: values.SOFT_BOUNCE_WITHIN_DAYS * DAY_MS,
      forMs: values.SOFT_BOUNCE_SUPPRESS_DAYS * DAY_MS,
    },
    consents: { confirmationValidDays: values.CONFIRMATION_VALID_DAYS },
    eventStream: {
      keptMs: values.EVENT_STREAM_KEPT_DAYS * DAY_MS,
      pauseAfterMs: values.EVENT_STREAM_PAUSE_AFTER_HOURS * HOUR_MS,
    },
  };
}

function dkimOf({ DKIM_SELECTOR: selector, DKIM_PRIVATE_KEY: privateKey }: SettingValues): Config['email']['dkim'] {
  return selector === undefined || privateKey === undefined ? null : { selector, privateKey };
}

function authOf(values: SettingValues): Config['auth'] {
  return {
    mode: authMode(values),
    bootstrapApiKey: values.BOOTSTRAP_API_KEY ?? null,
    jwksUrl: values.JWKS_URL ?? null,
    jwtIssuer: values.JWT_ISSUER ?? 'tactful',
    jwtAudience: values.JWT_AUDIENCE ?? 'tactful',
  };
}

function secretsOf(values: SettingValues): Config['secrets'] {
  return { current: values.SECRET_KEY ?? TEST_SECRET, previous: values.SECRET_KEYS_PREVIOUS ?? [] };
}
