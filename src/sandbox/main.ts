// `npm run sandbox`: plays the providers of all channels on this machine. See docs/guides/provider-sandbox.md.
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { AccountsChange } from './accounts.js';
import { startSandbox } from './sandbox.js';

const { values } = parseArgs({
  options: {
    'http-port': { type: 'string', default: '8026' },
    'smtp-port': { type: 'string', default: '1026' },
    'log-file': { type: 'string' },
    accounts: { type: 'string' },
  },
});

const httpPort = portOf('http-port');
const smtpPort = portOf('smtp-port');
const accounts = AccountsChange.parse(
  values.accounts === undefined ? {} : JSON.parse(readFileSync(values.accounts, 'utf8')),
);
const logFile = values['log-file'] ?? path.join(mkdtempSync(path.join(tmpdir(), 'tactful-sandbox-')), 'truth.jsonl');
const sandbox = await startSandbox({ httpPort, smtpPort, logFile, accounts });
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void sandbox.stop().then(() => process.exit(0)));
}
const { httpUrl, smtpUrl } = sandbox;
console.log(JSON.stringify({ http_url: httpUrl, smtp_url: smtpUrl, log_file: logFile, pid: process.pid }));

function portOf(name: 'http-port' | 'smtp-port'): number {
  const port = Number(values[name]);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new Error(`--${name} is no port: ${values[name]}`);
}
