import { rmSync } from 'node:fs';

export default async function () {
  if (globalThis.postgresOfTests === undefined) return;
  const { server, folder } = globalThis.postgresOfTests;
  globalThis.postgresOfTests = undefined; // every project that asked for the server tears it down
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
}
