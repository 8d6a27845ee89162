// `npm run build`: compiles to dist and bundles the workflows. With --if-changed it does nothing when dist was made from
// the sources as they are.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const STAMP = 'dist/.sources';
const SOURCES = [
  '{src,workflows,activities}/**/*.ts',
  '.config/{swc,tsconfig.*}.json',
  'nest-cli.json',
  'package-lock.json',
];

const sources = hashOfSources();
if (!process.argv.includes('--if-changed') || readStamp() !== sources) {
  for (const [file, ...argv] of [
    ['nest', 'build'],
    [process.execPath, 'tools/bundle-workflows.mjs'],
  ]) {
    const { status } = spawnSync(file, argv, { stdio: 'inherit' });
    if (status !== 0) process.exit(1);
  }
  writeFileSync(STAMP, sources);
}

function hashOfSources() {
  const hash = createHash('sha256');
  for (const file of globSync(SOURCES).sort()) hash.update(`${file}\0`).update(readFileSync(file)).update('\0');
  return hash.digest('hex');
}

function readStamp() {
  try {
    return readFileSync(STAMP, 'utf8');
  } catch {
    return undefined;
  }
}
