// `npm run demo`: real web-shop sessions through a journey of two weeks, in minutes. `npm run demo -- --help` tells more.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import './typescript.mjs';

const { readSettings, settingText } = await import('../src/platform/config/read-settings.ts');
const { HELP, readOptions } = await import('./demo/options.ts');
const { runDemo } = await import('./demo/run.ts');

const file = path.join(fileURLToPath(new URL('..', import.meta.url)), '.env');
if (existsSync(file)) process.loadEnvFile(file);

try {
  const options = readOptions(process.argv.slice(2), {
    values: readSettings(process.env).values,
    isGiven: (name) => settingText(process.env, name) !== undefined,
    apiKey: process.env.TACTFUL_API_KEY,
  });
  if (options === 'help') console.log(HELP);
  else process.exitCode = await runDemo(options);
} catch (error) {
  console.error(`\n${error.message}`);
  process.exitCode = 1;
}
