import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One request as it came in. */
export interface ReceivedHook {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A real HTTP server that keeps what it was sent and answers as told. */
export async function startReceiver() {
  const received: ReceivedHook[] = [];
  let answer: (
    hook: ReceivedHook,
  ) => Parameters<RequestListener>[1] extends infer Response ? (response: Response) => unknown : never =
    () => (response) =>
      response.writeHead(200).end();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const hook = { path: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks).toString('utf8') };
      received.push(hook);
      answer(hook)(response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    received,
    port,
    url: (path = '/hook'): string => `http://127.0.0.1:${port}${path}`,
    /** What to answer from now on; JSON where a body is given. */
    answerWith(status: number, body?: unknown, headers: Readonly<Record<string, string>> = {}): void {
      const text = body === undefined ? '' : JSON.stringify(body);
      const type = body === undefined ? {} : { 'content-type': 'application/json; charset=utf-8' };
      answer = () => (response) => response.writeHead(status, { ...type, ...headers }).end(text);
    },
    /** What to answer to each request, or that its connection is cut. */
    answerAs(say: (hook: ReceivedHook) => number | 'cut'): void {
      answer = (hook) => (response) => {
        const said = say(hook);
        return said === 'cut' ? response.destroy() : response.writeHead(said).end();
      };
    },
    /** Takes requests and says nothing, or cuts the connection. */
    answerBy(way: 'silence' | 'cut'): void {
      answer = () => (response) => (way === 'cut' ? response.destroy() : undefined);
    },
    async stop(): Promise<void> {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export type Receiver = Awaited<ReturnType<typeof startReceiver>>;

/**
 * Whether a receiver may trust a message: Standard Webhooks, written anew from its specification with another crypto API
 * than the sender's.
 */
export async function isSignedBy(secret: string, { headers, body }: ReceivedHook): Promise<boolean> {
  const raw = Uint8Array.from(atob(secret.replace('whsec_', '')), (character) => character.charCodeAt(0));
  const key = await crypto.subtle.importKey('raw', raw, { name: 'HMAC', hash: 'SHA-256' }, false, ['verify']);
  const signed = new TextEncoder().encode(
    [headers['webhook-id'], headers['webhook-timestamp'], body].map(String).join('.'),
  );
  const age = Math.abs(Date.now() / 1000 - Number(headers['webhook-timestamp']));
  for (const entry of String(headers['webhook-signature']).split(' ')) {
    const [version, signature = ''] = entry.split(',');
    const given = Uint8Array.from(atob(signature), (character) => character.charCodeAt(0));
    if (version === 'v1' && age < 300 && (await crypto.subtle.verify('HMAC', key, given, signed))) return true;
  }
  return false;
}
