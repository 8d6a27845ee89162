import { rmSync } from 'node:fs';

export default async function () {
  if (globalThis.temporalOfTests === undefined) return;
  const { server, folder } = globalThis.temporalOfTests;
  globalThis.temporalOfTests = undefined; // every project that asked for the server tears it down
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
}
