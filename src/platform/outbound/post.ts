import { lookup, type LookupAddress, type LookupOptions } from 'node:dns';
import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import type { LookupFunction } from 'node:net';
import { addressIn, isPublicAddress } from './public-address.js';

/** One POST to a server of somebody else's choosing. */
export interface OutboundPost {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** From the first look-up to the last byte of the answer. */
  readonly msMax: number;
  /** As much of the answer's body is read. */
  readonly answerBytesMax: number;
  /** Whether `http` and addresses that are not public are allowed: on one's own machine only. */
  readonly isPrivateAllowed: boolean;
}

export interface PostAnswer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  /** Null when it is longer than was asked for. */
  readonly body: string | null;
}

/** The address leads where no request of ours may go. */
export class ForbiddenAddressError extends Error {
  override readonly name = 'ForbiddenAddressError';
}

/**
 * Sends one POST and follows no redirect. The address is checked where the connection is made, so that a name cannot
 * lead elsewhere between the check and the call.
 *
 * @throws ForbiddenAddressError for an address that is not public; any other error means that no whole answer came
 */
export async function post(request: OutboundPost): Promise<PostAnswer> {
  const url = new URL(request.url);
  if (!request.isPrivateAllowed) refuseForbidden(url);
  const answer = await send(url, request);
  return {
    status: answer.statusCode ?? 0,
    headers: answer.headers,
    body: await readBody(answer, request.answerBytesMax),
  };
}

/** @throws ForbiddenAddressError for what is not https, or an address that is not public */
export function refuseForbidden(url: URL): void {
  if (url.protocol !== 'https:') throw new ForbiddenAddressError('only https is allowed');
  // For an address in place of a name nothing is looked up.
  const address = addressIn(url);
  if (address !== null && !isPublicAddress(address)) throw new ForbiddenAddressError('the address is not public');
}

function send(url: URL, { headers, body, msMax, isPrivateAllowed }: OutboundPost): Promise<IncomingMessage> {
  const { request } = url.protocol === 'https:' ? https : http;
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const sent = request(
    url,
    {
      method: 'POST',
      headers: { ...headers, 'content-length': Buffer.byteLength(body) },
      // A connection of its own: one that was kept could lead where the name no longer leads.
      agent: false,
      signal: AbortSignal.timeout(msMax),
      ...(isPrivateAllowed ? {} : { lookup: publicLookup }),
    },
    resolve,
  );
  sent.on('error', reject);
  sent.end(body);
  return promise;
}

/** Finds the address of a name; fails for one that leads anywhere but to public addresses. */
export const publicLookup: LookupFunction = (host, options, done) => {
  lookup(host, { ...(options as LookupOptions), all: true }, (error, addresses: LookupAddress[]) => {
    const [first] = addresses ?? [];
    if (error !== null || first === undefined) return done(error, '', 0);
    if (!addresses.every(({ address }) => isPublicAddress(address))) {
      return done(new ForbiddenAddressError('the name leads to an address that is not public'), '', 0);
    }
    if (options.all === true) return done(null, addresses);
    return done(null, first.address, first.family);
  });
};

/** @returns null when it is longer than `bytesMax` */
export async function readBody(answer: IncomingMessage, bytesMax: number): Promise<string | null> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    // Leaving the loop closes the connection.
    if (bytes > bytesMax) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
