import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const NODE_MAJOR_MIN = 24;
if (Number(process.versions.node.split('.')[0]) < NODE_MAJOR_MIN) {
  throw new Error(`Node >= ${NODE_MAJOR_MIN} is needed, got ${process.version}: run "npm test"`);
}

const swc = JSON.parse(readFileSync(new URL('./swc.json', import.meta.url), 'utf8'));
delete swc.$schema;

const root = fileURLToPath(new URL('..', import.meta.url));
// The specs that switch authentication on need a key, like anybody; every worker inherits it.
process.env.SECRET_KEY ||= `test:${Buffer.alloc(32, 7).toString('base64')}`;
const project = (displayName, testMatch, more = {}) => ({
  displayName,
  rootDir: root,
  testEnvironment: 'node',
  testMatch: testMatch.map((glob) => `<rootDir>/${glob}`),
  modulePathIgnorePatterns: ['<rootDir>/(dist|.cache|.data)/'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: { '^.+\\.ts$': ['@swc/jest', { ...swc, swcrc: false }] },
  ...more,
});
// What tools/test.mjs found no server for; it says so, loudly.
const leftOut = new Set((process.env.TEST_LEFT_OUT ?? '').split(','));
const support = (file) => `<rootDir>/test/support/${file}`;

/** @type {import('jest').Config} */
export default {
  rootDir: root,
  reporters: ['default', support('count.reporter.mjs')],
  coverageProvider: 'v8',
  workerIdleMemoryLimit: '1GB',
  // No measure of speed: what hangs must end, and a busy machine may take its time.
  testTimeout: 240_000,
  // Each project starts only the servers that it needs, and only if one of its specs runs.
  projects: [
    project('unit', ['{src,workflows,activities}/**/*.spec.ts', 'test/{style,demo,simulation}/**/*.spec.ts']),
    project('integration', ['test/integration/**/*.spec.ts'], {
      globalSetup: support('postgres.setup.mjs'),
      globalTeardown: support('postgres.teardown.mjs'),
      setupFiles: [support('worker-database.mjs')],
    }),
    project('workflows', ['test/workflows/**/*.spec.ts'], {
      globalSetup: support('temporal.setup.mjs'),
      globalTeardown: support('temporal.teardown.mjs'),
    }),
    project('replay', ['test/replay/**/*.spec.ts'], { globalSetup: support('bundle.setup.mjs') }),
    project('e2e', ['test/e2e/**/*.spec.ts'], {
      globalSetup: support('servers.setup.mjs'),
      globalTeardown: support('servers.teardown.mjs'),
      setupFiles: [support('worker-database.mjs')],
    }),
  ].filter(({ displayName }) => !leftOut.has(displayName)),
};
