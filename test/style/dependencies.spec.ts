import { existsSync, globSync, readFileSync } from 'node:fs';

interface LockedPackage {
  version?: string;
  dev?: boolean;
  license?: string;
  resolved?: string;
  optionalDependencies?: Record<string, string>;
}
const lockfile = new URL('../../package-lock.json', import.meta.url);
const { packages } = JSON.parse(readFileSync(lockfile, 'utf8')) as { packages: Record<string, LockedPackage> };

/** Looks where Node would look: beside the package, then in each folder above it. */
function isLocked(from: string, name: string): boolean {
  const paths = [`node_modules/${name}`];
  for (let folder = from; folder !== ''; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/node_modules/')))) {
    paths.push(`${folder}/node_modules/${name}`);
  }
  return paths.some((path) => path in packages);
}

describe('lockfile', () => {
  it('holds one protobufjs 8, at the root: with two, a history in JSON cannot be replayed', () => {
    const copies = Object.entries(packages).filter(
      ([path, { version }]) => path.endsWith('node_modules/protobufjs') && version?.startsWith('8.'),
    );
    expect(copies.map(([path]) => path)).toEqual(['node_modules/protobufjs']);
    // Copies of version 7 below packages that never meet Temporal's types do no harm.
    const belowTemporal = /node_modules\/@temporalio\/[^/]+\/node_modules\/protobufjs$/;
    expect(Object.keys(packages).filter((path) => belowTemporal.test(path))).toEqual([]);
  });

  it('names no registry host', () => {
    expect(Object.values(packages).filter(({ resolved }) => resolved !== undefined)).toEqual([]);
  });

  it('holds the optional packages of every platform: without them `npm ci` fails everywhere', () => {
    const missing = Object.entries(packages).flatMap(([path, { optionalDependencies }]) =>
      Object.keys(optionalDependencies ?? {}).filter((name) => !isLocked(path, name)),
    );
    expect(missing).toEqual([]);
  });
});

const root = new URL('../../', import.meta.url);
const manifest = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as Record<
  'dependencies' | 'devDependencies' | 'optionalDependencies' | 'overrides',
  Record<string, string>
>;

describe('package.json', () => {
  it('pins every version exactly: a build of tomorrow is the build of today', () => {
    const { dependencies, devDependencies, optionalDependencies, overrides } = manifest;
    const versions = Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies, ...overrides });
    const loose = versions.filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$|^\$/.test(version));
    expect(loose).toEqual([]);
  });

  it('has one lockfile', () => {
    const others = ['yarn.lock', 'pnpm-lock.yaml', 'bun.lock', 'npm-shrinkwrap.json'];
    expect(others.filter((file) => existsSync(new URL(file, root)))).toEqual([]);
    const nested = globSync('**/package-lock.json', {
      cwd: root,
      exclude: ['**/node_modules', '**/.data', '**/.cache'],
    });
    expect(nested).toEqual(['package-lock.json']);
  });
});

/** Permissive licences: what runs in production may be shipped with a product under any terms. */
const LICENCES_ALLOWED = new Set([
  '0BSD',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'CC0-1.0',
  'CC-BY-4.0',
  'ISC',
  'MIT',
  'MIT-0',
  // As slick, which MJML brings, spells it.
  'MIT http://mootools.net/license.txt',
  'PostgreSQL',
  'Python-2.0',
  'Unlicense',
  'Zlib',
]);

/** Packages that name no licence in their package.json, and the one that their licence file holds. */
const LICENCES_READ: Readonly<Record<string, string>> = { 'node_modules/unionfs': 'Unlicense' };

/** `A OR B` is fine if one is; `A AND B` only if both are. */
function isAllowed(expression: string): boolean {
  const plain = expression.replace(/[()]/g, '');
  return plain.split(' OR ').some((choice) => choice.split(' AND ').every((name) => LICENCES_ALLOWED.has(name)));
}

describe('licences', () => {
  it('of everything that runs in production are permissive', () => {
    const production = Object.entries(packages).filter(([path, { dev }]) => path !== '' && dev !== true);
    expect(production.length).toBeGreaterThan(100);
    const refused = production
      .map(([path, locked]) => ({
        path,
        licence: installedLicence(path) ?? locked.license ?? LICENCES_READ[path] ?? 'none',
      }))
      .filter(({ licence }) => !isAllowed(licence));
    expect(refused).toEqual([]);
  });
});

/** What the installed package says of itself; undefined for a package of another platform. */
function installedLicence(path: string): string | undefined {
  const file = new URL(`${path}/package.json`, root);
  if (!existsSync(file)) return undefined;
  const { license, licenses } = JSON.parse(readFileSync(file, 'utf8')) as {
    license?: string | { type: string };
    licenses?: { type: string }[];
  };
  if (typeof license === 'object') return license.type;
  return license ?? licenses?.map(({ type }) => type).join(' OR ');
}
