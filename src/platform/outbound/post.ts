import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { guardedRequest } from './guarded-request.js';

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
  readonly headers: IncomingHttpHeaders;
  /** Null when it is longer than was asked for. */
  readonly body: string | null;
}

/**
 * Sends one POST and follows no redirect. The address is checked where the connection is made, so that a name cannot
 * lead elsewhere between the check and the call.
 *
 * @throws ForbiddenAddressError for an address that is not public; any other error means that no whole answer came
 */
export async function post(request: OutboundPost): Promise<PostAnswer> {
  const answer = await send(request);
  return {
    status: answer.statusCode ?? 0,
    headers: answer.headers,
    body: await readBody(answer, request.answerBytesMax),
  };
}

function send({ url, headers, body, msMax, isPrivateAllowed }: OutboundPost): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const sent = guardedRequest(new URL(url), isPrivateAllowed, {
    method: 'POST',
    headers: { ...headers, 'content-length': Buffer.byteLength(body) },
    // A connection of its own: one that was kept could lead where the name no longer leads.
    agent: false,
    signal: AbortSignal.timeout(msMax),
  });
  sent.on('response', resolve).on('error', reject);
  sent.end(body);
  return promise;
}

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
