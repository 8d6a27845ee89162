// What `npm run mutate` runs against every mutant: the specs of the pure core alone, so that no mutant needs a server, and
// of those not the properties, which take seconds for each of thousands of mutants: what they alone would notice survives.
import config from './jest.config.mjs';

const { displayName: _, ...unit } = config.projects.find(({ displayName }) => displayName === 'unit');

/** @type {import('jest').Config} */
export default {
  ...unit,
  testMatch: ['<rootDir>/src/core/**/*.spec.ts'],
  testPathIgnorePatterns: ['\\.propert(y|ies)\\.spec\\.ts$'],
  testTimeout: config.testTimeout,
};
