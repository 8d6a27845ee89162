import { readSettings } from '../../src/platform/config/read-settings.js';
import { HELP, readOptions, type DemoOptions, type DemoSettings } from '../../tools/demo/options.js';

function settingsOf(environment: Readonly<Record<string, string>>): DemoSettings {
  return {
    values: readSettings(environment).values,
    isGiven: (name) => environment[name] !== undefined,
    apiKey: environment['TACTFUL_API_KEY'],
  };
}

const read = (args: readonly string[], environment: Readonly<Record<string, string>> = {}): DemoOptions => {
  const options = readOptions(args, settingsOf(environment));
  if (options === 'help') throw new Error('asked for help');
  return options;
};

it('does the whole demo in virtual time when nothing is said', () => {
  expect(read([])).toEqual({
    users: 12_330,
    enrol: 1_000,
    seed: 1,
    isRealTime: false,
    concurrency: 16,
    baseUrl: 'http://127.0.0.1:8000',
    apiKey: null,
    temporalUiUrl: 'http://127.0.0.1:8233',
    temporalNamespace: 'default',
    inboxUrl: 'http://127.0.0.1:8025',
  });
});

it('follows the ports that `npm start` was given', () => {
  const ports = { PORT: '9000', TEMPORAL_UI_PORT: '9233', MAILBOX_HTTP_PORT: '9025', TACTFUL_API_KEY: 'k' };
  expect(read([], ports)).toMatchObject({
    baseUrl: 'http://127.0.0.1:9000',
    temporalUiUrl: 'http://127.0.0.1:9233',
    inboxUrl: 'http://127.0.0.1:9025',
    apiKey: 'k',
  });
});

it('counts no mails where they go to a server of one’s own', () => {
  expect(read([], { SMTP_URL: 'smtp://mail.example:25' }).inboxUrl).toBeNull();
});

it('takes every option', () => {
  const args = '--users 300 --enrol 20 --seed 7 --real-time --concurrency 4 --base-url http://127.0.0.1:1 --api-key k';
  expect(read(args.split(' '))).toMatchObject({
    users: 300,
    enrol: 20,
    seed: 7,
    isRealTime: true,
    concurrency: 4,
    baseUrl: 'http://127.0.0.1:1',
    apiKey: 'k',
  });
});

it.each([
  [['--users', '0'], '--users takes a whole number from 1 to 12330, not "0"'],
  [['--users', '12331'], '--users takes'],
  [['--enrol', '1.5'], '--enrol takes'],
  [['--seed', '1e3'], '--seed takes'],
  [['--base-url', 'localhost'], '--base-url takes an address'],
  [['--nonsense'], '--nonsense'],
])('refuses %j and says what it takes', (args, message) => {
  expect(() => readOptions(args, settingsOf({}))).toThrow(message);
});

it('explains every option', () => {
  expect(readOptions(['--help'], settingsOf({}))).toBe('help');
  for (const option of ['users', 'enrol', 'seed', 'real-time', 'concurrency', 'base-url', 'api-key', 'help']) {
    expect(HELP).toContain(`--${option}`);
  }
});
