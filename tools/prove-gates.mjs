// `npm run check:gates`: plants one violation at a time and demands that its gate fails for the stated reason.
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** How a probe in `folder` would import the first file of the pattern: features come and go, the rules stay. */
function pathTo(folder, pattern) {
  const file = globSync(pattern)
    .filter((name) => !name.endsWith('.spec.ts'))
    .sort()[0];
  if (file === undefined) throw new Error(`no file ${pattern} to plant an import of`);
  const relative = path.relative(folder, file).replace(/\.ts$/, '.js');
  return relative.startsWith('.') ? relative : `./${relative}`;
}

const lines = (count, line) => `${line}\n`.repeat(count);
const imports = (rule, files) => ({ step: 'check:imports', expected: new RegExp(`error ${rule}:`), files });
const types = (expected, files) => ({ step: 'check:types', expected, files });
const lint = (expected, files) => ({ step: 'check:lint', expected, files });

const violations = [
  imports('kernel-imports-nothing', { 'src/core/kernel/probe.ts': `import 'node:fs';` }),
  imports('core-is-pure', { 'src/core/consent/probe.ts': `import 'node:fs';` }),
  imports('core-is-pure', { 'src/core/consent/probe.ts': `import '../../modules/users/index.js';` }),
  imports('core-is-pure', {
    'src/core/consent/probe.ts': `import type { z } from 'zod';\nexport type Probe = z.ZodType;`,
  }),
  imports('core-is-pure', {
    'src/core/probe/probe.ts': `import '${pathTo('src/core/probe', 'src/core/consent/*.ts')}';`,
  }),
  imports('workflows-are-deterministic', { 'workflows/probe.ts': `import 'zod';` }),
  imports('workflows-are-deterministic', {
    'workflows/probe.ts': `import '${pathTo('workflows', 'activities/*.activity.ts')}';`,
  }),
  imports('workflows-know-activities-by-type', { 'workflows/probe.ts': `import '../activities/contract.js';` }),
  imports('workflows-are-deterministic', {
    'workflows/probe.ts': `import type {} from '${pathTo('workflows', 'activities/*.activity.ts')}';`,
  }),
  imports('contract-holds-types', {
    'activities/contract.ts': (text) =>
      `${text}\nimport { assert } from '../src/core/kernel/assert.js';\nassert(true, '');`,
  }),
  imports('activities', {
    'activities/probe.ts': `import '${pathTo('activities', 'src/modules/users/*.service.ts')}';`,
  }),
  imports('controllers-touch-no-entity', {
    'src/modules/users/probe.controller.ts': `import type {} from '${pathTo('src/modules/users', 'src/modules/users/*.repository.ts')}';`,
  }),
  imports('modules-use-public-faces', {
    'src/modules/probe/probe.service.ts': `import '${pathTo('src/modules/probe', 'src/modules/users/*.service.ts')}';`,
  }),
  imports('modules', { 'src/modules/users/probe.ts': `import '../../../workflows/journey.workflow.js';` }),
  imports('platform-knows-no-feature', { 'src/platform/clock/probe.ts': `import '../../modules/users/index.js';` }),
  imports('sandbox-stands-alone', {
    'src/sandbox/probe.ts': `import '${pathTo('src/sandbox', 'src/modules/users/index.ts')}';`,
  }),
  imports('nobody-imports-the-sandbox', { 'src/modules/users/probe.ts': `import '../../sandbox/sandbox.js';` }),
  imports('entry-points-are-ends', { 'src/modules/users/probe.ts': `import '../../app.module.js';` }),
  imports('core-journeys', {
    'src/core/journeys/probe.ts': `import '${pathTo('src/core/journeys', 'src/core/consent/*.ts')}';`,
  }),
  imports('core-decisions', { 'src/core/decisions/probe.ts': `import 'zod';` }),
  imports('sdk', { 'src/sdk/probe.ts': `import '${pathTo('src/sdk', 'src/core/consent/*.ts')}';` }),
  imports('console', { 'src/console/probe.ts': `import '../core/kernel/assert.js';` }),
  imports('command-line', { 'src/cli/probe.ts': `import '../modules/users/index.js';` }),
  imports('no-test-code-in-production', { 'src/probe.ts': `import '../test/support/app.js';` }),
  imports('no-development-packages', { 'src/platform/clock/probe.ts': `import 'fast-check';` }),
  imports('no-unresolvable', { 'src/platform/clock/probe.ts': `import './absent.js';` }),
  imports('no-cycles', {
    'src/core/kernel/probe-a.ts': `import type { B } from './probe-b.js';\nexport type A = B | null;`,
    'src/core/kernel/probe-b.ts': `import type { A } from './probe-a.js';\nexport type B = A | null;`,
  }),

  types(/kernel\/probe\.ts.*TS2591: Cannot find name 'process'/, {
    'src/core/kernel/probe.ts': `export const probe = process.pid;`,
  }),
  types(/kernel\/probe\.ts.*TS2304: Cannot find name 'setTimeout'/, {
    'src/core/kernel/probe.ts': `export const probe = setTimeout;`,
  }),
  types(/kernel\/probe\.ts.*TS2584: Cannot find name 'document'/, {
    'src/core/kernel/probe.ts': `export const probe = document.title;`,
  }),
  types(/TS6307/, { 'src/core/consent/probe.ts': `export { Clock } from '../../platform/clock/clock.js';` }),
  types(/workflows\/probe\.ts.*TS2591: Cannot find name 'process'/, {
    'workflows/probe.ts': `export const probe = process.pid;`,
  }),
  types(/workflows\/probe\.ts.*TS2591: Cannot find name 'node:fs'/, {
    'workflows/probe.ts': `export { readFileSync } from 'node:fs';`,
  }),
  types(/clock\/probe\.ts.*TS2322/, { 'src/platform/clock/probe.ts': `export const probe: number = '';` }),
  types(/test\/style\/probe\.ts.*TS2322/, { 'test/style/probe.ts': `export const probe: number = '';` }),

  lint(/No clock here/, { 'src/core/kernel/probe.ts': `export const probe = () => Date.now();` }),
  lint(/No clock here/, { 'src/core/kernel/probe.ts': `export const probe = () => new Date();` }),
  lint(/No randomness here/, { 'src/core/kernel/probe.ts': `export const probe = () => Math.random();` }),
  lint(/No clock here/, { 'src/modules/users/probe.ts': `export const probe = () => Date.now();` }),
  lint(/Only src\/platform\/config/, { 'src/modules/users/probe.ts': `export const probe = process['env'].HOME;` }),
  lint(/Only src\/platform\/config/, { 'src/platform/clock/probe.ts': `export const probe = process.env;` }),
  lint(/no-floating-promises/, { 'src/modules/users/probe.ts': `export function probe() {\n  fetch('');\n}` }),
  lint(/switch-exhaustiveness-check/, {
    'src/core/kernel/probe.ts': `export function probe(kind: 'a' | 'b') {\n  switch (kind) {\n    case 'a':\n      return 1;\n  }\n  return 2;\n}`,
  }),
  lint(/max-lines-per-function/, {
    'src/core/kernel/probe.ts': `export function probe(list: number[]) {\n${lines(70, '  list.push(1);')}}`,
  }),
  lint(/many lines \(401\)/, { 'src/core/kernel/probe.ts': lines(401, 'export {};') }),
  lint(/consistent-type-imports/, {
    'src/core/consent/probe.ts': `import { InstantMs } from '../kernel/instant.js';\nexport type Probe = InstantMs;`,
  }),
  lint(/no-import-type-side-effects/, {
    'src/core/consent/probe.ts': `import { type InstantMs } from '../kernel/instant.js';\nexport type Probe = InstantMs;`,
  }),

  {
    step: 'check:unused',
    expected: /Unused exports[^]*probe/,
    files: { 'src/core/kernel/assert.ts': (text) => `${text}\nexport const probe = 1;` },
  },
  {
    step: 'check:unused',
    expected: /Unused files[^]*probe\.ts/,
    files: { 'src/core/kernel/probe.ts': `export const probe = 1;` },
  },
  {
    step: 'check:unused',
    expected: /temporal-polyfill[^]*Remove from ignoreDependencies/,
    files: { 'src/platform/clock/clock.ts': (text) => `import 'temporal-polyfill';\n${text}` },
  },
  {
    step: 'check:format',
    expected: /probe\.ts/,
    files: { 'src/core/kernel/probe.ts': `export const probe="1"` },
  },
];

function plant(files) {
  const undo = Object.entries(files).map(([file, content]) => {
    const before = existsSync(file) ? readFileSync(file, 'utf8') : undefined;
    if ((typeof content === 'function') !== (before !== undefined)) throw new Error(`${file}: unexpected`);
    const folder = path.dirname(file);
    const isNewFolder = !existsSync(folder);
    if (isNewFolder) mkdirSync(folder);
    writeFileSync(file, typeof content === 'function' ? content(before) : `${content}\n`);
    return () => {
      if (before === undefined) rmSync(isNewFolder ? folder : file, { recursive: true });
      else writeFileSync(file, before);
    };
  });
  return () => undo.forEach((revert) => revert());
}

const only = process.argv[2];
let unproven = 0;
for (const { step, expected, files } of violations) {
  if (only !== undefined && step !== only) continue;
  const uproot = plant(files);
  let result;
  try {
    // Linting the whole tree for one planted file would take seconds; the other tools need the tree.
    const paths = step === 'check:lint' ? Object.keys(files) : [];
    result = spawnSync('npm', ['run', '--silent', step, '--', ...paths], {
      encoding: 'utf8',
      env: { ...process.env, NO_COLOR: '1' },
    });
  } finally {
    uproot();
  }
  const output = result.stdout + result.stderr;
  const isProven = result.status !== 0 && expected.test(output);
  if (!isProven) unproven += 1;
  console.log(`${isProven ? 'refused' : 'PASSED '} ${step} ${expected.source} (${Object.keys(files).join(', ')})`);
  if (!isProven) console.log(output);
}
console.log(unproven === 0 ? 'every gate refuses its violation' : `${unproven} violations went unseen`);
process.exitCode = unproven === 0 ? 0 : 1;
