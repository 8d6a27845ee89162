import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

// What style.md asks for and no linter of ours checks.
const root = fileURLToPath(new URL('../..', import.meta.url));
const FOLDERS = '{src,workflows,activities,test,tools}/**/*';
const files = globSync([`${FOLDERS}.ts`, `${FOLDERS}.mjs`, '.config/*.mjs'], { cwd: root }).filter(
  (file) => !file.endsWith('style/sources.spec.ts'),
);
const texts = new Map(files.map((file) => [file, readFileSync(`${root}${file}`, 'utf8')]));

/** Each line that matches, as `file:line`. */
function linesWith(pattern: RegExp, among: readonly string[] = files): string[] {
  return among.flatMap((file) =>
    (texts.get(file) ?? '').split('\n').flatMap((line, index) => (pattern.test(line) ? [`${file}:${index + 1}`] : [])),
  );
}

describe('sources', () => {
  it('are found', () => {
    expect(files.length).toBeGreaterThan(100);
  });

  it('hold no bare TODO: an issue remembers better', () => {
    expect(linesWith(/\b(TODO|FIXME|XXX|HACK)\b/)).toEqual([]);
  });

  it('export by name: `export *` hides what a module offers', () => {
    expect(linesWith(/^\s*export \* /)).toEqual([]);
  });

  it('silence no check without saying why', () => {
    expect(linesWith(/@ts-(ignore|nocheck)|@ts-expect-error\s*$/)).toEqual([]);
    expect(linesWith(/eslint-disable(?!.* -- )/)).toEqual([]);
  });

  it('name no machine, home folder or registry', () => {
    expect(linesWith(/(\/home\/|\/root\/|\/Users\/|\/work\/|registry\.npmjs|proxy\.golang)/)).toEqual([]);
  });

  it('take paths from URLs with fileURLToPath: `pathname` keeps a space of the folder as %20', () => {
    expect(linesWith(/new URL\(.*import\.meta\.url\)+\.pathname/)).toEqual([]);
    const kept = files.flatMap((file) => {
      const text = texts.get(file) ?? '';
      const names = [...text.matchAll(/const (\w+) = new URL\([^;]*import\.meta\.url\);/g)].map(([, name]) => name);
      return names.filter((name) => text.includes(`${name}.pathname`)).map((name) => `${file}: ${name}`);
    });
    expect(kept).toEqual([]);
  });

  it('are named in kebab-case, with their role behind a dot', () => {
    const odd = files.filter((file) => !/^[a-z0-9-]+(\.[a-z0-9-]+)*\.(ts|mjs)$/.test(file.replace(/^.*\//, '')));
    expect(odd).toEqual([]);
  });

  it('lie where a Jest project finds them, if they are specs: elsewhere they would never run', () => {
    const config = readFileSync(`${root}.config/jest.config.mjs`, 'utf8');
    const globs = [...config.matchAll(/'([^']*\.spec\.ts)'/g)].map(([, glob]) => glob ?? '');
    expect(globs.length).toBeGreaterThan(4);
    const found = new Set(globSync(globs, { cwd: root }));
    expect(files.filter((file) => file.endsWith('.spec.ts') && !found.has(file))).toEqual([]);
  });

  it('wait for no fixed time in tests: advance a clock or await a condition', () => {
    const specs = files.filter((file) => file.endsWith('.spec.ts'));
    expect(linesWith(/^\s*await new Promise\(\(?\w*\)? => setTimeout/, specs)).toEqual([]);
  });

  it('of the core and the contract explain every export', () => {
    const pure = files.filter(
      (file) => /^(src\/core\/|activities\/contract\.ts$)/.test(file) && !file.endsWith('.spec.ts'),
    );
    const silent = pure.flatMap((file) =>
      exportsWithoutDocstring(texts.get(file) ?? '').map((line) => `${file}:${line}`),
    );
    expect(silent).toEqual([]);
  });
});

/** Line numbers of exports that no comment stands above. One-line types in a row share the comment of the first. */
function exportsWithoutDocstring(text: string): number[] {
  const lines = text.split('\n');
  return lines.flatMap((line, index) => {
    const above = lines[index - 1] ?? '';
    const isExport = /^export (async )?(function|const|class|interface|type) /.test(line);
    const isExplained = /\*\/\s*$/.test(above) || /^export (type|const) .*;$/.test(above);
    return isExport && !isExplained ? [index + 1] : [];
  });
}
