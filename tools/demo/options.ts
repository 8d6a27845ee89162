import { parseArgs } from 'node:util';
import type { SettingValues } from '../../src/platform/config/settings.js';

const SESSIONS = 12_330;

/** What the demo was asked to do. */
export interface DemoOptions {
  readonly users: number;
  readonly enrol: number;
  readonly seed: number;
  readonly isRealTime: boolean;
  /** Enrolments, and so runs in their first steps, at once. */
  readonly concurrency: number;
  readonly baseUrl: string;
  readonly apiKey: string | null;
  readonly temporalUiUrl: string;
  readonly temporalNamespace: string;
  /** Null when mails go to a server of one's own: then nobody can count them. */
  readonly inboxUrl: string | null;
}

/** Shown by `npm run demo -- --help`. */
export const HELP = `npm run demo -- [options]

Imports real web-shop sessions, enrols people who looked and did not buy in the journey browse_abandonment, and tells
what came of it. By default in virtual time: two weeks pass in minutes. Running it again does no harm.

  --users N        sessions to import, 1 to ${SESSIONS} (default ${SESSIONS})
  --enrol N        people to enrol, at most those who looked and did not buy (default 1000)
  --seed N         seed of everything that is made up; another seed makes other people (default 1)
  --real-time      wait for real: starts the runs, shows what they wait for, and ends
  --concurrency N  requests at once while enrolling (default 16)
  --base-url URL   where the API is (default: PORT of .env or the environment on 127.0.0.1)
  --api-key KEY    when the API asks for one; the environment variable TACTFUL_API_KEY does the same
  --help           this text
`;

/** What of the project's settings the demo follows. */
export interface DemoSettings {
  readonly values: Pick<
    SettingValues,
    'PORT' | 'TEMPORAL_UI_PORT' | 'TEMPORAL_NAMESPACE' | 'MAILBOX_HTTP_PORT' | 'TEMPORAL_UI_URL' | 'INBOX_URL'
  >;
  /** Whether the environment names this setting itself. */
  readonly isGiven: (name: 'TEMPORAL_UI_URL' | 'INBOX_URL' | 'SMTP_URL') => boolean;
  readonly apiKey: string | undefined;
}

/**
 * Reads the command line.
 *
 * @throws Error that says which option is wrong and what it takes
 */
export function readOptions(args: readonly string[], settings: DemoSettings): DemoOptions | 'help' {
  const { values: given } = parseArgs({
    args: [...args],
    options: {
      users: { type: 'string' },
      enrol: { type: 'string' },
      seed: { type: 'string' },
      concurrency: { type: 'string' },
      'real-time': { type: 'boolean' },
      'base-url': { type: 'string' },
      'api-key': { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  if (given.help === true) return 'help';
  const { values, isGiven } = settings;
  const users = wholeNumber('users', given.users, { least: 1, most: SESSIONS, standard: SESSIONS });
  const localInbox = isGiven('SMTP_URL') ? null : `http://127.0.0.1:${values.MAILBOX_HTTP_PORT}`;
  return {
    users,
    enrol: wholeNumber('enrol', given.enrol, { least: 1, most: SESSIONS, standard: Math.min(1_000, users) }),
    seed: wholeNumber('seed', given.seed, { least: 0, most: 999_999, standard: 1 }),
    isRealTime: given['real-time'] === true,
    concurrency: wholeNumber('concurrency', given.concurrency, { least: 1, most: 200, standard: 16 }),
    baseUrl: address('base-url', given['base-url'] ?? `http://127.0.0.1:${values.PORT}`),
    apiKey: given['api-key'] ?? settings.apiKey ?? null,
    temporalUiUrl: isGiven('TEMPORAL_UI_URL') ? values.TEMPORAL_UI_URL : `http://127.0.0.1:${values.TEMPORAL_UI_PORT}`,
    temporalNamespace: values.TEMPORAL_NAMESPACE,
    inboxUrl: isGiven('INBOX_URL') ? values.INBOX_URL : localInbox,
  };
}

function wholeNumber(
  option: string,
  text: string | undefined,
  { least, most, standard }: { readonly least: number; readonly most: number; readonly standard: number },
): number {
  if (text === undefined) return standard;
  const value = Number(text);
  if (/^\d{1,9}$/.test(text) && value >= least && value <= most) return value;
  throw new Error(`--${option} takes a whole number from ${least} to ${most}, not "${text}"`);
}

function address(option: string, text: string): string {
  if (/^https?:\/\//.test(text) && URL.canParse(text)) return text;
  throw new Error(`--${option} takes an address such as http://127.0.0.1:8000, not "${text}"`);
}
