// `npm run demo`: real web-shop sessions through a journey of two weeks, in minutes. `npm run demo -- --help` tells more.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import './typescript.mjs';

const { ConfigError, readSettings, settingText } = await import('../src/platform/config/read-settings.ts');
const { HELP, readOptions } = await import('./demo/options.ts');
const { runDemo } = await import('./demo/run.ts');

const file = path.join(fileURLToPath(new URL('..', import.meta.url)), '.env');
if (existsSync(file)) process.loadEnvFile(file);

try {
  const { values, faults } = readSettings(process.env);
  const args = process.argv.slice(2);
  if (faults.length > 0 && !args.includes('--help')) throw new ConfigError(faults, process.env);
  const options = readOptions(args, {
    values,
    isGiven: (name) => settingText(process.env, name) !== undefined,
    apiKey: process.env.TACTFUL_API_KEY || undefined, // an empty one counts as not set
  });
  if (options === 'help') console.log(HELP);
  else process.exitCode = await runDemo(options);
} catch (error) {
  console.error(`\n${error.message}`);
  process.exitCode = 1;
}
