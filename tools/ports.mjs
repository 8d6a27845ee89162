// TCP ports of this machine.
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** Systems take the ports of outgoing connections from above: 32768 on Linux, 49152 elsewhere. */
const BELOW_OUTGOING = [20_000, 32_000];
const TRIES_MAX = 100;

/** Whether this process could listen there now. */
export function isPortFree(port, host = '127.0.0.1') {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** A port on which nobody listens, and which no outgoing connection takes before its server does. */
export async function freePort() {
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    const port = randomInt(...BELOW_OUTGOING);
    if (await isPortFree(port)) return port;
  }
  throw new Error(`no free port from ${BELOW_OUTGOING.join(' to ')}`);
}
