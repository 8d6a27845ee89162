import { z } from 'zod';
import { isValidZone } from '../../core/kernel/zone.js';
import { emailSettings } from './email-settings.js';
import { line, origins, port, secretKey, secretKeys, url, wholeNumber } from './setting.js';
import type { Setting } from './setting.js';

const PORT_EXPECTED = 'a port, 0 to 65535';
const SECRET_EXAMPLE = 'the output of: openssl rand -base64 32';

/**
 * Every environment variable that Tactful reads. Nothing else may read the environment; `npm run docs:config` writes
 * `.env.example` and docs/reference/configuration.md from this table.
 */
export const settings = {
  NODE_ENV: {
    group: 'process',
    schema: z.enum(['development', 'test', 'production']),
    default: 'development',
    description: 'In `production` nothing insecure is assumed: keys, addresses and the company must be given.',
    expected: 'development, test or production',
    example: 'production',
  },
  LOG_LEVEL: {
    group: 'process',
    schema: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']),
    default: 'info',
    description: 'The least severe log line that is written.',
    expected: 'fatal, error, warn, info, debug, trace or silent',
    example: 'debug',
  },
  WORKSPACE_TIMEZONE: {
    group: 'process',
    schema: z.string().refine(isValidZone),
    default: 'UTC',
    description: 'Where people are taken to be of whom no time zone, telephone number or place is known.',
    expected: 'an IANA time zone',
    example: 'Europe/Berlin',
  },
  HOST: {
    group: 'http',
    schema: line,
    default: '127.0.0.1',
    description: 'Address on which the API and the health port of the worker listen.',
    expected: 'an IP address or host name of this machine',
    example: '0.0.0.0',
  },
  PORT: {
    group: 'http',
    schema: port,
    default: '8000',
    description: 'Port of the API.',
    expected: PORT_EXPECTED,
    example: '8000',
  },
  PUBLIC_URL: {
    group: 'http',
    schema: url(/^https?$/),
    default: null,
    defaultNote: '`http://127.0.0.1:<PORT>`; none in production',
    description:
      'How browsers and mail programs reach the API; unsubscribe links start with it. `http` is accepted for a loopback host only, never in production.',
    expected: 'an https URL without a query',
    example: 'https://journeys.example.com',
  },
  IN_APP_ORIGINS: {
    group: 'http',
    schema: origins,
    default: null,
    defaultNote: 'none: only pages of `PUBLIC_URL` itself',
    description: 'Sites whose pages may show the inbox of their visitor, separated by commas.',
    expected: 'origins such as https://shop.example.com',
    example: 'https://shop.example.com,https://app.example.com',
  },
  BODY_LIMIT_BYTES: {
    group: 'http',
    schema: wholeNumber(1024, 104_857_600),
    default: '1048576',
    description: 'Largest request body; anything larger is answered with 413.',
    expected: 'a number of bytes, 1024 to 104857600',
    example: '1048576',
  },
  AUTH: {
    group: 'access',
    schema: z.enum(['none', 'required']),
    default: null,
    defaultNote: '`none`; in production `required`',
    description:
      '`required` asks every request for an API key or a token. `none` is for one machine: loopback only, refused in production.',
    expected: 'none (loopback only, not in production) or required',
    example: 'required',
  },
  SECRET_KEY: {
    group: 'access',
    schema: secretKey,
    default: null,
    defaultNote: 'made by `npm start` and kept in `.data/`; none elsewhere',
    description:
      'Root secret, as `secret` or `kid:secret`. The keys for suppression hashes, unsubscribe links and operators’ tokens are derived from it.',
    expected: 'at least 32 bytes in base64 or hex, with or without "kid:" before them',
    example: SECRET_EXAMPLE,
    isSecret: true,
  },
  SECRET_KEYS_PREVIOUS: {
    group: 'access',
    schema: secretKeys,
    default: null,
    description:
      'Former values of SECRET_KEY, separated by commas, newest first. The last must be the first secret ever used: suppressions are hashed with it, and nothing starts without it. Unsubscribe links made with any of them stay valid.',
    expected: 'former values of SECRET_KEY, separated by commas, each with a kid of its own',
    example: '2026:<former secret>,2025:<secret before that>',
    isSecret: true,
  },
  BOOTSTRAP_API_KEY: {
    group: 'access',
    schema: z.string().regex(/^[\x21-\x7e]{32,200}$/),
    default: null,
    description: 'First API key with every scope. Its hash is stored at start; remove the variable afterwards.',
    expected: '32 to 200 visible ASCII characters',
    example: 'the output of: openssl rand -hex 32',
    isSecret: true,
  },
  JWKS_URL: {
    group: 'access',
    schema: url(/^https?$/),
    default: null,
    description: 'Public keys of an identity provider whose tokens operators may use. `http` for a loopback host only.',
    expected: 'an https URL',
    example: 'https://id.example.com/.well-known/jwks.json',
  },
  JWT_ISSUER: {
    group: 'access',
    schema: line,
    default: null,
    defaultNote: '`tactful`; none with JWKS_URL',
    description: 'The `iss` that a token must carry.',
    expected: 'the issuer’s name, exactly as in its tokens',
    example: 'https://id.example.com/',
  },
  JWT_AUDIENCE: {
    group: 'access',
    schema: line,
    default: null,
    defaultNote: '`tactful`; none with JWKS_URL',
    description: 'The `aud` that a token must carry.',
    expected: 'the audience’s name, exactly as in the tokens',
    example: 'tactful',
  },
  DATABASE_URL: {
    group: 'database',
    schema: z.url({ protocol: /^postgres(ql)?$/ }),
    default: null,
    defaultNote: 'the server that `npm start` brings',
    description: 'PostgreSQL 18 or later (for `uuidv7`). When it is set, `npm start` starts no server of its own.',
    expected: 'a postgres:// URL',
    example: 'postgres://tactful:password@127.0.0.1:5432/tactful',
    isSecret: true,
  },
  DATABASE_POOL_MAX: {
    group: 'database',
    schema: wholeNumber(1, 500),
    default: '10',
    description: 'Connections that one process opens at most.',
    expected: 'a number of connections, 1 to 500',
    example: '20',
  },
  OUTBOX_POLL_MS: {
    group: 'database',
    schema: wholeNumber(10, 60_000),
    default: '1000',
    description: 'How long the outbox rests when it found nothing to do.',
    expected: 'milliseconds, 10 to 60000',
    example: '1000',
  },
  LOOK_UP_AFTER_MS: {
    group: 'database',
    schema: wholeNumber(1_000, 600_000),
    default: '60000',
    description:
      'How long after an attempt without an answer its provider is asked whether it took the message, and how long between two such questions. It must be longer than a provider needs to list what it took: what is not listed twice is sent again.',
    expected: 'milliseconds, 1000 to 600000',
    example: '60000',
  },
  EVENT_STREAM_KEPT_DAYS: {
    group: 'database',
    schema: wholeNumber(4, 90),
    default: '7',
    description:
      'How long what was told to event subscriptions, and what they answered, is kept to be seen and sent again.',
    expected: 'a number of days, 4 to 90',
    example: '30',
  },
  EVENT_STREAM_PAUSE_AFTER_HOURS: {
    group: 'database',
    schema: wholeNumber(1, 2_160),
    default: '72',
    description:
      'After so long, and at least 20 attempts, of which none succeeded, an event subscription is paused until an operator makes it active again. Its events are kept meanwhile.',
    expected: 'a number of hours, 1 to 2160',
    example: '24',
  },
  LOGS_KEPT_DAYS: {
    group: 'database',
    schema: wholeNumber(7, 3_650),
    default: '90',
    description:
      'How long callbacks of providers, refusals of enrolments, and the paths of runs that ended are kept to be seen; what followed from them stays.',
    expected: 'a number of days, 7 to 3650',
    example: '400',
  },
  POLICY_WAKES_PER_SECOND: {
    group: 'temporal',
    schema: wholeNumber(1, 10_000),
    default: '200',
    description: 'How many waiting runs are woken a second after a policy became looser, all processes together.',
    expected: 'a number of runs, 1 to 10000',
    example: '500',
  },
  TEMPORAL_ADDRESS: {
    group: 'temporal',
    schema: z.string().regex(/^[^\s/]+:\d{1,5}$/),
    default: '127.0.0.1:7233',
    description: 'Temporal’s gRPC front end. When it is set, `npm start` starts no server of its own.',
    expected: 'host:port',
    example: 'temporal.example.com:7233',
  },
  TEMPORAL_NAMESPACE: {
    group: 'temporal',
    schema: line,
    default: 'default',
    description: 'Namespace that holds this company’s runs.',
    expected: 'the name of a namespace',
    example: 'journeys',
  },
  TEMPORAL_TASK_QUEUE: {
    group: 'temporal',
    schema: line,
    default: 'journeys',
    description: 'Task queue on which runs are started and workers listen.',
    expected: 'the name of a task queue',
    example: 'journeys',
  },
  TEMPORAL_UI_URL: {
    group: 'temporal',
    schema: url(/^https?$/),
    default: 'http://127.0.0.1:8233',
    description: 'Where links to runs lead. Used for links only.',
    expected: 'a URL',
    example: 'https://temporal.example.com',
  },
  TEMPORAL_PAYLOADS: {
    group: 'temporal',
    schema: z.enum(['plain', 'sealed']),
    default: 'plain',
    description:
      '`sealed`: what runs keep on the Temporal server is encrypted, with a key for each user that is destroyed with the user. May be changed while runs are under way.',
    expected: 'plain or sealed',
    example: 'sealed',
  },
  WORKER_HEALTH_PORT: {
    group: 'temporal',
    schema: port,
    default: '8001',
    description: 'Port on which the worker tells whether it is running.',
    expected: PORT_EXPECTED,
    example: '8001',
  },
  WORKER_CACHED_WORKFLOWS_MAX: {
    group: 'temporal',
    schema: wholeNumber(2, 1_000_000),
    default: '1000',
    description: 'Runs that one worker keeps in memory. Allow 120 KB of heap for each.',
    expected: 'a number of runs, 2 to 1000000',
    example: '5000',
  },
  ...emailSettings,
  TACTFUL_SUPERVISED: {
    group: 'local',
    schema: z.literal('1').transform(() => true),
    default: null,
    description: 'Set by `npm start` for the processes it starts: they stop when their standard input ends.',
    expected: '1, or nothing',
    example: '1',
  },
  DATA_DIR: {
    group: 'local',
    schema: line,
    default: '.data',
    description: 'Folder in which `npm start` keeps databases, mail and its secret key.',
    expected: 'a path, absolute or from the project’s folder',
    example: '.data',
  },
  POSTGRES_PORT: {
    group: 'local',
    schema: port,
    default: '5433',
    description: 'Port of the PostgreSQL that `npm start` brings.',
    expected: PORT_EXPECTED,
    example: '5433',
  },
  TEMPORAL_PORT: {
    group: 'local',
    schema: port,
    default: '7233',
    description: 'Port of the Temporal server that `npm start` brings.',
    expected: PORT_EXPECTED,
    example: '7233',
  },
  TEMPORAL_UI_PORT: {
    group: 'local',
    schema: port,
    default: '8233',
    description: 'Port of the Temporal UI that `npm start` brings.',
    expected: PORT_EXPECTED,
    example: '8233',
  },
  MAILBOX_SMTP_PORT: {
    group: 'local',
    schema: port,
    default: '1025',
    description: 'Port on which the local mail server accepts messages.',
    expected: PORT_EXPECTED,
    example: '1025',
  },
  MAILBOX_HTTP_PORT: {
    group: 'local',
    schema: port,
    default: '8025',
    description: 'Port of the local web inbox.',
    expected: PORT_EXPECTED,
    example: '8025',
  },
} as const satisfies Record<string, Setting>;

export type SettingName = keyof typeof settings;

/** The parsed value of each setting; undefined where it is not set and has no default. */
export type SettingValues = {
  readonly [Name in SettingName]:
    z.output<(typeof settings)[Name]['schema']> | ((typeof settings)[Name]['default'] extends null ? undefined : never);
};
