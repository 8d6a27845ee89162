/** A value that the set-up of this Jest project leaves for its specs. */
export function fromSetup(name: 'TEST_TEMPORAL_ADDRESS' | 'TEST_WORKFLOW_BUNDLE'): string {
  const value = process.env[name];
  if (!value)
    throw new Error(process.env['TEST_TEMPORAL_FAILURE'] ?? `${name} is unset: run the specs with "npm test"`);
  return value;
}

/** True in `npm run record:histories`. */
export const isRecording = process.env['RECORD_HISTORIES'] === '1';

/**
 * A block of specs that need the Temporal server. Where none can be had they are left out, loudly, and the rest still
 * runs; in CI they fail instead.
 */
export function describeOnTemporal(name: string, body: () => void): void {
  const failure = process.env['TEST_TEMPORAL_FAILURE'];
  if (!failure || process.env['CI']) return describe(name, body);
  console.warn(`LEFT OUT: "${name}" needs a Temporal server. ${failure}`);
  describe.skip(name, body);
}
