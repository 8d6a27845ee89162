import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { addSearchAttributes, startTemporal } from '../../tools/temporal.mjs';
import bundle from './bundle.setup.mjs';

/** A real Temporal server for the whole run, or the one named by TEMPORAL_ADDRESS; however many projects ask. */
export default async function () {
  await bundle();
  if (process.env.TEST_TEMPORAL_ADDRESS !== undefined || process.env.TEST_TEMPORAL_FAILURE !== undefined) return;
  const folder = mkdtempSync(path.join(tmpdir(), 'tactful-temporal-'));
  try {
    process.env.TEST_TEMPORAL_ADDRESS = process.env.TEMPORAL_ADDRESS ? await ownServer() : await newServer(folder);
  } catch (error) {
    // Thrown here, it would end the whole run, unit specs included: let the specs that need the server fail instead.
    process.env.TEST_TEMPORAL_FAILURE = error.message;
    rmSync(folder, { recursive: true, force: true });
  }
}

async function ownServer() {
  await addSearchAttributes({ address: process.env.TEMPORAL_ADDRESS, namespace: 'default' });
  return process.env.TEMPORAL_ADDRESS;
}

async function newServer(folder) {
  const server = await startTemporal({ dbFile: path.join(folder, 'temporal.db') });
  globalThis.temporalOfTests = { server, folder };
  return server.address;
}
