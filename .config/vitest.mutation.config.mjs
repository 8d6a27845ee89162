// What `npm run mutate` runs against every mutant: the specs of the pure core alone, so that no mutant needs a server, and
// of those not the properties, which take seconds for each of thousands of mutants: what they alone would notice survives.
// Vitest instead of Jest because it keeps the modules of a run: about 1 s a mutant instead of 6 (ADR 23).
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    globals: true,
    include: ['src/core/**/*.spec.ts'],
    exclude: ['**/*.propert{y,ies}.spec.ts'],
    testTimeout: 60_000,
    pool: 'threads',
    isolate: false,
  },
});
