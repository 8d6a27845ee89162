// For processes that specs start from the sources: `node --import <this file> child.ts`. Compiles as Jest does, because
// Node itself strips types but knows no decorators. What is compiled is kept in SPEC_COMPILED for the next process.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire, registerHooks } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = process.env.SPEC_COMPILED;
const require = createRequire(import.meta.url);

function compiled(filename) {
  const source = readFileSync(filename, 'utf8');
  const kept = path.join(folder, `${createHash('sha256').update(filename).update(source).digest('hex')}.js`);
  if (existsSync(kept)) return readFileSync(kept, 'utf8');
  const settings = readFileSync(new URL('../../.config/swc.json', import.meta.url), 'utf8');
  const { $schema: _, ...options } = JSON.parse(settings);
  const { code } = require('@swc/core').transformSync(source, {
    ...options,
    filename,
    swcrc: false,
    sourceMaps: 'inline',
  });
  // Another process may be writing the same file: it must never be seen half written.
  writeFileSync(`${kept}.${process.pid}`, code);
  renameSync(`${kept}.${process.pid}`, kept);
  return code;
}

registerHooks({
  resolve(specifier, context, next) {
    if (!specifier.startsWith('.') || !context.parentURL?.endsWith('.ts')) return next(specifier, context);
    const url = new URL(specifier.replace(/\.js$/, '.ts'), context.parentURL);
    return existsSync(url) ? { url: url.href, format: 'module', shortCircuit: true } : next(specifier, context);
  },
  load(url, context, next) {
    if (!url.startsWith('file:') || !url.endsWith('.ts')) return next(url, context);
    return { format: 'module', source: compiled(fileURLToPath(url)), shortCircuit: true };
  },
});
