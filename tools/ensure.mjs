// Runs before every npm script, also with a Node older than ours: installs what package-lock.json names, if that was not
// done yet, and meanwhile builds the Temporal server, the one thing that takes minutes.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { lstatSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1)); // takes the build along
const stamp = 'node_modules/.tactful-lock';
const wanted = createHash('sha256').update(readFileSync('package-lock.json')).digest('hex');

if (read(stamp) !== wanted) {
  if (lstatSync('node_modules', { throwIfNoEntry: false })?.isSymbolicLink()) {
    console.error(
      'node_modules is a link to packages of another lock file: npm ci would empty what it points to. Remove it.',
    );
    process.exit(1);
  }
  console.log('installing the packages of package-lock.json (npm ci); this takes about a minute');
  const [code] = await Promise.all([install(), process.argv.includes('--with-temporal') && buildTemporal()]);
  if (code !== 0) process.exit(1);
  writeFileSync(stamp, wanted);
}

function install() {
  return new Promise((resolve) => {
    const npm = spawn('npm', ['ci'], { stdio: 'inherit' });
    npm.once('error', () => resolve(1));
    npm.once('exit', (status) => resolve(status ?? 1));
  });
}

async function buildTemporal() {
  const { findTemporal } = await import('./temporal-binary.mjs');
  // Who needs the server says what is missing; who does not, need not know.
  await findTemporal().catch(() => undefined);
}

function read(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
