// `npm run mutate`: changes the rules of the core one place at a time and counts the changes that no spec notices.
// One folder only: `npm run mutate -- --mutate 'src/core/consent/*.ts,!src/core/consent/*.spec.ts'`.
const FOLDERS = ['consent', 'suppression', 'fatigue', 'quiet-hours', 'decisions'];

export default {
  mutate: FOLDERS.flatMap((folder) => [`src/core/${folder}/**/*.ts`, `!src/core/${folder}/**/*.spec.ts`]),
  testRunner: 'vitest',
  plugins: ['@stryker-mutator/vitest-runner'],
  // Every spec counts, not only those that import the file: the gates are asked through `decide` too.
  vitest: { configFile: '.config/vitest.mutation.config.mjs', related: false },
  coverageAnalysis: 'perTest',
  // An endless loop shows; a busy machine does not look like one.
  timeoutMS: 60_000,
  concurrency: 2,
  ignorePatterns: ['*', '!.config/**', '!src/core/**', '!test/cases/**', '!test/support/**', '!package.json'],
  tempDirName: '.cache/stryker',
  reporters: ['clear-text', 'html', 'json'],
  clearTextReporter: { allowColor: false, logTests: false },
  htmlReporter: { fileName: '.cache/mutation/report.html' },
  jsonReporter: { fileName: '.cache/mutation/report.json' },
  thresholds: { high: 95, low: 85, break: 85 },
};
